"""Landing partitions: one folder per source and landing day in the raw store."""

from __future__ import annotations

import datetime as dt
import re

from retail_assets.errors import LandingError
from retail_assets.storage import Store

#: The folder of a source that holds its reference files.
REFERENCES = "references"
_SOURCE = re.compile(r"[a-z][a-z0-9_]{0,62}\Z")
_PARTITION = re.compile(r"dt=(\d{4}-\d{2}-\d{2})\Z")


def partition_folder(source: str, landed_on: dt.date) -> str:
    """Return the folder of a landing below the raw store: `<source>/dt=YYYY-MM-DD`.

    Raises LandingError if `source` cannot be the name of a folder and a schema.

    >>> partition_folder("my_shop", dt.date(2024, 1, 31))
    'my_shop/dt=2024-01-31'
    """
    if not _SOURCE.match(source):
        raise LandingError(
            f"{source!r} cannot be the name of a source. Allowed: a lower-case letter, then lower-case letters, digits "
            "and _ (at most 63 characters), as in the contract's `name`."
        )
    return f"{source}/dt={landed_on.isoformat()}"


def landed_partitions(store: Store, source: str) -> list[dt.date]:
    """Return the days with at least one landed file of `source`, in order. Folders without files do not count."""
    keys = (entry.key for entry in store.list(source))
    return sorted({day for key in keys if is_data(key) and (day := partition_of(key))})


def partition_of(key: str) -> dt.date | None:
    """Return the landing day in an object key; None if its second part is not `dt=YYYY-MM-DD`.

    >>> partition_of("my_shop/dt=2024-01-31/sales.csv")
    datetime.date(2024, 1, 31)
    """
    parts = key.split("/")
    match = _PARTITION.match(parts[1]) if len(parts) > 2 else None
    if not match:
        return None
    try:
        return dt.date.fromisoformat(match[1])
    except ValueError:  # dt=2024-02-31
        return None


def is_data(key: str) -> bool:
    """Return whether an object of a landing is a file of it, and not what engines write next to their data.

    >>> is_data("shop/dt=2024-01-31/a.csv"), is_data("shop/dt=2024-01-31/_SUCCESS")
    (True, False)
    """
    return not any(part.startswith("_") for part in key.split("/")[2:])


def refuse_dates_outside(first: dt.date, last: dt.date, start: dt.date, end: dt.date | None, today: dt.date) -> None:
    """Raise LandingError unless the landings from `first` to `last` are partitions: from `start` to `end` or today."""
    until = today if end is None else min(end, today)
    if start <= first and last <= until:
        return
    wrong = first if first < start else last
    if wrong < start:
        fix = f"Set RETAIL_START_DATE={wrong} to allow it (now {start}), or choose another date."
    elif wrong > today:
        fix = f"That day is in the future: in the shop it is {today} (RETAIL_TIMEZONE). Choose another date."
    else:
        fix = f"Set RETAIL_END_DATE={wrong} to allow it (now {end}), or choose another date."
    raise LandingError(
        f"The landing date {wrong} is outside the range of partitions, {start} to {until}. Nothing was landed.\n  {fix}"
    )
