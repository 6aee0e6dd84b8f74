"""Erasing a customer from Dagster's storage: previews of rows, messages of checks, run configurations and logs of runs.

Dagster has no public way to change what was recorded, so its tables are edited as they are: texts in JSON that mention
the customer lose the record, or the id. Files of SQLite are written again, so that no free page has what was there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg

from retail_assets.defs.instance import dagster_instance
from retail_assets.erasure.home_files import erase_from_home
from retail_assets.erasure.mentions import Mentions
from retail_assets.errors import RetailError
from retail_assets.settings.dagster_home import dagster_home

_RUNNING = (dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.CANCELING)


class RunsInProgressError(RetailError):
    """A run is in progress: it may write what is being erased."""

    retryable = True


def refuse_running() -> None:
    """Refuse to erase while a run is in progress. Raises RunsInProgressError."""
    with _instance() as instance:
        if instance is None:
            return
        runs = instance.get_runs(filters=dg.RunsFilter(statuses=list(_RUNNING)), limit=3)
    if runs:
        raise RunsInProgressError(
            f"Runs are in progress: {', '.join(r.run_id[:8] for r in runs)}. What they write could hold the customer. "
            "Wait for them to end, or cancel them in Dagster's pages (also runs whose process was killed)."
        )


def erase_from_instance(mentions: Mentions, dry_run: bool, home: Path | None = None) -> dict[str, int]:
    """Erase a customer from the instance of DAGSTER_HOME. Returns how many rows of databases and logs were changed.

    What is in the `home` of the platform is erased with it, and counted there: a dry run does not count it twice.
    """
    with _instance() as instance:
        if instance is None:
            return {}
        root = Path(instance.root_directory)
        changed = 0
        for engine in () if dry_run else _servers(instance):
            changed += _erase_by_engine(engine, mentions)
        if dry_run and home is not None and root.resolve().is_relative_to(home.resolve()):
            return {"events": 0, "run_logs": 0}
    # The same as for a home that contains it: then there is nothing left to find.
    found = erase_from_home(root, [], mentions, dry_run=dry_run)
    return {"events": changed + found["database_rows"], "run_logs": found["home_files_edited"]}


@contextlib.contextmanager
def _instance() -> Iterator[dg.DagsterInstance | None]:
    home = dagster_home()
    if home is None or not home.is_dir():
        yield None
        return
    with dagster_instance() as instance:
        yield instance


def _servers(instance: dg.DagsterInstance) -> Iterator[Any]:
    """Yield the databases of runs, events and schedules that are in a server; those of SQLite are files."""
    for storage in (instance.run_storage, instance.event_log_storage, instance.schedule_storage):
        engine = getattr(storage, "_engine", None)
        if engine is not None and engine.dialect.name != "sqlite":
            yield engine


def _erase_by_engine(engine: Any, mentions: Mentions) -> int:
    """Take a customer out of every text of a database that Dagster keeps in a server."""
    import sqlalchemy as db

    changed = 0
    seen = db.inspect(engine)
    with engine.begin() as connection:
        for name in seen.get_table_names():
            table = db.Table(name, db.MetaData(), autoload_with=engine)
            for column in table.columns:
                if not isinstance(column.type, (db.Text, db.String)):
                    continue
                wanted = db.or_(*(column.contains(text, autoescape=True) for text in mentions.sql_values))
                for (text,) in connection.execute(db.select(column).where(wanted).distinct()).fetchall():
                    new = mentions.without(text)
                    if new != text:
                        changed += connection.execute(
                            table.update().where(column == text).values({column: new})
                        ).rowcount
    return changed
