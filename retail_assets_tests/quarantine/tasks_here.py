"""The part of Spark that the cleaning job uses, with tasks run one after the other in this process.

Hundreds of random sequences need thousands of cleaning jobs, and most of the time of a small one is Spark's own. The
code of the tasks is the real one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

Task = Callable[[Iterator[pa.RecordBatch]], Iterable[pa.RecordBatch]]


@dataclass(frozen=True)
class Partitions:
    """A data frame: the record batches of each partition."""

    of: tuple[tuple[pa.RecordBatch, ...], ...]

    def mapInArrow(self, task: Task, _schema: str) -> Partitions:  # noqa: N802 - Spark's name
        return Partitions(tuple(tuple(task(iter(batches))) for batches in self.of))

    def unionAll(self, other: Partitions) -> Partitions:  # noqa: N802 - Spark's name
        return Partitions(self.of + other.of)

    def repartitionById(self, count: int, column: str) -> Partitions:  # noqa: N802 - Spark's name
        rows = [batch.slice(i, 1) for batches in self.of for batch in batches for i in range(batch.num_rows)]
        return Partitions(tuple(tuple(r for r in rows if r[column][0].as_py() == n) for n in range(count)))

    def collect(self) -> list[dict[str, Any]]:
        return [row for batches in self.of for batch in batches for row in batch.to_pylist()]


class TasksHere:
    """A session for `cleaning.job.clean`."""

    def range(self, start: int, end: int, step: int, partitions: int) -> Partitions:
        numbers = list(range(start, end, step))
        assert len(numbers) == partitions  # the job asks for one row per partition
        return Partitions(tuple((pa.RecordBatch.from_pydict({"id": pa.array([n], pa.int64())}),) for n in numbers))
