"""Random histories of a small shop: which files, masters, contracts, withdrawals and replays follow one another.

A history is drawn from one seed, so that right and wrong rows are as frequent as said here; what they become is in
`definition.py`.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from retail_assets.quarantine.rows import Selection
from retail_assets_tests.quarantine.definition import COLUMNS, EXPRESSIONS, REFERENCES, RULES, Master, Terms

DAYS = tuple(dt.date(2024, 3, day) for day in (1, 2, 3))
#: A line of a file, and its fields as they count; None if it has more or fewer than the header.
Line = tuple[str, tuple[str, ...] | None]

# --- what may land ---

#: Texts per column: those of a right row under most terms, and others.
_USUAL = {
    "id": ["t1", "t2", "t3", "t4", " t1 "],
    "date": ["2024-02-05", "2024-02-05", "05/02/2024", "2024.02.05", "2024.02.05", "1950-01-01"],
    "sku": ["P1", "P2", "P3", "P2", "P3", "P9", " P1 "],
    "dept": ["Toys", "Books"],
    "qty": ["1", "2", "3", "-2", "1.5"],
    "price": ["10", "9.99", "0.335", "€ 10"],
    "disc": ["0.2", "20%", "0.15", "12.5%", "", "N/A"],
    "state": ["paid", "paid", "paid", "Paid", "test-7", "open"],
}
_ODD = {
    "id": [""],
    "date": ["2024-03-20", "2024-02-30", "soon", ""],
    "sku": [""],
    "dept": [""],
    "qty": ["0", "two", ""],
    "price": ["-1", "free", ""],
    "disc": ["1.5", "x"],
    "state": [""],
}


#: What may follow the last field: empty fields do not count, others are too many.
_ENDS = ["", "", "", "", "", "", "", "", ",,,", ",", ',"",', ",,x", ", "]


def _line(draw: Random) -> Line:
    """Return a line that can mostly be split; a quarter of them have something odd in one or two columns."""
    if not draw.randrange(25):
        return draw.choice(["three,fields,only", "t1"]), None
    fields = {name: draw.choice(texts) for name, texts in _USUAL.items()}
    if not draw.randrange(4):
        for name in draw.choices(COLUMNS, k=draw.randint(1, 2)):
            fields[name] = draw.choice(_ODD[name])
    end = draw.choice(_ENDS)
    values = tuple(fields.values())
    return ",".join(values) + end, None if end.strip(',"') else values


def _files(draw: Random) -> tuple[list[Line], ...]:
    return tuple([_line(draw) for _ in range(draw.randint(2, 7))] for _ in range(draw.randint(1, 2)))


def _master(draw: Random) -> Master:
    keys = draw.sample(["P1", "P2", "P3"], draw.choice([1, 2, 2, 3]))
    return {key: draw.choice(["Toys", "Books", "Food", "Food", ""]) for key in keys}


# --- what may happen ---


@dataclass(frozen=True)
class Land:
    """Files of a day arrive, the first time, as a correction, or as they were (`files` is None)."""

    day: dt.date
    files: tuple[list[Line], ...] | None
    terms: Terms


@dataclass(frozen=True)
class Clean:
    """Landings are cleaned again, with another contract or another version of the master; all, or the outdated."""

    terms: Terms
    outdated: bool


@dataclass(frozen=True)
class NewMaster:
    """A version of the master lands late, on a day of its own or instead of the last version."""

    rows: Master
    replaces: bool


@dataclass(frozen=True)
class Withdraw:
    """All files of a day are withdrawn."""

    day: dt.date
    terms: Terms


@dataclass(frozen=True)
class Replay:
    terms: Terms
    selection: Selection


Step = Land | Clean | NewMaster | Withdraw | Replay
#: What may change from one contract to the next, with the terms that change most often first.
_CHANGES: dict[str, Sequence[Any]] = {
    "lenient": (True, False),
    "default": (True, False),
    "expression": range(len(EXPRESSIONS)),
    "discount": (True, False),
    "reference": REFERENCES,
    "rules": range(len(RULES)),
}
_OFTEN = (5, 3, 3, 2, 1, 1)


def _terms(draw: Random, before: Terms, changes: int) -> Terms:
    names = draw.choices(list(_CHANGES), _OFTEN, k=changes)
    return dataclasses.replace(before, **{name: draw.choice(_CHANGES[name]) for name in names})


def random_steps(draw: Random) -> list[Step]:
    """Return landings of each day, and then steps whose contracts are near those before: a term or two change."""
    terms = dataclasses.replace(_terms(draw, Terms(), 6), lenient=not draw.randrange(4))
    steps: list[Step] = [NewMaster(_master(draw), replaces=False)]
    steps += [Land(day, _files(draw), terms) for day in DAYS]
    for kind in draw.choices("LCMWR", (2, 1, 3, 1, 6), k=draw.randint(3, 6)):
        terms = _terms(draw, terms, draw.randint(0, 2))
        day = draw.choice(DAYS)
        if kind == "L":
            steps.append(Land(day, draw.choice([None, _files(draw)]), terms))
        elif kind == "C":
            steps.append(Clean(terms, outdated=False))
        elif kind == "M":
            steps.append(NewMaster(_master(draw), draw.choice([True, False])))
            if draw.choice([True, False]):
                steps.append(Clean(terms, outdated=True))
        elif kind == "W":
            steps.append(Withdraw(day, terms))
        else:
            terms = dataclasses.replace(_terms(draw, terms, 1), lenient=bool(draw.randrange(3)))
            reason = draw.choice([None, None, None, "invalid_date", "missing_reference", "missing_category"])
            steps.append(Replay(terms, Selection(reason=reason, first=draw.choice([None, None, DAYS[1]]))))
    return steps
