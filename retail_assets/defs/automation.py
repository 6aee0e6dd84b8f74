"""Declarative automation: what is computed from the whole history follows `sales` by itself, if it is switched on.

The sensors of landings need none of this: their last run computes the whole graph. This is for everything else that
loads sales: a backfill, a run of `ingest` from Dagster's pages, a replayed quarantine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dagster as dg

from retail_assets.defs.partitions import set_on_whole_history
from retail_assets.defs.run_source import source_tags
from retail_assets.settings import Settings
from retail_assets.settings.automation import FOLLOW_SALES

#: The name of the sensor; Dagster keeps by name whether somebody has switched it.
SENSOR = FOLLOW_SALES

_INTERVAL_SECONDS = 60

#: A run whose process died is repeated, as often as this; steps are idempotent. A run that failed in a step is not:
#: what passes by itself the step has tried again (`failures.py`), and a refusal or a bug would only fail once more.
REPEATED_IF_KILLED = {
    "dagster/max_retries": "2",
    "dagster/retry_on_asset_or_op_failure": "false",
    "dagster/retry_strategy": "ALL_STEPS",
}


def follow(assets: Sequence[dg.AssetsDefinition]) -> list[dg.AssetsDefinition]:
    """Give every asset that is not computed per landing the condition under which it follows what it is made from."""
    partitioned = dg.AssetSelection.assets(*[key for a in assets if a.partitions_def is not None for key in a.keys])
    return set_on_whole_history(assets, automation_condition=_condition(partitioned))


def _condition(partitioned: dg.AssetSelection) -> dg.AutomationCondition[Any]:
    """Return the condition: something it is made from is new, nothing of that still comes, and its checks have passed.

    It is Dagster's `eager` with two changes. Most days of `sales` have no landing and stay missing, so only assets
    without partitions are waited for where they are missing. And `eager` asks for what follows a table whose blocking
    check has failed.
    """
    missing = dg.AutomationCondition.any_deps_missing()
    condition = dg.AutomationCondition.eager().replace(missing, missing.ignore(partitioned))
    return (condition & dg.AutomationCondition.all_deps_blocking_checks_passed()).with_label("follows sales")


def sensor_status(settings: Settings, part: str) -> dg.DefaultSensorStatus:
    """Return the status that a sensor has as long as nobody has switched it in Dagster's pages: RETAIL_AUTOMATION."""
    return dg.DefaultSensorStatus.RUNNING if part in settings.automation else dg.DefaultSensorStatus.STOPPED


def automation_sensor(settings: Settings) -> dg.SensorDefinition:
    """Return the sensor that evaluates the conditions; off unless RETAIL_AUTOMATION or someone switches it on."""
    return dg.AutomationConditionSensorDefinition(
        SENSOR,
        target=dg.AssetSelection.all(),
        default_status=sensor_status(settings, FOLLOW_SALES),
        minimum_interval_seconds=_INTERVAL_SECONDS,
        # After the landings in the queue.
        run_tags={"dagster/priority": "-1", **REPEATED_IF_KILLED, **source_tags(settings.source)},
        description="Computes marts, insights, forecast, segments and outputs again after sales were loaded, once no "
        "landing is in the queue and the blocking checks of what they are made from have passed.",
    )
