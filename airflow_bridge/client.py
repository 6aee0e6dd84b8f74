"""The part of Dagster's GraphQL that Airflow needs: list assets, launch a run, watch it, stop it. Needs only httpx.

There are two kinds of errors. `UnreachableError`: no answer, or an answer from something in between; asking again may
help. `RefusedError`: Dagster answered, and asking again will not help. Neither contains a header or a password.
"""

from __future__ import annotations

import asyncio
import base64
import bisect
import contextlib
import json
import ssl
import threading
import urllib.parse
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, cast

import httpx

from airflow_bridge.answers import AnswerError, Body

ENDED = frozenset({"SUCCESS", "FAILURE", "CANCELED"})
UNENDED = ("QUEUED", "NOT_STARTED", "MANAGED", "STARTING", "STARTED", "CANCELING")
PARTITION = "dagster/partition"
RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"
RESUMES = "dagster/parent_run_id"
RETRIED_BY = "dagster/auto_retry_run_id"
WILL_RETRY = "dagster/will_retry"
#: Metadata of a materialization: rows of one partition, of all partitions of the run, of the table.
ROWS_OF_PARTITION, ROWS_OF_RANGE, ROWS = "dagster/partition_row_count", "rows_in_range", "dagster/row_count"

#: HTTP status of a proxy in between while Dagster is down.
_TEMPORARY = frozenset({429, 502, 503, 504})
#: A request may take so many times the timeout from beginning to end, however steadily its answer trickles in.
_TIMES = 4
#: A shorter header value is not a secret, and masking it would garble ordinary words.
_SHORTEST_SECRET = 5
#: Part of Dagster's message about a step that a blocking check has stopped. It names the check, but not the reason.
_BLOCKED = "blocking asset check"

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
    """A problem between Airflow and Dagster; the message says what, where, and what to do."""


class UnreachableError(DagsterError):
    """Dagster did not answer. `sent` is false if the request cannot have reached it."""

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class RefusedError(DagsterError):
    """Dagster refused, or what answered is not Dagster."""


class RunGoneError(RefusedError):
    """Dagster has no such run: it was deleted, or this is another Dagster instance."""


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


