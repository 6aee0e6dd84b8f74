"""The starter workbook: the XML of `retail.twb`, made from `sheets`, on the extract in the same folder.

The elements are those of Tableau's published schema of version 26.1; `ManifestByVersion` lets that version and later
ones open it. Nothing from the data gets into it: names of columns and sheets are those of this package.
"""

from __future__ import annotations

import uuid
import xml.etree.ElementTree as ET
from collections.abc import Collection, Iterable

from retail_assets.exports.tableau.contents import ABOUT
from retail_assets.exports.tableau.sheets import Dashboard, Field, Only, Sheet, Use, dashboards_on
from retail_assets.tables import Column, Table
from retail_assets.warehouse.semantics import role

VERSION = "26.1"
_USER = "http://www.tableausoftware.com/xml/user"
_NAMES = uuid.UUID("6f3c5d0e-1d3a-4b57-9d53-3f1f5a3c2b77")

#: How a field is used -> (prefix of its name, derivation, type, its suffix).
_USES: dict[Use, tuple[str, str, str, str]] = {
    "none": ("none", "None", "nominal", "nk"),
    "date": ("none", "None", "ordinal", "ok"),
    "sum": ("sum", "Sum", "quantitative", "qk"),
    "avg": ("avg", "Avg", "quantitative", "qk"),
    "cnt": ("cnt", "Count", "quantitative", "qk"),
    "day": ("tdy", "Day-Trunc", "quantitative", "qk"),
    "week": ("twk", "Week-Trunc", "quantitative", "qk"),
    "month": ("tmn", "Month-Trunc", "quantitative", "qk"),
    "weekday": ("wd", "Weekday", "ordinal", "ok"),
}
_WIDTH, _HEIGHT = 1200, 800
_WHOLE = 100_000  # zones are measured in parts of the page
_MEASURES = "[:Measure Names]"


def starter_workbook(extract: str, source: str, there: Collection[str]) -> bytes:
    """Return the workbook as XML.

    Parameters
    ----------
    extract
        Name of the extract's file, in the workbook's folder.
    source
        Name of the shop's contract, for titles.
    there
        Names of the tables in the extract; sheets on others are left out.
    """
    dashboards = dashboards_on(frozenset({*there, ABOUT.name}))
    sheets = [sheet for dashboard in dashboards for sheet in dashboard.sheets]
    root = ET.Element(
        "workbook",
        {
            "original-version": VERSION,
            "source-build": "0.0.0 (0000.0.0.0)",
            "source-platform": "win",
            "version": VERSION,
        },
    )
    ET.SubElement(ET.SubElement(root, "document-format-change-manifest"), "ManifestByVersion")
    ET.SubElement(root, "preferences")
    sources = ET.SubElement(root, "datasources")
    for table in dict.fromkeys(sheet.table for sheet in sheets):
        sources.append(_datasource(table, extract))
    worksheets = ET.SubElement(root, "worksheets")
    worksheets.extend(_worksheet(sheet, source) for sheet in sheets)
    pages = ET.SubElement(root, "dashboards")
    pages.extend(_dashboard(dashboard) for dashboard in dashboards)
    windows = ET.SubElement(root, "windows")
    for dashboard in dashboards:
        windows.append(_window("dashboard", dashboard.name, dashboard.sheets, first=dashboard is dashboards[0]))
    windows.extend(_window("worksheet", sheet.name, ()) for sheet in sheets)
    ET.register_namespace("user", _USER)
    ET.indent(root)
    return b"<?xml version='1.0' encoding='utf-8' ?>\n" + ET.tostring(root, encoding="utf-8") + b"\n"


def field_name(field: Field) -> str:
    """Return the name of a field's instance.

    >>> field_name(Field("revenue", "sum"))
    '[sum:revenue:qk]'
    """
    prefix, _, _, suffix = _USES[field.use]
    return f"[{prefix}:{field.column}:{suffix}]"


def _source_name(table: Table) -> str:
    return f"federated.{uuid.uuid5(_NAMES, table.name).hex[:26]}"


def _connection_name(table: Table) -> str:
    return f"hyper.{uuid.uuid5(_NAMES, f'connection of {table.name}').hex[:26]}"


def _of(table: Table, field: str) -> str:
    return f"[{_source_name(table)}].{field}"


def _datatype(column: Column) -> str:
    """The type of a column in Tableau."""
    if column.type.startswith("varchar"):
        return "string"
    if column.type in ("bigint", "integer"):
        return "integer"
    return {"date": "date", "timestamp": "datetime", "boolean": "boolean"}.get(column.type, "real")


def _column(table: Table, column: Column) -> ET.Element:
    kind = _datatype(column)
    measure = role(table, column) == "number"
    types = {"date": "ordinal", "datetime": "ordinal", "integer": "ordinal", "real": "ordinal"}
    return ET.Element(
        "column",
        {
            "caption": column.name.replace("_", " ").capitalize(),
            "datatype": kind,
            "name": f"[{column.name}]",
            "role": "measure" if measure else "dimension",
            "type": "quantitative" if measure else types.get(kind, "nominal"),
        },
    )


