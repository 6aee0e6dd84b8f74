"""Dagster's GraphQL as far as Airflow asks it: which assets there are, launch a run, look at it, stop it. httpx alone.

Two kinds of trouble are told apart. `UnreachableError`: no answer, or one of somebody in between; asking again may
help. `RefusedError`: Dagster answered, and asking again will not help. Neither holds a header or a password.
"""

from __future__ import annotations

import bisect
import contextlib
import json
import ssl
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import httpx

ENDED = frozenset({"SUCCESS", "FAILURE", "CANCELED"})
PARTITION = "dagster/partition"
RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"
RESUMES = "dagster/parent_run_id"
RETRIED_BY = "dagster/auto_retry_run_id"
WILL_RETRY = "dagster/will_retry"
#: Metadata of a materialization: rows of one partition, of all that the run made at once, of the table.
ROWS_OF_PARTITION, ROWS_OF_RANGE, ROWS = "dagster/partition_row_count", "rows_in_range", "dagster/row_count"

#: A proxy in between says these when Dagster is down.
_PASSING = frozenset({429, 502, 503, 504})
#: A shorter value of a header is no secret, and would tear words apart.
_SECRET = 5

_NODES = """
query Nodes { assetNodes {
  assetKey { path } groupName isPartitioned isMaterializable kinds
  partitionDefinition { fmt } backfillPolicy { policyType }
  tags { key value } owners { ... on TeamAssetOwner { team } ... on UserAssetOwner { email } }
  dependencyKeys { path } repository { name location { name } }
} }
"""
_LOCATIONS = """
query Locations { workspaceOrError { ... on Workspace { locationEntries { name locationOrLoadError {
  __typename ... on PythonError { message causes { message } }
} } } } }
"""
_KEYS = """
query Keys($keys: [AssetKeyInput!]!) { assetNodes(assetKeys: $keys) {
  assetKey { path } partitionKeysByDimension { name partitionKeys }
} }
"""
_LAUNCHED = """
  __typename
  ... on LaunchRunSuccess { run { id } }
  ... on RunConfigValidationInvalid { errors { message } }
  ... on Error { message }
"""
_LAUNCH = f"mutation Launch($params: ExecutionParams!) {{ launchRun(executionParams: $params) {{ {_LAUNCHED} }} }}"
_RESUME = f"""
mutation Resume($params: ReexecutionParams!) {{
  launchRunReexecution(reexecutionParams: $params) {{ {_LAUNCHED} }}
}}
"""
_RUNS = """
query Runs($filter: RunsFilter!, $limit: Int) { runsOrError(filter: $filter, limit: $limit) {
  __typename ... on Runs { results { id status creationTime tags { key value } } } ... on Error { message }
} }
"""
_RUN = """
query Run($id: ID!) { runOrError(runId: $id) {
  __typename ... on Run { id status creationTime tags { key value } } ... on Error { message }
} }
"""
_EVENTS = """
query Events($id: ID!, $cursor: String) { runOrError(runId: $id) {
  __typename
  ... on Error { message }
  ... on Run { tags { key value } eventConnection(afterCursor: $cursor, limit: 1000) { cursor hasMore events {
    __typename
    ... on MessageEvent { message stepKey }
    ... on ExecutionStepFailureEvent { error { message causes { message } } failureMetadata { description } }
    ... on RunFailureEvent { error { message causes { message } } }
    ... on MaterializationEvent { assetKey { path } partition metadataEntries {
      label ... on IntMetadataEntry { intRepr }
    } }
    ... on AssetCheckEvaluationEvent { evaluation { checkName assetKey { path } success severity description } }
  } } }
} }
"""
_TERMINATE = """
mutation Terminate($id: String!) { terminateRun(runId: $id, terminatePolicy: SAFE_TERMINATE) {
  __typename ... on TerminateRunFailure { message } ... on Error { message }
} }
"""


class DagsterError(Exception):
    """Something is wrong between Airflow and Dagster; the message says what, where, and what to do."""


class UnreachableError(DagsterError):
    """No answer of Dagster. `sent` is false where the question cannot have reached it."""

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class RefusedError(DagsterError):
    """Dagster answered that it will not, or what answered is not Dagster."""


class RunGoneError(RefusedError):
    """Dagster does not know the run: somebody deleted it, or the instance is another one."""


