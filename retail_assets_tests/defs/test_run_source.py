"""One Dagster with a code location per source: each run is reported by exactly one of them, under its name."""

from __future__ import annotations

import sys
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run
from dagster._core.remote_origin import ManagedGrpcPythonEnvCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from retail_assets.defs.alert_events import RunReader
from retail_assets.defs.build import build_defs
from retail_assets.defs.run_source import SOURCE_TAG, source_tags
from retail_assets.platform import Platform
from retail_assets.settings import load

SOURCES = {"retail_sales": "first", "complete_journey": "second"}


@dg.asset(name="sales")
def failing_sales() -> None:
    raise ValueError("boom")


def origin(location: str) -> RemoteJobOrigin:
    target = LoadableTargetOrigin(executable_path=sys.executable, module_name="retail_assets.definitions")
    managed = ManagedGrpcPythonEnvCodeLocationOrigin(target, location)
    return RemoteJobOrigin(RemoteRepositoryOrigin(managed, "__repository__"), "__ASSET_JOB")


def failed(instance: dg.DagsterInstance, tags: dict[str, str], location: str | None) -> dg.DagsterRun:
    """A run of `sales` that failed, as it was launched with these tags from a code location."""
    job = dg.Definitions([failing_sales]).resolve_implicit_global_asset_job_def()
    run = instance.create_run_for_job(
        job_def=job,
        tags=tags,
        asset_selection=frozenset({dg.AssetKey("sales")}),
        remote_job_origin=origin(location) if location else None,
    )
    execute_run(InMemoryJob(job), run, instance)
    [kept] = instance.get_runs(dg.RunsFilter(run_ids=[run.run_id]))
    return kept


def reporting(
    instance: dg.DagsterInstance, run: dg.DagsterRun, environ: dict[str, str], *, sees_location: bool = True
) -> list[str]:
    """The sources whose sensor reports a run."""
    graph = dg.Definitions([failing_sales]).get_repository_def().asset_graph
    return [
        source
        for source, location in SOURCES.items()
        if RunReader(
            Platform(load({**environ, "RETAIL_SOURCE": source})), instance, graph, location if sees_location else None
        ).is_ours(run)
    ]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("launched", ["by a job", "in the pages", "by the command line", "again from the command line"])
def test_each_run_is_reported_by_the_source_it_belongs_to(source: str, launched: str, environ: dict[str, str]) -> None:
    """Each sensor reported the runs of both, under its own name."""
    location = SOURCES[source]
    how = {
        "by a job": (source_tags(source), location),
        "in the pages": ({}, location),
        "by the command line": (source_tags(source), None),
        "again from the command line": (source_tags(source), "retail_assets"),
    }
    tags, where = how[launched]
    with dg.DagsterInstance.ephemeral() as instance:
        run = failed(instance, tags, where)
        assert reporting(instance, run, environ) == [source]


@pytest.mark.parametrize(("where", "sees_location"), [(None, True), ("first", False)])
def test_a_run_of_which_nobody_knows_is_reported_by_both(
    where: str | None, sees_location: bool, environ: dict[str, str]
) -> None:
    """Two alerts are better than none: of a run without a tag whose code location is not known, or of whoever looks."""
    with dg.DagsterInstance.ephemeral() as instance:
        run = failed(instance, {}, where)
        assert reporting(instance, run, environ, sees_location=sees_location) == list(SOURCES)


def test_every_job_and_the_automation_tag_their_runs(environ: dict[str, str], tmp_path: Path) -> None:
    definitions = build_defs(load({**environ, "RETAIL_SOURCE": "complete_journey"}))
    names = [job.name for job in definitions.jobs or ()]
    assert "ingest" in names
    assert {definitions.resolve_job_def(name).run_tags.get(SOURCE_TAG) for name in names} == {"complete_journey"}
    [follows] = [
        sensor for sensor in definitions.sensors or () if isinstance(sensor, dg.AutomationConditionSensorDefinition)
    ]
    assert follows.run_tags[SOURCE_TAG] == "complete_journey"
