"""Make a client from an Airflow connection, which alone holds the address, login, TLS and timeouts."""

from __future__ import annotations

import math
import re
from typing import Any

from airflow.sdk import BaseHook

from airflow_bridge.client import DagsterClient
from airflow_bridge.problems import RefusedError
from airflow_bridge.versions import AirflowNotFoundException

#: Keys that the extra of a connection may have.
EXTRA = ("headers", "timeout", "token_header", "verify")
#: A host name, or an IPv6 address in brackets, with an optional port.
_PLACE = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s\[\]:]+)(:\d{1,5})?")
_TOKEN_HEADER = "Dagster-Cloud-Api-Token"  # noqa: S105 - a header's name


def client_from(connection: Any) -> DagsterClient:
    """Make the client that a connection describes.

    Host: `http://127.0.0.1:3000`, with a path if Dagster has one, or host, port and schema in their own fields. A
    password with a login is basic authentication; a password alone is a token, sent in the header that `token_header`
    in the extra names. Extra, as JSON: `headers`, `timeout` (seconds), `verify` (false, or the file of a CA). Raises
    RefusedError.
    """
    name = connection.conn_id
    if not connection.host:
        raise RefusedError(f"The Airflow connection {name!r} has no host. Set it, for example to http://127.0.0.1:3000")
    extra = dict(connection.extra_dejson or {})
    if unknown := sorted(set(extra) - set(EXTRA)):
        raise RefusedError(
            f"The extra of the Airflow connection {name!r} has unknown keys: {', '.join(unknown)}. Allowed: "
            f"{', '.join(EXTRA)}."
        )
    try:
        timeout = float(extra.get("timeout", 30))
    except (TypeError, ValueError):
        timeout = 0.0
    if not 0 < timeout < math.inf:
        raise RefusedError(f"`timeout` in the extra of the Airflow connection {name!r} is not a number of seconds.")
    verify = extra.get("verify", True)
    if not isinstance(verify, bool | str):
        raise RefusedError(
            f"`verify` in the extra of the Airflow connection {name!r} is {verify!r}. Allowed: true, false, or the "
            "file of a CA."
        )
    headers = extra.get("headers") or {}
    if not isinstance(headers, dict):
        raise RefusedError(
            f"`headers` in the extra of the Airflow connection {name!r} is not a JSON object of strings."
        )
    auth = None
    if connection.password and connection.login:
        auth = (connection.login, connection.password)
    elif connection.password:
        headers = {**headers, extra.get("token_header", _TOKEN_HEADER): connection.password}
    # A token that was read from a file ends with a line break, which a header must not contain.
    headers = {str(k): str(v).strip() for k, v in headers.items()}
    for header, value in headers.items():
        if not value.isascii() or not value.isprintable():
            raise RefusedError(
                f"The value of the header {header!r} in the Airflow connection {name!r} contains a character "
                "that a header must not contain: a line break, or one outside ASCII."
            )
    return DagsterClient(_address(connection), headers=headers, auth=auth, timeout=timeout, verify=verify)


def _address(connection: Any) -> str:
    """Return scheme, host, port and path. Raises RefusedError for an address with a login, which links would show."""
    host = connection.host if "://" in connection.host else f"{connection.schema or 'http'}://{connection.host}"
    scheme, _, rest = host.partition("://")
    place, slash, path = rest.partition("/")
    if "@" in place:
        raise RefusedError(
            f"The host of the Airflow connection {connection.conn_id!r} contains a login. Move it to the fields "
            "login and password: the address is shown in links and logs."
        )
    if not _PLACE.fullmatch(place):
        raise RefusedError(
            f"The host of the Airflow connection {connection.conn_id!r} is {connection.host!r}, which is not an "
            "address. Set it, for example to http://127.0.0.1:3000"
        )
    if connection.port and not re.search(r":\d+$", place):
        place = f"{place}:{connection.port}"
    return f"{scheme}://{place}{slash}{path}"


class DagsterHook(BaseHook):
    """Make clients of the Airflow connection `dagster_conn_id`."""

    conn_name_attr = "dagster_conn_id"
    default_conn_name = "dagster_default"
    conn_type = "http"
    hook_name = "Dagster"

    def __init__(self, dagster_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.dagster_conn_id = dagster_conn_id

    def get_conn(self) -> DagsterClient:
        """Return the client, for workers. Raises RefusedError."""
        try:
            return client_from(self.get_connection(self.dagster_conn_id))
        except AirflowNotFoundException:
            raise self._missing() from None

    async def aget_conn(self) -> DagsterClient:
        """Return the client, for the triggerer, whose event loop must not be blocked. Raises RefusedError."""
        try:
            return client_from(await self.aget_connection(self.dagster_conn_id))
        except AirflowNotFoundException:
            raise self._missing() from None

    def _missing(self) -> RefusedError:
        return RefusedError(
            f"There is no Airflow connection {self.dagster_conn_id!r}. Add it with the address of dagster-webserver: "
            f"airflow connections add {self.dagster_conn_id} --conn-type http --conn-host http://127.0.0.1:3000"
        )