@dataclass(frozen=True)
class AssetNode:
    """An asset of Dagster's graph. `key` is its path joined by `/`; `location` is (code location, repository).

    `partition_format`: how its partitions write a time, where they are times. `ranges`: one run may make many of them.
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
    """A Dagster run as it was a moment ago. `created` as of `time.time()`."""

    id: str
    status: str
    tags: Mapping[str, str]
    created: float = 0.0

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    @property
    def retried_by(self) -> str | None:
        """The run by which Dagster itself has retried this one."""
        return self.tags.get(RETRIED_BY)

    @property
    def will_be_retried(self) -> bool:
        """Whether Dagster itself is about to."""
        return self.status == "FAILURE" and self.tags.get(WILL_RETRY, "").lower() == "true"


@dataclass(frozen=True)
class Check:
    """The verdict of an asset check."""

    name: str
    asset: str
    passed: bool
    severity: str
    description: str

    def __str__(self) -> str:
        return f"{self.name} on {self.asset}: {self.description or 'it says no more'}"


@dataclass(frozen=True)
class Report:
    """What a run's event log says: assets made, their rows where known, checks, and why steps failed."""

    materialized: tuple[str, ...]
    rows: Mapping[str, int]
    checks: tuple[Check, ...]
    failures: tuple[str, ...]

    def after(self, before: Report) -> Report:
        """With what the run that this one resumed had done: where both speak of the same, this one counts."""
        judged = {(check.asset, check.name) for check in self.checks}
        return Report(
            tuple(dict.fromkeys((*before.materialized, *self.materialized))),
            {**before.rows, **self.rows},
            (*(check for check in before.checks if (check.asset, check.name) not in judged), *self.checks),
            self.failures,
        )


