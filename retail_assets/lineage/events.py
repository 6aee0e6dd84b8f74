"""The OpenLineage events of a run that has ended: START and COMPLETE, FAIL or ABORT, of the run and of each step.

As is the practice of OpenLineage's integrations, the run and each step are jobs; the parent of a step is the run, and
the parent of the run is the Airflow task that asked for it. A step's job is named after its assets, not after the run's
job: the same work is one job, whoever asks for it. Events of one run are the same bytes, however often they are made.
"""

from __future__ import annotations

import datetime as dt
import importlib.metadata
from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

from openlineage.client import event_v2 as ol
from openlineage.client.facet_v2 import (
    column_lineage_dataset,
    data_quality_assertions_dataset,
    documentation_dataset,
    documentation_job,
    error_message_run,
    job_type_job,
    nominal_time_run,
    output_statistics_output_dataset,
    ownership_dataset,
    parent_run,
    processing_engine_run,
    schema_dataset,
    tags_run,
)
from openlineage.client.serde import Serde
from openlineage.client.uuid import generate_static_uuid

from retail_assets.lineage.run_facts import Checked, Described, Parent, Read, Run, Step, Written

#: Who made the events and facets.
PRODUCER = f"https://pypi.org/project/retail-assets/{importlib.metadata.version('retail-assets')}"
_LONGEST_MESSAGE = 2_000


def events_of(run: Run, *, namespace: str, source: str) -> list[str]:
    """Write the events of a run, in the order of their times, one JSON object each.

    Args:
        run: what happened.
        namespace: of the jobs.
        source: the beginning of the jobs' names.
    """
    jobs = _Jobs(namespace, source)
    whole = Parent(namespace, jobs.of_run(run), run.run_id)
    timed: list[tuple[dt.datetime, ol.RunEvent]] = []

    def add(job: ol.Job, run_id: str, facets: dict[str, Any], of: Run | Step, **datasets: Any) -> None:
        for state, moment in (("START", of.started), (of.outcome, max(of.started, of.ended))):
            error = _error(of) if state == "FAIL" else {}
            ended = datasets if state != "START" else {"inputs": datasets.get("inputs", [])}
            event = ol.RunEvent(
                eventTime=_time(moment),
                producer=PRODUCER,
                eventType=ol.RunState[state],
                run=ol.Run(runId=run_id, facets={**facets, **error}),
                job=job,
                **ended,
            )
            timed.append((moment, event))

    add(jobs.job(whole.job, "JOB"), run.run_id, _facets_of_run(run), run)
    for step in run.steps:
        add(
            jobs.job(jobs.of_step(step), "TASK", step.description),
            str(generate_static_uuid(step.started, f"{run.run_id}.{step.name}".encode())),
            _facets_of_step(run, whole),
            step,
            inputs=[_input(read) for read in step.inputs],
            outputs=[_output(written) for written in step.outputs],
        )
    # The run starts before its steps and ends after them, also where the clock shows the same time.
    first, last, *others = timed
    ordered = [first, *sorted(others, key=lambda pair: pair[0]), last]
    return [Serde.to_json(event) for _, event in ordered]


class _Jobs:
    """Names of jobs: `<source>.job.<job>` for a run, `<source>.<step>` for a step."""

    def __init__(self, namespace: str, source: str) -> None:
        self._namespace, self._source = namespace, source

    def of_run(self, run: Run) -> str:
        return f"{self._source}.job.{run.name}"

    def of_step(self, step: Step) -> str:
        return f"{self._source}.{step.name}"

    def job(self, name: str, kind: str, description: str | None = None) -> ol.Job:
        facets: dict[str, Any] = {
            "jobType": job_type_job.JobTypeJobFacet(
                processingType="BATCH", integration="DAGSTER", jobType=kind, producer=PRODUCER
            )
        }
        if description:
            facets["documentation"] = documentation_job.DocumentationJobFacet(
                description=description, producer=PRODUCER
            )
        return ol.Job(namespace=self._namespace, name=name, facets=facets)


def _facets_of_run(run: Run) -> dict[str, Any]:
    facets = _facets_of_both(run)
    if run.parent:
        facets["parent"] = _parent(run.parent, run.root or run.parent)
    if run.tags:
        fields = [tags_run.TagsRunFacetFields(key=k, value=v, source="DAGSTER") for k, v in sorted(run.tags.items())]
        facets["tags"] = tags_run.TagsRunFacet(tags=fields, producer=PRODUCER)
    return facets


