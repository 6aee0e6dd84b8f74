"""Which source a run belongs to: one Dagster may have a code location per source, all with the same assets."""

from __future__ import annotations

import dagster as dg

#: The tag of runs that this product launches: its jobs, its sensors and its command line.
SOURCE_TAG = "retail_assets/source"


def source_tags(source: str) -> dict[str, str]:
    """Return the tags by which a run is known as one of a source."""
    return {SOURCE_TAG: source}


def is_of(run: dg.DagsterRun, source: str, location: str | None) -> bool:
    """Return whether a run is one of `source`, as its code location sees it (None where that is not known).

    Runs without the tag were launched in Dagster's pages, by a backfill or by Airflow from assets: these know their
    code location. A run that has neither may be anybody's: two reports of a failure are better than none.
    """
    if tagged := run.tags.get(SOURCE_TAG):
        return tagged == source
    origin = run.remote_job_origin
    return location is None or origin is None or origin.location_name == location


def location_of(context: dg.SensorEvaluationContext) -> str | None:
    """Return the name of the code location of a sensor, None where it is not known."""
    return context.code_location_origin.location_name if context.code_location_origin else None