@dataclass
class DagsterClient:
    """Questions to one Dagster webserver. `timeout` in seconds, for each answer; `verify`: TLS, or the file of a CA."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    auth: tuple[str, str] | None = field(default=None, repr=False)
    timeout: float = 30.0
    verify: bool | str = True
    transport: httpx.BaseTransport | None = field(default=None, repr=False)
    async_transport: httpx.AsyncBaseTransport | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.url = self.url.rstrip("/")

    def run_url(self, run_id: str) -> str:
        """Where people look at the run."""
        return f"{self.url}/runs/{run_id}"

    # Assets

    def nodes(self) -> dict[str, AssetNode]:
        """Every asset that can be materialized, by key."""
        found = {}
        for node in self._ask(_NODES, "assetNodes"):
            if not node["isMaterializable"]:
                continue
            key = "/".join(node["assetKey"]["path"])
            repository = node["repository"]
            found[key] = AssetNode(
                key=key,
                group=node["groupName"] or "default",
                partitioned=node["isPartitioned"],
                location=(repository["location"]["name"], repository["name"]),
                upstream=frozenset("/".join(k["path"]) for k in node["dependencyKeys"]),
                kinds=frozenset(node["kinds"] or ()),
                owners=frozenset(f"team:{o['team']}" if "team" in o else o["email"] for o in node["owners"] or ()),
                tags={t["key"]: t["value"] for t in node["tags"] or ()},
                partition_format=(node["partitionDefinition"] or {}).get("fmt"),
                ranges=(node["backfillPolicy"] or {}).get("policyType") == "SINGLE_RUN",
            )
        return found

    def missing(self, what: str, names: Iterable[str], known: Collection[str]) -> RefusedError:
        """The error for names that Dagster does not have: the nearest that it has, or the code that did not load."""
        names = sorted(names)
        text = f"Dagster at {self.url} has no {what} {', '.join(map(repr, names))}."
        near = [n for name in names for n in get_close_matches(name, known, n=2, cutoff=0.5)]
        if near:
            text += f" Did you mean {' or '.join(map(repr, dict.fromkeys(near)))}?"
        for location, error in self.load_errors().items():
            text += (
                f"\nThe code location {location!r} failed to load, so its assets are missing. Mend it first: {error}"
            )
        if not near and known:
            text += f" It has: {', '.join(sorted(known)[:20])}."
        return RefusedError(text)

    def load_errors(self) -> dict[str, str]:
        """Code location -> why it could not be loaded."""
        broken = {}
        for entry in self._ask(_LOCATIONS, "workspaceOrError").get("locationEntries", []):
            found = entry["locationOrLoadError"] or {}
            if found.get("__typename") == "PythonError":
                # Dagster's own message says only that the code did not load; its innermost cause says why.
                causes = [c["message"] for c in found["causes"] if c["message"].strip()]
                broken[entry["name"]] = _last_lines((causes or [found["message"]])[-1])
        return broken

    def partition_keys(self, assets: Sequence[str]) -> dict[str, list[list[str]]]:
        """Of each partitioned asset, the keys of each of its dimensions, in their order."""
        answer = self._ask(_KEYS, "assetNodes", keys=[{"path": a.split("/")} for a in assets])
        return {
            "/".join(node["assetKey"]["path"]): [d["partitionKeys"] for d in node["partitionKeysByDimension"]]
            for node in answer
        }

    # Runs

    def launch(
        self, nodes: Sequence[AssetNode], tags: Mapping[str, str], run_config: Mapping[str, Any] | None = None
    ) -> str:
        """Launch one run for assets of one code location; returns its id. The caller has checked the partition."""
        locations = {node.location for node in nodes}
        if len(locations) != 1:
            names = ", ".join(sorted(location for location, _ in locations))
            raise RefusedError(f"One run cannot span the code locations {names}: give each a task of its own.")
        [(location, repository)] = locations
        params = {
            "selector": {
                "repositoryLocationName": location,
                "repositoryName": repository,
                "jobName": "__ASSET_JOB",
                "assetSelection": [{"path": node.key.split("/")} for node in nodes],
            },
            "runConfigData": json.dumps(run_config or {}),
            "executionMetadata": {"tags": _as_list(tags)},
        }
        return self._launched(self._ask(_LAUNCH, "launchRun", params=params))

    def resume(self, run_id: str, tags: Mapping[str, str]) -> str:
        """Launch again what failed, and what comes after it, with the tags of the parent and these; returns the id."""
        params = {
            "parentRunId": run_id,
            "strategy": "FROM_FAILURE",
            "useParentRunTags": True,
            "extraTags": _as_list(tags),
        }
        return self._launched(self._ask(_RESUME, "launchRunReexecution", params=params))

    def find(self, tags: Mapping[str, str], limit: int = 25) -> list[Run]:
        """Runs that carry all of these tags, the newest first."""
        answer = self._ask(_RUNS, "runsOrError", filter={"tags": _as_list(tags)}, limit=limit)
        if answer["__typename"] != "Runs":
            raise RefusedError(f"Dagster at {self.url} cannot list runs: {answer.get('message')}")
        return [_run(found) for found in answer["results"]]

    def run(self, run_id: str) -> Run:
        """The run. Raises RunGoneError if there is none."""
        return self._found(run_id, self._ask(_RUN, "runOrError", id=run_id))

    async def arun(self, run_id: str) -> Run:
        """As `run`, for the triggerer."""
        return self._found(run_id, await self._aask(_RUN, "runOrError", id=run_id))

    def terminate(self, run_id: str) -> str | None:
        """Ask the run to stop. Returns why it will not, such as that it has ended."""
        return _why_not(self._ask(_TERMINATE, "terminateRun", id=run_id))

    async def aterminate(self, run_id: str) -> str | None:
        """As `terminate`, for the triggerer."""
        return _why_not(await self._aask(_TERMINATE, "terminateRun", id=run_id))

    def report(self, run_id: str) -> Report:
        """Read the whole event log of a run, and of those that it resumed as far as they are there."""
        report, resumes = self._report(run_id)
        read = {run_id}
        while resumes is not None and resumes not in read:
            read.add(resumes)
            try:
                before, resumes = self._report(resumes)
            except RunGoneError:
                break
            report = report.after(before)
        return report

    def _report(self, run_id: str) -> tuple[Report, str | None]:
        """Of one run; and the id of the run that it resumes."""
        resumes: str | None = None
        rows: dict[str, int] = {}
        by_partition: dict[str, dict[str | None, int]] = {}
        materialized: dict[str, None] = {}
        checks, failures = [], []
        for tags, events in self._pages(run_id):
            resumes = tags.get(RESUMES)
            for event in events:
                kind = event["__typename"]
                if kind == "MaterializationEvent" and event["assetKey"]:
                    key = "/".join(event["assetKey"]["path"])
                    materialized[key] = None
                    numbers = _numbers(event["metadataEntries"])
                    if ROWS_OF_PARTITION in numbers:
                        by_partition.setdefault(key, {})[event["partition"]] = numbers[ROWS_OF_PARTITION]
                    elif (count := numbers.get(ROWS_OF_RANGE, numbers.get(ROWS))) is not None:
                        rows[key] = count
                elif kind == "AssetCheckEvaluationEvent":
                    checks.append(_check(event["evaluation"]))
                elif kind == "ExecutionStepFailureEvent":
                    failures.append(f"step {event['stepKey']}: {_cause(event)}")
                elif kind == "RunFailureEvent" and not failures:
                    failures.append(_cause(event))
        rows |= {key: sum(counts.values()) for key, counts in by_partition.items()}
        return Report(tuple(materialized), rows, tuple(checks), tuple(failures)), resumes

    def _pages(self, run_id: str) -> Iterator[tuple[dict[str, str], list[dict[str, Any]]]]:
        """The tags of a run, and the events of its log; both at least once."""
        cursor: str | None = None
        while True:
            answer = self._ask(_EVENTS, "runOrError", id=run_id, cursor=cursor)
            self._refuse_no_run(run_id, answer)
            page = answer["eventConnection"]
            yield {t["key"]: t["value"] for t in answer["tags"]}, page["events"]
            if not page["hasMore"] or page["cursor"] == cursor:
                return
            cursor = page["cursor"]

    def _found(self, run_id: str, answer: dict[str, Any]) -> Run:
        self._refuse_no_run(run_id, answer)
        return _run(answer)

    def _refuse_no_run(self, run_id: str, answer: dict[str, Any]) -> None:
        if answer["__typename"] == "RunNotFoundError":
            raise self._gone(run_id)
        if answer["__typename"] != "Run":
            raise RefusedError(f"Dagster at {self.url} cannot show run {run_id}: {answer.get('message')}")

    def _gone(self, run_id: str) -> RunGoneError:
        return RunGoneError(
            f"Dagster at {self.url} has no run {run_id}: it was deleted, or the connection now names another Dagster. "
            "Clear the task to launch a new run."
        )

    def _launched(self, answer: dict[str, Any]) -> str:
        if answer["__typename"] == "LaunchRunSuccess":
            return str(answer["run"]["id"])
        message = answer.get("message") or "; ".join(e["message"] for e in answer.get("errors", []))
        raise RefusedError(f"Dagster at {self.url} did not launch the run ({answer['__typename']}): {message}")

    # Transport

    def _ask(self, query: str, field: str, **variables: Any) -> Any:
        with (
            self._explained(),
            httpx.Client(
                timeout=self.timeout, headers=self.headers, auth=self.auth, verify=self._tls(), transport=self.transport
            ) as http,
        ):
            reply = http.post(f"{self.url}/graphql", json={"query": query, "variables": variables})
        return self._answer(reply, field)

    async def _aask(self, query: str, field: str, **variables: Any) -> Any:
        with self._explained():
            async with httpx.AsyncClient(
                timeout=self.timeout,
                headers=self.headers,
                auth=self.auth,
                verify=self._tls(),
                transport=self.async_transport,
            ) as http:
                reply = await http.post(f"{self.url}/graphql", json={"query": query, "variables": variables})
        return self._answer(reply, field)

    def _tls(self) -> bool | ssl.SSLContext:
        if isinstance(self.verify, bool):
            return self.verify
        try:
            return ssl.create_default_context(cafile=self.verify)
        except OSError as e:
            raise RefusedError(f"`verify` in the Airflow connection names {self.verify!r}, no certificate: {e}") from e

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Trouble on the way, told so that somebody who is paged knows where to look."""
        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout) as e:
            hint = (
                "Is dagster-webserver running, and is this the host and port of the Airflow connection?"
                if "CERTIFICATE" not in str(e)
                else "`verify` in the extra of the Airflow connection names the file of the CA to trust."
            )
            raise UnreachableError(
                f"Nothing answers at {self.url} ({str(e) or type(e).__name__}). {hint}", sent=False
            ) from e
        except httpx.TimeoutException as e:
            raise UnreachableError(
                f"Dagster at {self.url} did not answer within {self.timeout:g} s. Is it busy? `timeout` in the extra "
                "of the Airflow connection gives it longer.",
                sent=True,
            ) from e
        except (httpx.UnsupportedProtocol, httpx.InvalidURL) as e:
            raise RefusedError(
                f"{self.url!r} is not an address of Dagster ({e}). The host of the Airflow connection is such as "
                "http://127.0.0.1:3000"
            ) from e
        except httpx.HTTPError as e:
            raise UnreachableError(
                self._masked(f"The connection to Dagster at {self.url} broke: {e!r}"), sent=True
            ) from e

    def _answer(self, reply: httpx.Response, field: str) -> Any:
        """Dagster's answer, or the error of whoever answered. A PythonError of Dagster is HTTP 500 with JSON."""
        status = f"HTTP {reply.status_code}"
        if reply.status_code in (401, 403):
            raise RefusedError(
                f"{self.url} does not let Airflow in ({status}). Set the password (an API token) or the headers of the "
                "Airflow connection."
            )
        try:
            body = reply.json()
        except ValueError:
            body = None
        if isinstance(body, dict) and isinstance(body.get("data"), dict) and body["data"].get(field) is not None:
            return body["data"][field]
        if isinstance(body, dict) and body.get("errors"):
            messages = "; ".join(str(e.get("message", e)) if isinstance(e, dict) else str(e) for e in body["errors"])
            text = self._masked(f"Dagster at {self.url} failed to answer ({status}): {messages}")
            # Dagster's own code failed, such as on its database; what it was asked may have been done before.
            raise UnreachableError(text, sent=True) if reply.status_code >= 500 else RefusedError(text)
        if reply.status_code in _PASSING or (reply.status_code >= 500 and body is None):
            raise UnreachableError(f"{self.url} is not available ({status})", sent=True)
        what = "HTML" if "html" in reply.headers.get("content-type", "") else "something else"
        raise RefusedError(
            f"{self.url}/graphql is not Dagster's GraphQL: it answered {what} ({status}). Is the connection's host "
            "that of dagster-webserver, with its path prefix?"
        )

    def _masked(self, text: str) -> str:
        """`text` without what only the webserver may know, should somebody on the way have said it again."""
        values = [*self.headers.values(), *(self.auth[1:] if self.auth else ())]
        words = {word for value in values for word in (value, value.partition(" ")[2]) if len(word) >= _SECRET}
        for word in sorted(words, key=len, reverse=True):
            text = text.replace(word, "***")
        return text


