"""The part of Dagster's GraphQL that Airflow needs: list assets, launch a run, watch it, stop it.

What goes wrong is one of the errors of `problems.py`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from airflow_bridge import event_log
from airflow_bridge.problems import RefusedError, RunGoneError
from airflow_bridge.runs import UNENDED, AssetNode, Report, Run
from airflow_bridge.transport import GraphQL

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


@dataclass
class DagsterClient(GraphQL):
    """A client of one Dagster webserver."""

    def run_url(self, run_id: str) -> str:
        """The address of the run's page."""
        return f"{self.url}/runs/{run_id}"

    # Assets

    def nodes(self) -> dict[str, AssetNode]:
        """Return every asset that can be materialized, by key."""
        nodes = {}
        for node in self.ask(_NODES, "assetNodes"):
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
        for entry in self.ask(_LOCATIONS, "workspaceOrError").get("locationEntries", []):
            location = entry["locationOrLoadError"] or {}
            if location.get("__typename") == "PythonError":
                # Dagster's own message says only that the code did not load; its innermost cause says why.
                causes = [c["message"] for c in location["causes"] if c["message"].strip()]
                broken[entry["name"]] = _last_lines((causes or [location["message"]])[-1])
        return broken

    def partition_keys(self, assets: Sequence[str]) -> dict[str, list[list[str]]]:
        """Return the partition keys of each dimension of each partitioned asset, in their order."""
        answer = self.ask(_KEYS, "assetNodes", keys=[{"path": a.split("/")} for a in assets])
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
        return self._launched(self.ask(_LAUNCH, "launchRun", params=params))

    def resume(self, run_id: str, tags: Mapping[str, str]) -> str:
        """Launch a run of what failed and what comes after it, with the parent's tags and these; return its id."""
        params = {
            "parentRunId": run_id,
            "strategy": "FROM_FAILURE",
            "useParentRunTags": True,
            "extraTags": _as_list(tags),
        }
        return self._launched(self.ask(_RESUME, "launchRunReexecution", params=params))

    def find(self, tags: Mapping[str, str], limit: int = 25, *, unended: bool = False) -> list[Run]:
        """Return runs that carry all of these tags, newest first; with `unended` only those that have not ended."""
        chosen: dict[str, Any] = {"tags": _as_list(tags)} | ({"statuses": list(UNENDED)} if unended else {})
        answer = self.ask(_RUNS, "runsOrError", filter=chosen, limit=limit)
        if answer["__typename"] != "Runs":
            raise RefusedError(self.masked(f"Dagster at {self.url} cannot list runs: {answer.get('message')}"))
        return [_run(result) for result in answer["results"]]

    def run(self, run_id: str) -> Run:
        """Return the run. Raises RunGoneError if there is none."""
        return self._existing(run_id, self.ask(_RUN, "runOrError", id=run_id))

    async def arun(self, run_id: str) -> Run:
        """Like `run`, for the triggerer."""
        return self._existing(run_id, await self.aask(_RUN, "runOrError", id=run_id))

    def terminate(self, run_id: str) -> str | None:
        """Ask the run to stop. Returns the reason if it will not, such as that it has ended."""
        return self._why_not(self.ask(_TERMINATE, "terminateRun", id=run_id))

    async def aterminate(self, run_id: str) -> str | None:
        """Like `terminate`, for the triggerer."""
        return self._why_not(await self.aask(_TERMINATE, "terminateRun", id=run_id))

    def report(self, run_id: str) -> Report:
        """Read the whole event log of a run, and of the runs that it resumed, as far as they still exist."""
        report, resumes = event_log.report(self._pages(run_id))
        read = {run_id}
        while resumes is not None and resumes not in read:
            read.add(resumes)
            try:
                before, resumes = event_log.report(self._pages(resumes))
            except RunGoneError:
                break
            report = report.after(before)
        return report

    def _pages(self, run_id: str) -> Iterator[tuple[dict[str, str], list[dict[str, Any]]]]:
        """Yield the tags of a run with the events of its log, page by page; at least one page."""
        cursor: str | None = None
        while True:
            answer = self.ask(_EVENTS, "runOrError", id=run_id, cursor=cursor)
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
            raise RefusedError(self.masked(f"Dagster at {self.url} cannot show run {run_id}: {answer.get('message')}"))

    def _gone(self, run_id: str) -> RunGoneError:
        return RunGoneError(
            f"Dagster at {self.url} has no run {run_id}: it was deleted, or the Airflow connection now points to "
            "another Dagster. Clear the task to launch a new run."
        )

    def _why_not(self, answer: Mapping[str, Any]) -> str | None:
        if answer["__typename"] == "TerminateRunSuccess":
            return None
        return self.masked(answer.get("message") or answer["__typename"])

    def _launched(self, answer: dict[str, Any]) -> str:
        if answer["__typename"] == "LaunchRunSuccess":
            return str(answer["run"]["id"])
        message = answer.get("message") or "; ".join(e["message"] for e in answer.get("errors", []))
        raise RefusedError(
            self.masked(f"Dagster at {self.url} did not launch the run ({answer['__typename']}): {message}")
        )


def _run(result: Mapping[str, Any]) -> Run:
    return Run(result["id"], result["status"], {t["key"]: t["value"] for t in result["tags"]}, result["creationTime"])


def _as_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": str(value)} for key, value in tags.items()]


def _last_lines(text: str, lines: int = 3) -> str:
    return " ".join(line.strip() for line in text.strip().splitlines()[-lines:])
