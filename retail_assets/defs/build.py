"""Builds the definitions: assets, checks, jobs, schedules, sensors and resources for one set of settings."""

from __future__ import annotations

import sys
import warnings
from types import TracebackType

import dagster as dg

from retail_assets import settings as settings_module
from retail_assets.defs.alerts import alert_sensors
from retail_assets.defs.assets.eda import eda_assets
from retail_assets.defs.assets.forecast import forecast_assets
from retail_assets.defs.assets.ingest import ingest_assets
from retail_assets.defs.assets.report import report_assets
from retail_assets.defs.assets.segments import segment_assets
from retail_assets.defs.assets.serving import serving_assets
from retail_assets.defs.assets.tableau import tableau_assets
from retail_assets.defs.assets.warehouse import warehouse_assets
from retail_assets.defs.assets.weather import weather_assets
from retail_assets.defs.automation import automation_sensor, follow
from retail_assets.defs.checks.conservation import conservation_checks
from retail_assets.defs.checks.daily_quality import daily_quality_checks
from retail_assets.defs.checks.figures import figure_checks
from retail_assets.defs.checks.identity import identity_checks
from retail_assets.defs.checks.landing import landing_checks
from retail_assets.defs.checks.models import model_checks
from retail_assets.defs.checks.notes import note_checks
from retail_assets.defs.checks.reconciliation import reconciliation_checks
from retail_assets.defs.checks.references import reference_checks
from retail_assets.defs.checks.segments import segment_checks
from retail_assets.defs.checks.serving import serving_checks
from retail_assets.defs.checks.tableau import tableau_checks
from retail_assets.defs.checks.tables import table_checks
from retail_assets.defs.checks.usual_landings import usual_landing_checks
from retail_assets.defs.checks.weather import weather_checks
from retail_assets.defs.freshness import newest_landing, with_freshness
from retail_assets.defs.jobs import jobs
from retail_assets.defs.lineage import lineage_sensor
from retail_assets.defs.partitions import landing_partitions
from retail_assets.defs.resources import spark_resource
from retail_assets.defs.run_source import source_tags
from retail_assets.defs.run_watch import watched_in_process_executor
from retail_assets.defs.schedules import schedules
from retail_assets.defs.sensors import landing_sensor
from retail_assets.defs.steps_logger import steps
from retail_assets.errors import RetailError
from retail_assets.platform import Platform
from retail_assets.settings import Settings

# `backfill_policy` and code references are marked beta in Dagster 1.13 (pinned); users cannot act on a warning at every
# start.
warnings.filterwarnings("ignore", category=dg.BetaWarning)


def _message_only(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print the message of an error that the user can fix, and the traceback of any other."""
    if isinstance(error, RetailError):
        print(f"Error: {error}", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


def build_defs(settings: Settings | None = None) -> dg.Definitions:
    """Return the definitions for `settings` (by default those of the environment).

    Raises SettingsError or ContractError. Imports neither pyspark nor sklearn nor matplotlib.
    """
    try:
        chosen = settings or settings_module.load()
    except RetailError:
        sys.excepthook = _message_only  # `dagster asset materialize` does not catch it
        raise
    platform = Platform(chosen)
    partitions = landing_partitions(chosen)
    all_jobs = jobs(source_tags(chosen.source))
    checks = [
        *landing_checks(platform),
        *conservation_checks(platform),
        *usual_landing_checks(platform),
        *identity_checks(platform),
        *note_checks(platform),
        *reference_checks(platform),
        *reconciliation_checks(platform),
        *table_checks(platform),
        *daily_quality_checks(platform),
        *figure_checks(platform),
        *model_checks(platform),
        *weather_checks(platform),
        *segment_checks(platform),
        *tableau_checks(platform),
    ]
    made = [
        *ingest_assets(platform, partitions),
        *warehouse_assets(platform, partitions),
        *eda_assets(platform),
        *weather_assets(platform),
        *forecast_assets(platform),
        *segment_assets(platform),
        *report_assets(platform, checks),
        *tableau_assets(platform),
        *serving_assets(platform, checks),
    ]
    referenced = [a for a in dg.with_source_code_references(made) if isinstance(a, dg.AssetsDefinition)]
    assets = follow(with_freshness(referenced, chosen))
    sensors: list[dg.SensorDefinition] = [
        landing_sensor(platform, all_jobs),
        automation_sensor(chosen),
        *alert_sensors(platform),
    ]
    if chosen.lineage is not None:
        sensors = [*sensors, lineage_sensor(chosen, assets)]
    return dg.Definitions(
        assets=[*assets, newest_landing(platform)],
        asset_checks=[*checks, *serving_checks(platform)],
        jobs=all_jobs,
        schedules=schedules(all_jobs, chosen),
        sensors=sensors,
        resources={"spark": spark_resource(chosen)},
        executor=watched_in_process_executor,
        loggers={"console": dg.colored_console_logger, "steps": steps},
    )
