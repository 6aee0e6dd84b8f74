"""What has been found and not been received yet: one SQLite file per source, so that no message is lost or sent twice.

A cause, the place in the event log that it was read from, and its messages are written in one transaction. What every
channel has received is deleted from the file; its bytes are overwritten.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from retail_assets.alerts.causes import NO_TROUBLE, Cause, Subject, is_within, join
from retail_assets.alerts.message import Message, new_identity
from retail_assets.alerts.stored_causes import read_cause, write_cause
from retail_assets.errors import StorageError
from retail_assets.storage.locks import try_lock

#: After a message about a cause, further landings with it wait so long, and come in one.
_GROUP_SECONDS = 600.0
_HOUR = 3600.0
#: The first wait after a failed attempt, and the longest; a receiver that is back gets everything within the latter.
_FIRST_WAIT, _LONGEST_WAIT = 5.0, 60.0
_BUSY_SECONDS = 20.0
#: A run that ended so long ago is not read again; a cause that nothing has met for so long is open no more.
_KEEP_RUNS, _KEEP_OPEN = 7 * 24 * _HOUR, 14 * 24 * _HOUR

_SCHEMA = """
CREATE TABLE IF NOT EXISTS open_cause (
    key TEXT, subject TEXT, member TEXT, kind TEXT, severity TEXT, title TEXT,
    first REAL, last REAL, times INTEGER, reported REAL, PRIMARY KEY (key, subject, member));
CREATE TABLE IF NOT EXISTS message (
    identity TEXT PRIMARY KEY, key TEXT, made REAL, not_before REAL, again INTEGER, cause TEXT);
CREATE TABLE IF NOT EXISTS delivery (
    identity TEXT, channel TEXT, attempts INTEGER, next REAL, error TEXT, PRIMARY KEY (identity, channel));
CREATE TABLE IF NOT EXISTS channel (name TEXT PRIMARY KEY, attempts INTEGER, next REAL, error TEXT);
CREATE TABLE IF NOT EXISTS sent (channel TEXT, at REAL);
CREATE TABLE IF NOT EXISTS last_message (key TEXT PRIMARY KEY, at REAL);
CREATE TABLE IF NOT EXISTS mark (name TEXT PRIMARY KEY, value TEXT, at REAL);
"""


@dataclass(frozen=True)
class Open:
    """A cause that is still there: since when (seconds since 1970), how often it was met, what it touches."""

    key: str
    kind: str
    severity: str
    title: str
    subjects: tuple[str, ...]
    first: float
    last: float
    times: int


@dataclass(frozen=True)
class Waiting:
    """A message that a channel has not received: attempts so far, the last error, and when the next one is."""

    message: Message
    channel: str
    made: float
    attempts: int
    next: float
    error: str


def outbox_path(home: Path, source: str) -> Path:
    """Return the file of a source's outbox."""
    return home / "alerts" / f"{source}.sqlite"


