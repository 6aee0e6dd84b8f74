"""Opens Dagster's records. Processes that open a new DAGSTER_HOME at once take turns: Dagster lets them collide."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
from dagster import DagsterInvalidConfigError, DagsterInvariantViolationError
from sqlalchemy.exc import SQLAlchemyError

from retail_assets.errors import SettingsError, without_secrets
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
    except (SQLAlchemyError, OSError) as e:
        raise SettingsError(
            f"Dagster's records of DAGSTER_HOME={home} cannot be opened: {_reason(e)}. Check the owner and the "
            "permissions of its files; if they are in PostgreSQL, that it is there. `retail-assets doctor` looks at it."
        ) from e
    except (DagsterInvariantViolationError, DagsterInvalidConfigError) as e:
        reason = " ".join(str(e).split("Expected: ")[0].split())  # without everything that it would understand
        raise SettingsError(
            f"DAGSTER_HOME={home} cannot be used: {reason.rstrip('.')}. Set it to the absolute path of a folder with a "
            "copy of dagster.yaml; `retail-assets doctor` looks at it."
        ) from e


def _reason(error: Exception) -> str:
    """Return what the database answered, on one line, without statements, links and logins."""
    own = getattr(error, "orig", None) or error
    return without_secrets(" ".join(str(own).split())).rstrip(".")


def dagster_home() -> Path | None:
    """Return the folder in DAGSTER_HOME, which may not exist; None if it is not set."""
    text = os.environ.get("DAGSTER_HOME", "").strip()
    return Path(text) if text else None


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
