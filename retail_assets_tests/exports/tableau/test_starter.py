"""The starter workbook: every field, table and sheet that its XML names exists, on the extract in its own folder."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pantab
import pytest

from retail_assets.exports import TABLEAU_EXTRACT, TABLEAU_WORKBOOK
from retail_assets.exports.tableau.contents import CONTENTS
from retail_assets.exports.tableau.sheets import DASHBOARDS
from retail_assets.exports.tableau.starter import starter_workbook
from retail_assets.exports.tableau.write import write_tableau
from retail_assets.storage import Store
from retail_assets_tests.exports.tableau.shops import HOSTILE, hostile_sales, whole

ALL = [content.table.name for content in CONTENTS]
USER = "{http://www.tableausoftware.com/xml/user}"

#: Order of the children of an element, of those that the workbook uses, in Tableau's schema of version 26.1.
ORDER = {
    "workbook": [
        "document-format-change-manifest",
        "preferences",
        "datasources",
        "worksheets",
        "dashboards",
        "windows",
    ],
    "datasource": ["connection", "aliases", "column", "layout"],
    "worksheet": ["layout-options", "table", "simple-id"],
    "table": ["view", "style", "panes", "rows", "cols"],
    "view": ["datasources", "datasource-dependencies", "filter", "computed-sort", "slices", "aggregation", "breakdown"],
    "pane": ["view", "mark", "encodings"],
    "datasource-dependencies": ["column", "column-instance"],
    "dashboard": ["style", "size", "zones", "simple-id"],
    "window": ["viewpoints", "active", "cards", "simple-id"],
    "connection": ["named-connections", "relation", "metadata-records"],
}


def workbook(there: list[str] = ALL) -> ET.Element:
    return ET.fromstring(starter_workbook("retail.hyper", "shop", there))


def test_every_field_exists_in_the_extract_that_lies_beside_it(tmp_path: Path) -> None:
    output = Store(str(tmp_path / "output"))
    write_tableau(whole(tmp_path, hostile_sales()), output, "shop", "EUR", 10**6)
    content = output.read(TABLEAU_WORKBOOK)
    assert not any(name.strip() and name in content.decode() for name in HOSTILE)
    root = ET.fromstring(content)
    path = output.local_path(TABLEAU_EXTRACT)
    frames = pantab.frames_from_hyper(path, return_type="pyarrow", process_params={"log_dir": str(tmp_path)})
    columns = {name[1]: set(rows.column_names) for name, rows in frames.items()}
    sources = {}
    for source in root.iterfind("datasources/datasource"):
        connection = source.find("connection/named-connections/named-connection/connection")
        assert connection is not None
        assert (path.parent / connection.attrib["dbname"]).is_file()
        [relation] = source.iterfind("connection/relation")
        [table] = re.findall(r"\[Extract\]\.\[(\w+)\]", relation.attrib["table"])
        assert {c.attrib["name"][1:-1] for c in source.iterfind("column")} == columns[table]
        remote = [record.findtext("remote-name") for record in source.iter("metadata-record")]
        assert set(remote) == columns[table]
        sources[source.attrib["name"]] = columns[table]
    used = 0
    for sheet in root.iterfind("worksheets/worksheet"):
        dependencies = sheet.find("table/view/datasource-dependencies")
        assert dependencies is not None
        source_name = dependencies.attrib["datasource"]
        known = sources[source_name]
        instances = set()
        for instance in dependencies.iterfind("column-instance"):
            assert instance.attrib["column"][1:-1] in known
            assert instance.attrib["column"] in {c.attrib["name"] for c in dependencies.iterfind("column")}
            instances.add(instance.attrib["name"])
        texts = [e.text or "" for e in sheet.iter() if e.tag in ("rows", "cols", "column")]
        texts += [
            value for e in sheet.iter() for name, value in e.attrib.items() if name in ("column", "using", "member")
        ]
        for source, field in re.findall(r"\[(federated\.\w+)\]\.(\[[^\]]+\])", " ".join(texts)):
            assert source == source_name
            assert field in instances | {"[:Measure Names]", "[Multiple Values]"}, sheet.attrib["name"]
            used += 1
        for level in (e.attrib["level"] for e in sheet.iter("groupfilter") if "level" in e.attrib):
            assert level in instances | {"[:Measure Names]"}
    assert used > 30


def test_it_has_four_dashboards_of_sheets_that_exist() -> None:
    root = workbook()
    sheets = {sheet.attrib["name"] for sheet in root.iterfind("worksheets/worksheet")}
    dashboards = {
        d.attrib["name"]: [z.attrib["name"] for z in d.iter("zone") if "name" in z.attrib]
        for d in root.iterfind("dashboards/dashboard")
    }
    assert list(dashboards) == ["Sales", "Forecast", "Customers", "Stores and quality"]
    assert {name for names in dashboards.values() for name in names} == sheets
    assert sum(map(len, dashboards.values())) == len(sheets), "a sheet's name is its identity"
    windows = [(w.attrib["class"], w.attrib["name"]) for w in root.iterfind("windows/window")]
    assert windows == [
        *(("dashboard", d) for d in dashboards),
        *(("worksheet", s.name) for d in DASHBOARDS for s in d.sheets),
    ]
    ids = [element.attrib["uuid"] for element in root.iter("simple-id")]
    assert len(set(ids)) == len(ids) == len(sheets) * 2 + len(dashboards) * 2


def test_zones_fill_the_page_and_do_not_overlap() -> None:
    for zones in workbook().iterfind("dashboards/dashboard/zones"):
        parts = [{k: int(z.attrib[k]) for k in "xywh"} for z in zones.iter("zone") if "name" in z.attrib]
        assert sum(p["w"] * p["h"] for p in parts) > 0.99 * 100_000**2
        for n, a in enumerate(parts):
            for b in parts[n + 1 :]:
                apart = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
                assert apart or a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]


def test_the_forecast_is_shown_with_both_intervals_of_the_total_alone() -> None:
    [sheet] = [s for s in workbook().iterfind("worksheets/worksheet") if "prediction intervals" in s.attrib["name"]]
    members = [g.attrib["member"] for g in sheet.iter("groupfilter") if "member" in g.attrib]
    assert [m.rpartition("[")[2] for m in members[:-1]] == [
        f'sum:{name}:qk]"' for name in ("mean", "p025", "p10", "p90", "p975")
    ]
    assert members[-1] == '"TOTAL"'


def test_the_elements_stand_in_the_order_of_the_schema() -> None:
    """Checked against Tableau's own schema by hand (docs/tableau.md); here it is kept."""
    root = workbook()
    for element in root.iter():
        if element.tag in ORDER and len(element):
            if element.tag == "datasource" and "caption" in element.attrib and not element.findall("connection"):
                continue
            places = [ORDER[element.tag].index(child.tag) for child in element]
            assert places == sorted(places), element.tag
    assert root.attrib["version"] == root.attrib["original-version"] == "26.1"
    assert [child.tag for child in root[0]] == ["ManifestByVersion"]


@pytest.mark.parametrize("missing", ["sales_forecast", "segment_profiles", "daily_store_category_sales"])
def test_sheets_on_tables_that_are_not_there_are_left_out(missing: str) -> None:
    root = workbook([name for name in ALL if name != missing])
    assert missing not in {source.attrib["caption"] for source in root.iterfind("datasources/datasource")}
    sheets = {sheet.attrib["name"] for sheet in root.iterfind("worksheets/worksheet")}
    expected = {s.name for d in DASHBOARDS for s in d.sheets if s.table.name != missing}
    assert sheets == expected
    assert all(list(d.iter("zone"))[1:] for d in root.iterfind("dashboards/dashboard"))


def test_the_same_extract_gives_the_same_workbook() -> None:
    assert starter_workbook("retail.hyper", "shop", ALL) == starter_workbook("retail.hyper", "shop", ALL[::-1])
