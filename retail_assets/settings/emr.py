"""Cleaning on EMR Serverless: the `RETAIL_EMR_*` variables. None is a secret; AWS's own variables log in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from retail_assets.errors import SettingsError, unusable

#: variable -> (default as shown to users, meaning)
VARIABLES: dict[str, tuple[str, str]] = {
    "RETAIL_EMR_APPLICATION": ("none", "id of an EMR Serverless application: landings are cleaned there"),
    "RETAIL_EMR_ROLE": ("needed for EMR", "ARN of the role that the job runs as"),
    "RETAIL_EMR_ENTRY_POINT": ("needed for EMR", "the script of the job: s3://… or, in an image of yours, local:///…"),
    "RETAIL_EMR_BUCKET": ("needed for EMR", "bucket through which the job and Dagster talk; may expire after a day"),
    "RETAIL_EMR_SPARK": ("none", "parameters of spark-submit, such as --conf spark.archives=s3://…"),
}
_NEEDED = ("RETAIL_EMR_ROLE", "RETAIL_EMR_ENTRY_POINT", "RETAIL_EMR_BUCKET")


@dataclass(frozen=True)
class EmrSettings:
    """An EMR Serverless application, and how a job is started on it."""

    application: str
    role: str
    entry_point: str
    bucket: str
    spark_parameters: str = ""


def load(environ: Mapping[str, str], uris: Mapping[str, str]) -> EmrSettings | None:
    """Read and validate the settings; None where landings are cleaned elsewhere. Raises SettingsError.

    `uris` has the addresses that the job reads and writes, by variable: they must be on S3.
    """
    values = {name: environ[name].strip() for name in VARIABLES if environ.get(name, "").strip()}
    if not values:
        return None
    if missing := [name for name in ("RETAIL_EMR_APPLICATION", *_NEEDED) if name not in values]:
        verb, them = ("are", "them") if missing[1:] else ("is", "it")
        raise SettingsError(
            f"{min(values)} is set, and {' and '.join(missing)} {verb} not. Set {them}, or unset all RETAIL_EMR_*. "
            "See docs/aws.md."
        )
    for name, pattern, allowed in (
        ("RETAIL_EMR_APPLICATION", r"[0-9a-z]{8,64}\Z", "the id of an application, such as 00f1abcdexample"),
        ("RETAIL_EMR_ROLE", r"arn:[\w-]+:iam::\d{12}:role/[\w+=,.@/-]+\Z", "arn:aws:iam::123456789012:role/name"),
        ("RETAIL_EMR_ENTRY_POINT", r"(s3://[^\s/]+/|local:///)[^\s]+\.py\Z", "s3://bucket/name.py or local:///path.py"),
        ("RETAIL_EMR_BUCKET", r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z", "the name of a bucket, without s3://"),
    ):
        if not re.match(pattern, values[name]):
            raise unusable(name, values[name], allowed)
    for name, uri in uris.items():
        if not uri.startswith("s3://"):
            raise SettingsError(
                f"RETAIL_EMR_APPLICATION needs {name}=s3://bucket/prefix, because EMR reads S3; it is {uri}."
            )
    return EmrSettings(
        application=values["RETAIL_EMR_APPLICATION"],
        role=values["RETAIL_EMR_ROLE"],
        entry_point=values["RETAIL_EMR_ENTRY_POINT"],
        bucket=values["RETAIL_EMR_BUCKET"],
        spark_parameters=values.get("RETAIL_EMR_SPARK", ""),
    )
