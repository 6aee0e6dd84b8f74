"""The cleaning job: landed files in, judged rows out, in one Spark action.

The same code runs on `local[*]`, `spark://` and Spark Connect: DataFrames and Arrow only. Tasks read through the store
(so no Hadoop jars are needed), and type and judge the rows of a file. Where a landing is too large for one task, Spark
brings the rows of each transaction together. Tasks keep the latest line of each and write through the store. The result
does not depend on the number of tasks or the order of files.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from retail_assets import errors
from retail_assets.cleaning import exchange
from retail_assets.cleaning.latest import latest
from retail_assets.cleaning.parsed_files import parsed_files
from retail_assets.cleaning.reference_join import references_of
from retail_assets.cleaning.write import STATISTICS_DDL, STATISTICS_SCHEMA, Target, write_rows
from retail_assets.contracts.model import Contract
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import STATUSES, CleanManifest, LakeFile, RawManifest, ReferenceVersion, Status
from retail_assets.lake.profile import FileProfile
from retail_assets.storage import Store

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_TASK_BYTES = 32 << 20
_MOST_TASKS = 1000


@dataclass(frozen=True)
class _File:
    """A landed file, and its number among all files of the job, by which rows refer to it."""

    number: int
    landed_on: dt.date
    profile: FileProfile
    references: tuple[ReferenceVersion, ...] = ()

    @property
    def size(self) -> int:
        """Uncompressed bytes to read."""
        return max(self.profile.size, self.profile.unpacked)


def clean(
    session: Callable[[], SparkSession],
    raw: Store,
    lake: Lake,
    landings: Sequence[RawManifest],
    contract: Contract,
    run_id: str,
) -> list[CleanManifest]:
    """Clean the landings. Returns one manifest per landing, not yet published.

    `session` is called only if there are files, because landings without any need no Spark. Raises RetailError for
    files that cannot be read or are no longer those of the manifest, and for stores that cannot be written.
    """
    if len({m.landed_on for m in landings}) < len(landings):
        raise ValueError(f"a landing is given more than once: {sorted(str(m.landed_on) for m in landings)}")
    named = [(m, f) for m in landings for f in sorted(m.files, key=lambda f: f.key)]
    files = [_File(number, m.landed_on, profile, m.references) for number, (m, profile) in enumerate(named)]
    target = Target(
        lake.store.uri,
        lake.source,
        run_id,
        contract.digest,
        tuple(f.profile.key for f in files),
        contract.rows.names if contract.rows else (),
    )
    statistics: list[Any] = []
    if files:
        written = _written(session(), raw.uri, files, contract, target)
        try:
            statistics = written.collect()
        except Exception as e:
            explained = _as_retail_error(e)
            if explained is None:
                raise
            raise explained from e
    return [_manifest(m, target, contract, [s for s in statistics if s["landed_on"] == m.landed_on]) for m in landings]


def _written(spark: SparkSession, raw_uri: str, files: list[_File], contract: Contract, target: Target) -> DataFrame:
    """Return the statistics of what is written (STATISTICS_DDL), one row per file."""
    of_landing: dict[dt.date, list[_File]] = {}
    for file in files:
        of_landing.setdefault(file.landed_on, []).append(file)
    landings = [
        exchange.Landing(day, sum(f.profile.lines for f in of), sum(f.size for f in of))
        for day, of in of_landing.items()
    ]
    large = [landing for landing in landings if landing.buckets > 1]
    together = [tuple(of_landing[landing.landed_on]) for landing in landings if landing.buckets == 1]
    apart = [(file,) for landing in large for file in of_landing[landing.landed_on]]
    written = []
    if together:
        written.append(_whole_landings(spark, raw_uri, balanced(together), contract, target))
    if apart:
        written.append(_landings_in_parts(spark, raw_uri, balanced(apart), exchange.slots(large), contract, target))
    return written[0] if len(written) == 1 else written[0].unionAll(written[1])


def _whole_landings(
    spark: SparkSession, raw_uri: str, groups: list[list[_File]], contract: Contract, target: Target
) -> DataFrame:
    """Clean landings that fit one task: each is read, judged and written there."""
    numbered = contract.columns["transaction_id"].occurrence

    def clean_landings(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        store = Store(raw_uri)
        for batch in batches:
            for group in batch.column(0).to_pylist():
                for landed_on, of_landing in itertools.groupby(groups[group], key=lambda f: f.landed_on):
                    tables = [
                        exchange.of_file(rows, file.number, landed_on)
                        for file, rows in _parsed(of_landing, store, contract, target.store_uri)
                    ]
                    if tables:
                        rows = latest(pa.concat_tables(tables), numbered=numbered)
                        yield pa.RecordBatch.from_pylist(write_rows(rows, landed_on, target), schema=STATISTICS_SCHEMA)

    return _one_row_each(spark, groups).mapInArrow(clean_landings, STATISTICS_DDL)


def _landings_in_parts(
    spark: SparkSession,
    raw_uri: str,
    groups: list[list[_File]],
    places: exchange.Slots,
    contract: Contract,
    target: Target,
) -> DataFrame:
    """Clean landings too large for one task: files are read separately, then the rows of each transaction meet."""
    numbered = contract.columns["transaction_id"].occurrence

    lake_uri = target.store_uri

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        store = Store(raw_uri)
        for batch in batches:
            files = sorted(
                (file for group in batch.column(0).to_pylist() for file in groups[group]), key=lambda f: f.number
            )
            for file, rows in _parsed(files, store, contract, lake_uri):
                first, buckets = places.of(file.landed_on)
                for bucket, line, packed in exchange.pack(rows, buckets):
                    slot = first + bucket
                    yield exchange.packed_batch(places.partition[slot], slot, file.number, line, packed)

    def write(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        waiting = exchange.by_slot(batches)
        for slot in list(waiting):
            landed_on = places.landing_of(slot)
            rows = latest(exchange.unpack(waiting.pop(slot), landed_on), numbered=numbered)
            yield pa.RecordBatch.from_pylist(write_rows(rows, landed_on, target), schema=STATISTICS_SCHEMA)

    packed = _one_row_each(spark, groups).mapInArrow(read, exchange.PACKED_DDL)
    return packed.repartitionById(places.partitions, "partition").mapInArrow(write, STATISTICS_DDL)


def _one_row_each(spark: SparkSession, groups: list[list[_File]]) -> DataFrame:
    """Return one row per Spark partition, so that each task gets exactly one group of files."""
    return spark.range(0, len(groups), 1, len(groups))


def _parsed(
    files: Iterable[_File], store: Store, contract: Contract, lake_uri: str
) -> Iterator[tuple[_File, pa.Table]]:
    """Yield the typed and judged rows of files (PARSED_SCHEMA) in blocks, landing by landing, each with its file."""
    for landed_on, of_landing in itertools.groupby(files, key=lambda f: f.landed_on):
        landed = list(of_landing)
        references = references_of(lake_uri, contract, landed[0].references) if contract.references else None
        for at, rows in parsed_files(store, [f.profile for f in landed], contract, landed_on, references):
            yield landed[at], rows


def balanced(units: Sequence[tuple[_File, ...]]) -> list[list[_File]]:
    """Return the files in groups of about equal bytes, one group per Spark task. A unit stays together, in order."""
    sizes = [sum(f.size for f in unit) for unit in units]
    count = max(1, min(len(units), _MOST_TASKS, max(4, math.ceil(sum(sizes) / _TASK_BYTES))))
    groups: list[list[_File]] = [[] for _ in range(count)]
    weights = [0] * count
    for size, unit in sorted(zip(sizes, units, strict=True), key=lambda u: (-u[0], u[1][0].number)):
        lightest = weights.index(min(weights))
        groups[lightest].extend(unit)
        weights[lightest] += size + 1
    return groups


def _manifest(raw: RawManifest, target: Target, contract: Contract, statistics: list[Any]) -> CleanManifest:
    files: dict[Status, tuple[LakeFile, ...]] = {}
    counted: dict[Status, Counter[str]] = {status: Counter() for status in STATUSES}
    for status in STATUSES:
        of_status = sorted((s for s in statistics if s["status"] == status), key=lambda s: s["key"])
        files[status] = tuple(
            LakeFile(s["key"], s["rows"], s["lines"], str(s["amount"]), s["size"], s["digest"]) for s in of_status
        )
        for s in of_status:
            counted[status].update(json.loads(s["reasons"]))
    reasons, notes, exclusions = (
        dict(sorted(counted[status].items())) for status in ("quarantine", "clean", "excluded")
    )
    return CleanManifest(
        raw.source,
        raw.landed_on,
        target.run_id,
        target.contract,
        raw.digest,
        files,
        reasons,
        notes,
        contract.currency,
        exclusions,
        contract.row_rules_json,
        raw.erased,
        raw.erased_lines,
    )


_RAISED_IN_TASK = re.compile(
    r"^(?:\S+: )*retail_assets\.errors\.(\w+): (.*?)(?:\n\n|\n\s+at |\Z)", re.DOTALL | re.MULTILINE
)


def _as_retail_error(error: Exception) -> errors.RetailError | None:
    """Return the RetailError that a task raised, instead of Spark's nested tracebacks; None for other errors."""
    raised = _RAISED_IN_TASK.findall(str(error))
    if raised:
        name, message = raised[-1]  # Python prints causes first
        kind = getattr(errors, name, None)
        if isinstance(kind, type) and issubclass(kind, errors.RetailError):
            return kind(message.strip())
    if "No space left on device" in str(error):
        return errors.StorageError(
            "The disk is full, so Spark could not write. Free some space and run the same again."
        )
    return None
