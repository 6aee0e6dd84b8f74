"""Figures, page, table and summary: right on ordinary sales, defined and honest on odd ones."""

from __future__ import annotations

import csv
import datetime as dt
import functools
import io
import re
import struct
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail_assets.eda.data import EdaData
from retail_assets.eda.figures.render import FIGURES, lay_out, render_all
from retail_assets.eda.insights.page import write_insights
from retail_assets.eda.landed import count_landed
from retail_assets.eda.statistics import COLUMNS, statistics_csv, statistics_rows, statistics_table
from retail_assets.eda.summary import ROW_COUNTS, build_summary, count_rows
from retail_assets.lake.manifests import STATUSES, CleanManifest, LakeFile
from retail_assets.plotting.image import thumbnail
from retail_assets.plotting.left_out import Figures, draw_each
from retail_assets.storage.csv_cells import safe_cell
from retail_assets.tables import SUMMARY_STATISTICS
from retail_assets.wording import sales_calendar, sales_products, sales_titles
from retail_assets.wording.sales_customers import Group
from retail_assets_tests.eda.conftest import Shop, analyse, sale
from retail_assets_tests.eda.sales_cases import CASES, START, Rows, days, lively

ROWS = dict.fromkeys(ROW_COUNTS, 0) | {"landed": 5, "clean": 3, "quarantined": 1, "superseded": 1, "current": 3}
DRAWN = ("nothing", "one row", "names", "returns outweigh")  # drawing costs; the others are laid out only


def left_out(data: EdaData) -> dict[str, str]:
    """Why figures of the sales are left out; the others are laid out and not drawn."""

    def laid_out(stem: str) -> bytes:
        lay_out(stem, data, "$", "US")
        return b""

    return draw_each({f"{stem}.png": functools.partial(laid_out, stem) for stem in FIGURES}).left_out


@pytest.fixture(params=CASES, scope="module")
def case(request: pytest.FixtureRequest) -> tuple[str, EdaData]:
    return request.param, analyse(CASES[request.param]())


def test_every_figure_is_drawn_or_left_out_with_a_reason(case: tuple[str, EdaData]) -> None:
    name, data = case
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        reasons = left_out(data)
        drawn = render_all(data, currency="$", country="US") if name in DRAWN else Figures({}, reasons)
    assert all(reasons.values())
    assert drawn.left_out == reasons
    if name in DRAWN:
        assert list(drawn) == [f"{stem}.png" for stem in FIGURES if f"{stem}.png" not in reasons]
    for png in drawn.values():
        assert png.startswith(b"\x89PNG")
        assert struct.unpack(">II", png[16:24]) == (1100, 649)


def test_the_page_never_holds_a_number_that_is_none(case: tuple[str, EdaData]) -> None:
    page = write_insights(case[1], currency="EUR", country="US")
    assert page.startswith("# What the sales show\n")
    assert page.endswith("\n")
    assert not re.search(r"\b(nan|inf|None|NaN|NaT)\b", page)


_MORE_OR_LESS = r"\b(more|less|most|least|fewer|higher|lower|highest|lowest|strongest|weakest|rise|dip|peak)\b"
_EQUAL = r"(?<!times )(?<!least )as much\b|\b(?:as often|equally|alike|the same as)\b"


def contradictions(text: str) -> list[str]:
    """Clauses in which two things are both unequal and equal."""
    clauses = re.split(r"(?<=[.;:])\s|\n|, (?:and|but) ", text)
    return [c for c in clauses if re.search(_MORE_OR_LESS, c, re.I) and re.search(_EQUAL, c)]


def almost_equal() -> Rows:
    """Make two categories of nearly as many orders, and months and weekdays that differ little, always the same way."""
    rows = []
    for number in range(500):
        at = START + dt.timedelta(days=number)
        amount = 1000 + 2 * (at.weekday() >= 5) + 3 * (at.month == 12) + number % 2
        rows += [sale(2 * number, sold_at=at, product_category="Dear", total_amount=amount)] * (number % 40 > 0)
        rows += [sale(2 * number + 1, sold_at=at, product_category="Cheap", total_amount=5)]
    return rows