#: Type of a column in Tableau -> its number in OLE DB, which Tableau's metadata use.
_REMOTE = {"string": "129", "integer": "20", "real": "5", "date": "133", "datetime": "135", "boolean": "11"}


def _datasource(table: Table, extract: str) -> ET.Element:
    source = ET.Element(
        "datasource", {"caption": table.name, "inline": "true", "name": _source_name(table), "version": VERSION}
    )
    connection = ET.SubElement(source, "connection", {"class": "federated"})
    named = ET.SubElement(
        ET.SubElement(connection, "named-connections"),
        "named-connection",
        {"caption": extract.removesuffix(".hyper"), "name": _connection_name(table)},
    )
    ET.SubElement(
        named,
        "connection",
        {
            "authentication": "auth-none",
            "author-locale": "en_US",
            "class": "hyper",
            "dbname": extract,
            "default-settings": "yes",
            "schema": "Extract",
            "sslmode": "",
            "tablename": table.name,
            "username": "",
        },
    )
    ET.SubElement(
        connection,
        "relation",
        {
            "connection": _connection_name(table),
            "name": table.name,
            "table": f"[Extract].[{table.name}]",
            "type": "table",
        },
    )
    records = ET.SubElement(connection, "metadata-records")
    for place, column in enumerate(table.columns):
        records.append(_metadata(table, column, place))
    ET.SubElement(source, "aliases", {"enabled": "yes"})
    source.extend(_column(table, column) for column in table.columns)
    ET.SubElement(
        source, "layout", {"dim-ordering": "alphabetic", "measure-ordering": "alphabetic", "show-structure": "true"}
    )
    return source


def _metadata(table: Table, column: Column, place: int) -> ET.Element:
    kind = _datatype(column)
    aggregation = {"integer": "Sum", "real": "Sum", "date": "Year", "datetime": "Year"}.get(kind, "Count")
    record = ET.Element("metadata-record", {"class": "column"})
    for tag, text in (
        ("remote-name", column.name),
        ("remote-type", _REMOTE[kind]),
        ("local-name", f"[{column.name}]"),
        ("parent-name", f"[{table.name}]"),
        ("remote-alias", column.name),
        ("ordinal", str(place)),
        ("local-type", kind),
        ("aggregation", aggregation),
        ("contains-null", str(column.nullable).lower()),
    ):
        ET.SubElement(record, tag).text = text
    return record


def _worksheet(sheet: Sheet, source: str) -> ET.Element:
    worksheet = ET.Element("worksheet", {"name": sheet.name})
    title = ET.SubElement(ET.SubElement(worksheet, "layout-options"), "title")
    ET.SubElement(ET.SubElement(title, "formatted-text"), "run").text = f"{sheet.name} ({source})"
    table = ET.SubElement(worksheet, "table")
    view = ET.SubElement(table, "view")
    name = _source_name(sheet.table)
    ET.SubElement(ET.SubElement(view, "datasources"), "datasource", {"caption": sheet.table.name, "name": name})
    view.append(_dependencies(sheet))
    several = len(sheet.measures) > 1
    if several:
        view.append(_measures_filter(sheet))
    if sheet.only:
        view.append(_filter(sheet, sheet.only))
    if sheet.sorted:
        ET.SubElement(
            view,
            "computed-sort",
            {
                "column": _of(sheet.table, field_name(sheet.by[0])),
                "direction": "DESC",
                "using": _of(sheet.table, field_name(sheet.measures[0])),
            },
        )
    slices = [_MEASURES] if several else []
    slices += [field_name(Field(sheet.only.column))] if sheet.only else []
    if slices:
        element = ET.SubElement(view, "slices")
        for each in slices:
            ET.SubElement(element, "column").text = _of(sheet.table, each)
    ET.SubElement(view, "aggregation", {"value": "true"})
    ET.SubElement(table, "style")
    pane = ET.SubElement(
        ET.SubElement(table, "panes"), "pane", {"selection-relaxation-option": "selection-relaxation-allow"}
    )
    ET.SubElement(ET.SubElement(pane, "view"), "breakdown", {"value": "auto"})
    ET.SubElement(pane, "mark", {"class": sheet.mark})
    measure = "[Multiple Values]" if several else field_name(sheet.measures[0])
    if several:
        ET.SubElement(ET.SubElement(pane, "encodings"), "color", {"column": _of(sheet.table, _MEASURES)})
    elif sheet.mark == "Text":
        ET.SubElement(ET.SubElement(pane, "encodings"), "text", {"column": _of(sheet.table, measure)})
    by = _nested(_of(sheet.table, field_name(field)) for field in sheet.by)
    value = "" if sheet.mark == "Text" else _of(sheet.table, measure)
    ET.SubElement(table, "rows").text = value if sheet.across else by
    ET.SubElement(table, "cols").text = by if sheet.across else value
    _simple_id(worksheet, f"sheet {sheet.name}")
    return worksheet


