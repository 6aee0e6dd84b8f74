"""Whether Dagster's records in PostgreSQL can be reached, with the login that its `dagster.yaml` names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from retail_assets.doctor.finding import Finding
from retail_assets.errors import without_secrets

_CONNECT_SECONDS = 10
#: Sections of storages that are set one by one, as the first versions of Dagster had them.
_SINGLE = ("run_storage", "event_log_storage", "schedule_storage")
_FIX = "Start PostgreSQL, or correct its address and login in dagster.yaml or in the variables that it reads."


def records_answer(content: Mapping[str, Any], env: Mapping[str, str]) -> Finding | None:
    """Log in to each database of a `dagster.yaml`; None where there is none. Nothing is created in it.

    What the database answers is shown without the password.
    """
    reached = []
    for section in _sections(content):
        try:
            arguments = _arguments(section, env)
        except LookupError as e:
            return Finding(
                "dagster", False, f"dagster.yaml reads {e.args[0]}, which is not set", f"Set {e.args[0]}, here as well."
            )
        except ValueError as e:
            return Finding("dagster", False, f"the address of PostgreSQL cannot be read: {e}", _FIX)
        if arguments in reached:
            continue
        if problem := _problem(arguments):
            return Finding("dagster", False, f"Dagster's records in PostgreSQL: {problem}", _FIX)
        reached.append(arguments)
    return Finding("dagster", True, "the records in PostgreSQL can be reached") if reached else None


def _sections(content: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    storage = content.get("storage")
    if isinstance(storage, dict) and isinstance(storage.get("postgres"), dict):
        yield storage["postgres"]
    for name in _SINGLE:
        section = content.get(name)
        if isinstance(section, dict) and str(section.get("module", "")).startswith("dagster_postgres"):
            yield section.get("config") or {}


def _arguments(section: Mapping[str, Any], env: Mapping[str, str]) -> dict[str, Any]:
    """Return what the driver connects with, as Dagster does.

    Raises LookupError with the name of a variable that is not set, and ValueError, without a secret.
    """
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    text = _value(section.get("postgres_url"), env)
    if not text:
        database = section.get("postgres_db")
        if not isinstance(database, dict):
            raise ValueError("neither postgres_url nor postgres_db is given")
        names = {"username": "user", "password": "password", "hostname": "host", "db_name": "dbname", "port": "port"}
        given = {theirs: _value(database.get(ours), env) for ours, theirs in names.items()}
        options = database.get("params")
        options = {key: str(_value(value, env)) for key, value in options.items()} if isinstance(options, dict) else {}
        return {key: value for key, value in given.items() if value} | options
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # its message may repeat the login
        raise ValueError("it is not postgresql+psycopg2://user:password@host:port/database") from None
    if "@" in (url.host or "") or "@" in (url.database or ""):
        raise ValueError("an @ or / of its password must be written as %40 or %2F")
    names = url.translate_connect_args(username="user", database="dbname")
    return names | {key: value if isinstance(value, str) else ",".join(value) for key, value in url.query.items()}


def _value(value: object, env: Mapping[str, str]) -> str:
    """Return a value, or that of the variable which it names. Raises LookupError for one that is not set."""
    if isinstance(value, dict) and "env" in value:
        name = str(value["env"])
        if name not in env:
            raise LookupError(name)
        return env[name]
    return "" if value is None else str(value)


def _problem(arguments: Mapping[str, Any]) -> str:
    """Return why PostgreSQL cannot be used, "" if it can."""
    try:
        import psycopg2
    except ImportError:
        return "psycopg2, its driver, is not installed: pip install dagster-postgres"
    try:
        psycopg2.connect(**{"connect_timeout": _CONNECT_SECONDS, **arguments}).close()
    except psycopg2.Error as e:
        answer = without_secrets(" ".join(str(e).split()))
        password = arguments.get("password")
        return answer.replace(str(password), "***") if password else answer
    return ""
