"""What has changed since the last run: of five shops recomputed, and honest where there is nothing to compare with."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from retail_assets.eda.insights import changes
from retail_assets.wording import sales_calendar, sales_products
from retail_assets.wording.statement import Statement
from retail_assets_tests.eda.conftest import analyse, sale
from retail_assets_tests.wording.check_changes import PAGES
from retail_assets_tests.wording.checks import assert_right
from retail_assets_tests.wording.earlier import as_before, read
from retail_assets_tests.wording.shops import SHOPS, Shop


@pytest.mark.slow
@pytest.mark.parametrize("name", SHOPS)
def test_what_has_changed_is_recomputed(name: str, shop_named: Callable[[str], Shop], tmp_path: Path) -> None:
    shop = shop_named(name)
    runs = [read(each) for each in (as_before(shop, tmp_path), shop)]
    PAGES[name] = ([s.text for s in runs[0][1]], [s.text for s in runs[1][1]])
    before, now = (changes.record(data, statements, name) for data, statements in runs)
    first, said = changes.since(None, before, shop.currency)
    assert [s.name for s in said] == ["changes.first_run"]
    second, said = changes.since(first, now, shop.currency)
    assert {s.name for s in said} >= {"changes.landings", "changes.revenue"}
    for statement in said:
        assert_right(shop, statement)
    third, nothing = changes.since(second, now, shop.currency)
    assert [s.name for s in nothing] == ["changes.nothing"]
    assert_right(shop, nothing[0])
    assert json.loads(third)["last_change"] == [s.text for s in said]
    assert changes.since(third, now, shop.currency)[0] == third
    assert json.loads(third)["before"] == json.loads(second)["before"] == json.loads(first)["run"]


def recorded(
    rows: list[dict[str, Any]], *statements: Statement, landings: dict[Any, tuple[int, str]] | None = None
) -> Any:
    data = analyse(rows)
    return changes.record(replace(data, landed=replace(data.landed, landings=landings or {})), statements, "shop")


def trend(slope: float, *, clear: bool = True) -> Statement:
    return sales_calendar.trend(slope=slope, share=0.1, weeks=20, p=0.01 if clear else 0.4, clear=clear, currency="EUR")


def told(before: Any, now: Any) -> list[str]:
    stored, _ = changes.since(None, before, "EUR")
    return [str(s) for s in changes.since(stored, now, "EUR")[1]]


def test_a_finding_that_turns_comes_or_goes_is_told() -> None:
    rising, falling, unclear = trend(5.0), trend(-5.0), trend(1.0, clear=False)
    one = [sale(1)]
    turned = told(recorded(one, rising), recorded(one, falling))
    assert turned[-1] == f"**Changed.** {falling} *Before:* {rising}"
    assert "**Changed.**" in told(recorded(one, rising), recorded(one, unclear))[-1]
    assert not any("**Changed.**" in s for s in told(recorded(one, rising), recorded([sale(1), sale(2)], trend(6.0))))
    assert told(recorded(one), recorded(one, rising))[-1] == f"**New.** {rising}"
    assert told(recorded(one, rising), recorded(one))[-1] == f"**No longer there.** {rising}"
    many = [replace(rising, facts={**rising.facts, "product": f"p{n}"}) for n in range(30)]
    assert told(recorded(one), recorded(one, *[replace(s, name="sales.concentration") for s in many]))[-1] == (
        "22 more findings changed, came or went: `changes.json` has them."
    )


def first_category(name: str, other: str, revenue: float) -> Statement:
    return sales_products.largest_category(
        category=name, share=0.4, revenue=revenue, order_share=0.3, orders=100, rival=None, rival_orders=None,
        rival_share=None, second=other, second_revenue=100.0, currency="EUR",
    )  # fmt: skip


def test_categories_that_earn_alike_may_change_places_unsaid() -> None:
    alike = told(recorded([sale(1)], first_category("Bread", "Tea", 101.0)),
                 recorded([sale(2)], first_category("Tea", "Bread", 102.0)))  # fmt: skip
    assert not any("**Changed.**" in s for s in alike)
    apart = told(recorded([sale(1)], first_category("Bread", "Tea", 150.0)),
                 recorded([sale(2)], first_category("Tea", "Bread", 150.0)))  # fmt: skip
    assert apart[-1].startswith("**Changed.** **Tea earns most**")


def test_landings_are_new_cleaned_again_or_gone() -> None:
    days = [dt.date(2024, 1, n) for n in (1, 2, 3, 4)]
    before = recorded([sale(1)], landings={days[0]: (1, "a"), days[1]: (2, "b"), days[2]: (3, "c")})
    now = recorded([sale(1), sale(2)], landings={days[0]: (1, "a"), days[1]: (2, "x"), days[3]: (7, "d")})
    assert told(before, now)[:2] == [
        "**1 new landing** (4 Jan 2024) with 7 rows; 1 landing cleaned again with another result; "
        "1 landing no longer there.",
        "**EUR 10.00 more revenue**, 1 order line more: EUR 20.00 in total.",
    ]
    assert told(now, before)[1] == "**EUR 10.00 less revenue**, 1 order line fewer: EUR 10.00 in total."


def test_a_day_on_which_nothing_landed_is_no_landing_also_not_in_earlier_records() -> None:
    days = [dt.date(2024, 1, n) for n in (1, 2)]
    with_rows, empty = recorded([sale(1)], landings={days[0]: (1, "a")}), {days[0]: (1, "a"), days[1]: (0, "-")}
    assert recorded([sale(1)], landings=empty) == with_rows
    stored = json.loads(changes.since(None, with_rows, "EUR")[0])
    stored["run"]["landings"][days[1].isoformat()] = [0, "-"]
    _, said = changes.since(json.dumps(stored).encode(), with_rows, "EUR")
    assert str(said[0]) == "**Nothing has changed since the last run**: 1 landing, sales up to 1 Jan 2024."


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([], id="no sales"),
        pytest.param([sale(1)], id="one row"),
        pytest.param([sale(n) for n in range(9)], id="one day"),
        pytest.param([sale(1, total_amount=-5, quantity=-1)], id="only returns"),
        pytest.param([sale(1, product_category="=cmd|'/C'!A0 <script>alert(1)</script> \u202e🥐")], id="hostile"),
    ],
)
def test_odd_sales_have_a_record_and_the_second_run_changes_nothing(rows: list[dict[str, Any]]) -> None:
    made = recorded(rows)
    first, said = changes.since(None, made, "EUR")
    assert str(said[0]) == "**Nothing to compare with**: no earlier run is on record."
    second, said = changes.since(first, recorded(rows), "EUR")
    assert str(said[0]).startswith("**Nothing has changed since the last run**: 0 landings, ")
    assert changes.since(second, made, "EUR")[0] == second
    assert Decimal(json.loads(second)["run"]["revenue"]) == sum((row["total_amount"] for row in rows), Decimal(0))


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"null", b'{"run": 1}', b'{"run": {"source": "shop"}}', b"\xff"])
def test_a_file_that_is_none_counts_as_a_first_run(damage: bytes) -> None:
    assert [s.name for s in changes.since(damage, recorded([sale(1)]), "EUR")[1]] == ["changes.first_run"]


def test_another_shop_in_the_same_folder_is_not_compared_with() -> None:
    stored, _ = changes.since(None, recorded([sale(1)]) | {"source": "other"}, "EUR")
    assert [s.name for s in changes.since(stored, recorded([sale(1)]), "EUR")[1]] == ["changes.first_run"]
