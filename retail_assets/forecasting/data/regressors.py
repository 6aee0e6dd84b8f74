"""What the user knows of days beyond sales: events, promotions, weather; each value with the day it became known.

A forecast made on a day may use what had been said by that day and nothing later: a promotion that was announced in
May is no feature of an origin in April, though its days are in the training history. A day nobody said anything of is
zero, so give numbers as differences from the usual.
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

if TYPE_CHECKING:
    from retail_assets.warehouse.protocol import Warehouse

COLUMNS = ("date", "name", "value", "known_on")
#: More would be learnt from chance.
MOST_NAMES = 12
#: Beyond this a number is a mistake, and more than a tree can split.
_LARGEST = 1e12
#: Wider than the days of the calendar (date.max is 2,932,896 days after 1970), so that two days make one number.
_DAYS_APART = 1 << 23

_Said = tuple[dt.date, float, dt.date]


class RegressorsError(RetailError):
    """The file or table of events and regressors is wrong: names the place, the column and what is allowed."""


@dataclass(frozen=True)
class Regressors:
    """Values by name, in order of name: days, (n,), values, (n,), and the day each became known, (n,)."""

    names: tuple[str, ...]
    days: tuple[Days, ...]
    values: tuple[Floats, ...]
    known_on: tuple[Days, ...]
    #: Of what the file says, and of the names in the table; "" without either. Another one asks for a new training.
    digest: str = ""

    def as_known(self, origins: Days, targets: Days) -> Floats:
        """(pairs, horizon, names): the value of each target day, (pairs, horizon), as said by its origin, (pairs,).

        Of several values the one that became known last by then; zero where none had.
        """
        made = np.zeros((*targets.shape, len(self.names)))
        asked = _one_number(targets, origins[:, None])
        for column, (days, values, known_on) in enumerate(zip(self.days, self.values, self.known_on, strict=True)):
            if not len(days):
                continue
            # By day, then by when it was said: of a day, the last one said by the origin stands just before it.
            said = _one_number(days, known_on)
            order = np.argsort(said, kind="stable")
            at = np.searchsorted(said[order], asked, side="right") - 1
            found = order[np.maximum(at, 0)]
            there = (at >= 0) & (days[found] == targets)
            made[..., column][there] = values[found][there]
        return made


def _one_number(days: Days, known_on: Days) -> np.ndarray:
    """Numbers that are ordered by day, and within a day by when it became known."""
    day, known = (np.asarray(d).astype("datetime64[D]").astype(np.int64) for d in (days, known_on))
    return day * _DAYS_APART + known


NONE = Regressors((), (), (), ())


def read(text: str, where: str) -> Regressors:
    """Regressors from CSV with the columns `date,name` and optionally `value` (default 1) and `known_on`.

    Without `known_on` a value counts as known all along, as a calendar is. Raises RegressorsError, naming `where`.
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
                f"{where}: column {name!r} is not known.{nearest(name, COLUMNS)} Columns: {', '.join(COLUMNS)}."
            )
    if missing := [name for name in COLUMNS[:2] if name not in header]:
        raise RegressorsError(f"{where}: column {missing[0]!r} is missing. Columns: {', '.join(COLUMNS)}.")
    if len(set(header)) < len(header):
        raise RegressorsError(f"{where}: a column stands there twice: {', '.join(header)}.")
    found: dict[str, list[_Said]] = {}
    for number, fields in rows:
        line = f"{where}, line {number}"
        if None in fields:
            raise RegressorsError(f"{line}: more fields than the header has. Put a text with commas between quotes.")
        row = dict(zip(header, fields.values(), strict=False))
        name = (row["name"] or "").strip()
        if not name:
            raise RegressorsError(f"{line}: 'name' is empty.")
        known = (row.get("known_on") or "").strip()
        value = _number(row.get("value") or "1", line)
        found.setdefault(name, []).append(
            (_day(row["date"], "date", line), value, _day(known, "known_on", line) if known else dt.date.min)
        )
    return _made(found, where)


