"""From an Airflow connection to a client: what a connection may contain, and the errors for everything else."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from airflow_bridge.client import DagsterClient
from airflow_bridge.hooks import DagsterHook
from airflow_bridge.problems import RefusedError

SECRET = "tok-3141592653589793"


def described(monkeypatch: pytest.MonkeyPatch, **connection: Any) -> DagsterClient:
    """Let Airflow itself read a connection, from the environment, as in an installation without a database."""
    monkeypatch.setenv("AIRFLOW_CONN_DAGSTER_SHOP", json.dumps({"conn_type": "http", **connection}))
    return DagsterHook("dagster_shop").get_conn()


@pytest.mark.parametrize(
    ("connection", "url"),
    [
        ({"host": "http://127.0.0.1:3000"}, "http://127.0.0.1:3000"),
        ({"host": "http://127.0.0.1:3000/"}, "http://127.0.0.1:3000"),
        ({"host": "dagster", "port": 3000}, "http://dagster:3000"),
        ({"host": "dagster", "port": 443, "schema": "https"}, "https://dagster:443"),
        ({"host": "https://dagster.example/prod"}, "https://dagster.example/prod"),
        ({"host": "https://dagster.example/prod", "port": 8443}, "https://dagster.example:8443/prod"),
        ({"host": "http://dagster:3000", "port": 3000}, "http://dagster:3000"),
        ({"host": "http://[::1]", "port": 3000}, "http://[::1]:3000"),
        ({"host": "dagster:3000"}, "http://dagster:3000"),
    ],
)
def test_host_port_and_schema_make_the_address(
    monkeypatch: pytest.MonkeyPatch, connection: dict[str, Any], url: str
) -> None:
    assert described(monkeypatch, **connection).url == url


def test_the_uri_form_of_a_connection_is_understood_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_DAGSTER_SHOP", f"http://:{SECRET}@dagster:3000/https?timeout=7")
    client = DagsterHook("dagster_shop").get_conn()
    assert client.url == "https://dagster:3000"
    assert client.timeout == 7
    assert client.headers == {"Dagster-Cloud-Api-Token": SECRET}


def test_a_password_alone_is_a_token_in_the_header_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    client = described(monkeypatch, host="d", password=SECRET)
    assert (client.headers, client.auth) == ({"Dagster-Cloud-Api-Token": SECRET}, None)
    named = described(monkeypatch, host="d", password=SECRET, extra={"token_header": "X-Key", "headers": {"A": "b"}})
    assert named.headers == {"A": "b", "X-Key": SECRET}


def test_a_password_with_a_login_is_basic_authentication(monkeypatch: pytest.MonkeyPatch) -> None:
    client = described(monkeypatch, host="d", login="bob", password=SECRET)
    assert (client.headers, client.auth) == ({}, ("bob", SECRET))


def test_a_token_read_from_a_file_ends_with_a_line_break_that_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    assert described(monkeypatch, host="d", password=f"{SECRET}\n").headers == {"Dagster-Cloud-Api-Token": SECRET}


def test_timeout_and_verification_come_from_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = described(monkeypatch, host="d")
    assert (plain.timeout, plain.verify) == (30, True)
    chosen = described(monkeypatch, host="d", extra={"timeout": "2.5", "verify": "/etc/ca.pem"})
    assert (chosen.timeout, chosen.verify) == (2.5, "/etc/ca.pem")
    assert described(monkeypatch, host="d", extra={"verify": False}).verify is False


def test_the_triggerer_reads_the_connection_as_a_worker_does(monkeypatch: pytest.MonkeyPatch) -> None:
    client = described(monkeypatch, host="d", password=SECRET, extra={"timeout": 3})
    assert asyncio.run(DagsterHook("dagster_shop").aget_conn()) == client


@pytest.mark.parametrize(
    ("connection", "message"),
    [
        ({}, "'dagster_shop' has no host. Set it, for example to http://127.0.0.1:3000"),
        (
            {"host": "d", "extra": {"tiemout": 3}},
            "has unknown keys: tiemout. Allowed: headers, timeout, token_header, verify",
        ),
        ({"host": "d", "extra": {"timeout": "soon"}}, "`timeout` in the extra .* is not a number of seconds"),
        ({"host": "d", "extra": {"timeout": 0}}, "is not a number of seconds"),
        ({"host": "d", "extra": {"timeout": "nan"}}, "is not a number of seconds"),
        ({"host": "d", "extra": {"timeout": None}}, "is not a number of seconds"),
        ({"host": "d", "extra": {"verify": 1}}, "`verify` .* is 1. Allowed: true, false, or the file of a CA"),
        ({"host": "d", "extra": {"headers": ["a"]}}, "`headers` .* is not a JSON object"),
        ({"host": f"http://bob:{SECRET}@d"}, "contains a login. Move it to the fields login and password"),
        ({"host": f"bob:{SECRET}@d/x"}, "contains a login"),
        (
            {"host": "http://[bad"},
            r"is 'http://\[bad', which is not an address. Set it, for example to http://127.0.0.1:3000",
        ),
        ({"host": "a shop"}, "which is not an address"),
        ({"host": "http://"}, "which is not an address"),
        ({"host": "dagster:port"}, "which is not an address"),
        ({"host": "dagster:3000:3000"}, "which is not an address"),
        ({"host": "d", "password": f"{SECRET}ä"}, "header 'Dagster-Cloud-Api-Token' .* contains a character"),
        ({"host": "d", "extra": {"headers": {"A": f"{SECRET}\r\nB: c"}}}, "header 'A' .* contains a character"),
    ],
)
def test_a_connection_that_cannot_be_right_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch, connection: dict[str, Any], message: str
) -> None:
    with pytest.raises(RefusedError, match=message) as refused:
        described(monkeypatch, **connection)
    assert SECRET not in str(refused.value)


def test_a_connection_that_is_missing_comes_with_the_command_that_adds_it() -> None:
    with pytest.raises(RefusedError, match="airflow connections add no_such --conn-type http"):
        DagsterHook("no_such").get_conn()
    with pytest.raises(RefusedError, match="airflow connections add no_such --conn-type http"):
        asyncio.run(DagsterHook("no_such").aget_conn())


@pytest.mark.parametrize("login", [None, "bob"])
def test_no_secret_shows_in_a_client(monkeypatch: pytest.MonkeyPatch, login: str | None) -> None:
    assert SECRET not in repr(described(monkeypatch, host="d", login=login, password=SECRET))
