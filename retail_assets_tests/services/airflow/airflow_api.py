"""Airflow's REST API v2 and Dagster's GraphQL, as far as the tests ask them."""

from __future__ import annotations

import uuid
from typing import Any

import httpx

from airflow_bridge.local_stack import LocalStack
from retail_assets_tests.waiting import until

ENDED = ("success", "failed")
RUNS = """
query Runs($filter: RunsFilter!) {
  runsOrError(filter: $filter, limit: 50) {
    ... on Runs { results { runId status creationTime startTime endTime tags { key value } } }
  }
}
"""


PARTITIONS = """
query Made($id: ID!) {
  runOrError(runId: $id) { ... on Run { assetMaterializations { assetKey { path } partition } } }
}
"""


STEPS = """
query Steps($id: ID!) { runOrError(runId: $id) { ... on Run { stepStats { stepKey status } } } }
"""


class Airflow:
    """A client with the login of the stack's one user."""

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        headers = {"Authorization": f"Bearer {stack.token()}"}
        self.http = httpx.Client(base_url=f"{stack.airflow_url}/api/v2", headers=headers, timeout=120)

    def ask(self, method: str, path: str, **more: Any) -> Any:
        """Ask, again where SQLite was busy: Airflow says 503 of that, and what it had begun is undone."""
        busy = (503,) if method == "POST" else (500, 503)
        replies: list[httpx.Response] = []

        def answered() -> bool:
            replies.append(self.http.request(method, path, **more))
            return replies[-1].status_code not in busy

        until(answered, 60, lambda: f"{method} {path}: {replies[-1].status_code} {replies[-1].text[:2000]}")
        reply = replies[-1]
        assert reply.is_success, f"{method} {path}: {reply.status_code} {reply.text[:2000]}"
        return reply.json()

    def trigger(self, dag_id: str, logical_date: str | None = None, **conf: Any) -> str:
        """Start a DAG run; returns its id, which is ours: so a request that a busy SQLite failed can be repeated."""
        run = f"asked__{uuid.uuid4().hex}"
        body = {"dag_run_id": run, "logical_date": logical_date, "conf": conf}
        replies: list[httpx.Response] = []

        def answered() -> bool:
            replies.append(self.http.post(f"/dags/{dag_id}/dagRuns", json=body))
            return replies[-1].status_code not in (500, 503)

        until(answered, 60, lambda: f"trigger {dag_id}: {replies[-1].status_code} {replies[-1].text[:2000]}")
        reply = replies[-1]
        done_before = reply.status_code == 409 and len(replies) > 1
        assert reply.is_success or done_before, f"trigger {dag_id}: {reply.status_code} {reply.text[:2000]}"
        return run

    def state(self, dag_id: str, run: str) -> str:
        return str(self.ask("GET", f"/dags/{dag_id}/dagRuns/{run}")["state"])

    def task(self, dag_id: str, run: str, task_id: str) -> dict[str, Any]:
        return dict(self.ask("GET", f"/dags/{dag_id}/dagRuns/{run}/taskInstances/{task_id}"))

    def tasks(self, dag_id: str, run: str) -> dict[str, dict[str, Any]]:
        found = self.ask("GET", f"/dags/{dag_id}/dagRuns/{run}/taskInstances")["task_instances"]
        return {t["task_id"]: t for t in found}

    def mark(self, dag_id: str, run: str, task_id: str, state: str) -> None:
        """What the button "mark as …" does."""
        path = f"/dags/{dag_id}/dagRuns/{run}/taskInstances/{task_id}"
        self.ask("PATCH", path, json={"new_state": state})

    def clear(self, dag_id: str, run: str, task_id: str) -> None:
        """What the button "clear" does."""
        body = {
            "dry_run": False,
            "dag_run_id": run,
            "only_failed": False,
            "only_running": False,
            "reset_dag_runs": True,
            "task_ids": [task_id],
        }
        self.ask("POST", f"/dags/{dag_id}/clearTaskInstances", json=body)

    def backfill(self, dag_id: str, first: str, last: str) -> int:
        body = {
            "dag_id": dag_id,
            "from_date": first,
            "to_date": last,
            "max_active_runs": 2,
            "reprocess_behavior": "none",
            "run_backwards": False,
        }
        return int(self.ask("POST", "/backfills", json=body)["id"])

    def dag_runs(self, dag_id: str) -> list[dict[str, Any]]:
        return list(self.ask("GET", f"/dags/{dag_id}/dagRuns")["dag_runs"])

    def link(self, dag_id: str, run: str, task_id: str) -> str | None:
        """The address behind the button on the task's page."""
        links = self.ask("GET", f"/dags/{dag_id}/dagRuns/{run}/taskInstances/{task_id}/links")
        return next((url for url in links["extra_links"].values() if url), None)

    def xcom(self, dag_id: str, run: str, task_id: str, key: str = "return_value") -> Any:
        path = f"/dags/{dag_id}/dagRuns/{run}/taskInstances/{task_id}/xcomEntries/{key}"
        return self.ask("GET", path, params={"deserialize": "true"})["value"]

    def log(self, dag_id: str, run: str, task_id: str, attempt: int = 1) -> str:
        path = f"/dags/{dag_id}/dagRuns/{run}/taskInstances/{task_id}/logs/{attempt}"
        lines = self.ask("GET", path, headers={"Accept": "application/json"})["content"]
        return "\n".join(str(line) for line in lines)

    def slots(self) -> dict[str, int]:
        """Of the pool that every task uses: how many are occupied, running, deferred."""
        pool = self.ask("GET", "/pools/default_pool")
        return {k: v for k, v in pool.items() if k.endswith("_slots")}

    def runs_of(self, dag_id: str, run: str) -> list[dict[str, Any]]:
        """The Dagster runs of a DAG run, oldest first."""
        return dagster_runs(self.stack.dagster_url, dag_id, run)