def from_warehouse(warehouse: Warehouse, table: str) -> Regressors:
    """Regressors from a table or view of the warehouse with the columns `date`, `name`, `value` and `known_on`.

    A value may be there several times, as a weather forecast that is issued anew: each counts from its `known_on` (a
    day or a moment) on; without one it counts as known all along. The digest is of the names alone: a table that grows
    every day must not ask for a training every day. Raises RegressorsError.
    """
    where = f"RETAIL_REGRESSORS={table!r}"
    try:
        there = warehouse.query(f"SELECT * FROM {table} LIMIT 0").column_names
    except (NotReadyError, WarehouseError) as e:
        if isinstance(e, WarehouseError) and "does not exist" not in str(e):  # in use, or not to be reached
            raise
        raise RegressorsError(
            f"{where}: {warehouse.location()} has no such table. Make it (docs/forecast.md), or unset the variable."
        ) from None
    if missing := [name for name in COLUMNS if name not in there]:
        raise RegressorsError(
            f"{where}: column {missing[0]!r} is missing.{nearest(missing[0], there)} Columns: {', '.join(COLUMNS)}."
        )
    columns = ", ".join(f'"{name}"' for name in COLUMNS)
    # In a defined order, so that of two values said on one day the same one counts in each run.
    rows = warehouse.query(f"SELECT {columns} FROM {table} ORDER BY {columns}").to_pylist()
    made = _made(_from_rows(rows, where), where)
    return replace(made, digest=_digest(made.names)) if made.names else made


def _from_rows(rows: Iterable[Mapping[str, Any]], where: str) -> dict[str, list[_Said]]:
    found: dict[str, list[_Said]] = {}
    for row in rows:
        line = f"{where}, {row['date']} {str(row['name'])[:40]!r}"
        name = str(row["name"] or "").strip()
        if not name:
            raise RegressorsError(f"{line}: 'name' is empty.")
        known = dt.date.min if row["known_on"] is None else _date(row["known_on"], "known_on", line)
        value = _number("nothing" if row["value"] is None else str(float(row["value"])), line)
        found.setdefault(name, []).append((_date(row["date"], "date", line), value, known))
    return found


def together(*all_said: Regressors) -> Regressors:
    """What several places say; of a day that several speak of, as within one. Raises RegressorsError for too many."""
    saying = [said for said in all_said if said.names]
    if len(saying) < 2:
        return saying[0] if saying else NONE
    found: dict[str, list[_Said]] = {}
    for said in saying:
        for name, *columns in zip(said.names, said.days, said.values, said.known_on, strict=True):
            days, values, known_on = (column.astype(object).tolist() for column in columns)
            found.setdefault(name, []).extend(zip(days, values, known_on, strict=True))
    made = _made(found, "RETAIL_EVENTS and RETAIL_REGRESSORS")
    return replace(made, digest=_digest([said.digest for said in saying]))


def _made(found: Mapping[str, list[_Said]], where: str) -> Regressors:
    if len(found) > MOST_NAMES:
        raise RegressorsError(f"{where}: {len(found)} names; at most {MOST_NAMES} can be learnt from. Leave some out.")
    names = tuple(sorted(found))
    columns = [list(zip(*found[name], strict=True)) for name in names]
    return Regressors(
        names,
        tuple(np.array(column[0], dtype="datetime64[D]") for column in columns),
        tuple(np.array(column[1], dtype=np.float64) for column in columns),
        tuple(np.array(column[2], dtype="datetime64[D]") for column in columns),
        _digest(sorted(found.items())),
    )


def _digest(told: object) -> str:
    return hashlib.sha256(repr(told).encode()).hexdigest()[:16]


def _date(value: Any, column: str, line: str) -> dt.date:
    """A day of a table; of a moment its day."""
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    return _day(str(value), column, line)


def _day(text: str | None, column: str, line: str) -> dt.date:
    try:
        return dt.date.fromisoformat((text or "").strip())
    except ValueError:
        raise RegressorsError(f"{line}: {column}={text!r} is not a day. Write it as YYYY-MM-DD.") from None


def _number(text: str, line: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or abs(value) > _LARGEST:
        raise RegressorsError(f"{line}: value={text[:40]!r} is not a number up to {_LARGEST:.0e}.")
    return value
