"""Inspecting objects of a stream together: there are thousands of them, and a query costs more than their rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from retail_assets.contracts.model import Contract
from retail_assets.contracts.references import priced_by
from retail_assets.errors import LandingError
from retail_assets.lake.profile import FileProfile
from retail_assets.landing.inspection.control_totals import control_totals_of_small
from retail_assets.landing.inspection.date_order import MOST_DATES
from retail_assets.landing.inspection.inspect import Described, described_by, judged, shape_of
from retail_assets.landing.inspection.json_keys import json_headers
from retail_assets.landing.streamed import offsets_of
from retail_assets.storage import Entry, Store

_FILES = 200
_SMALL_BYTES = 1 << 20


def batches(entries: Sequence[Entry], contract: Contract) -> Iterator[list[Entry]]:
    """Yield those of the landed files that can be inspected together: small objects of a stream."""
    if contract.file.fill_down or priced_by(contract.references, contract.columns):
        return
    small = [e for e in entries if 0 < e.size <= _SMALL_BYTES and offsets_of(e.key) is not None]
    for first in range(0, len(small), _FILES):
        yield small[first : first + _FILES]


def inspect_together(
    store: Store, entries: Sequence[Entry], contract: Contract, landed_on: dt.date
) -> dict[str, FileProfile]:
    """Return what `inspect_file` has of the objects of a batch, by key, without those that need queries of their own.

    None of them, if one cannot be read or does not fit the contract: inspecting them one by one says which.
    """
    import duckdb

    profiles: dict[str, FileProfile] = {}
    try:
        shapes = {entry.key: shape_of(store, entry, contract) for entry in entries}
        alike: dict[tuple[str, ...], list[Described]] = {}
        headers = json_headers(store, shapes)
        for entry in entries:
            shape = shapes[entry.key]
            if entry.key in headers and not shape.lost_text and shape.lines <= MOST_DATES:
                described = described_by(store, entry, contract, shape, headers[entry.key])
                alike.setdefault(tuple(described.profile.header), []).append(described)
        for files in alike.values():
            totals = control_totals_of_small(store, [f.profile for f in files], contract, landed_on)
            for described in files:
                if described.profile.key in totals:
                    found = judged(store, described, contract, landed_on, *totals[described.profile.key])
                    profiles[found.key] = found
    except (LandingError, duckdb.Error, UnicodeError):
        return {}
    return profiles
