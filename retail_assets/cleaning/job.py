"""The cleaning job: landed files in, judged rows out, in one Spark action.

The same code runs on `local[*]`, `spark://` and Spark Connect: DataFrames and Arrow only. Tasks read through the
store (so no Hadoop jars are needed), Spark SQL judges the typed rows and keeps the latest line of each transaction,
and tasks write through the store. The result does not depend on the number of tasks or the order of files.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa

from retail_assets import errors
from retail_assets.cleaning import rules
from retail_assets.cleaning.parse import PARSED_DDL, PARSED_FIELDS, Parser
from retail_assets.cleaning.reader import read_records
from retail_assets.cleaning.write import CLEAN, QUARANTINE, STATISTICS_DDL, SUPERSEDED, Target, write_rows
from retail_assets.contracts.model import Contract
from retail_assets.lake import STATUSES, CleanManifest, Lake, LakeFile, RawManifest, Status
from retail_assets.landing.inspect import FileProfile
from retail_assets.storage import Store
from retail_assets.tables import SALES_CLEAN

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_TASK_BYTES = 32 << 20
_MOST_TASKS = 1000
_ROWS_TO_SPARK = 32_768
[_LONGEST_ID] = next(c.numbers for c in SALES_CLEAN.columns if c.name == "transaction_id")
_NUMBER_BYTES = len("-4294967296")


@dataclass(frozen=True)
class _FileTask:
    number: int
    landed_on: dt.date
    profile: FileProfile


def clean(
    session: Callable[[], SparkSession],
    raw: Store,
    lake: Lake,
    landings: Sequence[RawManifest],
    contract: Contract,
    run_id: str,
) -> list[CleanManifest]:
    """Clean the landings; returns one manifest a landing, not yet published.

    `session` is called only if there are files: landings without any need no Spark. Raises RetailError for files that
    cannot be read, or are not those of the manifest any more, and for stores that cannot be written.
    """
    if len({m.landed_on for m in landings}) < len(landings):
        raise ValueError(f"a landing is given more than once: {sorted(str(m.landed_on) for m in landings)}")
    files = [(m.landed_on, f) for m in landings for f in sorted(m.files, key=lambda f: f.key)]
    tasks = [_FileTask(number, landed_on, profile) for number, (landed_on, profile) in enumerate(files)]
    target = Target(lake.store.uri, lake.source, run_id, contract.digest, tuple(t.profile.key for t in tasks))
    statistics: list[Any] = []
    if tasks:
        judged = judge(_parsed(session(), raw.uri, tasks, contract), contract)
        written = judged.mapInArrow(_writer(target), STATISTICS_DDL)
        try:
            statistics = written.collect()
        except Exception as e:
            explained = _as_retail_error(e)
            if explained is None:
                raise
            raise explained from e
    return [_manifest(m, target, [s for s in statistics if s["landed_on"] == m.landed_on]) for m in landings]


def judge(parsed: DataFrame, contract: Contract) -> DataFrame:
    """Add the row rules' reasons, and `status`: clean, quarantined, or superseded by a later line of the landing.

    `parsed` has PARSED_FIELDS. The result is sorted by landing within each Spark partition.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as F  # noqa: N812 - pyspark's own convention

    numbered = contract.columns["transaction_id"].occurrence
    found = " + ".join(f"CASE WHEN {r.rule} THEN {r.mask}L ELSE 0L END" for r in rules.judged(contract))
    if numbered:  # the id must fit its column with its number, too
        too_long = f"octet_length(transaction_id) > {_LONGEST_ID - _NUMBER_BYTES}"
        found += f" + CASE WHEN {too_long} THEN {rules.TEXT_TOO_LONG.mask}L ELSE 0L END"
    whole = f"reasons & {rules.STRUCTURAL_MASK}L = 0"
    rows = parsed.withColumn("reasons", F.expr(f"CASE WHEN {whole} THEN reasons | ({found}) ELSE reasons END"))
    rows = rows.withColumn("raw_text", F.expr("CASE WHEN reasons <> 0 THEN substring(raw_text, 1, 65535) END"))
    # Rejected rows have no say in which line is the latest: each gets a key of its own, which also spreads them.
    own_key = "concat('\\u0000', file_number, ':', source_line)"
    rows = rows.withColumn("_key", F.expr(f"CASE WHEN reasons = 0 THEN transaction_id ELSE {own_key} END"))
    same_transaction = Window.partitionBy("landed_on", "_key")
    if numbered:
        nth = F.row_number().over(same_transaction.orderBy("file_number", "source_line"))
        rows = rows.withColumn("_nth", nth)
        rows = rows.withColumn(
            "transaction_id",
            F.expr("CASE WHEN reasons = 0 THEN concat(transaction_id, '-', _nth) ELSE transaction_id END"),
        )
        status = f"CASE WHEN reasons <> 0 THEN {QUARANTINE} ELSE {CLEAN} END"
    else:
        latest_first = same_transaction.orderBy(F.col("file_number").desc(), F.col("source_line").desc())
        rows = rows.withColumn("_nth", F.row_number().over(latest_first))
        status = f"CASE WHEN reasons <> 0 THEN {QUARANTINE} WHEN _nth > 1 THEN {SUPERSEDED} ELSE {CLEAN} END"
    return rows.withColumn("status", F.expr(status)).drop("_key", "_nth")


