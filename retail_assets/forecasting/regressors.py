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
from dataclasses import dataclass

import numpy as np

from retail_assets.errors import RetailError, nearest
from retail_assets.forecasting.series import Days, Floats

COLUMNS = ("date", "name", "value", "known_on")
#: More would be learnt from chance.
MOST_NAMES = 12
#: Beyond this a number is a mistake, and more than a tree can split.
_LARGEST = 1e12


class RegressorsError(RetailError):
    """The file of events and regressors is wrong: names the line, the column and what is allowed."""


@dataclass(frozen=True)
class Regressors:
    """Values by name, in order of name: days, (n,), values, (n,), and the day each became known, (n,)."""

    names: tuple[str, ...]
    days: tuple[Days, ...]
    values: tuple[Floats, ...]
    known_on: tuple[Days, ...]
    #: Of what the file says; "" without one.
    digest: str = ""

    def as_known(self, origins: Days, targets: Days) -> Floats:
        """(pairs, horizon, names): the value of each target day, (pairs, horizon), as said by its origin, (pairs,).

        Of several values the one that became known last by then; zero where none had.
        """
        made = np.zeros((*targets.shape, len(self.names)))
        for column, (days, values, known_on) in enumerate(zip(self.days, self.values, self.known_on, strict=True)):
            for at in np.argsort(known_on, kind="stable"):
                said = (targets == days[at]) & (origins >= known_on[at])[:, None]
                made[..., column][said] = values[at]
        return made


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
    found: dict[str, list[tuple[dt.date, float, dt.date]]] = {}
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
    if len(found) > MOST_NAMES:
        raise RegressorsError(f"{where}: {len(found)} names; at most {MOST_NAMES} can be learnt from. Leave some out.")
    names = tuple(sorted(found))
    columns = [list(zip(*found[name], strict=True)) for name in names]
    return Regressors(
        names,
        tuple(np.array(column[0], dtype="datetime64[D]") for column in columns),
        tuple(np.array(column[1], dtype=np.float64) for column in columns),
        tuple(np.array(column[2], dtype="datetime64[D]") for column in columns),
        hashlib.sha256(repr(sorted(found.items())).encode()).hexdigest()[:16],
    )


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
