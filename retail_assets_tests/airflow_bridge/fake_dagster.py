"""A Dagster without processes: a fake transport that answers GraphQL by the schema of the installed Dagster.

What a question may ask and what shape an answer has is checked by that schema, so that this cannot drift away from
the real one. Runs go through a `course` of states, one a look; troubles of the way are ordered by `fail`.
"""

from __future__ import annotations

import functools
import itertools
import json
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from dagster_graphql.schema import create_schema
from graphql import DocumentNode, GraphQLSchema, build_schema, execute_sync, parse, print_schema, validate

URL = "http://dagster.test:3000"
DAYS = tuple(f"2024-01-{day:02}" for day in range(1, 32))
ENDED = ("SUCCESS", "FAILURE", "CANCELED")

#: Tags of a run that Dagster does not give to one that resumes it.
NOT_HANDED_ON = ("dagster/will_retry", "dagster/auto_retry_run_id")

#: What happens to a question: an answer of somebody else, or an error on the way.
Trouble = httpx.Response | Exception


@functools.cache
def schema() -> GraphQLSchema:
    """Return Dagster's types without its resolvers, which would ask a real instance."""
    return build_schema(print_schema(create_schema().graphql_schema), assume_valid=True)


@functools.cache
def understood(query: str) -> DocumentNode:
    """Parse a query that Dagster's schema allows."""
    document = parse(query)
    errors = validate(schema(), document)
    assert not errors, f"Dagster would not understand: {errors}"
    return document


@dataclass
class FakeAsset:
    """An asset of the graph; `days` has one list of partition keys per dimension, and is empty without partitions."""

    key: str
    group: str = "ingest"
    days: Sequence[Sequence[str]] = ()
    upstream: Sequence[str] = ()
    kinds: Sequence[str] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    owners: Sequence[str] = ()
    location: str = "shop"
    single_run: bool = True
    format: str = "%Y-%m-%d"
    materializable: bool = True


@dataclass
class FakeRun:
    """A run. Each query for it moves it to the next state of its course; it stays in the last one."""

    id: str
    tags: dict[str, str]
    course: deque[str]
    assets: list[str] = field(default_factory=list)
    config: Any = None
    events: list[dict[str, Any]] = field(default_factory=list)
    looks: int = 0
    created: float = 0.0

    @property
    def status(self) -> str:
        return self.course[0]

    def step(self) -> None:
        self.looks += 1
        if len(self.course) > 1:
            self.course.popleft()


