"""The facts of a run that its events state: steps with times and outcomes, and the datasets they read and wrote."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from retail_assets.lineage.names import Dataset

Outcome = Literal["COMPLETE", "FAIL", "ABORT"]


@dataclass(frozen=True)
class Column:
    """A column of a dataset, and the columns that it comes from as (dataset, column); none where that is not known."""

    name: str
    type: str | None = None
    description: str | None = None
    sources: tuple[tuple[Dataset, str], ...] = ()


@dataclass(frozen=True)
class Described:
    """A dataset with what is known of it: columns, owners, what it is."""

    dataset: Dataset
    columns: tuple[Column, ...] = ()
    owners: tuple[str, ...] = ()
    description: str | None = None


@dataclass(frozen=True)
class Written:
    """A dataset that a step wrote; None where a number is not known."""

    described: Described
    rows: int | None = None
    bytes: int | None = None
    files: int | None = None


@dataclass(frozen=True)
class Checked:
    """The result of a check on a dataset. `severity` is error, where it blocks or is wrong, or warn."""

    name: str
    passed: bool
    severity: Literal["error", "warn"]


@dataclass(frozen=True)
class Read:
    """A dataset that a step read, and the results of the checks that the step made of it."""

    described: Described
    checks: tuple[Checked, ...] = ()


@dataclass(frozen=True)
class Step:
    """One step of a run: a job of its own, whose parent is the run."""

    name: str
    started: dt.datetime
    ended: dt.datetime
    outcome: Outcome
    inputs: tuple[Read, ...] = ()
    outputs: tuple[Written, ...] = ()
    error: str | None = None
    description: str | None = None


@dataclass(frozen=True)
class Parent:
    """The run of another program that started this one, such as an Airflow task. `run_id` is a UUID."""

    namespace: str
    job: str
    run_id: str

    @classmethod
    def read(cls, text: str | None) -> Parent | None:
        """Read `namespace/job/run id`, as Airflow's provider writes it; None if it is not such a text.

        >>> Parent.read("airflow/retail_pipeline.ingest/0193b5ad-0f4c-7f44-8a1b-5c24f6a0b111").job
        'retail_pipeline.ingest'
        """
        from uuid import UUID

        parts = (text or "").rsplit("/", 2)
        if len(parts) != 3 or not all(parts):
            return None
        try:
            return cls(parts[0], parts[1], str(UUID(parts[2])))
        except ValueError:
            return None


@dataclass(frozen=True)
class Run:
    """A run that has ended.

    Attributes:
        run_id: its UUID.
        name: of its job.
        days: first and last landing day; None without partitions.
        timezone: of the days.
        engine: version of Dagster.
        tags: what the events say besides, by name.
    """

    run_id: str
    name: str
    started: dt.datetime
    ended: dt.datetime
    outcome: Outcome
    steps: tuple[Step, ...]
    timezone: str = "UTC"
    days: tuple[dt.date, dt.date] | None = None
    error: str | None = None
    parent: Parent | None = None
    root: Parent | None = None
    engine: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
