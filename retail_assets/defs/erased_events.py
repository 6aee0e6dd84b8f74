"""Erasing a customer from Dagster's storage: previews of rows, messages of checks, run configurations and logs of runs.

Dagster has no public way to change what was recorded, so its tables are edited as they are: texts in JSON that mention
the customer lose the record, or the id. Files of SQLite are written again, so that no free page has what was there.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg

from retail_assets.erasure.bundles import erase_from_sqlite
from retail_assets.erasure.mentions import Mentions
from retail_assets.errors import RetailError

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


def erase_from_instance(mentions: Mentions, dry_run: bool) -> dict[str, int]:
    """Erase a customer from the instance of DAGSTER_HOME. Returns how many texts and logs were changed."""
    with _instance() as instance:
        if instance is None:
            return {}
        root = Path(instance.root_directory)
        engines = [] if dry_run else list(_engines(instance))
        changed = 0
        for engine in engines:
            if engine.dialect.name != "sqlite":
                changed += _erase_by_engine(engine, mentions)
    files = sorted(p for p in root.rglob("*.db") if p.is_file())
    if not dry_run:
        changed += sum(erase_from_sqlite(path, mentions) for path in files)
    return {"events": changed, "run_logs": _erase_from_logs(root, mentions, dry_run)}


@contextlib.contextmanager
def _instance() -> Iterator[dg.DagsterInstance | None]:
    if not os.environ.get("DAGSTER_HOME", "").strip() or not Path(os.environ["DAGSTER_HOME"]).is_dir():
        yield None
        return
    with dg.DagsterInstance.get() as instance:
        yield instance


def _engines(instance: dg.DagsterInstance) -> Iterator[Any]:
    """Yield the databases of runs, events and schedules; those of SQLite are found as files."""
    for storage in (instance.run_storage, instance.event_log_storage, instance.schedule_storage):
        engine = getattr(storage, "_engine", None)
        if engine is not None:
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
                wanted = column.contains(mentions.customer_id, autoescape=True)
                for (text,) in connection.execute(db.select(column).where(wanted).distinct()).fetchall():
                    new = mentions.without(text)
                    if new != text:
                        changed += connection.execute(
                            table.update().where(column == text).values({column: new})
                        ).rowcount
    return changed


def _erase_from_logs(root: Path, mentions: Mentions, dry_run: bool) -> int:
    """Take a customer out of what runs have printed."""
    changed = 0
    for path in sorted(p for p in root.rglob("*") if p.suffix in (".out", ".err") and p.is_file()):
        data = path.read_bytes()
        if not mentions.may_be_in(data):
            continue
        text = data.decode("utf-8", "surrogateescape")
        new = mentions.without(text)
        if new != text:
            changed += 1
            if not dry_run:
                path.write_bytes(new.encode("utf-8", "surrogateescape"))
    return changed
