"""Moving judged rows to where they belong in their landing: new files, and one new manifest that names them.

Clean rows stay where they are, except that a row which a replayed later line of the landing replaces becomes
superseded. The manifest is published only if it accounts for every row, line and cent of the one before.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from retail_assets.contracts.model import Contract
from retail_assets.errors import RetailError
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import STATUSES, CleanManifest, LakeFile, Status, table_of
from retail_assets.quarantine.judge import Judged
from retail_assets.quarantine.plan import AND, Chosen, LandingPlan, ReplayError
from retail_assets.quarantine.rows import PLACE, places, read_table, tables

_ROWS_IN_GROUP = 256_000
_NO_MONEY = Decimal("0.00")


class ReplayConflictError(ReplayError):
    """Another run has cleaned or replayed the landing meanwhile. Nothing was changed; running it again can help."""

    retryable = True


@dataclass(frozen=True)
class Replayed:
    """What became of the chosen rows of one landing: `selected` = cleaned + superseded + rejected + excluded.

    `cleaned` rows are clean now; `superseded` ones are valid, but a later line of the landing has their transaction;
    `rejected` ones stay in quarantine; a rule of the contract keeps `excluded` ones out. `gave_way` counts rows that
    were clean before and that a replayed later line supersedes. `amount` is the money of `cleaned` minus that of the
    rows that gave way. If `whole` is set, nothing was done, because the landing must be cleaned as a whole; it says
    why.
    """

    landed_on: dt.date
    selected: int
    cleaned: int = 0
    superseded: int = 0
    rejected: int = 0
    gave_way: int = 0
    excluded: int = 0
    amount: Decimal = _NO_MONEY
    reasons: Mapping[str, int] = field(default_factory=dict)
    manifest: CleanManifest | None = None
    whole: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "landed_on": self.landed_on.isoformat(),
            "selected": self.selected,
            "cleaned": self.cleaned,
            "superseded": self.superseded,
            "rejected": self.rejected,
            "gave_way": self.gave_way,
            "excluded": self.excluded,
            "amount": str(self.amount),
            "reasons": dict(self.reasons),
            "clean_whole_landing": self.whole,
        }


def move(
    lake: Lake, contract: Contract, plan: LandingPlan, chosen: Chosen, judged: Judged, run_id: str, *, publish: bool
) -> Replayed:
    """Put the judged rows of a landing into new files and publish the manifest that names them.

    Without `publish`, only report what would happen. Raises ReplayConflictError if the manifest of the landing is no
    longer the planned one, and ReplayError if rows, lines and money would not add up; then nothing is published.
    """
    matches = _match(lake, plan.manifest, judged)
    if isinstance(matches, str):
        return Replayed(plan.landed_on, plan.selected, whole=matches)
    rejected = pa.concat_tables([judged.tables["quarantine"].drop_columns("lines"), chosen.broken])
    result = Replayed(
        plan.landed_on,
        plan.selected,
        matches.winners.num_rows,
        matches.losers.num_rows + judged.tables["superseded"].num_rows,
        rejected.num_rows,
        matches.giving_way.num_rows,
        judged.tables["excluded"].num_rows,
        _money(matches.winners) - _money(matches.giving_way),
        _reasons(rejected),
    )
    if not publish:
        return result
    writing = _Writing(lake, plan.landed_on, run_id)
    try:
        files = _new_files(lake, contract, plan, chosen, judged, matches, writing)
        manifest = _new_manifest(contract, plan.manifest, chosen, judged, files, run_id)
        if lake.clean(plan.landed_on) != plan.manifest:
            raise ReplayConflictError(
                f"Meanwhile, another run has cleaned the landing of {plan.landed_on}. This replay published nothing "
                "for it. Run the same again."
            )
    except BaseException:
        writing.discard()
        raise
    # From here on the manifest may name the files, whatever error comes back. If it does not, sweeping deletes them.
    lake.publish_clean(manifest, replacing=plan.manifest)
    return replace(result, manifest=manifest)


# Which row is the latest of its transaction.


@dataclass(frozen=True)
class _Matches:
    """Replayed clean rows compared with the clean rows of the landing that have the same transactions.

    `winners` (with `lines`) are replayed rows that are the latest of their transaction in the landing, `losers` those
    that are not. `giving_way` are rows that were clean and come before a winner, `touched` the files that contain them.
    """

    winners: pa.Table
    losers: pa.Table
    giving_way: pa.Table
    touched: tuple[LakeFile, ...]


def _match(lake: Lake, manifest: CleanManifest, judged: Judged) -> _Matches | str:
    """Match replayed with clean rows, or return why the landing has to be cleaned as a whole."""
    if judged.unusable is not None:
        return judged.unusable
    new = judged.tables["clean"]
    ids = new["transaction_id"].combine_chunks()
    numbered = pc.binary_join_element_wise(ids, "-1", "")
    place_of = dict(zip(ids.to_pylist(), _places(new), strict=True))
    giving_way: list[pa.Table] = []
    touched: list[LakeFile] = []
    later: list[str] = []
    for file in manifest.files["clean"] if len(ids) else ():
        clean_ids = read_table(lake, file, ["transaction_id"])["transaction_id"]
        if pc.any(pc.is_in(clean_ids, numbered)).as_py():
            return "clean rows may be lines of one id that another contract numbered"
        same = pc.is_in(clean_ids, ids)
        if not pc.any(same).as_py():
            continue
        old = read_table(lake, file).filter(same)
        pairs = zip(old["transaction_id"].to_pylist(), _places(old), strict=True)
        before = [place < place_of[name] for name, place in pairs]
        later += old["transaction_id"].filter(pa.array([not b for b in before])).to_pylist()
        if any(before):
            if file.lines != file.rows:
                return (
                    "a clean row gives way in a file with rows of several lines, and the table does not keep how many"
                )
            giving_way.append(old.filter(pa.array(before)))
            touched.append(file)
    loses = pc.is_in(new["transaction_id"], pa.array(later, pa.string()))
    none = table_of("clean").arrow_schema().empty_table()
    gone = pa.concat_tables([none, *(t.cast(none.schema) for t in giving_way)])
    return _Matches(new.filter(pc.invert(loses)), new.filter(loses), gone, tuple(touched))


def _places(rows: pa.Table) -> list[tuple[str, int]]:
    return list(zip(*(rows[name].to_pylist() for name in PLACE), strict=True))


# Files and manifest.


def _new_files(
    lake: Lake,
    contract: Contract,
    plan: LandingPlan,
    chosen: Chosen,
    judged: Judged,
    matches: _Matches,
    writing: _Writing,
) -> dict[Status, tuple[LakeFile, ...]]:
    """Return the files of the landing after the replay. Untouched ones stay, the others are written again."""
    before = plan.manifest.files
    clean = [f for f in before["clean"] if f not in matches.touched]
    for file in matches.touched:
        rows = read_table(lake, file)
        stays = rows.filter(pc.invert(pc.is_in(rows["transaction_id"], matches.giving_way["transaction_id"])))
        clean += writing.file("clean", [stays], stays.num_rows)
    clean += writing.file("clean", [matches.winners], _lines(matches.winners))
    aside = [judged.tables["superseded"], matches.losers, matches.giving_way]
    lines = _lines(aside[0]) + _lines(aside[1]) + matches.giving_way.num_rows
    superseded = [*before["superseded"], *writing.file("superseded", aside, lines)]
    quarantine = _new_quarantine(lake, contract, plan, chosen, judged, writing)
    out = judged.tables["excluded"]
    excluded = [*before["excluded"], *writing.file("excluded", [out], _lines(out))]
    return {
        "clean": tuple(clean),
        "quarantine": tuple(quarantine),
        "superseded": tuple(superseded),
        "excluded": tuple(excluded),
    }


def _new_quarantine(
    lake: Lake, contract: Contract, plan: LandingPlan, chosen: Chosen, judged: Judged, writing: _Writing
) -> list[LakeFile]:
    """Write the quarantine after the replay: without texts that were read again, but with those still rejected.

    Rows in `chosen.broken` stay and get today's contract version.
    """
    keys = sorted(plan.profiles)
    texts, broken = places(chosen.texts, keys), places(chosen.broken, keys)
    kept: list[LakeFile] = []
    still_rejected = judged.tables["quarantine"]
    rest: list[pa.Table] = [still_rejected]
    lines = _lines(still_rejected) - sum(
        _lines(t) for t in judged.tables.values()
    )  # the texts leave, the rejected ones come back
    for file, table in tables(lake, plan.manifest):
        at = places(table, keys)
        leaves, marked = np.isin(at, texts), np.isin(at, broken)
        if not (leaves.any() or marked.any()):
            kept.append(file)
            continue
        column = table.column_names.index("contract_version")
        versions = pc.if_else(pa.array(marked), contract.digest, table["contract_version"])
        table = table.set_column(column, table.schema.field("contract_version"), versions)
        rest.append(table.filter(pa.array(~leaves)))
        lines += file.lines
    return kept + writing.file("quarantine", rest, lines)


def _new_manifest(
    contract: Contract,
    before: CleanManifest,
    chosen: Chosen,
    judged: Judged,
    files: dict[Status, tuple[LakeFile, ...]],
    run_id: str,
) -> CleanManifest:
    """Build the manifest after the replay. Raises ReplayError unless every row, line and cent is accounted for."""
    counts = Counter(before.reasons)
    counts.subtract(_reasons(chosen.texts))
    counts.update(_reasons(judged.tables["quarantine"]))
    more = sum(map(_money, judged.tables.values()), _NO_MONEY) - _money(chosen.texts)
    manifest = CleanManifest(
        before.source,
        before.landed_on,
        run_id,
        _contracts(before.contract, contract.digest, same_money=not more),
        before.raw_digest,
        files,
        {name: counts[name] for name in sorted(counts) if counts[name]},
        dict(sorted((Counter(before.notes) + Counter(judged.notes)).items())),
        before.currency,
        dict(sorted((Counter(before.exclusions) + Counter(_reasons(judged.tables["excluded"]))).items())),
        before.row_rules,
        before.erased,
        before.erased_lines,
    )
    totals = [(m.landed_rows, m.lines, sum((m.amount(s) for s in STATUSES), _NO_MONEY)) for m in (before, manifest)]
    rows, lines, money = totals[0]
    if totals[1] != (rows, lines, money + more):
        raise ReplayError(
            f"The replay of {before.landed_on} would not keep every row and cent: {rows} rows, {lines} lines and "
            f"{money + more} in money became {totals[1]}. Nothing was changed. "
            "Materialize clean_sales again for this landing, and report this as a bug."
        )
    return manifest


def _contracts(before: str, now: str, *, same_money: bool) -> str:
    """Return the contract of a manifest whose clean rows an older contract judged.

    Control totals of the raw files hold for one contract. If the replay reads money that the older contract could not
    read, they no longer hold, and the name shows both contracts.
    """
    return before if same_money or before == now else f"{before.split(AND)[0]}{AND}{now}"


def _lines(rows: pa.Table) -> int:
    return pc.sum(rows["lines"]).as_py() or 0


def _reasons(rejected: pa.Table) -> dict[str, int]:
    """Return the number of rows by reason, most frequent first."""
    counted: Counter[str] = Counter()
    for item in pc.value_counts(rejected["reasons"]).to_pylist():
        counted.update(dict.fromkeys(item["values"].split(","), item["counts"]))
    return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))


def _money(rows: pa.Table) -> Decimal:
    total = pc.sum(rows["total_amount"].cast(pa.decimal128(38, 2))).as_py()
    return _NO_MONEY if total is None else total


class _Writing:
    """New files of one landing."""

    def __init__(self, lake: Lake, landed_on: dt.date, run_id: str) -> None:
        self._lake, self._landed_on, self._run_id = lake, landed_on, run_id
        self._keys: list[str] = []

    def file(self, status: Status, parts: Sequence[pa.Table], lines: int) -> list[LakeFile]:
        """Write the rows as one file. Returns it, or nothing if there are no rows."""
        import pyarrow.parquet as pq

        schema = table_of(status).arrow_schema()
        rows = pa.concat_tables([p.select(schema.names).cast(schema) for p in parts])
        if not rows.num_rows:
            return []
        key = self._lake.data_key(self._landed_on, self._run_id, f"{status}-{uuid.uuid4().hex}")
        self._keys.append(key)
        with self._lake.store.writing(key) as sink:
            pq.write_table(rows, sink, compression="zstd", compression_level=1, row_group_size=_ROWS_IN_GROUP)
            size = sink.tell()
        return [LakeFile(key, rows.num_rows, lines, str(_money(rows)), size)]

    def discard(self) -> None:
        """Delete what was written. Errors here are hidden, because the one that led here is raised."""
        with contextlib.suppress(RetailError):
            self._lake.store.delete(self._keys)