def check_partition(assets: Mapping[str, list[list[str]]], key: str) -> None:
    """Raise RefusedError unless every asset has the partition `key`; says the nearest ones that there are.

    Dagster accepts a key that does not exist, and the run then fails.
    """
    for asset, dimensions in assets.items():
        parts = key.split("|") if len(dimensions) > 1 else [key]
        if len(parts) != len(dimensions):
            raise RefusedError(f"{asset} has {len(dimensions)} dimensions: give the partition as a|b, not {key!r}.")
        for part, keys in zip(parts, dimensions, strict=True):
            if part not in keys:
                raise RefusedError(f"{asset} has no partition {part!r}. {nearest(part, keys)}")


def nearest(key: str, keys: Sequence[str]) -> str:
    """A sentence with the partitions around `key`, and how far they reach."""
    if not keys:
        return "It has no partitions at all yet."
    ordered = sorted(keys)
    at = bisect.bisect(ordered, key)
    around = ordered[max(at - 2, 0) : at + 2]
    return f"The nearest: {', '.join(around)}. There are {ordered[0]} to {ordered[-1]}."


def _run(found: Mapping[str, Any]) -> Run:
    return Run(found["id"], found["status"], {t["key"]: t["value"] for t in found["tags"]}, found["creationTime"])


def _as_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": str(value)} for key, value in tags.items()]


def _why_not(answer: Mapping[str, Any]) -> str | None:
    return None if answer["__typename"] == "TerminateRunSuccess" else answer.get("message") or answer["__typename"]


def _check(evaluation: Mapping[str, Any]) -> Check:
    return Check(
        name=evaluation["checkName"],
        asset="/".join(evaluation["assetKey"]["path"]),
        passed=evaluation["success"],
        severity=evaluation["severity"],
        description=evaluation["description"] or "",
    )


def _numbers(entries: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Whole numbers of a materialization's metadata, by label."""
    return {e["label"]: int(e["intRepr"]) for e in entries if "intRepr" in e}  # intValue ends at 2**31


def _cause(event: Mapping[str, Any]) -> str:
    """The innermost reason: what the author of the step said, not that a step failed."""
    described = (event.get("failureMetadata") or {}).get("description")
    if described:
        return str(described).strip()
    error = event.get("error") or {}
    messages = [error.get("message"), *(c.get("message") for c in error.get("causes") or ())]
    told = [m.strip() for m in messages if m and m.strip()]
    return told[-1] if told else str(event.get("message") or "no reason given")


def _last_lines(text: str, lines: int = 3) -> str:
    return " ".join(line.strip() for line in text.strip().splitlines()[-lines:])
