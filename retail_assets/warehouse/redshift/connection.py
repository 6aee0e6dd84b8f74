"""Sessions with Redshift: the four ways to log in, the settings of a session, and transactions that never stay open.

The driver begins a transaction with the first statement, even a SELECT, and leaves it open. So a session is only
available inside a block: at its end the session is rolled back, unless it was committed, and closed.
"""

from __future__ import annotations

import contextlib
import json
import logging
import random
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from retail_assets.errors import RetailError, WarehouseError
from retail_assets.settings.redshift import RedshiftSettings
from retail_assets.tables import identifier
from retail_assets.warehouse.redshift import sql as text
from retail_assets.warehouse.redshift.errors import Explainer, fields_of, is_conflict, is_lost

log = logging.getLogger(__name__)

_PORT = 5439
_CONNECT_SECONDS = 60  # a paused Serverless workgroup needs time to wake up
#: Limit for a statement, so that nothing waits indefinitely.
_STATEMENT_SECONDS = 6 * 3600
_APPLICATION = "retail-assets"
_LONGEST_PAUSE = 20.0
T = TypeVar("T")


class Session:
    """One connection, its statements and their rows."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._cursor = connection.cursor()
        self._cursor.paramstyle = "qmark"

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a statement and return the rows, if it has any. A transaction begins if none is open."""
        self._cursor.execute(sql, list(parameters) or None)
        return [tuple(row) for row in self._cursor.fetchall()] if self._cursor.description else []

    @property
    def columns(self) -> list[tuple[str, int, int]]:
        """Name, type oid and type modifier of each column of the last SELECT."""
        # Not `description`: it lacks precision and scale.
        row_description = self._cursor.ps["row_desc"]
        return [(c["label"].decode(), int(c["type_oid"]), int(c["type_modifier"])) for c in row_description]

    def limit(self, seconds: float) -> None:
        """Limit the time of every further statement, including the wait for a lock."""
        self.run(f"SET statement_timeout TO {int(seconds * 1000)}")

    def lock(self, table: str, wait_seconds: float) -> None:
        """Begin a transaction with a table lock. After too long a wait, the error has the attribute `waiting`."""
        self.limit(wait_seconds)
        try:
            self.run(f"LOCK {table}")
        except Exception as e:
            e.waiting = fields_of(e).get("C") == "57014"  # type: ignore[attr-defined]
            raise
        self.limit(_STATEMENT_SECONDS)

    def commit(self) -> None:
        self._connection.commit()

    def rollback(self) -> None:
        self._connection.rollback()

    @contextlib.contextmanager
    def outside_a_transaction(self) -> Iterator[None]:
        """Let each statement of the block commit itself."""
        self._connection.autocommit = True
        try:
            yield
        finally:
            self._connection.autocommit = False


