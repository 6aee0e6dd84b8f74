"""Cleaning on EMR Serverless by Dagster Pipes: a job is started, waited for, and its manifests come back as a message.

Not tested on AWS: the tests start a real process in place of a job. A job that ends well without a message has done
nothing that anybody knows of, so it counts as a failure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from retail_assets.errors import EngineError
from retail_assets.lake.manifests import CleanManifest, RawManifest

if TYPE_CHECKING:
    from retail_assets.platform import Platform
    from retail_assets.settings.emr import EmrSettings

_POLL_SECONDS = 5.0


def clean_on_emr(
    context: dg.AssetExecutionContext,
    platform: Platform,
    landings: Sequence[RawManifest],
    run_id: str,
) -> list[CleanManifest]:
    """Clean landings in a job on EMR Serverless. Returns one manifest per landing, not yet published.

    Raises EngineError where the job cannot be started, fails, refuses, or reports nothing.
    """
    from dagster_aws.pipes import PipesEMRServerlessClient, PipesS3ContextInjector, PipesS3MessageReader

    from retail_assets.cleaning.on_cluster import order
    from retail_assets.storage import s3_client

    emr, s3 = platform.settings.emr, s3_client.client()
    assert emr is not None  # noqa: S101 - the caller has asked
    client = PipesEMRServerlessClient(
        client=_client(),
        context_injector=PipesS3ContextInjector(client=s3, bucket=emr.bucket),
        message_reader=PipesS3MessageReader(client=s3, bucket=emr.bucket, interval=_POLL_SECONDS),
        poll_interval=_POLL_SECONDS,
    )
    try:
        completed = client.run(
            context=context,
            start_job_run_params=_job(emr, run_id),
            extras=order(platform.raw, platform.lake, list(landings), platform.settings.contract, run_id),
        )
    except Exception as e:
        raise EngineError(
            f"The job on the EMR Serverless application {emr.application} failed ({type(e).__name__}: {e}). Its log is "
            "in EMR Studio. Nothing was published; run the same again when the cause is gone."
        ) from e
    messages = [message for message in completed.get_custom_messages() if isinstance(message, dict)]
    return _manifests(platform, emr, landings, messages)


def _manifests(
    platform: Platform, emr: EmrSettings, landings: Sequence[RawManifest], messages: Sequence[dict[str, Any]]
) -> list[CleanManifest]:
    if refused := [message["refused"] for message in messages if "refused" in message]:
        raise EngineError(refused[0])
    found = [each for message in messages for each in message.get("manifests", ())]
    manifests = [platform.lake.as_clean(content) for content in found]
    if [m.landed_on for m in manifests] != [m.landed_on for m in landings]:
        raise EngineError(
            f"The job on the EMR Serverless application {emr.application} ended well and did not report the manifests "
            f"of its {len(landings)} landing(s), so nothing was published. Is {emr.entry_point} the file "
            "retail_assets/cleaning/on_cluster.py, and may its role write to the bucket of RETAIL_EMR_BUCKET?"
        )
    return manifests


def _job(emr: EmrSettings, run_id: str) -> dict[str, Any]:
    return {
        "applicationId": emr.application,
        "executionRoleArn": emr.role,
        "name": f"retail-assets clean {run_id}",
        "clientToken": run_id,  # a request that is repeated because its answer was lost starts no second job
        "jobDriver": {"sparkSubmit": {"entryPoint": emr.entry_point, "sparkSubmitParameters": emr.spark_parameters}},
    }


def _client() -> Any:
    import boto3

    return boto3.client("emr-serverless")