def dagster_runs(url: str, dag_id: str, run: str) -> list[dict[str, Any]]:
    """The Dagster runs that a DAG run launched, oldest first."""
    chosen = [{"key": "airflow/dag_id", "value": dag_id}, {"key": "airflow/dag_run_id", "value": run}]
    body = {"query": RUNS, "variables": {"filter": {"tags": chosen}}}
    found: list[dict[str, Any]] = httpx.post(f"{url}/graphql", json=body, timeout=120).json()["data"]["runsOrError"][
        "results"
    ]
    return sorted(found, key=lambda r: r["creationTime"])


def materialized_partitions(url: str, run: str) -> list[str]:
    """The partitions that a Dagster run has materialized, in order."""
    body = {"query": PARTITIONS, "variables": {"id": run}}
    found = httpx.post(f"{url}/graphql", json=body, timeout=120).json()["data"]["runOrError"]["assetMaterializations"]
    return sorted(m["partition"] for m in found)


def materialized(url: str, run: str) -> list[str]:
    """The assets that a Dagster run itself has materialized, in order of their names."""
    body = {"query": PARTITIONS, "variables": {"id": run}}
    found = httpx.post(f"{url}/graphql", json=body, timeout=120).json()["data"]["runOrError"]["assetMaterializations"]
    return sorted("/".join(m["assetKey"]["path"]) for m in found)


def steps_begun(url: str, run: str) -> list[str]:
    """The steps that a Dagster run has begun so far."""
    body = {"query": STEPS, "variables": {"id": run}}
    found = httpx.post(f"{url}/graphql", json=body, timeout=120).json()["data"]["runOrError"]["stepStats"]
    return [step["stepKey"] for step in found if step["status"]]


def tag(run: dict[str, Any], key: str) -> str | None:
    """The value of a run's tag."""
    return next((t["value"] for t in run["tags"] if t["key"] == key), None)
