"""Figures that the data do not give: each with its reason, in one list for all rooms, `figures/left_out.json`.

Needs no matplotlib.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping

from retail_assets.storage import Store

LEFT_OUT = "figures/left_out.json"


class NothingToShow(Exception):  # noqa: N818 - not an error: the data lack what the figure is about
    """Why these data give no such figure: `there are no sales yet`."""


class Figures(dict[str, bytes]):
    """Figures as PNG by file name; `left_out` has the reason for each one that the data do not give."""

    def __init__(self, drawn: Mapping[str, bytes], left_out: Mapping[str, str]) -> None:
        super().__init__(drawn)
        self.left_out = dict(left_out)


def draw_each(figures: Mapping[str, Callable[[], bytes]]) -> Figures:
    """Draw figures, by file name. Those that raise `NothingToShow` are left out, for the reason that it gives."""
    drawn: dict[str, bytes] = {}
    reasons: dict[str, str] = {}
    for name, draw in figures.items():
        try:
            drawn[name] = draw()
        except NothingToShow as reason:
            reasons[name] = _sentence(str(reason))
    return Figures(drawn, reasons)


def none_of(names: Iterable[str], reason: str) -> Figures:
    """Leave all figures out for one reason."""
    return Figures({}, dict.fromkeys(names, _sentence(reason)))


def record(output: Store, every: Iterable[str], reasons: Mapping[str, str]) -> None:
    """Replace what the list says of the figures `every` by `reasons`, as often as other writers are faster.

    Nothing is written where that changes nothing. Raises StorageError.
    """
    mine = set(every)
    while True:
        found = output.read_tagged(LEFT_OUT)
        listed: dict[str, str] = json.loads(found[0]) if found else {}
        changed = {name: reason for name, reason in listed.items() if name not in mine} | dict(reasons)
        if found and changed == listed:
            return
        if output.swap(LEFT_OUT, _json(changed), found[1] if found else None):
            return


def read(output: Store) -> dict[str, str]:
    """Return the reason for each figure that is left out, by file name; empty without a list."""
    found = output.read_if_exists(LEFT_OUT)
    return dict(json.loads(found)) if found else {}


def _sentence(reason: str) -> str:
    """A reason as a sentence.

    >>> _sentence("there are no sales yet")
    'There are no sales yet.'
    """
    return f"{reason[:1].upper()}{reason[1:].rstrip('.')}."


def _json(reasons: Mapping[str, str]) -> bytes:
    return json.dumps(dict(sorted(reasons.items())), indent=2, ensure_ascii=False).encode() + b"\n"