@pytest.fixture(scope="module")
def nearly() -> EdaData:
    return analyse(almost_equal())


def test_no_clause_of_a_page_calls_two_things_both_unequal_and_equal(nearly: EdaData) -> None:
    for data in (nearly, analyse(lively())):
        page = write_insights(data, currency="EUR", country="US")
        assert not contradictions(page)
    assert "It is bought almost as often as **Cheap** (487 against 500 orders)" in write_insights(
        nearly, currency="EUR", country="US"
    )
    assert contradictions("It is bought less often than B, which earns 3 %, the two are bought almost equally often")


def test_no_title_of_a_figure_calls_two_things_both_unequal_and_equal(nearly: EdaData) -> None:
    given = [stem for stem in FIGURES if f"{stem}.png" not in left_out(nearly)]
    laid_out = [lay_out(stem, nearly, "EUR", "US").figure for stem in given]
    titles = [figure.texts[0].get_text().replace("\n", " ") for figure in laid_out]
    assert len(titles) >= 8
    assert not [t for t in titles if contradictions(t)]
    assert "Dear earns most (99.5 %), and is bought about as often as Cheap (487 orders against 500)" in titles


@pytest.mark.parametrize(("rival", "orders"), [("Cheap", 102), ("Cheap", 150), ("Other", 102), (None, None)])
def test_categories_that_earn_alike_are_not_ranked(rival: str | None, orders: int | None) -> None:
    """ "Electronics earns most" was a lead of USD 1,325 of 156,905."""
    title = sales_titles.performance(
        category="Dear", share=0.344, orders=100, order_share=0.342, rival=rival, rival_orders=orders,
        second="Cheap", second_share=0.341, only=False,
    )  # fmt: skip
    assert str(title).startswith("Dear earns about as much as Cheap (34.4 % against 34.1 %)")
    assert not contradictions(str(title))
    page = sales_products.largest_category(
        category="Dear", share=0.344, revenue=344.0, order_share=0.3, orders=100, rival=None, rival_orders=None,
        rival_share=None, second="Cheap", second_revenue=341.0, currency="EUR",
    )  # fmt: skip
    assert str(page).startswith("**Dear earns about as much as Cheap**: 34.4 % of revenue")
    assert not contradictions(str(page))


def test_an_hour_a_group_or_a_holiday_that_leads_by_chance_does_not_stand_alone() -> None:
    hours = {"start": "14:00", "end": "20:00", "share": 0.531, "weekday": "Sunday", "hour": "13:00-14:00"}
    busy = [
        str(sales_titles.busy_hours(**hours, revenue=1513.0, clear=True, alone=a, currency="USD"))
        for a in (True, False)
    ]
    assert busy[0].startswith("Sunday 13:00-14:00 brings most (")
    assert busy[1].startswith("Sunday 13:00-14:00 is among the hours that bring most (")
    age = {"high": Group("35-44", 190), "high_spend": 3734.0, "second": "45-54", "low": Group("65+", 72)}
    first = [str(sales_titles.age(**age, leads=lead, ratio=1.52, clear=True, currency="USD")) for lead in (True, False)]
    assert first[1] == f"{first[0]}; the lead over those aged 45-54 may be chance"
    rise = sales_calendar.holidays(
        country="US", ratio=1.07, p=0.039, clear=True, count=9, closed=0, extreme=(("Thanksgiving Day", 2017, 1.3),),
        against=3, opposite=(("Washington's Birthday", 2017, 0.86),),
    )  # fmt: skip
    assert "Not around each: 3 of 9 are below the usual, the lowest Washington's Birthday 2017 (0.86" in str(rise)


