"""What has landed of a topic by the objects themselves, for a ledger that was lost or set back.

An object is written after its place is in the ledger. So a ledger that is behind the objects has been deleted, or is an
older version that somebody restored, and the records since then would land twice.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from retail_assets.landing.partitions import partition_of
from retail_assets.landing.streamed import Offsets, offsets_of
from retail_assets.storage import Store
from retail_assets.streaming.ledger import Ledger, Progress

_LISTINGS_AT_ONCE = 16


def last_landed(store: Store, source: str, topic: str, since: dt.date | None) -> dict[int, Offsets]:
    """Return the last landed object of each partition of a topic; with `since`, of landings from that day on.

    Costs a listing of the days, and one per day.
    """
    days = [name for name in store.folders(source, f"dt={since}" if since else "") if name.startswith("dt=")]
    found: dict[int, Offsets] = {}
    with ThreadPoolExecutor(_LISTINGS_AT_ONCE) as pool:
        for entries in pool.map(lambda day: store.list(f"{source}/{day}/topic={topic}"), days):
            for offsets in filter(None, (offsets_of(entry.key) for entry in entries)):
                known = found.get(offsets.partition, offsets)
                found[offsets.partition] = max(known, offsets, key=lambda o: (o.generation, o.next))
    return found


def since_of(ledgers: Iterable[Progress | None]) -> dt.date | None:
    """Return the day from which on objects can be that these ledgers do not have; None where one is missing.

    Records come in the order of their broker's time, more or less: a day is granted.
    """
    days = [
        partition_of(ledger.newest.key) if ledger is not None and ledger.newest is not None else None
        for ledger in ledgers
        if ledger is None or ledger.newest is not None
    ]
    known = [day for day in days if day is not None]
    return min(known) - dt.timedelta(days=1) if known and len(known) == len(days) else None


def bring_up(
    store: Store,
    source: str,
    topic: str,
    topic_id: str,
    ledgers: Mapping[int, Ledger],
    retried: Callable[[Callable[[], Any]], Any],
    say: Callable[[str], None],
) -> None:
    """Write those of a topic's ledgers that are behind the landed objects, and say so.

    Parameters
    ----------
    store, source, topic, topic_id
        The raw store and the topic, with its id at the broker.
    ledgers
        One per partition.
    retried
        Tries an action on the store again while the store is away.
    say
        Gets lines for people.
    """
    since = since_of([retried(ledger.read)[0] for ledger in ledgers.values()])
    # Listed before the ledgers are read again: another process may be landing.
    landed = retried(lambda: last_landed(store, source, topic, since))
    for number, last in landed.items():
        ledger = ledgers.get(number)
        while ledger is not None:
            progress, tag = retried(ledger.read)
            if progress is not None and (progress.generation, progress.next) >= (last.generation, last.next):
                break
            before = progress or Progress(topic, number, 0, topic_id)
            new = dataclasses.replace(before, next=last.next, generation=last.generation, newest=None)
            if retried(functools.partial(ledger.swap, new, tag)):
                say(
                    f"{topic}/{number}: its record in the raw store was {'set back' if progress else 'lost'}; by the "
                    f"landed objects, offset {last.next:,} is next."
                )
