"""What the shell completes as the value of an option: names from fixed lists, and versions of the models.

A key press must not print anything: what cannot be listed completes to nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retail_assets.serving import Predictor

#: The assets that `materialize --select` takes, and their groups. A test compares them with the definitions.
ASSETS = (
    "raw_sales_files",
    "clean_sales",
    "quarantined_sales",
    "sales",
    "sales_quarantine",
    "dim_date",
    "dim_customer",
    "dim_product",
    "dim_store",
    "daily_category_sales",
    "daily_store_category_sales",
    "insights",
    "eda_figures",
    "eda_summary",
    "summary_statistics",
    "daily_quality",
    "customer_months",
    "customer_cohorts",
    "product_concentration",
    "basket_affinity",
    "forecast_accuracy",
    "forecast_backtest",
    "sales_forecast",
    "transaction_amounts",
    "customer_features",
    "segment_model",
    "customer_segments",
    "segment_profiles",
    "segment_migrations",
    "segment_report",
    "report",
    "workbook",
    "data_dictionary",
    "tableau_extract",
    "serving_bundle",
)
GROUPS = ("ingest", "warehouse", "eda", "forecast", "segments", "outputs")

Completion = Callable[[str], list[str]]


def among(values: Iterable[str]) -> Completion:
    """Complete to those of `values` that begin with what is there."""
    listed = tuple(values)

    def complete(incomplete: str) -> list[str]:
        return _beginning(listed, incomplete)

    return complete


def selections(incomplete: str) -> list[str]:
    """Complete the last of several asset names; or a group.

    >>> selections("sales,dim_d"), selections("group:f")
    (['sales,dim_date'], ['group:forecast'])
    """
    before, comma, last = incomplete.rpartition(",")
    names = (*ASSETS, *(() if comma else (f"group:{group}" for group in GROUPS)))
    return [f"{before}{comma}{name}" for name in _beginning(names, last)]


def contracts(incomplete: str) -> list[str]:
    """Complete names of shipped contracts; the shell completes paths by itself."""
    from retail_assets.contracts.loading import shipped

    return _beginning(shipped(), incomplete)


def reasons(incomplete: str) -> list[str]:
    """Complete names of reasons for which rows are rejected."""
    from retail_assets.cleaning import rules

    return _beginning(sorted(rules.NAMES.values()), incomplete)


def countries(incomplete: str) -> list[str]:
    """Complete codes of the countries whose holidays are known."""
    import holidays

    return _beginning(sorted(holidays.list_supported_countries(include_aliases=False)), incomplete.upper())


def versions(incomplete: str) -> list[str]:
    """Complete versions of the models in the present home."""
    from retail_assets.cli.options import settings_for
    from retail_assets.models.kinds import KINDS
    from retail_assets.platform import Platform

    with contextlib.suppress(Exception):
        platform = Platform(settings_for())
        stored = [m.version for kind in KINDS.values() for m in platform.model_store(kind).versions()]
        return _beginning(stored, incomplete)
    return []


def categories(incomplete: str) -> list[str]:
    """Complete names of the categories that have a forecast in the published bundle."""
    with contextlib.suppress(Exception), _predictor() as predictor:
        return _beginning([each.name for each in predictor.categories() if each.has_forecast], incomplete)
    return []


def personas(incomplete: str) -> list[str]:
    """Complete names of the personas in the published bundle."""
    with contextlib.suppress(Exception), _predictor() as predictor:
        return _beginning([each.persona for each in predictor.personas()], incomplete)
    return []


def _predictor() -> Predictor:
    from retail_assets.serving import Predictor
    from retail_assets.settings import load_serving_uri

    return Predictor.from_uri(load_serving_uri())


def _beginning(values: Iterable[str], incomplete: str) -> list[str]:
    return [value for value in values if value.startswith(incomplete)]
