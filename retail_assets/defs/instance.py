"""Opens Dagster's records. Processes that open a new DAGSTER_HOME at once take turns: Dagster lets them collide."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
from dagster import DagsterInvalidConfigError, DagsterInvariantViolationError

from retail_assets.errors import SettingsError, without_secrets
from retail_assets.settings.dagster_home import dagster_home
from retail_assets.storage.locks import lock_within

#: The first process creates the tables, in about two seconds.
_TURN_SECONDS = 60.0


def dagster_instance() -> dg.DagsterInstance:
    """Return Dagster's records in DAGSTER_HOME; without one, records that end with this process.

    Raises SettingsError for a home that cannot be used.
    """
    home = dagster_home()
    if home is None:
        return dg.DagsterInstance.ephemeral()
    try:
        with _turn(home):
            return dg.DagsterInstance.get()
    except (DagsterInvariantViolationError, DagsterInvalidConfigError) as e:
        if missing := re.search(r'environment variable "(\w+)" which is not set', str(e)):
            raise SettingsError(
                f"{home}/dagster.yaml reads {missing[1]}, which is not set. Set it, or use another DAGSTER_HOME."
            ) from e
        reason = " ".join(str(e).split("Expected: ")[0].split())  # without everything that it would understand
        raise SettingsError(
            f"DAGSTER_HOME={home} cannot be used: {reason.rstrip('.')}. Set it to the absolute path of a folder with a "
            "copy of dagster.yaml; `retail-assets doctor` looks at it."
        ) from e
    except Exception as e:  # what the database of the records says, which Dagster has in packages of its own
        raise SettingsError(
            f"Dagster's records of DAGSTER_HOME={home} cannot be opened: {_reason(e)}. Check the owner and the "
            "permissions of its files; if its dagster.yaml has them in PostgreSQL, that it runs and takes the login of "
            "DAGSTER_POSTGRES_URL=postgresql+psycopg2://…"
        ) from e


def _reason(error: BaseException) -> str:
    """Return what the database answered, on one line, without statements, links and logins."""
    while error.__cause__ is not None:  # Dagster counts attempts
        error = error.__cause__
    return without_secrets(" ".join(str(getattr(error, "orig", None) or error).split())).rstrip(".?")


@contextlib.contextmanager
def _turn(home: Path) -> Iterator[None]:
    """Wait until no other process of this machine opens these records.

    Where the home cannot be written, as in an image with records in PostgreSQL, there is nothing to take turns for.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            file = stack.enter_context((home / ".opening.lock").open("ab"))
            lock_within(file.fileno(), _TURN_SECONDS)
        yield