@dataclass
class FakeDagster:
    """One webserver. `asked` counts queries by field; `clock` dates the runs.

    `stops`: the states of a run after it was asked to stop. `broken`: code location -> the messages of why it did not
    load, the outermost first.
    """

    assets: list[FakeAsset] = field(
        default_factory=lambda: [
            FakeAsset("clean_sales", "ingest", [DAYS]),
            FakeAsset("quarantine", "ingest", [DAYS], ["clean_sales"]),
            FakeAsset("sales", "warehouse", upstream=["clean_sales"]),
            FakeAsset("marts/insights", "eda", upstream=["sales"]),
        ]
    )
    runs: dict[str, FakeRun] = field(default_factory=dict)
    course: Sequence[str] = ("QUEUED", "STARTED", "SUCCESS")
    events: Sequence[Mapping[str, Any]] = ()
    broken: Mapping[str, Sequence[str]] = field(default_factory=dict)
    stops: Sequence[str] = ("CANCELING", "CANCELED")
    refusal: Mapping[str, Any] | None = None
    page: int = 1000
    clock: Callable[[], float] = lambda: 0.0
    asked: list[str] = field(default_factory=list)
    headers: list[httpx.Headers] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    _troubles: dict[str, deque[tuple[Trouble, bool]]] = field(default_factory=lambda: defaultdict(deque))
    _before: dict[str, deque[Callable[[], None]]] = field(default_factory=lambda: defaultdict(deque))
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    # For tests

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self.handle)

    def fail(self, what: str, trouble: Trouble, times: int = 1, *, carried_out: bool = False) -> None:
        """Let the next queries for `what` fail; `carried_out`: Dagster does what it was asked all the same."""
        self._troubles[what].extend([(trouble, carried_out)] * times)

    def before(self, what: str, *actions: Callable[[], Any]) -> None:
        """Do these, one before each of the next queries for `what`."""
        self._before[what].extend(actions)

    def add(self, status: str = "STARTED", tags: Mapping[str, str] | None = None, *then: str) -> FakeRun:
        """Add a run that exists already, with the states it goes through."""
        run_id = f"run-{next(self._numbers)}"
        run = FakeRun(
            run_id,
            dict(tags or {}),
            deque([status, *then]),
            events=[dict(e) for e in self.events],
            created=self.clock(),
        )
        self.runs[run_id] = run
        return run

    def launched(self) -> list[FakeRun]:
        return list(self.runs.values())

    def times_asked(self, what: str) -> int:
        return self.asked.count(what)

    # The transport

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.urls.append(str(request.url))
        self.headers.append(request.headers)
        question = json.loads(request.content)
        what = _asked_for(question["query"])
        self.asked.append(what)
        if self._before[what]:
            self._before[what].popleft()()
        if not self._troubles[what]:
            return self.answer(question)
        trouble, carried_out = self._troubles[what].popleft()
        if carried_out:
            self.answer(question)
        if isinstance(trouble, Exception):
            raise trouble
        return httpx.Response(trouble.status_code, headers=trouble.headers, content=trouble.content)

    def answer(self, question: Mapping[str, Any]) -> httpx.Response:
        root = {
            name: getattr(self, "_" + name)
            for name in (
                "assetNodes",
                "workspaceOrError",
                "runsOrError",
                "runOrError",
                "launchRun",
                "launchRunReexecution",
                "terminateRun",
            )
        }
        done = execute_sync(schema(), understood(question["query"]), root, variable_values=question["variables"])
        assert not done.errors, f"Dagster would not answer so: {done.errors}\n{question}"
        return httpx.Response(200, json={"data": done.data})

    # Answers

    def _assetNodes(self, info: Any, assetKeys: Any = None, **_: Any) -> list[dict[str, Any]]:  # noqa: N802, N803
        wanted = None if assetKeys is None else {"/".join(key["path"]) for key in assetKeys}
        return [_node(a) for a in self.assets if a.location not in self.broken and (wanted is None or a.key in wanted)]

    def _workspaceOrError(self, info: Any) -> dict[str, Any]:  # noqa: N802
        entries = [
            {
                "name": name,
                "locationOrLoadError": _python_error(*self.broken[name])
                if name in self.broken
                else {"__typename": "RepositoryLocation", "name": name},
            }
            for name in sorted({asset.location for asset in self.assets})
        ]
        return {"__typename": "Workspace", "locationEntries": entries}

    def _runsOrError(self, info: Any, filter: Any = None, limit: int | None = None, **_: Any) -> Any:  # noqa: N802
        filter = filter or {}
        wanted = {(tag["key"], tag["value"]) for tag in filter.get("tags") or ()}
        found = [
            run
            for run in reversed(self.runs.values())
            if wanted <= set(run.tags.items())
            and run.status in (filter.get("statuses") or [run.status])
            and run.id in (filter.get("runIds") or [run.id])
        ]
        return {"__typename": "Runs", "results": [self._shown(run) for run in found[:limit]]}

    def _runOrError(self, info: Any, runId: str) -> dict[str, Any]:  # noqa: N802, N803
        run = self.runs.get(runId)
        if run is None:
            return {"__typename": "RunNotFoundError", "runId": runId, "message": f"Run {runId} could not be found."}
        if self.asked[-1] == "runOrError":
            run.step()
        return self._shown(run)

    def _shown(self, run: FakeRun) -> dict[str, Any]:
        def events(info: Any, afterCursor: str | None = None, limit: int | None = None) -> dict[str, Any]:  # noqa: N803
            begin = int(afterCursor or 0)
            end = min(begin + min(limit or self.page, self.page), len(run.events))
            return {"events": run.events[begin:end], "cursor": str(end), "hasMore": end < len(run.events)}

        return {
            "__typename": "Run",
            "id": run.id,
            "runId": run.id,
            "status": run.status,
            "tags": [{"key": k, "value": v} for k, v in run.tags.items()],
            "rootRunId": run.tags.get("dagster/root_run_id"),
            "parentRunId": run.tags.get("dagster/parent_run_id"),
            "canTerminate": run.status not in ENDED,
            "creationTime": run.created,
            "startTime": run.created,
            "updateTime": run.created,
            "endTime": run.created if run.status in ENDED else None,
            "eventConnection": events,
        }

    def _launchRun(self, info: Any, executionParams: Any) -> dict[str, Any]:  # noqa: N802, N803
        if self.refusal is not None:
            return dict(self.refusal)
        selector, known = executionParams["selector"], {asset.key: asset for asset in self.assets}
        keys = ["/".join(key["path"]) for key in selector["assetSelection"]]
        there = [k for k in keys if k in known and known[k].location == selector["repositoryLocationName"]]
        if selector["repositoryName"] != "__repository__" or there != keys:
            return {"__typename": "InvalidSubsetError", "message": f"Assets {keys} are not all in the job."}
        run = self._begun({t["key"]: t["value"] for t in executionParams["executionMetadata"]["tags"]}, keys)
        run.config = json.loads(executionParams["runConfigData"])
        return {"__typename": "LaunchRunSuccess", "run": self._shown(run)}

    def _launchRunReexecution(self, info: Any, reexecutionParams: Any, **_: Any) -> dict[str, Any]:  # noqa: N802, N803
        parent = self.runs[reexecutionParams["parentRunId"]]
        if self.refusal is not None:
            return dict(self.refusal)
        assert reexecutionParams["strategy"] == "FROM_FAILURE"
        tags = dict(parent.tags) if reexecutionParams["useParentRunTags"] else {}
        tags = {k: v for k, v in tags.items() if k not in NOT_HANDED_ON}
        tags |= {t["key"]: t["value"] for t in reexecutionParams["extraTags"]}
        tags |= {
            "dagster/parent_run_id": parent.id,
            "dagster/root_run_id": parent.tags.get("dagster/root_run_id", parent.id),
        }
        return {"__typename": "LaunchRunSuccess", "run": self._shown(self._begun(tags, parent.assets))}

    def _begun(self, tags: Mapping[str, str], assets: list[str]) -> FakeRun:
        run = self.add(self.course[0], tags, *self.course[1:])
        run.assets = assets
        return run

    def _terminateRun(self, info: Any, runId: str, terminatePolicy: str | None = None) -> Any:  # noqa: N802, N803
        run = self.runs.get(runId)
        if run is None:
            return {"__typename": "RunNotFoundError", "runId": runId, "message": f"Run {runId} could not be found."}
        if run.status in ENDED:
            message = f"Run {runId} could not be terminated due to having status {run.status}."
            return {"__typename": "TerminateRunFailure", "run": self._shown(run), "message": message}
        run.course = deque(self.stops)
        return {"__typename": "TerminateRunSuccess", "run": self._shown(run)}