@dataclass
class DagsterClient:
    """A client of one Dagster webserver.

    `timeout`: seconds without an answer; a whole request may take four times as long. `verify`: verify TLS or not, or a
    CA file.
    """

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
        """The address of the run's page."""
        return f"{self.url}/runs/{run_id}"

    # Assets

    def nodes(self) -> dict[str, AssetNode]:
        """Return every asset that can be materialized, by key."""
        nodes = {}
        for node in self._ask(_NODES, "assetNodes"):
            if not node["isMaterializable"]:
                continue
            key = "/".join(node["assetKey"]["path"])
            repository = node["repository"]
            nodes[key] = AssetNode(
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
        return nodes

    def missing(self, what: str, names: Iterable[str], known: Collection[str]) -> RefusedError:
        """Build the error for names that Dagster does not have: lists the nearest, or the code that failed to load."""
        names = sorted(names)
        text = f"Dagster at {self.url} has no {what} {', '.join(map(repr, names))}."
        near = [n for name in names for n in get_close_matches(name, known, n=2, cutoff=0.5)]
        if near:
            text += f" Did you mean {' or '.join(map(repr, dict.fromkeys(near)))}?"
        for location, error in self.load_errors().items():
            text += f"\nThe code location {location!r} failed to load, so its assets are missing. Fix it first: {error}"
        if not near and known:
            text += f" Available: {', '.join(sorted(known)[:20])}."
        return RefusedError(text)

    def load_errors(self) -> dict[str, str]:
        """Return why code locations failed to load, by name of the location."""
        broken = {}
        for entry in self._ask(_LOCATIONS, "workspaceOrError").get("locationEntries", []):
            location = entry["locationOrLoadError"] or {}
            if location.get("__typename") == "PythonError":
                # Dagster's own message says only that the code did not load; its innermost cause says why.
                causes = [c["message"] for c in location["causes"] if c["message"].strip()]
                broken[entry["name"]] = _last_lines((causes or [location["message"]])[-1])
        return broken

    def partition_keys(self, assets: Sequence[str]) -> dict[str, list[list[str]]]:
        """Return the partition keys of each dimension of each partitioned asset, in their order."""
        answer = self._ask(_KEYS, "assetNodes", keys=[{"path": a.split("/")} for a in assets])
        return {
            "/".join(node["assetKey"]["path"]): [d["partitionKeys"] for d in node["partitionKeysByDimension"]]
            for node in answer
        }

    # Runs

    def launch(
        self, nodes: Sequence[AssetNode], tags: Mapping[str, str], run_config: Mapping[str, Any] | None = None
    ) -> str:
        """Launch one run for assets of one code location and return its id. The caller has checked the partition."""
        locations = {node.location for node in nodes}
        if len(locations) != 1:
            names = ", ".join(sorted(location for location, _ in locations))
            raise RefusedError(f"One run cannot span the code locations {names}: use one task per code location.")
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
        """Launch a run of what failed and what comes after it, with the parent's tags and these; return its id."""
        params = {
            "parentRunId": run_id,
            "strategy": "FROM_FAILURE",
            "useParentRunTags": True,
            "extraTags": _as_list(tags),
        }
        return self._launched(self._ask(_RESUME, "launchRunReexecution", params=params))

    def find(self, tags: Mapping[str, str], limit: int = 25, *, unended: bool = False) -> list[Run]:
        """Return runs that carry all of these tags, newest first; with `unended` only those that have not ended."""
        chosen: dict[str, Any] = {"tags": _as_list(tags)} | ({"statuses": list(UNENDED)} if unended else {})
        answer = self._ask(_RUNS, "runsOrError", filter=chosen, limit=limit)
        if answer["__typename"] != "Runs":
            raise RefusedError(self._masked(f"Dagster at {self.url} cannot list runs: {answer.get('message')}"))
        return [_run(result) for result in answer["results"]]

    def run(self, run_id: str) -> Run:
        """Return the run. Raises RunGoneError if there is none."""
        return self._existing(run_id, self._ask(_RUN, "runOrError", id=run_id))

    async def arun(self, run_id: str) -> Run:
        """Like `run`, for the triggerer."""
        return self._existing(run_id, await self._aask(_RUN, "runOrError", id=run_id))

    def terminate(self, run_id: str) -> str | None:
        """Ask the run to stop. Returns the reason if it will not, such as that it has ended."""
        return self._why_not(self._ask(_TERMINATE, "terminateRun", id=run_id))

    async def aterminate(self, run_id: str) -> str | None:
        """Like `terminate`, for the triggerer."""
        return self._why_not(await self._aask(_TERMINATE, "terminateRun", id=run_id))

    def report(self, run_id: str) -> Report:
        """Read the whole event log of a run, and of the runs that it resumed, as far as they still exist."""
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
        """Return the report of one run, and the id of the run that it resumes."""
        resumes: str | None = None
        rows: dict[str, int] = {}
        by_partition: dict[str, dict[str | None, int]] = {}
        materialized: dict[str, None] = {}
        checks: list[Check] = []
        failed_in: dict[str | None, list[Check]] = {}
        failures: list[str] = []
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
                    check = _check(event["evaluation"])
                    checks.append(check)
                    if not check.passed and check.severity == "ERROR":
                        failed_in.setdefault(event["stepKey"], []).append(check)
                elif kind == "ExecutionStepFailureEvent":
                    cause = _cause(event)
                    blocked_by = failed_in.get(event["stepKey"], []) if _BLOCKED in cause else []
                    failures += [f"check {check}" for check in blocked_by if check.name in cause] or [
                        f"step {event['stepKey']}: {cause}"
                    ]
                elif kind == "RunFailureEvent" and not failures:
                    failures.append(_cause(event))
        rows |= {key: sum(counts.values()) for key, counts in by_partition.items()}
        return Report(tuple(materialized), rows, tuple(checks), tuple(dict.fromkeys(failures))), resumes

    def _pages(self, run_id: str) -> Iterator[tuple[dict[str, str], list[dict[str, Any]]]]:
        """Yield the tags of a run with the events of its log, page by page; at least one page."""
        cursor: str | None = None
        while True:
            answer = self._ask(_EVENTS, "runOrError", id=run_id, cursor=cursor)
            self._refuse_no_run(run_id, answer)
            page = answer["eventConnection"]
            yield {t["key"]: t["value"] for t in answer["tags"]}, page["events"]
            if not page["hasMore"] or page["cursor"] == cursor:
                return
            cursor = page["cursor"]

    def _existing(self, run_id: str, answer: dict[str, Any]) -> Run:
        self._refuse_no_run(run_id, answer)
        return _run(answer)

    def _refuse_no_run(self, run_id: str, answer: dict[str, Any]) -> None:
        if answer["__typename"] == "RunNotFoundError":
            raise self._gone(run_id)
        if answer["__typename"] != "Run":
            raise RefusedError(self._masked(f"Dagster at {self.url} cannot show run {run_id}: {answer.get('message')}"))

    def _gone(self, run_id: str) -> RunGoneError:
        return RunGoneError(
            f"Dagster at {self.url} has no run {run_id}: it was deleted, or the Airflow connection now points to "
            "another Dagster. Clear the task to launch a new run."
        )

    def _why_not(self, answer: Mapping[str, Any]) -> str | None:
        if answer["__typename"] == "TerminateRunSuccess":
            return None
        return self._masked(answer.get("message") or answer["__typename"])

    def _launched(self, answer: dict[str, Any]) -> str:
        if answer["__typename"] == "LaunchRunSuccess":
            return str(answer["run"]["id"])
        message = answer.get("message") or "; ".join(e["message"] for e in answer.get("errors", []))
        raise RefusedError(
            self._masked(f"Dagster at {self.url} did not launch the run ({answer['__typename']}): {message}")
        )

    # Transport

    def _ask(self, query: str, field: str, **variables: Any) -> Any:
        late = threading.Event()
        with (
            self._explained(late),
            httpx.Client(
                timeout=self.timeout, headers=self.headers, auth=self.auth, verify=self._tls(), transport=self.transport
            ) as http,
        ):

            def give_up() -> None:
                late.set()
                http.close()  # whoever waits for the next bytes then gets an error

            timer = threading.Timer(self.timeout * _TIMES, give_up)
            timer.daemon = True
            timer.start()
            try:
                with http.stream("POST", f"{self.url}/graphql", json={"query": query, "variables": variables}) as reply:
                    body = Body(reply.headers)
                    for chunk in cast("httpx.SyncByteStream", reply.stream):
                        body.add(chunk)
            finally:
                timer.cancel()
        return self._answer(reply, body.data, field)

    async def _aask(self, query: str, field: str, **variables: Any) -> Any:
        late = threading.Event()

        async def answer() -> tuple[httpx.Response, bytes]:
            async with (
                httpx.AsyncClient(
                    timeout=self.timeout,
                    headers=self.headers,
                    auth=self.auth,
                    verify=self._tls(),
                    transport=self.async_transport,
                ) as http,
                http.stream("POST", f"{self.url}/graphql", json={"query": query, "variables": variables}) as reply,
            ):
                body = Body(reply.headers)
                async for chunk in cast("httpx.AsyncByteStream", reply.stream):
                    body.add(chunk)
            return reply, body.data

        with self._explained(late):
            try:
                reply, data = await asyncio.wait_for(answer(), self.timeout * _TIMES)
            except asyncio.TimeoutError:  # noqa: UP041 - another class before Python 3.11
                late.set()
                raise
        return self._answer(reply, data, field)

    def _tls(self) -> bool | ssl.SSLContext:
        if isinstance(self.verify, bool):
            return self.verify
        try:
            return ssl.create_default_context(cafile=self.verify)
        except OSError as e:
            raise RefusedError(
                f"`verify` in the Airflow connection is {self.verify!r}, which is not a certificate file: {e}"
            ) from e

    @contextlib.contextmanager
    def _explained(self, late: threading.Event) -> Iterator[None]:
        """Explain network errors so that whoever is paged knows where to look. `late`: the request was given up."""
        try:
            yield
        except DagsterError:
            raise
        except AnswerError as e:
            raise RefusedError(
                f"{self.url} {e}. Check that the host of the Airflow connection is that of dagster-webserver."
            ) from None
        except Exception as e:
            explained = self._late() if late.is_set() else self._in_words(e)
            if explained is None:
                raise
            raise explained from e

    def _late(self) -> UnreachableError:
        return UnreachableError(
            f"Dagster at {self.url} did not finish its answer within {self.timeout * _TIMES:g} s. If it is busy, raise "
            "`timeout` in the extra of the Airflow connection.",
            sent=True,
        )

    def _in_words(self, error: Exception) -> DagsterError | None:
        """Return what a network error means; None for an error that is not the network's."""
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            hint = (
                "Is dagster-webserver running, and is this the host and port of the Airflow connection?"
                if "CERTIFICATE" not in str(error)
                else "Set `verify` in the extra of the Airflow connection to the file of the CA to trust."
            )
            reason = str(error) or type(error).__name__
            return UnreachableError(f"Nothing answers at {self.url} ({reason}). {hint}", sent=False)
        if isinstance(error, httpx.TimeoutException):
            return UnreachableError(
                f"Dagster at {self.url} did not answer within {self.timeout:g} s. If it is busy, raise `timeout` in "
                "the extra of the Airflow connection.",
                sent=True,
            )
        if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL):
            return RefusedError(
                f"{self.url!r} is not an address of Dagster ({error}). Set the host of the Airflow connection, for "
                "example to http://127.0.0.1:3000"
            )
        if isinstance(error, httpx.HTTPError):
            return UnreachableError(
                self._masked(f"The connection to Dagster at {self.url} was lost: {error!r}"), sent=True
            )
        return None

    def _answer(self, reply: httpx.Response, data: bytes, field: str) -> Any:
        """Return Dagster's answer, or raise what came instead. A PythonError of Dagster is HTTP 500 with JSON."""
        status = f"HTTP {reply.status_code}"
        if reply.status_code in (401, 403):
            raise RefusedError(
                f"{self.url} refuses Airflow's login ({status}). Set the password (an API token) or the headers of "
                "the Airflow connection."
            )
        try:
            body = json.loads(data)
        except (ValueError, RecursionError):
            body = None
        if isinstance(body, dict) and isinstance(body.get("data"), dict) and body["data"].get(field) is not None:
            return body["data"][field]
        if isinstance(body, dict) and body.get("errors"):
            messages = "; ".join(str(e.get("message", e)) if isinstance(e, dict) else str(e) for e in body["errors"])
            text = self._masked(f"Dagster at {self.url} failed to answer ({status}): {messages}")
            # Dagster's own code failed, for example on its database; it may have done what it was asked before that.
            raise UnreachableError(text, sent=True) if reply.status_code >= 500 else RefusedError(text)
        if reply.status_code in _TEMPORARY or (reply.status_code >= 500 and body is None):
            raise UnreachableError(f"{self.url} is not available ({status})", sent=True)
        what = "HTML" if "html" in reply.headers.get("content-type", "") else "something else"
        raise RefusedError(
            f"{self.url}/graphql is not Dagster's GraphQL: it answered with {what} ({status}). Check that the host of "
            "the connection is that of dagster-webserver, with its path prefix."
        )

    def _masked(self, text: object) -> str:
        """Mask secrets meant for the webserver, in case something on the way has repeated them in its message."""
        shown = str(text)
        values = [*self.headers.values(), *(self.auth[1:] if self.auth else ())]
        secrets = {word for value in values for word in (value, value.partition(" ")[2])}
        if self.auth:
            login = ":".join(self.auth)
            secrets |= {login, base64.b64encode(login.encode()).decode()}
        written = {
            form for secret in secrets for form in (secret, json.dumps(secret)[1:-1], urllib.parse.quote(secret))
        }
        for word in sorted((w for w in written if len(w) >= _SHORTEST_SECRET), key=len, reverse=True):
            shown = shown.replace(word, "***")
        return shown


