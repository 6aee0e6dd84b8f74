"""S3 (moto), PostgreSQL and the wire, started together: what tests of Redshift and the whole graph run against.

`shared()` is the one of a test process. As a program it runs a command against a stack of its own:

    python -m retail_assets_tests.services.redshift.stack dagster asset materialize -m retail_assets.definitions …
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import logging
import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from retail_assets.lake.lake import Lake
from retail_assets.settings.redshift import RedshiftSettings
from retail_assets.settings.redshift import load as load_settings
from retail_assets.storage import Store
from retail_assets.warehouse.redshift.warehouse import RedshiftWarehouse
from retail_assets_tests.services import postgres
from retail_assets_tests.services.redshift import certificate
from retail_assets_tests.services.redshift.wire import Wire, serving

BUCKET = "retail-lake"
REGION = "us-east-1"
ROLE = "arn:aws:iam::123456789012:role/planted-copy-role"
DATABASE = "dev"
LOADER, PASSWORD = "loader", "planted-Passw0rd"
TEMPORARY_PASSWORD = "planted-temporary-password"

#: Set for AWS's clients. Planted: a test greps for them.
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIAPLANTEDKEY123456",
    "AWS_SECRET_ACCESS_KEY": "planted/secret+access+key",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
}


@dataclass
class Stack:
    """A running stack. `environ` reaches it; `wire` is where tests look and interfere."""

    wire: Wire
    endpoint: str
    authority: Path
    users: dict[str, str] = field(default_factory=dict)

    @property
    def environ(self) -> dict[str, str]:
        """What AWS's clients and the driver need: credentials, endpoint, the certificate to trust."""
        return CREDENTIALS | {"AWS_ENDPOINT_URL": self.endpoint, "SSL_CERT_FILE": str(self.authority)}

    def redshift(self, **changes: str | None) -> dict[str, str]:
        """The REDSHIFT_* variables of a login by password; None leaves one out."""
        variables = {
            "REDSHIFT_HOST": "localhost",
            "REDSHIFT_PORT": str(self.wire.port),
            "REDSHIFT_DATABASE": DATABASE,
            "REDSHIFT_USER": LOADER,
            "REDSHIFT_PASSWORD": PASSWORD,
            "REDSHIFT_IAM_ROLE": ROLE,
        }
        return {k: v for k, v in (variables | {f"REDSHIFT_{k.upper()}": v for k, v in changes.items()}).items() if v}

    def settings(self, **changes: str | None) -> RedshiftSettings:
        return load_settings(self.redshift(**changes))

    def lake(self, source: str) -> Lake:
        """A lake of a prefix of its own."""
        return Lake(Store(f"s3://{BUCKET}/{uuid.uuid4().hex}"), source)

    def warehouse(
        self, lake: Lake, schema: str, settings: RedshiftSettings | None = None, **how: Any
    ) -> RedshiftWarehouse:
        """A warehouse that does not wait long."""
        how = {"wait_seconds": 30, "pause_seconds": 0.01} | how
        return RedshiftWarehouse(settings or self.settings(), schema, lake.store, f"{schema}/warehouse", **how)

    def user(self, name: str, password: str) -> None:
        """A user of the database without any right."""
        self.wire.as_superuser(f"CREATE USER {name}")
        self.users[name] = password

    def authenticate(self, user: str, password: str) -> str | None:
        """The role of a user with its password, or with a password that IAM has given out."""
        kind, _, name = user.rpartition(":")
        if kind in ("IAM", "IAMA"):
            return name if password else None
        if kind == "IAMR":  # the user of an IAM identity
            known = user if user in self.users else LOADER
            return known if password == TEMPORARY_PASSWORD else None
        return user if self.users.get(user) == password else None


@contextlib.contextmanager
def running() -> Iterator[Stack]:
    """Start everything on free ports of 127.0.0.1."""
    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="stack-")))
        moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        moto.start()
        stack.callback(moto.stop)
        host, port = moto.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        s3 = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name=REGION,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )
        s3.create_bucket(Bucket=BUCKET)
        tls, authority = certificate.server_context(folder)
        path = stack.enter_context(postgres.running())
        started = Stack(None, endpoint, authority)  # type: ignore[arg-type]
        wire = Wire(path, "postgres", lambda u, p: started.authenticate(u, p), tls, s3, frozenset([ROLE]))
        wire.as_superuser(f"CREATE DATABASE {DATABASE}")
        wire.database = DATABASE
        started.wire = stack.enter_context(serving(wire))
        started.user(LOADER, PASSWORD)
        wire.as_superuser(f"GRANT CREATE ON DATABASE {DATABASE} TO {LOADER}")
        yield started


@functools.cache
def shared() -> Stack:
    """The stack of this process, started when it is first asked for."""
    stack = contextlib.ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(running())


def main(command: list[str]) -> int:
    """Run a command with its settings, warehouse and stores in a stack of its own."""
    with running() as stack:
        base = f"s3://{BUCKET}"
        places = {
            "RETAIL_WAREHOUSE": "redshift",
            "RETAIL_RAW_URI": f"{base}/raw",
            "RETAIL_LAKE_URI": f"{base}/lake",
            "RETAIL_MODELS_URI": f"{base}/models",
            "RETAIL_SERVING_URI": f"{base}/serving",
        }
        return subprocess.run(command, env={**os.environ, **stack.environ, **stack.redshift(), **places}).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
