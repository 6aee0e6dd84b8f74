"""The forecast's model card and what is said of promotions and trainings, recomputed from the sales of five shops."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from retail_assets.forecasting.evaluation import transaction_amounts
from retail_assets.forecasting.lifecycle import record
from retail_assets.forecasting.lifecycle.promotion_policy import decide, reason_to_train
from retail_assets.models.store import Manifest
from retail_assets.wording.statement import recorded
from retail_assets_tests.wording import check_forecast, check_forecast_card  # noqa: F401  registers the checks
from retail_assets_tests.wording.calendars import days_of
from retail_assets_tests.wording.checks import assert_right
from retail_assets_tests.wording.forecasts import FORECAST_SHOPS, Trained
from retail_assets_tests.wording.shops import Shop

NOW = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)


@pytest.mark.parametrize("name", FORECAST_SHOPS)
def test_the_card_is_recomputed(name: str, forecast_named: Callable[[str], Trained]) -> None:
    trained = forecast_named(name)
    with recorded() as statements:
        card = record.model_card(trained.training, record.facts(trained.training, NOW))
    in_report = [statement for statement in trained.statements if statement.name != "forecast.verdict"]
    assert [statement.name for statement in statements] == ["forecast.card.summary", "forecast.card.sales"]
    for statement in (*statements, *in_report):
        assert statement.text in card
    for statement in statements:
        assert_right(trained.shop, statement)


def manifest(trained: Trained, **changes: Any) -> Manifest:
    """The manifest of a training, or that of another one that differs in this."""
    return Manifest(**{"version": "old", "sha256": "0", **record.facts(trained.training, NOW), **changes})


@pytest.mark.parametrize("family", ["auto_theta", "seasonal_naive", "last_day"])
@pytest.mark.parametrize("has_skill", [True, False])
def test_promotions_are_recomputed(family: str, has_skill: bool, forecast_named: Callable[[str], Trained]) -> None:
    trained = forecast_named("wholesaler")
    champion = manifest(trained, family="seasonal_naive", has_skill=has_skill)
    with recorded() as statements:
        decision = decide(manifest(trained, version="new", family=family, has_skill=has_skill), champion)
    [statement] = statements
    assert statement.text == decision.reason
    assert_right(trained.shop, statement)


def test_a_training_that_is_due_or_has_seen_less_says_how_many_days(forecast_named: Callable[[str], Trained]) -> None:
    trained = forecast_named("young")
    _, last = days_of(trained.shop)
    cutoff = last - dt.timedelta(days=9)
    version = manifest(trained)
    older = manifest(trained, version="older", data={**version.data, "last_day": str(cutoff)})
    with recorded() as statements:
        reason = reason_to_train(older, [older], last, alarm=None, demanded=False)
        decision = decide(older, version)
    assert [statement.text for statement in statements] == [reason, decision.reason]
    for statement in statements:
        assert_right(_AsOf(trained.shop, cutoff), statement)  # type: ignore[arg-type]


class _AsOf:
    """A shop whose forecast has the cut-off of an older model."""

    def __init__(self, shop: Shop, cutoff: dt.date) -> None:
        self._shop, self._cutoff = shop, cutoff

    def one(self, sql: str, *parameters: Any) -> Any:
        return self._cutoff if "cutoff_date" in sql else self._shop.one(sql, *parameters)


@pytest.mark.parametrize("last_day_only", [False, True])
def test_amounts_of_transactions_are_recomputed(last_day_only: bool, shop_named: Callable[[str], Shop]) -> None:
    shop = shop_named("specification")
    rows = shop.warehouse.query(transaction_amounts.transactions(1)).to_pandas()
    if last_day_only:
        rows = rows[rows["sale_date"] == rows["sale_date"].max()]
    with recorded() as statements:
        report = transaction_amounts.report(rows, repeats=2)
    [statement] = statements
    assert statement.text == report["verdict"]
    assert_right(shop, statement)
