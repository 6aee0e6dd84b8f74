"""How to reach Redshift: the `REDSHIFT_*` variables, which are read if RETAIL_WAREHOUSE=redshift.

There are four ways to log in: a password, a secret in Secrets Manager, IAM on a cluster, and IAM on Serverless. The
variables that are set decide which one is used. Secrets appear in no repr and in no error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from retail_assets.errors import SettingsError, unknown_setting, without_secrets

Login = Literal["password", "secret", "cluster", "workgroup"]

#: variable -> (default as shown to users, meaning)
VARIABLES: dict[str, tuple[str, str]] = {
    "REDSHIFT_DATABASE": ("needed", "the database"),
    "REDSHIFT_IAM_ROLE": ("needed", "role that Redshift reads and writes S3 with: an ARN, or `default`"),
    "REDSHIFT_HOST": ("needed for a password", "endpoint without port; IAM and secrets find their own"),
    "REDSHIFT_PORT": ("5439", "port"),
    "REDSHIFT_USER": ("needed for a password", "database user; with a cluster and IAM: the user to become"),
    "REDSHIFT_PASSWORD": ("", "password of the user"),
    "REDSHIFT_SECRET": ("", "name or ARN in Secrets Manager; JSON with username and password"),
    "REDSHIFT_CLUSTER": ("", "identifier of a provisioned cluster: log in with IAM"),
    "REDSHIFT_WORKGROUP": ("", "workgroup of Redshift Serverless: log in with IAM"),
    "REDSHIFT_REGION": ("AWS's own", "region of the cluster, the workgroup and the secret"),
    "REDSHIFT_STAGING_URI": ("below RETAIL_LAKE_URI", "s3://… folder for files on their way in or out"),
}

_PATTERNS: dict[str, tuple[str, str]] = {
    "REDSHIFT_DATABASE": (r"[A-Za-z_][\w$-]{0,126}\Z", "a database name"),
    "REDSHIFT_IAM_ROLE": (
        r"(default|arn:aws[\w-]*:iam::\d{12}:role/[\w+=,.@/-]+(,arn:aws[\w-]*:iam::\d{12}:role/[\w+=,.@/-]+)*)\Z",
        "arn:aws:iam::<account>:role/<name>, several joined by commas, or default",
    ),
    "REDSHIFT_HOST": (r"[A-Za-z0-9][A-Za-z0-9.-]*\Z", "a host name without scheme and port"),
    "REDSHIFT_PORT": (r"[1-9]\d{0,4}\Z", "a port number"),
    "REDSHIFT_CLUSTER": (r"[a-z][a-z0-9-]*\Z", "a cluster identifier"),
    "REDSHIFT_WORKGROUP": (r"[a-z0-9-]+\Z", "a workgroup name"),
    "REDSHIFT_REGION": (r"[a-z]{2}(-[a-z]+)+-\d\Z", "a region such as eu-central-1"),
    "REDSHIFT_STAGING_URI": (r"s3://[a-z0-9][a-z0-9.-]+(/[^'\"\\\s]*)?\Z", "s3://bucket/folder"),
}
#: Not repeated in errors.
_CONFIDENTIAL = ("REDSHIFT_PASSWORD", "REDSHIFT_SECRET", "REDSHIFT_IAM_ROLE", "REDSHIFT_HOST", "REDSHIFT_STAGING_URI")


@dataclass(frozen=True)
class RedshiftSettings:
    """Where Redshift is and how to log in. `host` is None if IAM or the secret provides it."""

    login: Login
    database: str
    iam_role: str = field(repr=False)
    host: str | None = field(default=None, repr=False)
    port: int | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    secret: str | None = field(default=None, repr=False)
    cluster: str | None = None
    workgroup: str | None = None
    region: str | None = None
    staging_uri: str | None = None


def load(environ: Mapping[str, str]) -> RedshiftSettings:
    """Read and validate the settings. Raises SettingsError, naming the variable and what is allowed."""
    unknown = sorted(name for name in environ if name.startswith("REDSHIFT_") and name not in VARIABLES)
    if unknown:
        raise unknown_setting(unknown[0], VARIABLES, "docs/redshift.md")
    values = {name: environ[name].strip() for name in VARIABLES if environ.get(name, "").strip()}
    if "REDSHIFT_PASSWORD" in values:
        values["REDSHIFT_PASSWORD"] = environ["REDSHIFT_PASSWORD"]  # leading and trailing blanks belong to it
    for name, (pattern, allowed) in _PATTERNS.items():
        if name in values and not re.match(pattern, values[name]):
            shown = "" if name in _CONFIDENTIAL else f"={without_secrets(values[name])!r}"
            raise SettingsError(f"{name}{shown} is not usable. Allowed: {allowed}")
    login = _login(values)
    needed = ["REDSHIFT_DATABASE", "REDSHIFT_IAM_ROLE"]
    needed += ["REDSHIFT_HOST", "REDSHIFT_USER"] if login == "password" else []
    if missing := [name for name in needed if name not in values]:
        raise SettingsError(
            f"RETAIL_WAREHOUSE=redshift needs {' and '.join(missing)} ({VARIABLES[missing[0]][1]}). "
            "See docs/redshift.md."
        )
    if int(values.get("REDSHIFT_PORT", 5439)) > 65535:
        raise SettingsError(f"REDSHIFT_PORT={values['REDSHIFT_PORT']!r} is not usable. Allowed: 1 to 65535")
    return RedshiftSettings(
        login=login,
        database=values["REDSHIFT_DATABASE"],
        iam_role=values["REDSHIFT_IAM_ROLE"],
        host=values.get("REDSHIFT_HOST"),
        port=int(values["REDSHIFT_PORT"]) if "REDSHIFT_PORT" in values else None,
        user=values.get("REDSHIFT_USER"),
        password=values.get("REDSHIFT_PASSWORD"),
        secret=values.get("REDSHIFT_SECRET"),
        cluster=values.get("REDSHIFT_CLUSTER"),
        workgroup=values.get("REDSHIFT_WORKGROUP"),
        region=values.get("REDSHIFT_REGION"),
        staging_uri=values.get("REDSHIFT_STAGING_URI", "").rstrip("/") or None,
    )


def _login(values: Mapping[str, str]) -> Login:
    ways: dict[str, Login] = {
        "REDSHIFT_PASSWORD": "password",
        "REDSHIFT_SECRET": "secret",
        "REDSHIFT_CLUSTER": "cluster",
        "REDSHIFT_WORKGROUP": "workgroup",
    }
    given = [name for name in ways if name in values]
    if len(given) != 1:
        problem = f"{' and '.join(given)} are set" if given else "none is set"
        raise SettingsError(
            f"RETAIL_WAREHOUSE=redshift needs exactly one of {', '.join(ways)}, which says how to log in: {problem}."
        )
    return ways[given[0]]
