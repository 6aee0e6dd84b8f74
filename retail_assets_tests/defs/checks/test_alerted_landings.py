"""What an alert states about the landings that a check found: their rows, their money, and a command that works."""

from __future__ import annotations

from retail_assets.alerts.concerned import of_landings
from retail_assets.defs.checks.results import LANDINGS_FOUND
from retail_assets_tests.defs.checks.conftest import NEXT, Shop
from retail_assets_tests.defs.checks.test_checks import reject_more_than_on_such_days
from retail_assets_tests.warehouse.landings import DAY, line, rejected


def test_money_that_could_not_be_read_is_no_zero(shop: Shop) -> None:
    """Nine rejected rows without a readable amount were reported with EUR 0.00."""
    sold, lake = [line("A", 100, NEXT)], shop.platform.lake
    without = [rejected(at, NEXT) for at in (9, 10)]
    shop.land(NEXT, sold, without)
    subject = of_landings(lake, NEXT, NEXT, "EUR", "quarantine")
    assert subject.concerned == "2 of 3 rows were rejected; the money of 2 rows could not be read."
    shop.land(NEXT, sold, [*without, rejected(11, NEXT, cents=77)], run="again")
    subject = of_landings(lake, NEXT, NEXT, "EUR", "quarantine")
    assert subject.concerned == "3 of 4 rows were rejected, with EUR 0.77; the money of 2 rows could not be read."


def test_a_refused_landing_names_a_command_that_works_as_it_is_typed(shop: Shop) -> None:
    """`quarantine show` alone asks for a file and a line."""
    shop.land(NEXT, [line("A", 100, NEXT)], [rejected(9, NEXT), rejected(10, NEXT)])
    text = shop.check("clean_sales", "enough_is_clean", NEXT).description or ""
    assert f"retail-assets quarantine summary --landing {NEXT}. Correct" in text
    assert "quarantine show" not in text


def test_checks_of_rejected_rows_name_the_landings_that_they_found(shop: Shop) -> None:
    shop.land(NEXT, [line("A", 100, NEXT)], [rejected(9, NEXT), rejected(10, NEXT)])
    for name in ("enough_is_clean", "quarantine_is_small"):
        result = shop.check("clean_sales", name, DAY, NEXT)
        assert result.metadata[LANDINGS_FOUND].value == [str(NEXT)]
    reject_more_than_on_such_days(shop)
    result = shop.check("clean_sales", "quarantine_share_is_usual", DAY, NEXT)
    assert result.metadata[LANDINGS_FOUND].value == [str(NEXT)]