class Sessions:
    """Opens sessions in one schema, and repeats work that ran into a conflict or a lost connection."""

    def __init__(
        self,
        settings: RedshiftSettings,
        schema: str,
        *,
        attempts: int,
        pause_seconds: float,
    ) -> None:
        self._settings = settings
        self._schema = identifier(schema)
        self._attempts = attempts
        self._pause_seconds = pause_seconds
        self._secret: dict[str, Any] | None = None
        self._lock = threading.Lock()
        self.explainer = Explainer(
            f"redshift:{settings.database}#{self._schema}",
            [settings.password, settings.host, settings.secret, *settings.iam_role.replace("default", "").split(",")],
        )

    def repeated(self, doing: str, work: Callable[[Session], T], *, tag: str) -> T:
        """Do `work` in a session, and start over after a conflict or a lost connection.

        `work` must be all or nothing, and correct if it is done twice: if the connection breaks at COMMIT, nobody knows
        whether the commit took place. `doing` describes the work in messages; `tag` marks its queries.
        """
        for attempt in range(1, self._attempts + 1):
            try:
                with self.session(tag) as session:
                    return work(session)
            except RetailError:
                raise
            except Exception as e:
                if not _comes_from_redshift(e):
                    raise
                failure = self.explainer.explained(e, doing, getattr(e, "load_error", None))
                can_repeat = is_conflict(e) or is_lost(e)
                why = "it conflicted with another transaction" if is_conflict(e) else "the connection was lost"
            if not can_repeat or attempt == self._attempts:
                raise failure
            pause = random.uniform(0, min(_LONGEST_PAUSE, self._pause_seconds * 2**attempt))  # noqa: S311 - a pause
            log.warning("%s: %s; retrying in %.1f s (%d of %d)", doing, why, pause, attempt, self._attempts - 1)
            time.sleep(pause)
        raise AssertionError("unreachable")

    @contextlib.contextmanager
    def session(self, tag: str) -> Iterator[Session]:
        """Yield a session that resolves names in this schema and whose queries carry `tag` in Redshift's history."""
        connection = self._connect()
        try:
            session = Session(connection)
            with session.outside_a_transaction():
                session.run(f"SET search_path TO {self._schema}")
                session.run(f"SET query_group TO {text.literal(f'{_APPLICATION}/{self._schema}/{tag}'[:320])}")
                session.limit(_STATEMENT_SECONDS)
            yield session
        finally:
            with contextlib.suppress(Exception):
                connection.rollback()
            with contextlib.suppress(Exception):
                connection.close()

    def _connect(self) -> Any:
        try:
            import redshift_connector
        except ImportError as e:
            raise WarehouseError(
                "RETAIL_WAREHOUSE=redshift needs redshift-connector, which is not installed. Install it: "
                "pip install 'retail-assets[aws]'"
            ) from e
        # At level DEBUG the driver logs everything that it sends and receives.
        driver_log = logging.getLogger("redshift_connector")
        if driver_log.getEffectiveLevel() < logging.INFO:
            driver_log.setLevel(logging.INFO)
        fresh = False
        while True:
            arguments = self._arguments(fresh_secret=fresh)
            try:
                connection = redshift_connector.connect(**arguments)
                break
            except redshift_connector.error.Error as e:
                refused = fields_of(e).get("C", "") in ("28000", "28P01")
                if self._settings.login != "secret" or fresh or not refused:
                    raise
                fresh = True  # the secret was rotated after it was read
        # The time limit was for connecting. A long query sends nothing for minutes; TCP keepalive detects a dead peer.
        with contextlib.suppress(AttributeError):
            connection._usock.settimeout(None)
        return connection

    def _arguments(self, *, fresh_secret: bool) -> dict[str, Any]:
        """The arguments of `redshift_connector.connect`."""
        settings = self._settings
        common: dict[str, Any] = {
            "database": settings.database,
            "application_name": _APPLICATION,
            "ssl": True,
            "sslmode": "verify-full",  # the driver's default only warns if the certificate has another name
            "timeout": _CONNECT_SECONDS,
            "tcp_keepalive": True,
            "tcp_keepalive_idle": 60,
            "tcp_keepalive_interval": 15,
            "tcp_keepalive_count": 4,
        }
        region = {"region": settings.region} if settings.region else {}
        address = {k: v for k, v in (("host", settings.host), ("port", settings.port)) if v is not None}
        if settings.login == "password":
            return common | {"port": _PORT} | address | {"user": settings.user, "password": settings.password}
        if settings.login == "secret":
            secret = self._from_secrets_manager(fresh=fresh_secret)
            endpoint = {"host": secret.get("host"), "port": int(secret.get("port") or _PORT)} | address
            if not endpoint["host"]:
                raise WarehouseError(
                    "The secret of REDSHIFT_SECRET has no host. Set REDSHIFT_HOST to the endpoint's host name."
                )
            self.explainer.also_hide([str(endpoint["host"])])
            return common | endpoint | {"user": secret["username"], "password": secret["password"]}
        if settings.login == "cluster":
            # Log in as a named user, or as the user of the IAM identity.
            user: dict[str, Any] = {"db_user": settings.user} if settings.user else {"group_federation": True}
            return common | region | address | user | {"iam": True, "cluster_identifier": settings.cluster}
        return common | region | address | {
            "iam": True,
            "is_serverless": True,
            "serverless_work_group": settings.workgroup,
        }  # fmt: skip

    def _from_secrets_manager(self, *, fresh: bool) -> dict[str, Any]:
        with self._lock:
            if self._secret is None or fresh:
                import boto3

                client = boto3.client("secretsmanager", region_name=_region(self._settings))
                value = client.get_secret_value(SecretId=self._settings.secret)["SecretString"]
                try:
                    secret = json.loads(value)
                    self.explainer.also_hide([str(secret["password"])])
                    secret["username"]
                except (ValueError, KeyError, TypeError):
                    raise WarehouseError(
                        "The secret of REDSHIFT_SECRET is not JSON with `username` and `password`."
                    ) from None
                self._secret = dict(secret)
            return self._secret


def _region(settings: RedshiftSettings) -> str | None:
    """The region in the settings, else the one in the secret's ARN, else AWS's default (None)."""
    if settings.region:
        return settings.region
    arn = re.match(r"arn:aws[\w-]*:secretsmanager:([\w-]+):", settings.secret or "")
    return arn[1] if arn else None


def _comes_from_redshift(error: Exception) -> bool:
    """Whether the error comes from the driver, from AWS or from the network."""
    return isinstance(error, OSError | EOFError) or type(error).__module__.split(".")[0] in (
        "redshift_connector",
        "botocore",
        "boto3",
        "struct",
        "ssl",
        "socket",
    )