class Outbox:
    """The outbox in one file; made when it is first written. Times are seconds since 1970, given by the caller."""

    def __init__(self, path: Path, source: str, repeat_hours: float = 24) -> None:
        self.path, self.source = path, source
        self._repeat = repeat_hours * _HOUR

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """One transaction, alone among all processes of the machine. Raises StorageError."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Error texts of runs may stand in it: for its owner alone.
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            connection = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None)
        except (OSError, sqlite3.Error) as e:
            raise StorageError(f"Cannot write the outbox of alerts, {self.path}: {_why(e)}.") from e
        try:
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("BEGIN IMMEDIATE")
            for statement in filter(str.strip, _SCHEMA.split(";")):
                connection.execute(statement)
            yield connection
            connection.execute("COMMIT")
        except sqlite3.Error as e:
            raise StorageError(
                f"Cannot write the outbox of alerts, {self.path}: {_why(e)}. If it is damaged, remove the file; what "
                "it had not sent yet is lost."
            ) from e
        finally:
            connection.close()  # rolls back what is not committed

    @contextlib.contextmanager
    def turn(self) -> Iterator[bool]:
        """Yield whether this process may send: no other one does so now. The turn ends with the process."""
        lock = self.path.with_suffix(".lock")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle = open(lock, "ab")  # noqa: SIM115 - closed below, whatever the block raises
        except OSError as e:
            raise StorageError(f"Cannot write beside the outbox of alerts, {lock}: {_why(e)}.") from e
        with handle:
            yield try_lock(handle.fileno())

    def record(
        self,
        causes: Iterable[Cause],
        channels: Sequence[str],
        now: float,
        *,
        ended: Iterable[tuple[str, str]] = (),
        ended_after: Iterable[tuple[str, str]] = (),
        marks: Mapping[str, str] | None = None,
    ) -> int:
        """Record causes, what ended before or after them (member and subject) and marks; return how many messages made.

        A cause that is open and was reported within the repeat time makes none; what it newly touches does, at once or
        ten minutes after the last message about it.
        """
        made = 0
        with self._transaction() as db:
            _set_back(db, now)
            self._end(db, ended)
            by_key: dict[str, list[Cause]] = {}
            for cause in causes:
                by_key.setdefault(cause.key, []).append(cause)
            for group in by_key.values():
                made += self._record(db, group, channels, now)
            self._end(db, ended_after)
            for name, value in (marks or {}).items():
                db.execute("INSERT OR REPLACE INTO mark VALUES (?, ?, ?)", [name, value, now])
            db.execute("DELETE FROM mark WHERE name LIKE 'run:%' AND at < ?", [now - _KEEP_RUNS])
            db.execute("DELETE FROM open_cause WHERE last < ?", [now - _KEEP_OPEN])
        return made

    @staticmethod
    def _end(db: sqlite3.Connection, ended: Iterable[tuple[str, str]]) -> None:
        for member, subject in ended:
            for key, name in db.execute("SELECT key, subject FROM open_cause WHERE member = ?", [member]).fetchall():
                if is_within(name, subject):
                    db.execute(
                        "DELETE FROM open_cause WHERE member = ? AND key = ? AND subject = ?", [member, key, name]
                    )

    def _record(self, db: sqlite3.Connection, causes: Sequence[Cause], channels: Sequence[str], now: float) -> int:
        """Record causes of one key; make a message of what is new about them."""
        cause = join(causes)
        new: list[Subject] = []
        again = 0
        severities = {row[0] for row in db.execute("SELECT severity FROM open_cause WHERE key = ?", [cause.key])}
        was_open = bool(severities)
        first_error = cause.severity == "error" and "error" not in severities  # of another landing, it does not wait
        for subject in cause.subjects:
            rows = db.execute(
                "SELECT reported, times, severity FROM open_cause WHERE key = ? AND subject = ?",
                [cause.key, subject.name],
            ).fetchall()
            reported = max((row[0] for row in rows), default=None)
            is_worse = cause.severity == "error" and all(row[2] != "error" for row in rows)
            if reported is None or is_worse or reported <= now - self._repeat:
                new.append(subject)
                again += sum(row[1] for row in rows)
                reported = now
            for each in causes if cause.kind not in NO_TROUBLE else ():
                if any(own.name == subject.name for own in each.subjects):
                    db.execute(
                        "INSERT INTO open_cause VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?) ON CONFLICT DO UPDATE SET "
                        "last = excluded.last, times = times + 1, severity = excluded.severity, "
                        "title = excluded.title, reported = excluded.reported",
                        [
                            cause.key,
                            subject.name,
                            each.member,
                            each.kind,
                            each.severity,
                            each.title,
                            now,
                            now,
                            reported,
                        ],
                    )
        if not new:
            return 0
        cause = dataclasses.replace(cause, subjects=tuple(new))
        # A message that nobody has got yet takes the new subjects in.
        unsent = db.execute(
            "SELECT identity, cause FROM message AS m WHERE key = ? AND (SELECT count(*) FROM delivery AS d "
            "WHERE d.identity = m.identity AND d.attempts = 0) = ?",
            [cause.key, len(channels)],
        ).fetchone()
        if unsent and cause.kind not in NO_TROUBLE:
            identity, text = unsent
            db.execute(
                "UPDATE message SET cause = ? WHERE identity = ?",
                [write_cause(join([read_cause(text), cause])), identity],
            )
            return 0
        [last] = db.execute("SELECT max(at) FROM last_message WHERE key = ?", [cause.key]).fetchone()
        # More landings of a cause that is being looked at come together, later.
        not_before = (
            max(now, last + _GROUP_SECONDS) if was_open and last is not None and not (again or first_error) else now
        )
        identity = new_identity()
        db.execute(
            "INSERT INTO message VALUES (?, ?, ?, ?, ?, ?)",
            [identity, cause.key, now, not_before, again, write_cause(cause)],
        )
        for channel in channels:
            db.execute("INSERT INTO delivery VALUES (?, ?, 0, ?, '')", [identity, channel, not_before])
        db.execute("INSERT OR REPLACE INTO last_message VALUES (?, ?)", [cause.key, now])
        return 1

    def due(self, channel: str, now: float) -> list[Message]:
        """Return what the channel is to get now, in order; nothing while it waits after a failed attempt."""
        with self._transaction() as db:
            row = db.execute("SELECT next FROM channel WHERE name = ?", [channel]).fetchone()
            if row is not None and row[0] > now:
                return []
            rows = db.execute(
                "SELECT identity, cause, again FROM message JOIN delivery USING (identity) "
                "WHERE channel = ? AND next <= ? ORDER BY made, identity",
                [channel, now],
            ).fetchall()
        return [Message(identity, self.source, read_cause(text), again) for identity, text, again in rows]

    def allowed(self, channel: str, now: float, per_hour: int) -> int:
        """Return how many messages the channel may get now."""
        with self._transaction() as db:
            db.execute("DELETE FROM sent WHERE at <= ?", [now - _HOUR])
            [count] = db.execute("SELECT count(*) FROM sent WHERE channel = ?", [channel]).fetchone()
        return max(0, per_hour - int(count))

    def delivered(self, messages: Sequence[Message], channel: str, now: float) -> None:
        """Note that the channel has them; what every channel has is deleted."""
        with self._transaction() as db:
            for message in messages:
                db.execute("DELETE FROM delivery WHERE identity = ? AND channel = ?", [message.identity, channel])
                db.execute(
                    "DELETE FROM message WHERE identity = ? AND identity NOT IN (SELECT identity FROM delivery)",
                    [message.identity],
                )
            db.execute("INSERT INTO sent VALUES (?, ?)", [channel, now])
            db.execute("DELETE FROM channel WHERE name = ?", [channel])

    def failed(
        self, messages: Sequence[Message], channel: str, error: str, now: float, *,
        of_message: bool = False, wait_seconds: float | None = None,
    ) -> None:  # fmt: skip
        """Note a failed attempt: the channel waits, or with `of_message` these messages alone."""
        with self._transaction() as db:
            for message in messages:
                key = [message.identity, channel]
                db.execute("UPDATE delivery SET attempts = attempts + 1, error = ? WHERE identity = ? AND channel = ?",
                           [error, *key])  # fmt: skip
                if of_message:
                    db.execute("UPDATE delivery SET next = ? + ? * min(attempts, 24) WHERE identity = ? "
                               "AND channel = ?", [now, _HOUR, *key])  # fmt: skip
            if of_message:
                return
            row = db.execute("SELECT attempts FROM channel WHERE name = ?", [channel]).fetchone()
            attempts = (row[0] if row else 0) + 1
            wait = max(min(_FIRST_WAIT * 2 ** min(attempts - 1, 10), _LONGEST_WAIT), wait_seconds or 0)
            db.execute("INSERT OR REPLACE INTO channel VALUES (?, ?, ?, ?)", [channel, attempts, now + wait, error])

    def failing(self) -> dict[str, float]:
        """Return the channels whose last attempt failed, with when the next one may be."""
        with self._transaction() as db:
            return dict(db.execute("SELECT name, next FROM channel").fetchall())

    def mark(self, name: str) -> str | None:
        """Return a mark: how far something was read."""
        return self.marks(name).get(name)

    def marks(self, prefix: str) -> dict[str, str]:
        """Return the marks whose names begin so."""
        if not self.path.exists():
            return {}
        with self._transaction() as db:
            rows = db.execute("SELECT name, value FROM mark WHERE substr(name, 1, ?) = ?", [len(prefix), prefix])
            return dict(rows.fetchall())

    def open_subjects(self, member: str) -> list[str]:
        """Return what a check or step has found and not found ended."""
        if not self.path.exists():
            return []
        with self._transaction() as db:
            rows = db.execute("SELECT DISTINCT subject FROM open_cause WHERE member = ? ORDER BY subject", [member])
            return [str(subject) for (subject,) in rows.fetchall()]

    def waiting(self) -> list[Waiting]:
        """Return what has not been received, by channel and age."""
        if not self.path.exists():
            return []
        with self._transaction() as db:
            rows = db.execute(
                "SELECT m.identity, m.cause, m.again, d.channel, m.made, d.attempts, max(d.next, coalesce(c.next, 0)), "
                "d.error FROM message AS m JOIN delivery AS d USING (identity) LEFT JOIN channel AS c "
                "ON c.name = d.channel ORDER BY d.channel, m.made, m.identity"
            ).fetchall()
        return [
            Waiting(
                Message(identity, self.source, read_cause(text), again), channel, made, attempts, following, error or ""
            )
            for identity, text, again, channel, made, attempts, following, error in rows
        ]

    def open_causes(self) -> list[Open]:
        """Return the causes that are still there, errors first, then by age."""
        if not self.path.exists():
            return []
        with self._transaction() as db:
            rows = db.execute(
                "SELECT key, kind, severity, title, subject, first, last, times FROM open_cause "
                "ORDER BY severity, first, key, subject"
            ).fetchall()
        found: dict[str, Open] = {}
        for key, kind, severity, title, subject, first, last, times in rows:
            if (known := found.get(key)) is None:
                found[key] = Open(key, kind, severity, title, (subject,) if subject else (), first, last, times)
                continue
            subjects = tuple(dict.fromkeys((*known.subjects, *([subject] if subject else []))))
            found[key] = dataclasses.replace(
                known, subjects=subjects, first=min(known.first, first), last=max(known.last, last),
                times=max(known.times, times),
            )  # fmt: skip
        return list(found.values())


def _set_back(db: sqlite3.Connection, now: float) -> None:
    """Take times of a clock that has been set back since as now: nothing waits until that time has come again."""
    for table, columns in (("open_cause", ("first", "last", "reported")), ("last_message", ("at",)), ("sent", ("at",))):
        for column in columns:
            db.execute(f"UPDATE {table} SET {column} = ? WHERE {column} > ?", [now, now])
    db.execute("UPDATE channel SET next = ? WHERE next > ?", [now, now + _HOUR])
    db.execute("UPDATE delivery SET next = ? WHERE next > ? + (CASE attempts WHEN 0 THEN ? ELSE ? END)",
               [now, now, _GROUP_SECONDS, 24 * _HOUR])  # fmt: skip


def _why(error: Exception) -> str:
    return (error.strerror or type(error).__name__) if isinstance(error, OSError) else str(error)