def _parsed(spark: SparkSession, raw_uri: str, tasks: list[_FileTask], contract: Contract) -> DataFrame:
    groups = balanced(tasks)

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        store = Store(raw_uri)
        for batch in batches:
            for group in batch.column(0).to_pylist():
                for task in groups[group]:
                    with (
                        store.open(task.profile.key) as handle,
                        Parser(task.profile, contract, task.landed_on, task.number) as parser,
                    ):
                        _refuse_replaced(handle, task.profile)
                        for records in read_records(handle, task.profile):
                            yield from parser.parse(records.table).to_batches(max_chunksize=_ROWS_TO_SPARK)

    # One row a Spark partition: each task gets exactly one group of files.
    return spark.range(0, len(groups), 1, len(groups)).mapInArrow(read, PARSED_DDL)


def _refuse_replaced(handle: IO[bytes], profile: FileProfile) -> None:
    """Raise LandingError when a file is not the one that was registered. By its size: the hash would cost a reading."""
    size = handle.seek(0, io.SEEK_END)
    handle.seek(0)
    if size != profile.size:
        raise errors.LandingError(
            f"{profile.key} has {size} bytes and had {profile.size} when it was registered: it was replaced meanwhile. "
            "Materialize raw_sales_files and clean_sales again for this landing."
        )


def balanced(tasks: list[_FileTask]) -> list[list[_FileTask]]:
    """Files in groups of about equal bytes, largest first; one group a Spark task."""
    total = sum(t.profile.size for t in tasks)
    count = max(1, min(len(tasks), _MOST_TASKS, max(4, math.ceil(total / _TASK_BYTES))))
    groups: list[list[_FileTask]] = [[] for _ in range(count)]
    weights = [0] * count
    for task in sorted(tasks, key=lambda t: (-t.profile.size, t.number)):
        lightest = weights.index(min(weights))
        groups[lightest].append(task)
        weights[lightest] += task.profile.size + 1
    return groups


def _writer(target: Target) -> Any:
    def write(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return write_rows(batches, target)

    return write


def _manifest(raw: RawManifest, target: Target, statistics: list[Any]) -> CleanManifest:
    files: dict[Status, tuple[LakeFile, ...]] = {}
    reasons: Counter[str] = Counter()
    for status in STATUSES:
        of_status = sorted((s for s in statistics if s["status"] == status), key=lambda s: s["key"])
        files[status] = tuple(LakeFile(s["key"], s["rows"], s["lines"], str(s["amount"]), s["size"]) for s in of_status)
        for s in of_status:
            reasons.update(json.loads(s["reasons"]))
    return CleanManifest(
        raw.source, raw.landed_on, target.run_id, target.contract, raw.digest, files, dict(sorted(reasons.items()))
    )


_RAISED_IN_TASK = re.compile(
    r"^(?:\S+: )*retail_assets\.errors\.(\w+): (.*?)(?:\n\n|\n\s+at |\Z)", re.DOTALL | re.MULTILINE
)


def _as_retail_error(error: Exception) -> errors.RetailError | None:
    """The RetailError that a task raised, instead of Spark's traceback of a traceback; None for other errors."""
    raised = _RAISED_IN_TASK.findall(str(error))
    if raised:
        name, message = raised[-1]  # Python prints causes first
        kind = getattr(errors, name, None)
        if isinstance(kind, type) and issubclass(kind, errors.RetailError):
            return kind(message.strip())
    if "No space left on device" in str(error):
        return errors.StorageError("The disk is full: Spark could not write. Free some space and run the same again.")
    return None


__all__ = ["PARSED_FIELDS", "balanced", "clean", "judge"]
