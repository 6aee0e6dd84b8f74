"""What an alert states about the landings that a check found: their rows, their money, and a command that works."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import dagster as dg
import pytest

from retail_assets.alerts.concerned import of_landings
from retail_assets.defs.alert_events import RunReader
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
    assert f"retail-assets quarantine summary --landing {NEXT}). Correct" in text
    assert "quarantine show" not in text


@pytest.mark.parametrize(
    ("other", "title", "rule"),
    [
        ({"format": "jsonl", "delimiter": ""}, "The files have changed: format", "file_format"),
        ({"delimiter": ";", "encoding": "cp1252"}, "The files have changed: encoding and separator", "file_format"),
        ({"header": ["Color"]}, "The files have changed: columns", "new_columns"),
    ],
)
def test_the_title_says_what_changed_and_the_way_out_is_a_setting(
    shop: Shop, other: dict[str, Any], title: str, rule: str
) -> None:
    """A workbook in place of a CSV file was reported as other columns."""
    shop.land(NEXT, [line("A", 100, NEXT)], **other)
    result = shop.check("raw_sales_files", "schema_unchanged", NEXT)
    reader = RunReader(shop.platform, cast(Any, None), None)
    run = SimpleNamespace(tags={"dagster/partition": str(NEXT)}, run_id="r")
    asset = dg.AssetKey("raw_sales_files")
    check = dg.AssetCheckEvaluation(asset, "schema_unchanged", False, result.metadata, severity=result.severity)
    reader._add_check(cast(Any, run), check)
    [cause] = reader.found.causes
    assert cause.title == f"{title} ({NEXT})"
    assert f"write drift: {{{rule}: accept}} into the contract" in (result.description or "")


def test_checks_of_rejected_rows_name_the_landings_that_they_found(shop: Shop) -> None:
    shop.land(NEXT, [line("A", 100, NEXT)], [rejected(9, NEXT), rejected(10, NEXT)])
    for name in ("enough_is_clean", "quarantine_is_small"):
        result = shop.check("clean_sales", name, DAY, NEXT)
        assert result.metadata[LANDINGS_FOUND].value == [str(NEXT)]
    reject_more_than_on_such_days(shop)
    result = shop.check("clean_sales", "quarantine_share_is_usual", DAY, NEXT)
    assert result.metadata[LANDINGS_FOUND].value == [str(NEXT)]
