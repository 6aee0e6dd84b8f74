"""What the reports say of rows that are no sales: rejected days are not days without a sale (case 06)."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import re
import warnings
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from retail_assets.cleaning import exchange
from retail_assets.cleaning.latest import latest
from retail_assets.cleaning.parsed_files import parsed_rows
from retail_assets.cleaning.write import Target, write_rows
from retail_assets.contracts.loading import parse
from retail_assets.eda.data import EdaData
from retail_assets.eda.figures.calendar import daily_revenue, weekday_pattern
from retail_assets.eda.figures.parts import footnote
from retail_assets.eda.figures.render import FIGURES, lay_out
from retail_assets.eda.findings import calendar
from retail_assets.eda.insights import trust
from retail_assets.eda.insights.page import write_insights
from retail_assets.eda.landed import NAMES, Landed, count_landed, read_landed
from retail_assets.eda.summary import build_summary
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import STATUSES, CleanManifest, LakeFile, Status
from retail_assets.landing.inspection.inspect import inspect_file
from retail_assets.plotting.left_out import NothingToShow
from retail_assets.storage import Entry, Store
from retail_assets_tests.eda.conftest import Shop, analyse, sale

LANDED_ON = dt.date(2026, 10, 1)
CONTRACT = """
name: shop
timezone: America/New_York
country: US
currency: USD
start_date: 2025-01-01
columns:
  transaction_id: {header: ID, required: true}
  sold_at: {header: Date}
  customer_id: {header: Customer}
  product_category: {header: Category}
  quantity: {header: Qty}
  total_amount: {header: Total}
