"""Objects that a stream landed: their keys say the topic, the partition and the offsets of the records in them.

An object has one line per offset: line 1 is the record of the first offset, and an offset without a record (aborted, or
a mark of the broker's own) is an empty line. So `source_file` and `source_line` of a row say where it is in the topic.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass

from retail_assets.landing.partitions import partition_folder

_KEY = re.compile(
    r"[^/]+/dt=[^/]+/topic=(?P<topic>[A-Za-z0-9._-]+)/partition=(?P<partition>\d+)(~(?P<generation>\d+))?"
    r"/(?P<first>\d{20})-(?P<next>\d{20})\.jsonl\.gz\Z"
)


@dataclass(frozen=True)
class Offsets:
    """Records of a topic's partition: from the offset `first` up to, but not including, `next`.

    A topic that was deleted and made again counts its offsets from the start: that is its next `generation`.
    """

    topic: str
    partition: int
    first: int
    next: int
    generation: int = 1

    def key(self, source: str, landed_on: dt.date) -> str:
        """Return the key of the object of a landing that holds these records.

        >>> Offsets("sales", 3, 0, 150).key("my_shop", dt.date(2024, 1, 31)).partition("/topic=")[2]
        'sales/partition=3/00000000000000000000-00000000000000000150.jsonl.gz'
        """
        again = f"~{self.generation}" if self.generation > 1 else ""
        folder = f"{partition_folder(source, landed_on)}/topic={self.topic}/partition={self.partition}{again}"
        return f"{folder}/{self.first:020d}-{self.next:020d}.jsonl.gz"


def offsets_of(key: str) -> Offsets | None:
    """Return what the key of a streamed object says; None for a key of any other file.

    >>> offsets_of(Offsets("sales", 3, 0, 150).key("my_shop", dt.date(2024, 1, 31)))
    Offsets(topic='sales', partition=3, first=0, next=150, generation=1)
    >>> offsets_of("my_shop/dt=2024-01-31/sales.jsonl.gz")
    """
    match = _KEY.match(key)
    if match is None:
        return None
    first, following = int(match["first"]), int(match["next"])
    return Offsets(match["topic"], int(match["partition"]), first, following, int(match["generation"] or 1))


def by_partition(keys: Iterable[str]) -> list[Offsets]:
    """Return from which to which offset the objects among some keys go, one entry per topic, partition and generation.

    >>> keys = [Offsets("sales", 0, n, n + 10).key("shop", dt.date(2024, 1, 31)) for n in (10, 0)]
    >>> by_partition([*keys, "shop/dt=2024-01-31/a.csv"])
    [Offsets(topic='sales', partition=0, first=0, next=20, generation=1)]
    """
    found: dict[tuple[str, int, int], Offsets] = {}
    for offsets in filter(None, map(offsets_of, keys)):
        name = (offsets.topic, offsets.partition, offsets.generation)
        known = found.get(name, offsets)
        first, following = min(known.first, offsets.first), max(known.next, offsets.next)
        found[name] = Offsets(offsets.topic, offsets.partition, first, following, offsets.generation)
    return [found[name] for name in sorted(found)]
