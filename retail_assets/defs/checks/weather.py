"""The check of weather: whether the sales forecast can know the newest, and what it does without."""

from __future__ import annotations

import dagster as dg

from retail_assets.defs.checks.results import result
from retail_assets.defs.failures import failing_clearly
from retail_assets.platform import Platform


def weather_checks(platform: Platform) -> list[dg.AssetChecksDefinition]:
    """Define the check of `weather`; none where it is off."""
    if platform.settings.weather is None:
        return []

    @dg.asset_check(
        asset="weather",
        description="A weather forecast was issued on the last day of sales. Without one the sales forecast goes on "
        "with older weather, or with the usual.",
    )
    def weather_is_current() -> dg.AssetCheckResult:
        from retail_assets.forecasting.lifecycle.training import LONGEST_HORIZON
        from retail_assets.weather.coverage import coverage

        with failing_clearly(platform):
            known = coverage(platform.warehouse, LONGEST_HORIZON)
        return result(
            passed=known.current,
            severity=dg.AssetCheckSeverity.WARN,
            problem=f"{known.in_words}.",
            todo="The run's log says what the service answered; the next run asks again.",
            days_ahead=known.days,
            newest=str(known.newest or "none"),
        )

    return [weather_is_current]