"""
FIRST = dt.date(2026, 9, 1)


def every_second_is_rejected() -> list[str]:
    """Thirty days with one row each; the amount of every second one has a tenth of a cent."""
    days = [FIRST + dt.timedelta(n) for n in range(30)]
    return [f"{n},{day},C{n % 7},Toys,1,{'10.005' if n % 2 else '10.00'}" for n, day in enumerate(days)]


def rows_of(lake: Lake, file: LakeFile) -> pa.Table:
    with lake.store.open(file.key) as handle:
        return pq.ParquetFile(handle).read()


def cleaned(folder: Path, rows: list[str]) -> tuple[Lake, EdaData]:
    """Clean a file in this process, and analyse what the lake has of it."""
    raw, lake = Store(str(folder / "raw")), Lake(Store(str(folder / "lake")), "shop")
    data = "\n".join(["ID,Date,Customer,Category,Qty,Total", *rows, ""]).encode()
    raw.write("f.csv", data)
    contract = parse(CONTRACT, "shop.yaml")
    profile = inspect_file(raw, Entry("f.csv", len(data), None), contract, LANDED_ON)
    parsed = [exchange.of_file(p, 0, LANDED_ON) for p in parsed_rows(raw, profile, contract, LANDED_ON)]
    target = Target(lake.store.uri, "shop", "run", contract.digest, ("f.csv",))
    written = write_rows(latest(pa.concat_tables(parsed), numbered=False), LANDED_ON, target)
    files = {
        status: tuple(
            LakeFile(w["key"], w["rows"], w["lines"], str(w["amount"]), w["size"])
            for w in written
            if w["status"] == status
        )
        for status in STATUSES
    }
    lake.publish_clean(CleanManifest("shop", LANDED_ON, "run", contract.digest, "digest", files))
    sales = [row for f in files["clean"] for row in rows_of(lake, f).to_pylist()]
    return lake, dataclasses.replace(analyse(sales), landed=read_landed(lake, lake.clean_landings()))


@pytest.fixture(scope="module")
def half(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, EdaData]:
    return cleaned(tmp_path_factory.mktemp("half"), every_second_is_rejected())


def test_every_landed_row_and_every_rejected_day_is_counted(half: tuple[Lake, EdaData]) -> None:
    landed = half[1].landed
    assert {name: landed.count(name) for name in ("clean", "quarantined")} == {"clean": 15, "quarantined": 15}
    assert landed.total == sum(landed.count(name) for name in NAMES) == 30
    assert landed.amount("clean") == Decimal("150.00")
    assert landed.rejected_days == {FIRST + dt.timedelta(n): 1 for n in range(1, 30, 2)}


def test_the_page_names_rejected_rows_and_days_are_not_days_without_a_sale(half: tuple[Lake, EdaData]) -> None:
    data = half[1]
    unsold = [d for d in (FIRST + dt.timedelta(n) for n in range(29)) if (d - FIRST).days % 2]
    assert (data.days_rejected, data.days_without_sale) == (tuple(unsold), ())
    page = write_insights(data, currency="USD", country="US")
    assert "(29 days, 14 of them with rejected rows only)" in page
    assert "without a sale)" not in page
    trusted = page.split("## How far to trust this")[1]
    assert "- Of 30 landed rows, 15 are clean, 15 are quarantined" in trusted
    assert "**15 of 30 landed rows (50.0 %) are in quarantine**" in trusted
    assert "**14 days** without a sale have rejected rows" in trusted
    assert "averages per day leave them out" in trusted
    assert "**14 days have rejected rows only**: what they sold is unknown, not zero." in page


def test_the_summary_adds_up_in_rows_and_days(half: tuple[Lake, EdaData]) -> None:
    data = half[1]
    rows = {"landed": data.landed.total, **data.landed.rows, "erased": 0, "current": data.overview.lines}
    summary = build_summary(data, rows)
    assert summary["rows"]["landed"] == sum(summary["rows"][name] for name in NAMES)
    assert summary["amounts"]["clean"] == summary["revenue"]["total"] == "150.00"
    assert summary["quarantined_without_amount"] == data.landed.without_amount
    assert summary["days"] == {"all": 29, "without_a_sale": 0, "with_rejected_rows_only": 14}


def test_figures_name_rejected_rows_and_mark_their_days(half: tuple[Lake, EdaData]) -> None:
    data = half[1]
    assert "Not in it: 15 quarantined of 30 landed rows." in footnote(data)
    figure = daily_revenue(data, "USD", "US").figure
    texts = " ".join(t.get_text() for t in figure.texts).replace("\n", " ")
    assert "14 days with rejected rows only: unknown, so in no average." in texts
    assert "The average day brings USD 10.00" in texts
    assert "days without a sale." not in texts
    assert "Crosses: days without a sale of which rows were rejected." in texts.replace("  ", " ").replace("\n", " ")
    [crosses] = [line for line in figure.axes[0].lines if line.get_marker() == "x"]
    assert len(list(crosses.get_xdata())) == 14  # type: ignore[arg-type]


def test_a_weekday_of_which_all_rows_were_rejected_is_not_called_closed(shop: Shop) -> None:
    monday = dt.datetime(2024, 1, 1, 12)
    open_days = [n for n in range(70) if n % 7 != 6]
    rows = [sale(n, sold_at=monday + dt.timedelta(n)) for n in open_days]
    sundays = {(monday + dt.timedelta(n)).date(): 1 for n in range(6, 63, 7)}
    lost = dataclasses.replace(shop(rows), landed=Landed({"clean": 60, "quarantined": 9}, rejected_days=sundays))
    texts = " ".join(t.get_text() for t in weekday_pattern(lost, "USD", None).figure.texts).replace("\n", " ")
    assert re.search(r"Rows of Sun\w* were rejected\.", texts)
    known = weekday_pattern(shop(rows), "USD", None).figure.texts
    assert "rejected" not in " ".join(t.get_text() for t in known)


def steady(shop: Shop, lost: set[int], days: int = 140) -> tuple[EdaData, EdaData]:
    """A shop that sells for 70 a day, 140 on Sundays: without the `lost` days, and with them as rejected rows."""
    monday = dt.datetime(2024, 1, 1, 12)
    rows = [
        sale(n, sold_at=monday + dt.timedelta(n), total_amount=140 if n % 7 == 6 else 70)
        for n in range(days)
        if n not in lost
    ]
    data = shop(rows)
    rejected = {(monday + dt.timedelta(n)).date(): 2 for n in lost}
    landed = Landed({"clean": len(rows), "quarantined": 2 * len(lost)}, rejected_days=rejected)
    return data, dataclasses.replace(data, landed=landed)


def test_averages_weekdays_months_and_the_trend_leave_out_days_whose_rows_were_all_rejected(shop: Shop) -> None:
    zeros, unknown = steady(shop, set(range(30, 60)))
    assert calendar.weekdays(unknown).mean.tolist() == [70.0] * 6 + [140.0]
    assert calendar.weekdays(zeros).mean[0] < 70 == calendar.weekdays(unknown).mean[0]
    assert calendar.trend(zeros) != calendar.trend(unknown)
    assert calendar.trend(unknown).slope == 0
    assert calendar.trend(unknown).weeks == 15
    by_month = {m.start.month: m.mean for m in calendar.months(unknown).months}
    assert min(by_month.values()) > 70
    assert min(m.mean for m in calendar.months(zeros).months) < 10
    assert calendar.weekend(unknown).weekday == 70
    assert "brings USD 80" in daily_revenue(unknown, "USD", None).figure.texts[0].get_text().replace("\n", " ")


def test_a_month_of_unknown_days_only_is_in_no_comparison(shop: Shop) -> None:
    _, unknown = steady(shop, set(range(30, 62)))
    assert [m.start.month for m in calendar.months(unknown).months] == [1, 3, 4, 5]


@pytest.mark.slow
def test_every_figure_and_sentence_of_unknown_days_is_defined(shop: Shop) -> None:
    for lost in (set(range(1, 139)), set(range(3, 139, 2)), set(range(6, 139, 7)), {10}):
        _, unknown = steady(shop, lost)
        page = write_insights(unknown, currency="USD", country="US")
        assert not re.search(r"\b(nan|inf|None|NaN|NaT|not known per)\b", page)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for stem in FIGURES:
                with contextlib.suppress(NothingToShow):
                    lay_out(stem, unknown, "USD", "US")


def test_days_that_are_out_of_range_are_not_days_of_sale(tmp_path: Path) -> None:
    rows = [*every_second_is_rejected()[:3], "77,2031-01-01,C,Toys,1,5.00", "78,nonsense,C,Toys,1,5.00"]
    landed = cleaned(tmp_path, rows)[1].landed
    assert landed.count("quarantined") == 3
    assert landed.rejected_days == {FIRST + dt.timedelta(1): 1}


def test_a_quarantine_of_version_0_1_0_has_no_days_but_its_rows_count(
    half: tuple[Lake, EdaData], tmp_path: Path
) -> None:
    lake = half[0]
    manifest = lake.clean(LANDED_ON)
    older = Lake(Store(str(tmp_path)), "shop")
    [file] = manifest.files["quarantine"]
    rows = rows_of(lake, file).drop_columns("sale_date")
    with older.store.writing(file.key) as sink:
        pq.write_table(rows, sink)
    older.publish_clean(manifest)
    landed = read_landed(older, older.clean_landings())
    assert (landed.count("quarantined"), landed.rejected_days) == (15, {})
    assert landed.without_amount == pc.sum(pc.is_null(rows["total_amount"])).as_py()


def test_nothing_is_said_where_every_row_is_a_sale(shop: Shop) -> None:
    data = dataclasses.replace(shop([sale(1)]), landed=Landed({"clean": 1}, {"clean": Decimal("10.00")}))
    assert trust.sentences(data, "USD") == []
    assert "Not in it" not in footnote(data)


def test_a_page_without_sales_says_what_was_rejected(shop: Shop) -> None:
    landed = Landed({"clean": 0, "quarantined": 3}, {"quarantined": Decimal("12.50")}, without_amount=1)
    page = write_insights(dataclasses.replace(shop([]), landed=landed), currency="USD", country=None)
    assert "There are no sales yet" in page
    assert "**3 of 3 landed rows (100 %) are in quarantine**: USD 12.50 that no number here includes, and 1 row" in page


def test_excluded_rows_are_named_with_their_money_and_share(shop: Shop) -> None:
    landed = Landed({"clean": 1, "excluded": 3}, {"clean": Decimal("10.00"), "excluded": Decimal("60.00")})
    data = dataclasses.replace(shop([sale(1)]), landed=landed)
    said = " ".join(map(str, trust.sentences(data, "USD")))
    assert "**3 of 4 landed rows (75.0 %) are excluded** by the rules of the contract: USD 60.00." in said
    assert "Not in it: 3 excluded of 4 landed rows." in footnote(data)


def test_statuses_and_money_of_the_landings_are_added_up() -> None:
    files: dict[Status, tuple[LakeFile, ...]] = {
        status: (LakeFile("k", n, n, f"{n}.50", 1),) for n, status in enumerate(STATUSES, 1)
    }
    manifest = CleanManifest("shop", LANDED_ON, "r", "c", "d", files)
    landed = count_landed([manifest, manifest])
    assert landed.total == 2 * manifest.landed_rows
    assert [landed.amount(name) for name in NAMES] == [2 * manifest.amount(status) for status in STATUSES]