def _facets_of_step(run: Run, whole: Parent) -> dict[str, Any]:
    return {**_facets_of_both(run), "parent": _parent(whole, run.root or run.parent or whole)}


def _facets_of_both(run: Run) -> dict[str, Any]:
    facets: dict[str, Any] = {
        "processing_engine": processing_engine_run.ProcessingEngineRunFacet(
            version=run.engine, name="Dagster", producer=PRODUCER
        )
    }
    if run.days:
        zone = ZoneInfo(run.timezone)
        start, end = run.days[0], run.days[1] + dt.timedelta(days=1)
        facets["nominalTime"] = nominal_time_run.NominalTimeRunFacet(
            nominalStartTime=_time(dt.datetime.combine(start, dt.time(), zone)),
            nominalEndTime=_time(dt.datetime.combine(end, dt.time(), zone)),
            producer=PRODUCER,
        )
    return facets


def _parent(parent: Parent, root: Parent) -> parent_run.ParentRunFacet:
    return parent_run.ParentRunFacet(
        run=parent_run.Run(runId=parent.run_id),
        job=parent_run.Job(namespace=parent.namespace, name=parent.job),
        root=parent_run.Root(
            run=parent_run.RootRun(runId=root.run_id), job=parent_run.RootJob(namespace=root.namespace, name=root.job)
        ),
        producer=PRODUCER,
    )


def _error(of: Run | Step) -> dict[str, Any]:
    message = (of.error or "The run failed; its log says more.")[:_LONGEST_MESSAGE]
    return {
        "errorMessage": error_message_run.ErrorMessageRunFacet(
            message=message, programmingLanguage="PYTHON", producer=PRODUCER
        )
    }


def _input(read: Read) -> ol.InputDataset:
    facets: dict[str, Any] = {}
    if read.checks:
        facets["dataQualityAssertions"] = data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet(
            assertions=[_assertion(check) for check in read.checks], producer=PRODUCER
        )
    dataset = read.described.dataset
    return ol.InputDataset(
        namespace=dataset.namespace, name=dataset.name, facets=_schema(read.described), inputFacets=facets
    )


def _assertion(check: Checked) -> data_quality_assertions_dataset.Assertion:
    return data_quality_assertions_dataset.Assertion(
        assertion=check.name, success=check.passed, severity=check.severity
    )


def _output(written: Written) -> ol.OutputDataset:
    described = written.described
    statistics: dict[str, Any] = {}
    numbers = {"rowCount": written.rows, "size": written.bytes, "fileCount": written.files}
    if any(value is not None for value in numbers.values()):
        statistics["outputStatistics"] = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
            **numbers, producer=PRODUCER
        )
    facets = {**_schema(described), **_column_lineage(described)}
    if described.description:
        facets["documentation"] = documentation_dataset.DocumentationDatasetFacet(
            description=described.description, producer=PRODUCER
        )
    if described.owners:
        owners = [ownership_dataset.Owner(name=name) for name in described.owners]
        facets["ownership"] = ownership_dataset.OwnershipDatasetFacet(owners=owners, producer=PRODUCER)
    dataset = described.dataset
    return ol.OutputDataset(namespace=dataset.namespace, name=dataset.name, facets=facets, outputFacets=statistics)


def _schema(described: Described) -> dict[str, Any]:
    if not described.columns:
        return {}
    fields = [
        schema_dataset.SchemaDatasetFacetFields(
            name=column.name, type=column.type, description=column.description, ordinal_position=position
        )
        for position, column in enumerate(described.columns, 1)
    ]
    return {"schema": schema_dataset.SchemaDatasetFacet(fields=fields, producer=PRODUCER)}


def _column_lineage(described: Described) -> dict[str, Any]:
    fields = {
        column.name: column_lineage_dataset.Fields(inputFields=list(_input_fields(column.sources)))
        for column in described.columns
        if column.sources
    }
    if not fields:
        return {}
    return {"columnLineage": column_lineage_dataset.ColumnLineageDatasetFacet(fields=fields, producer=PRODUCER)}


def _input_fields(sources: Iterable[tuple[Any, str]]) -> Iterable[column_lineage_dataset.InputField]:
    for dataset, column in sources:
        yield column_lineage_dataset.InputField(namespace=dataset.namespace, name=dataset.name, field=column)


def _time(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat(timespec="milliseconds")