def sentence(text: str) -> str:
    """Return the text with one full stop at its end.

    >>> sentence("The till is on fire"), sentence("Wait. ")
    ('The till is on fire.', 'Wait.')
    """
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."


def check_partition(assets: Mapping[str, list[list[str]]], key: str) -> None:
    """Raise RefusedError unless every asset has the partition `key`; the message lists the nearest ones.

    Dagster accepts a key that does not exist, and the run then fails.
    """
    for asset, dimensions in assets.items():
        parts = key.split("|") if len(dimensions) > 1 else [key]
        if len(parts) != len(dimensions):
            raise RefusedError(
                f"{asset} has {len(dimensions)} partition dimensions: write the partition as a|b, not {key!r}."
            )
        for part, keys in zip(parts, dimensions, strict=True):
            if part not in keys:
                raise RefusedError(f"{asset} has no partition {part!r}. {nearest(part, keys)}")


def nearest(key: str, keys: Sequence[str]) -> str:
    """Return a sentence with the partitions around `key` and the first and the last one.

    >>> nearest("2024-01-04", ["2024-01-01", "2024-01-02", "2024-01-03"])
    'The nearest: 2024-01-02, 2024-01-03. The first is 2024-01-01, the last 2024-01-03.'
    """
    if not keys:
        return "It has no partitions yet."
    ordered = sorted(keys)
    at = bisect.bisect(ordered, key)
    around = ordered[max(at - 2, 0) : at + 2]
    return f"The nearest: {', '.join(around)}. The first is {ordered[0]}, the last {ordered[-1]}."