def test_the_table_has_a_number_or_nothing_in_every_cell(case: tuple[str, EdaData]) -> None:
    header, *rows = csv.reader(io.StringIO(statistics_csv(statistics_rows(case[1]))))
    assert tuple(header) == COLUMNS
    assert len(rows) == 4 * (len(case[1].categories) + 1) * (not case[1].empty)
    for row in rows:
        assert not row[2].startswith(("=", "+", "-", "@", "\t", "\r"))
        assert all(cell == "" or re.fullmatch(r"-?\d+(\.\d+)?", cell) for cell in row[3:])


def test_the_table_of_statistics_holds_what_the_file_shows(case: tuple[str, EdaData]) -> None:
    made = statistics_rows(case[1])
    stored = statistics_table(made).to_pylist()
    assert len({tuple(row[name] for name in SUMMARY_STATISTICS.key) for row in stored}) == len(stored)
    _, *shown = csv.reader(io.StringIO(statistics_csv(made)))
    for row, (measure, scope, category, *numbers) in zip(stored, shown, strict=True):
        assert (row["measure"], row["scope"]) == (measure, scope)
        assert category == ("" if scope == "all" else safe_cell(row["product_category"]))
        written = [None if cell == "" else float(cell) for cell in numbers]
        assert written == [row[c] for c in ("value_count", "mean", "std", "minimum", "p25", "median", "p75", "maximum")]


def test_a_category_of_the_name_of_all_is_another_row(shop: Shop) -> None:
    made = statistics_table(statistics_rows(shop([sale(1, product_category="(all)"), sale(2)]))).to_pylist()
    keys = [(row["measure"], row["scope"], row["product_category"]) for row in made]
    assert len(set(keys)) == len(keys)
    assert {("basket_amount", "all", "(all)"), ("basket_amount", "category", "(all)")} <= set(keys)


def test_the_summary_is_whole_numbers_and_money_as_text(case: tuple[str, EdaData]) -> None:
    data = case[1]
    summary = build_summary(data, ROWS)
    counted = ["rows", "amounts", "quarantined_without_amount", "days"]
    assert list(summary) == [*counted, "revenue", "first_date", "last_date", "customers", "orders", "assumed"]
    assert re.fullmatch(r"-?\d+\.\d\d", summary["revenue"]["total"])
    parts = [round(float(v) * 100) for v in summary["revenue"]["by_category"].values()]
    assert sum(parts) == round(float(summary["revenue"]["total"]) * 100)
    assert parts == sorted(parts, reverse=True)
    assert (summary["first_date"] is None) == data.empty


def test_the_page_and_the_summary_name_what_a_draft_assumes(shop: Shop) -> None:
    guesses = ("currency USD (which currency? No column names one)", "a *mark* | in words")
    for data in (shop(days(3)), shop([])):
        page = write_insights(data, currency="USD", country="US", assumed=guesses)
        assert (
            "- **Assumed, not confirmed** (marked `# ANSWER:` in the contract): currency USD (which currency?" in page
        )
        assert "a `*mark*` \\| in words" in page
        assert "Assumed" not in write_insights(data, currency="USD", country="US")
    assert build_summary(shop(days(3)), ROWS, guesses)["assumed"] == list(guesses)


def test_every_landed_row_is_clean_quarantined_or_superseded() -> None:
    def landing(day: int, **rows: int) -> CleanManifest:
        files = {status: (LakeFile("k", rows.get(status, 0), rows.get(status, 0), "0.00", 1),) for status in STATUSES}
        return CleanManifest("s", dt.date(2024, 1, day), "r", "c", "d", files)  # type: ignore[arg-type]

    landings = [landing(1, clean=5, quarantine=2, superseded=1), landing(2, clean=3, quarantine=0, superseded=0)]
    rows = count_rows(count_landed(iter(landings)), current=7)
    assert rows == dict.fromkeys(ROW_COUNTS, 0) | {
        "landed": 11, "clean": 8, "quarantined": 2, "superseded": 1, "current": 7,
    }  # fmt: skip
    assert tuple(rows) == ROW_COUNTS


