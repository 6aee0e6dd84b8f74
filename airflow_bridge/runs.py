"""What Dagster reports of assets, runs and checks, as values; and the tags of runs that mean something to Dagster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ENDED = frozenset({"SUCCESS", "FAILURE", "CANCELED"})
UNENDED = ("QUEUED", "NOT_STARTED", "MANAGED", "STARTING", "STARTED", "CANCELING")
PARTITION = "dagster/partition"
RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"
RESUMES = "dagster/parent_run_id"
RETRIED_BY = "dagster/auto_retry_run_id"
WILL_RETRY = "dagster/will_retry"


@dataclass(frozen=True)
class AssetNode:
    """An asset of Dagster's graph. `key` is its path joined by `/`; `location` is (code location, repository).

    `partition_format`: the time format of its partition keys, if they are times. `ranges`: one run can materialize a
    range of partitions.
    """

    key: str
    group: str
    partitioned: bool
    location: tuple[str, str]
    upstream: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    owners: frozenset[str] = frozenset()
    tags: Mapping[str, str] = field(default_factory=dict)
    partition_format: str | None = None
    ranges: bool = False


@dataclass(frozen=True)
class Run:
    """A snapshot of a Dagster run. `created` is in seconds since 1970, like `time.time()`."""

    id: str
    status: str
    tags: Mapping[str, str]
    created: float = 0.0

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    @property
    def retried_by(self) -> str | None:
        """The id of the run with which Dagster itself has retried this one."""
        return self.tags.get(RETRIED_BY)

    @property
    def will_be_retried(self) -> bool:
        """Whether Dagster itself is about to retry this run."""
        return self.status == "FAILURE" and self.tags.get(WILL_RETRY, "").lower() == "true"


@dataclass(frozen=True)
class Check:
    """The result of an asset check."""

    name: str
    asset: str
    passed: bool
    severity: str
    description: str

    def __str__(self) -> str:
        return f"{self.name} on {self.asset}: {self.description or 'no description'}"


@dataclass(frozen=True)
class Report:
    """A run's event log in short: materialized assets, their rows if known, check results, and why steps failed.

    Where a blocking check has stopped a step, the reason is the description of the check.
    """

    materialized: tuple[str, ...]
    rows: Mapping[str, int]
    checks: tuple[Check, ...]
    failures: tuple[str, ...]

    def after(self, before: Report) -> Report:
        """Add the report of the run that this one resumed. Where both report the same thing, this one counts."""
        repeated = {(check.asset, check.name) for check in self.checks}
        return Report(
            tuple(dict.fromkeys((*before.materialized, *self.materialized))),
            {**before.rows, **self.rows},
            (*(check for check in before.checks if (check.asset, check.name) not in repeated), *self.checks),
            self.failures,
        )
