"""From an Airflow connection to a client: address, login, TLS and time-outs stand there and nowhere else."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from airflow_bridge.client import DagsterClient, RefusedError

#: What the extra of a connection may say.
EXTRA = ("headers", "timeout", "token_header", "verify")
_TOKEN_HEADER = "Dagster-Cloud-Api-Token"  # noqa: S105 - a header's name


def client_from(connection: Any) -> DagsterClient:
    """The client that a connection describes.

    Host: `http://127.0.0.1:3000`, with a path if Dagster has one, or host, port and schema apart. A password with a
    login is basic authentication; without one it is a token, in the header that `token_header` of the extra names.
    Extra, as JSON: `headers`, `timeout` (seconds), `verify` (false, or the file of a CA). Raises RefusedError.
    """
    name = connection.conn_id
    if not connection.host:
        raise RefusedError(f"The Airflow connection {name!r} has no host. Set it, such as to http://127.0.0.1:3000")
    host = connection.host if "://" in connection.host else f"{connection.schema or 'http'}://{connection.host}"
    if connection.port:
        scheme, _, rest = host.partition("://")
        place, slash, path = rest.partition("/")
        host = f"{scheme}://{place}:{connection.port}{slash}{path}"
    extra = dict(connection.extra_dejson or {})
    if unknown := sorted(set(extra) - set(EXTRA)):
        raise RefusedError(
            f"The extra of the Airflow connection {name!r} has {', '.join(unknown)}; known are {', '.join(EXTRA)}."
        )
    try:
        timeout = float(extra.get("timeout", 30))
    except (TypeError, ValueError):
        timeout = 0.0
    if timeout <= 0:
        raise RefusedError(f"`timeout` in the extra of the Airflow connection {name!r} is not a number of seconds.")
    headers = {str(k): str(v) for k, v in (extra.get("headers") or {}).items()}
    auth = None
    if connection.password and connection.login:
        auth = (connection.login, connection.password)
    elif connection.password:
        headers[str(extra.get("token_header", _TOKEN_HEADER))] = connection.password
    return DagsterClient(host, headers=headers, auth=auth, timeout=timeout, verify=extra.get("verify", True))


class DagsterHook(BaseHook):
    """The client of the connection `dagster_conn_id`."""

    conn_name_attr = "dagster_conn_id"
    default_conn_name = "dagster_default"
    conn_type = "http"
    hook_name = "Dagster"

    def __init__(self, dagster_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.dagster_conn_id = dagster_conn_id

    def get_conn(self) -> DagsterClient:
        """For workers."""
        try:
            return client_from(self.get_connection(self.dagster_conn_id))
        except AirflowNotFoundException:
            raise self._missing() from None

    async def aget_conn(self) -> DagsterClient:
        """For the triggerer, whose loop must not be held up."""
        try:
            return client_from(await self.aget_connection(self.dagster_conn_id))
        except AirflowNotFoundException:
            raise self._missing() from None

    def _missing(self) -> RefusedError:
        return RefusedError(
            f"There is no Airflow connection {self.dagster_conn_id!r}. Add it, with the address of dagster-webserver: "
            f"airflow connections add {self.dagster_conn_id} --conn-type http --conn-host http://127.0.0.1:3000"
        )
