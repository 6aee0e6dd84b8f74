"""What a training of the forecast says, recomputed from the sales of five shops."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from retail_assets_tests.wording import check_forecast, check_forecast_card  # noqa: F401  registers the checks
from retail_assets_tests.wording.checks import assert_right
from retail_assets_tests.wording.forecasts import FORECAST_SHOPS, Trained


@pytest.mark.parametrize("name", FORECAST_SHOPS)
def test_the_report_of_a_training_is_recomputed(name: str, forecast_named: Callable[[str], Trained]) -> None:
    trained = forecast_named(name)
    report = trained.training.report
    said = [
        *report.get("in_words", []),
        *report["notes"],
        report["verdict"],
        report.get("units", {}).get("verdict", ""),
    ]
    for statement in trained.statements:
        assert any(statement.text in sentence for sentence in said)
        assert_right(trained.shop, statement)