def _run(result: Mapping[str, Any]) -> Run:
    return Run(result["id"], result["status"], {t["key"]: t["value"] for t in result["tags"]}, result["creationTime"])


def _as_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": str(value)} for key, value in tags.items()]


def _check(evaluation: Mapping[str, Any]) -> Check:
    return Check(
        name=evaluation["checkName"],
        asset="/".join(evaluation["assetKey"]["path"]),
        passed=evaluation["success"],
        severity=evaluation["severity"],
        description=evaluation["description"] or "",
    )


def _numbers(entries: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Return the integers of a materialization's metadata, by label."""
    return {e["label"]: int(e["intRepr"]) for e in entries if "intRepr" in e}  # intValue ends at 2**31


def _cause(event: Mapping[str, Any]) -> str:
    """Return the innermost reason: the message of the step's author, not that a step failed."""
    described = (event.get("failureMetadata") or {}).get("description")
    if described:
        return str(described).strip()
    error = event.get("error") or {}
    messages = [error.get("message"), *(c.get("message") for c in error.get("causes") or ())]
    reasons = [m.strip() for m in messages if m and m.strip()]
    return reasons[-1] if reasons else str(event.get("message") or "no reason given")


def _last_lines(text: str, lines: int = 3) -> str:
    return " ".join(line.strip() for line in text.strip().splitlines()[-lines:])