def test_a_summary_of_other_row_counts_is_refused(shop: Shop) -> None:
    with pytest.raises(ValueError, match="superseded"):
        build_summary(shop(days(1)), {"landed": 1})


@pytest.fixture(scope="module")
def drawn() -> dict[str, bytes]:
    return render_all(analyse(lively()), currency="EUR", country="DE")


def test_the_same_sales_in_another_order_give_the_same_bytes(drawn: dict[str, bytes], shop: Shop) -> None:
    assert render_all(shop(reversed(lively())), currency="EUR", country="DE") == drawn
    of_many = {"product_pareto", "categories_together", "products_together"}  # lively has three categories
    assert list(drawn) == [f"{stem}.png" for stem in FIGURES if stem not in of_many]


def test_a_png_tells_neither_time_nor_version(drawn: dict[str, bytes]) -> None:
    for png in drawn.values():
        assert not re.search(rb"tEXt|tIME|iTXt", png)


def test_a_thumbnail_is_readable_and_light(drawn: dict[str, bytes]) -> None:
    for png in drawn.values():
        small = thumbnail(png)
        assert struct.unpack(">I", small[16:20]) == (720,)
        assert len(small) <= 60_000


def test_what_the_source_does_not_know_is_said(shop: Shop) -> None:
    data = shop(CASES["no time of day"]())
    reasons = left_out(data)
    assert reasons["weekday_hour.png"] == "The source has dates without a time of day."
    assert "gender" in reasons["spend_by_gender.png"]
    assert "age" in reasons["spend_by_age.png"]
    page = write_insights(data, currency="EUR", country=None)
    for sentence in (
        "**Gender: not known.**",
        "**Age: not known.**",
        "**Holidays: not known.**",
        "busy hours are not known",
    ):
        assert sentence in page


def test_an_unknown_country_is_named_and_its_holidays_are_not_made_up(shop: Shop) -> None:
    page = write_insights(shop(days(200)), currency="EUR", country="Atlantis")
    assert "no holiday calendar for the country Atlantis" in page


def test_one_purchase_a_customer_is_not_sold_as_loyalty(shop: Shop) -> None:
    page = write_insights(shop(days(60)), currency="EUR", country=None)
    assert "ordered exactly once" in page
    assert "what looks like good customers are large orders" in page


def test_the_category_that_earns_most_is_not_said_to_be_bought_most_when_it_is_not(shop: Shop) -> None:
    rows = [sale(i, product_category="Clothing", total_amount=10) for i in range(12)]
    rows += [sale(50 + i, product_category="Electronics", total_amount=100) for i in range(10)]
    page = write_insights(shop(rows), currency="USD", country=None)
    assert "**Electronics earns most**: 89.3 % of revenue (USD 1,000) from 45.5 % of the orders" in page
    assert "bought less often than **Clothing** (10 against 12 orders)" in page


def test_returns_are_counted_with_their_share_and_their_category(shop: Shop) -> None:
    rows = [*days(10, total_amount=20), sale(70, product_category="Toys", total_amount=50)]
    rows.append(sale(71, product_category="Toys", quantity=-1, total_amount=-25))
    page = write_insights(shop(rows), currency="USD", country=None)
    assert (
        "**Returns** are USD 25.00, 10.0 % of what was sold; 1 order line has a negative quantity; the most come from "
        "Toys (USD 25.00)." in page
    )


def test_names_from_the_data_are_no_markup_and_no_formula(shop: Shop) -> None:
    page = write_insights(shop(CASES["names"]()), currency="USD", country=None)
    assert "<b>" not in page.replace("\\<b\\>", "")


@given(st.text(max_size=30))
def test_a_cell_never_starts_a_formula(text: str) -> None:
    cell = safe_cell(text)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert cell.endswith(text)