# Events


def materialized(
    asset: str, partition: str | None = None, step: str = "step", **numbers: int | str | None
) -> dict[str, Any]:
    """Make a materialization event. `numbers` is its metadata; `__` stands for the `/` of a label."""
    entries = [
        {
            "__typename": "IntMetadataEntry" if isinstance(n, int) else "TextMetadataEntry",
            "label": name.replace("__", "/"),
            "intValue": n if isinstance(n, int) and abs(n) < 2**31 else None,
            "intRepr": str(n),
            "text": str(n),
        }
        for name, n in numbers.items()
    ]
    return _event(
        "MaterializationEvent", step, assetKey={"path": asset.split("/")}, partition=partition, metadataEntries=entries
    )


def checked(
    name: str,
    *,
    passed: bool,
    severity: str = "ERROR",
    asset: str = "sales",
    description: str | None = None,
    step: str = "step",
) -> dict[str, Any]:
    evaluation = {
        "checkName": name,
        "assetKey": {"path": asset.split("/")},
        "success": passed,
        "severity": severity,
        "description": description,
        "partition": None,
        "timestamp": 0.0,
    }
    return _event("AssetCheckEvaluationEvent", step, evaluation=evaluation)


def step_failed(step: str, message: str | None, *causes: str, described: str | None = None) -> dict[str, Any]:
    metadata: dict[str, Any] | None = (
        None if described is None else {"description": described, "label": None, "metadataEntries": []}
    )
    error = None if message is None else _python_error(message, *causes)
    return _event("ExecutionStepFailureEvent", step, error=error, failureMetadata=metadata)


