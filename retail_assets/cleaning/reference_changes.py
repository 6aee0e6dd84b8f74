"""Which landings another version of a reference file changes: those with a row whose match is another one now.

A landing that was joined with an older version is outdated, unless no row of it would change. To find that out costs
reading its ids, so it is done once per version and kept in the lake, in `<source>/references/unaffected.json`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from retail_assets.cleaning import rules
from retail_assets.cleaning.reference_join import references_of
from retail_assets.contracts.header_names import normalize_header
from retail_assets.contracts.model import Contract
from retail_assets.contracts.references import owners
from retail_assets.errors import LandingError
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import CleanManifest, RawManifest, RawSummary
from retail_assets.landing.partitions import REFERENCES
from retail_assets.landing.references import LandedReferences, are_current, differing

#: Reasons that are of the file of sales alone: no version of a reference file takes them from a row.
_OF_THE_FILE = frozenset(
    reason.name
    for reason in (
        rules.MALFORMED_ROW, rules.UNCLOSED_QUOTE, rules.NOT_TEXT, rules.INVALID_DATE, rules.ROUNDED_ID,
        rules.OTHER_CURRENCY,
    )
) | {"missing_transaction_id", "missing_order_id", "missing_customer_id", "missing_product_id", "missing_store_id",
     "date_out_of_range"}  # fmt: skip
#: The smallest quantity that is not rounded to zero.
_LEAST_QUANTITY = Decimal("0.0005")


@dataclass(frozen=True)
class Unaffected:
    """The landings that were compared with a version of the references, and do not change: a mark by day."""

    marks: dict[str, str]

    @classmethod
    def read(cls, lake: Lake) -> Unaffected:
        """Read what is kept; nothing if it cannot be read."""
        try:
            read = json.loads(lake.store.read_if_exists(_record(lake)) or b"{}")
        except (ValueError, RecursionError):
            read = None
        return cls({str(k): str(v) for k, v in read.items()} if isinstance(read, dict) else {})

    def has(self, raw: RawManifest | RawSummary, landed: LandedReferences) -> bool:
        """Return whether no row of a landing changes with the versions that count for it now."""
        return self.marks.get(raw.landed_on.isoformat()) == _mark(raw, landed)


def keep_unaffected(lake: Lake, landings: Iterable[RawManifest | RawSummary], landed: LandedReferences) -> None:
    """Keep that no row of these landings changes with the versions that count for them now."""
    marks = {raw.landed_on.isoformat(): _mark(raw, landed) for raw in landings}
    if marks:
        kept = Unaffected.read(lake).marks | marks
        lake.store.write(_record(lake), json.dumps(kept, indent=1, sort_keys=True).encode())


def is_outdated(
    raw: RawManifest | RawSummary, contract: Contract, landed: LandedReferences, unaffected: Unaffected
) -> bool:
    """Return whether a landing is joined with other versions than those that count for it now.

    Not if it is known that none of its rows changes.
    """
    if not raw.files or not contract.references:
        return False
    if differing(contract, raw.references) is not None:
        return True
    return not are_current(raw.references, landed.digests(raw.landed_on)) and not unaffected.has(raw, landed)


def changes(
    lake: Lake, raw: RawManifest | RawSummary, clean: CleanManifest, contract: Contract, landed: LandedReferences
) -> bool:
    """Return whether a row of a landing would be another one, clean or not, with the versions that count for it now.

    One reason more for a rejected row does not count. A rejected row has no ids: it may change if one of the landing's
    reasons can come from a reference file. Raises LandingError if a reference file cannot be used.
    """
    if clean.raw_digest != raw.digest or differing(contract, raw.references) is not None:
        return True
    digests = {version.name: version.digest for version in raw.references}
    others = [name for name, digest in landed.digests(raw.landed_on).items() if digests.get(name) != digest]
    now = {name: landed.table(name, raw.landed_on) for name in others}  # a file that cannot be used is refused here
    try:
        before = references_of(lake.store.uri, contract, raw.references)
    except LandingError:  # the copy is gone
        return True
    changed = {name: changed_keys(before[name], now[name]) for name in others}
    changed = {name: keys for name, keys in changed.items() if len(keys)}
    if not changed:
        return False
    if _rows_are_chosen_by(contract, changed) or set(clean.reasons) - _of_the_file(contract):
        return True
    ids = [(contract.references[name].on, keys) for name, keys in changed.items()]
    for key in (*clean.keys("clean"), *clean.keys("superseded")):
        with lake.store.open(key) as handle:
            # In this thread alone: one that still frees a buffer of the handle when Python ends would abort it.
            rows = pq.ParquetFile(handle).read(columns=sorted({column for column, _ in ids}), use_threads=False)
        if any(pc.any(pc.is_in(rows[column], value_set=keys)).as_py() for column, keys in ids):
            return True
    return False


def changed_keys(before: pa.Table, after: pa.Table) -> pa.Array:
    """Return the keys whose row is in one of two versions of a reference only, or says something else in them."""
    columns = before.column_names
    if columns != after.column_names:
        return pc.unique(pa.concat_arrays([before["key"].combine_chunks(), after["key"].combine_chunks()]))
    rows = pa.concat_tables([before, after]).group_by(columns).aggregate([([], "count_all")])
    return pc.unique(rows.filter(pc.equal(rows["count_all"], 1))["key"])


def _rows_are_chosen_by(contract: Contract, names: Iterable[str]) -> bool:
    """Return whether the rules on which rows count read a column of one of these references."""
    owner = owners(contract.references)
    read = contract.rows.columns if contract.rows else ()
    return bool({owner.get(normalize_header(column)) for column in read} & set(names))


def _of_the_file(contract: Contract) -> frozenset[str]:
    """Return the reasons that no version of a reference file takes from a row."""
    never_rounded_to_zero = all(Decimal(u.above) / u.per_unit >= _LEAST_QUANTITY for u in contract.quantity_units)
    given = not contract.columns["quantity"].expression and never_rounded_to_zero
    return _OF_THE_FILE | ({"zero_quantity"} if given else set())


def _mark(raw: RawManifest | RawSummary, landed: LandedReferences) -> str:
    text = "\n".join((raw.digest, *sorted(landed.digests(raw.landed_on).values())))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _record(lake: Lake) -> str:
    return f"{lake.source}/{REFERENCES}/unaffected.json"
