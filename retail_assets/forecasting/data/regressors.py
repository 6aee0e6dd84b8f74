"""Regressors: what the user knows about days besides sales, as events, promotions or weather.

Each value has the day on which it became known. A forecast made on a day may use what was known by that day and nothing
later: a promotion that was announced in May is not a feature of an origin in April, although its days are in the
training history. A day without a value counts as zero, so give numbers as differences from the usual.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from retail_assets.errors import NotReadyError, RetailError, WarehouseError, nearest
from retail_assets.forecasting.data.series import Days, Floats
from retail_assets.tables import WEATHER
from retail_assets.weather.issued import NAMES as WEATHER_NAMES

if TYPE_CHECKING:
    from retail_assets.warehouse.protocol import Warehouse

COLUMNS = ("date", "name", "value", "known_on")
#: With more names the model would learn from chance.
MOST_NAMES = 12
#: A larger number is a mistake, and more than a tree can split on.
_LARGEST = 1e12
#: More than the days of the calendar (date.max is 2,932,896 days after 1970), so that two days make one number.
_DAYS_APART = 1 << 23

#: Day, value, and the day it became known.
_Entry = tuple[dt.date, float, dt.date]


class RegressorsError(RetailError):
    """The file or table of events is wrong: names the place, the column and what is allowed."""


@dataclass(frozen=True)
class Regressors:
    """Values by name, in order of name.

    Attributes:
        names: names of the regressors, at most 12.
        days: for each name its days, (n,).
        values: for each name its values, (n,).
        known_on: for each name the day on which each value became known, (n,).
        digest: of the content of the file and of the names in the table; "" without either. Another digest makes a
            training due.
        optional: names that a training may leave out, where its backtest is no better with them.
    """

    names: tuple[str, ...]
    days: tuple[Days, ...]
    values: tuple[Floats, ...]
    known_on: tuple[Days, ...]
    digest: str = ""
    optional: tuple[str, ...] = ()

    def of_names(self, names: Iterable[str]) -> Regressors | None:
        """Return those that a model with these names has learned from; None where the others are not optional."""
        wanted = tuple(names)
        if wanted == self.names:
            return self
        if not set(self.names) - set(self.optional) <= set(wanted) <= set(self.names):
            return None
        kept = [at for at, name in enumerate(self.names) if name in wanted]
        return Regressors(
            tuple(self.names[at] for at in kept),
            tuple(self.days[at] for at in kept),
            tuple(self.values[at] for at in kept),
            tuple(self.known_on[at] for at in kept),
            self.digest,
        )

    def without_optional(self) -> Regressors:
        """Return those that every training learns from."""
        return self.of_names(name for name in self.names if name not in self.optional) or self

    def as_known(self, origins: Days, targets: Days) -> Floats:
        """Look up the values of the target days as they were known at the origins.

        Of several values of a day, the one that became known last by the origin counts; without any it is zero.

        Args:
            origins: (pairs,), the days on which forecasts are made.
            targets: (pairs, horizon), the days that they are made for.

        Returns:
            (pairs, horizon, names).
        """
        looked_up = np.zeros((*targets.shape, len(self.names)))
        wanted = _one_number(targets, origins[:, None])
        for column, (days, values, known_on) in enumerate(zip(self.days, self.values, self.known_on, strict=True)):
            if not len(days):
                continue
            # In order of day, then of becoming known: the last value known by the origin is just before the wanted one.
            entries = _one_number(days, known_on)
            order = np.argsort(entries, kind="stable")
            at = np.searchsorted(entries[order], wanted, side="right") - 1
            latest = order[np.maximum(at, 0)]
            exists = (at >= 0) & (days[latest] == targets)
            looked_up[..., column][exists] = values[latest][exists]
        return looked_up


def _one_number(days: Days, known_on: Days) -> np.ndarray:
    """Numbers that are ordered by day, and within a day by when its value became known."""
    day, known = (np.asarray(d).astype("datetime64[D]").astype(np.int64) for d in (days, known_on))
    return day * _DAYS_APART + known


NONE = Regressors((), (), (), ())


def read(text: str, where: str) -> Regressors:
    """Read regressors from CSV with the columns `date,name` and optionally `value` (default 1) and `known_on`.

    Without `known_on` a value counts as always known, as a calendar is.

    Args:
        text: the content of the file.
        where: its name, for error messages.

    Raises:
        RegressorsError: names the line and what is wrong.

    >>> read("date,name\\n2024-05-01,promotion\\n", "events.csv").names
    ('promotion',)
    """
    reader = csv.DictReader(io.StringIO(text.lstrip("\ufeff")))
    try:
        header = [(name or "").strip().lower() for name in reader.fieldnames or []]
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error as e:
        raise RegressorsError(f"{where}, line {reader.line_num}: not CSV ({e}).") from None
    for name in header:
        if name not in COLUMNS:
            raise RegressorsError(
                f"{where}: unknown column {name!r}.{nearest(name, COLUMNS)} Columns: {', '.join(COLUMNS)}."
            )
    if missing := [name for name in COLUMNS[:2] if name not in header]:
        raise RegressorsError(f"{where}: column {missing[0]!r} is missing. Columns: {', '.join(COLUMNS)}.")
    if len(set(header)) < len(header):
        raise RegressorsError(f"{where}: a column is named twice in {', '.join(header)}.")
    entries: dict[str, list[_Entry]] = {}
    for number, fields in rows:
        line = f"{where}, line {number}"
        if None in fields:
            raise RegressorsError(f"{line}: more fields than the header has. Put text with commas in quotes.")
        row = dict(zip(header, fields.values(), strict=False))
        name = (row["name"] or "").strip()
        if not name:
            raise RegressorsError(f"{line}: 'name' is empty.")
        known_on = (row.get("known_on") or "").strip()
        value = _number(row.get("value") or "1", line)
        entries.setdefault(name, []).append(
            (_day(row["date"], "date", line), value, _day(known_on, "known_on", line) if known_on else dt.date.min)
        )
    return _from_entries(entries, where)


def from_warehouse(warehouse: Warehouse, table: str) -> Regressors:
    """Read regressors from a table or view of the warehouse with the columns `date`, `name`, `value` and `known_on`.

    A day may have several values, as a weather forecast that is issued repeatedly: each counts from its `known_on` (a
    day or a timestamp) on; without one it counts as always known. The digest is of the names alone: a table that grows
    every day must not make a training due every day.

    Args:
        warehouse: holds the table.
        table: its name, with a schema where it is in another one.

    Raises:
        RegressorsError: there is no such table, a column is missing, or a value is wrong.
    """
    where = f"RETAIL_REGRESSORS={table!r}"
    try:
        present = warehouse.query(f"SELECT * FROM {table} LIMIT 0").column_names
    except (NotReadyError, WarehouseError) as e:
        if isinstance(e, WarehouseError) and "does not exist" not in str(e):  # in use, or unreachable
            raise
        raise RegressorsError(
            f"{where}: {warehouse.location()} has no such table. Create it (docs/forecast.md), or unset the variable."
        ) from None
    if missing := [name for name in COLUMNS if name not in present]:
        raise RegressorsError(
            f"{where}: column {missing[0]!r} is missing.{nearest(missing[0], present)} Columns: {', '.join(COLUMNS)}."
        )
    columns = ", ".join(f'"{name}"' for name in COLUMNS)
    # In a defined order, so that of two values known on the same day the same one counts in each run.
    rows = warehouse.query(f"SELECT {columns} FROM {table} ORDER BY {columns}").to_pylist()
    regressors = _from_entries(_entries(rows, where), where)
    return replace(regressors, digest=_digest(regressors.names)) if regressors.names else regressors


def _entries(rows: Iterable[Mapping[str, Any]], where: str) -> dict[str, list[_Entry]]:
    entries: dict[str, list[_Entry]] = {}
    for row in rows:
        line = f"{where}, {row['date']} {str(row['name'])[:40]!r}"
        name = str(row["name"] or "").strip()
        if not name:
            raise RegressorsError(f"{line}: 'name' is empty.")
        known_on = dt.date.min if row["known_on"] is None else _date(row["known_on"], "known_on", line)
        value = _number("nothing" if row["value"] is None else str(float(row["value"])), line)
        entries.setdefault(name, []).append((_date(row["date"], "date", line), value, known_on))
    return entries


def together(*sources: Regressors) -> Regressors:
    """Combine the regressors of several sources; a day with values in several is as one with several in one source.

    Raises RegressorsError for more than 12 names.
    """
    filled = [source for source in sources if source.names]
    if len(filled) < 2:
        return filled[0] if filled else NONE
    entries: dict[str, list[_Entry]] = {}
    for source in filled:
        for name, *columns in zip(source.names, source.days, source.values, source.known_on, strict=True):
            days, values, known_on = (column.astype(object).tolist() for column in columns)
            entries.setdefault(name, []).extend(zip(days, values, known_on, strict=True))
    combined = _from_entries(entries, "RETAIL_EVENTS, RETAIL_REGRESSORS and the weather")
    required = {name for source in filled for name in source.names if name not in source.optional}
    optional = tuple(name for name in combined.names if name not in required)
    return replace(combined, digest=_digest([source.digest for source in filled]), optional=optional)


def of_weather(warehouse: Warehouse) -> Regressors:
    """Read the table `weather`, whose names are always there, and optional. Without the table they have no values."""
    values = from_warehouse(warehouse, WEATHER.name) if warehouse.exists(WEATHER) else NONE
    entries: dict[str, list[_Entry]] = {name: [] for name in WEATHER_NAMES}
    for name, *columns in zip(values.names, values.days, values.values, values.known_on, strict=True):
        entries[name] = list(zip(*(column.astype(object).tolist() for column in columns), strict=True))
    return replace(_from_entries(entries, WEATHER.name), digest=_digest(WEATHER_NAMES), optional=WEATHER_NAMES)


def _from_entries(entries: Mapping[str, list[_Entry]], where: str) -> Regressors:
    if len(entries) > MOST_NAMES:
        raise RegressorsError(f"{where}: {len(entries)} names; at most {MOST_NAMES} are allowed. Leave some out.")
    names = tuple(sorted(entries))
    columns = [list(zip(*entries[name], strict=True)) or [(), (), ()] for name in names]
    return Regressors(
        names,
        tuple(np.array(column[0], dtype="datetime64[D]") for column in columns),
        tuple(np.array(column[1], dtype=np.float64) for column in columns),
        tuple(np.array(column[2], dtype="datetime64[D]") for column in columns),
        _digest(sorted(entries.items())),
    )


def _digest(content: object) -> str:
    return hashlib.sha256(repr(content).encode()).hexdigest()[:16]


def _date(value: Any, column: str, line: str) -> dt.date:
    """The day of a value in a table, which may be a timestamp or text."""
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    return _day(str(value), column, line)


def _day(text: str | None, column: str, line: str) -> dt.date:
    try:
        return dt.date.fromisoformat((text or "").strip())
    except ValueError:
        raise RegressorsError(f"{line}: {column}={text!r} is not a date. Write it as YYYY-MM-DD.") from None


def _number(text: str, line: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or abs(value) > _LARGEST:
        raise RegressorsError(f"{line}: value={text[:40]!r} is not a number up to {_LARGEST:.0e}.")
    return value