def run_failed(message: str | None, text: str = "the run failed") -> dict[str, Any]:
    error = None if message is None else _python_error(message)
    return _event("RunFailureEvent", None, error=error) | {"message": text}


def log_line(text: str) -> dict[str, Any]:
    return _event("LogMessageEvent", None) | {"message": text}


def python_error(message: str) -> dict[str, Any]:
    """Make the answer that Dagster gives when its own code fails."""
    return _python_error(message)


def _event(kind: str, step: str | None, **more: Any) -> dict[str, Any]:
    return {"__typename": kind, "message": kind, "stepKey": step, "timestamp": "0", "level": "INFO", **more}


def _python_error(message: str, *causes: str) -> dict[str, Any]:
    return {
        "__typename": "PythonError",
        "message": message,
        "className": "Error",
        "stack": [],
        "causes": [_python_error(cause) for cause in causes],
        "errorChain": [],
    }


def _node(asset: FakeAsset) -> dict[str, Any]:
    path = {"path": asset.key.split("/")}
    owners = [
        {"__typename": "TeamAssetOwner", "team": o.removeprefix("team:")}
        if o.startswith("team:")
        else {"__typename": "UserAssetOwner", "email": o}
        for o in asset.owners
    ]
    dimensions = [
        {"name": f"dimension_{n}", "partitionKeys": list(keys), "type": "TIME_WINDOW"}
        for n, keys in enumerate(asset.days)
    ]
    return {
        "id": asset.key,
        "assetKey": path,
        "groupName": asset.group,
        "isPartitioned": bool(asset.days),
        "isMaterializable": asset.materializable,
        "isExecutable": asset.materializable,
        "kinds": list(asset.kinds),
        "tags": [{"key": k, "value": v} for k, v in asset.tags.items()],
        "owners": owners,
        "dependencyKeys": [{"path": key.split("/")} for key in asset.upstream],
        "repository": {"name": "__repository__", "location": {"name": asset.location}},
        "partitionKeysByDimension": dimensions,
        "partitionKeys": dimensions[0]["partitionKeys"] if dimensions else [],
        "partitionDefinition": {"type": "TIME_WINDOW", "fmt": asset.format, "description": "", "dimensionTypes": []}
        if dimensions
        else None,
        "backfillPolicy": {"policyType": "SINGLE_RUN" if asset.single_run else "MULTI_RUN", "description": ""},
    }


def _asked_for(query: str) -> str:
    """Return the field that a query asks for; `events` for the log of a run."""
    for name in (
        "assetNodes(",
        "assetNodes",
        "workspaceOrError",
        "runsOrError",
        "launchRunReexecution",
        "launchRun",
        "terminateRun",
    ):
        if f"{{ {name}" in " ".join(query.split()):
            return {"assetNodes(": "partitions"}.get(name, name)
    return "events" if "eventConnection" in query else "runOrError"