def _nested(names: Iterable[str]) -> str:
    """Fields on one shelf, the first outermost: `(a / (b / c))`."""
    *outer, inner = names
    for name in reversed(outer):
        inner = f"({name} / {inner})"
    return inner


def _dependencies(sheet: Sheet) -> ET.Element:
    element = ET.Element("datasource-dependencies", {"datasource": _source_name(sheet.table)})
    fields = dict.fromkeys((*sheet.by, *sheet.measures, *([Field(sheet.only.column)] if sheet.only else [])))
    used = {field.column for field in fields}
    element.extend(_column(sheet.table, column) for column in sheet.table.columns if column.name in used)
    for field in fields:
        _, derivation, kind, _ = _USES[field.use]
        ET.SubElement(
            element,
            "column-instance",
            {
                "column": f"[{field.column}]",
                "derivation": derivation,
                "name": field_name(field),
                "pivot": "key",
                "type": kind,
            },
        )
    return element


def _measures_filter(sheet: Sheet) -> ET.Element:
    element = ET.Element("filter", {"class": "categorical", "column": _of(sheet.table, _MEASURES)})
    union = ET.SubElement(element, "groupfilter", {"function": "union", f"{{{_USER}}}op": "manual"})
    for field in sheet.measures:
        ET.SubElement(
            union,
            "groupfilter",
            {"function": "member", "level": _MEASURES, "member": f'"{_of(sheet.table, field_name(field))}"'},
        )
    return element


def _filter(sheet: Sheet, only: Only) -> ET.Element:
    level = field_name(Field(only.column))
    element = ET.Element("filter", {"class": "categorical", "column": _of(sheet.table, level)})
    member = {"function": "member", "level": level, "member": f'"{only.value}"'}
    if only.without:
        kept = ET.SubElement(element, "groupfilter", {"function": "except"})
        ET.SubElement(kept, "groupfilter", {"function": "level-members", "level": level})
        ET.SubElement(kept, "groupfilter", member)
    else:
        ET.SubElement(element, "groupfilter", member)
    return element


def _dashboard(dashboard: Dashboard) -> ET.Element:
    element = ET.Element("dashboard", {"name": dashboard.name})
    ET.SubElement(element, "style")
    size = {"maxheight": _HEIGHT, "maxwidth": _WIDTH, "minheight": _HEIGHT, "minwidth": _WIDTH}
    ET.SubElement(element, "size", {name: str(value) for name, value in size.items()})
    whole = ET.SubElement(ET.SubElement(element, "zones"), "zone", _zone(1, 0, 0, _WHOLE, _WHOLE))
    whole.set("type-v2", "layout-basic")
    rows = [dashboard.sheets[n : n + 2] for n in range(0, len(dashboard.sheets), 2)]
    number = 2
    for r, row in enumerate(rows):
        for c, sheet in enumerate(row):
            height, width = _WHOLE // len(rows), _WHOLE // len(row)
            zone = ET.SubElement(whole, "zone", _zone(number, c * width, r * height, width, height))
            zone.set("name", sheet.name)
            number += 1
    _simple_id(element, f"dashboard {dashboard.name}")
    return element


def _zone(number: int, x: int, y: int, width: int, height: int) -> dict[str, str]:
    return {"h": str(height), "id": str(number), "w": str(width), "x": str(x), "y": str(y)}


def _window(kind: str, name: str, sheets: Iterable[Sheet], *, first: bool = False) -> ET.Element:
    window = ET.Element("window", {"class": kind, **({"maximized": "true"} if first else {}), "name": name})
    if kind == "dashboard":
        viewpoints = ET.SubElement(window, "viewpoints")
        for sheet in sheets:
            ET.SubElement(viewpoints, "viewpoint", {"name": sheet.name})
        ET.SubElement(window, "active", {"id": "-1"})
    else:
        cards = ET.SubElement(window, "cards")
        left = ET.SubElement(ET.SubElement(cards, "edge", {"name": "left"}), "strip", {"size": "160"})
        for card in ("pages", "filters", "marks"):
            ET.SubElement(left, "card", {"type": card})
        top = ET.SubElement(cards, "edge", {"name": "top"})
        for card in ("columns", "rows", "title"):
            ET.SubElement(ET.SubElement(top, "strip", {"size": "2147483647"}), "card", {"type": card})
    _simple_id(window, f"window {name}")
    return window


def _simple_id(element: ET.Element, name: str) -> None:
    ET.SubElement(element, "simple-id", {"uuid": f"{{{str(uuid.uuid5(_NAMES, name)).upper()}}}"})
