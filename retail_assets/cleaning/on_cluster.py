"""The cleaning job as a program of its own on a cluster that Dagster asks by Pipes: EMR Serverless starts this file.

Dagster says in the context which landings to clean; the manifests, not yet published, go back as a message. Publishing
is left to Dagster, so a job that nobody waits for any more changes nothing. A refusal of this program is a message as
well; whatever else goes wrong ends the program with an error.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from dagster_pipes import PipesContext, PipesS3ContextLoader, PipesS3MessageWriter, open_dagster_pipes

from retail_assets import __version__
from retail_assets.cleaning import job
from retail_assets.contracts.model import Contract
from retail_assets.errors import RetailError
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import RawManifest
from retail_assets.storage import Store, s3_client


def order(raw: Store, lake: Lake, landings: list[RawManifest], contract: Contract, run_id: str) -> dict[str, Any]:
    """Return the order of a job, as JSON."""
    return {
        "code_version": __version__,
        "raw": raw.uri,
        "lake": lake.store.uri,
        "contract": contract.model_dump(mode="json"),
        "days": [landing.landed_on.isoformat() for landing in landings],
        "digests": [landing.digest for landing in landings],
        "run_id": run_id,
    }


def cleaned(order: dict[str, Any]) -> dict[str, Any]:
    """Clean what an order says; return the message for Dagster: `manifests`, or `refused` with what is wrong."""
    from pyspark.sql import SparkSession

    try:
        if order["code_version"] != __version__:
            raise RetailError(
                f"The job has retail-assets {__version__}, and Dagster {order['code_version']}. Install the same."
            )
        contract = Contract.model_validate(order["contract"])
        lake = Lake(Store(order["lake"]), contract.name)
        landings = [lake.raw(dt.date.fromisoformat(day)) for day in order["days"]]
        if [landing.digest for landing in landings] != order["digests"]:
            raise RetailError("Another run has registered a landing again meanwhile. Run the same once more.")
        manifests = job.clean(
            SparkSession.builder.getOrCreate, Store(order["raw"]), lake, landings, contract, order["run_id"]
        )
    except RetailError as e:
        return {"refused": str(e)}
    return {"manifests": [lake.content(manifest) for manifest in manifests]}


def run(pipes: PipesContext) -> None:
    """Clean what the context says, and report it."""
    pipes.report_custom_message(cleaned(dict(pipes.extras)))


if __name__ == "__main__":
    client = s3_client.client()
    with open_dagster_pipes(
        context_loader=PipesS3ContextLoader(client), message_writer=PipesS3MessageWriter(client)
    ) as connected:
        run(connected)
