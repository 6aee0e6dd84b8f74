"""Planning a replay: judge the quarantined texts of a landing again or, where they say too little, clean it as a whole.

Everything here only reads. In doubt the answer is the whole landing: it costs as much as cleaning the landing, and its
result is right whatever changed in the contract.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from retail_assets.cleaning.rules import MALFORMED_ROW, NOT_TEXT, UNCLOSED_QUOTE
from retail_assets.contracts.header_names import normalize_header
from retail_assets.contracts.model import Contract
from retail_assets.errors import RetailError
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import CleanManifest, RawManifest
from retail_assets.lake.profile import FileProfile
from retail_assets.landing.inspection.inspect import inspect_file
from retail_assets.landing.references import differing
from retail_assets.quarantine.rows import Selection, lacking, of_landing, tables
from retail_assets.quarantine.texts import is_cut
from retail_assets.storage import Entry, Store

#: Joins the names of contracts in a manifest whose rows were judged by several.
AND = " + "
#: No more texts than this are held in memory at once: the files contain the same and are read as a stream.
MOST_ROWS = 300_000
_MOST_BYTES = 128 << 20  # of Parquet
_LOST = f"(^|,)({UNCLOSED_QUOTE.name}|{NOT_TEXT.name})(,|$)"
_STRUCTURAL = f"{_LOST}|(^|,){MALFORMED_ROW.name}(,|$)"
_INSPECTED_AT_ONCE = 4
_LONG = 65_000


class ReplayError(RetailError):
    """A replay cannot be done, because the landing is no longer what its manifests say."""


@dataclass(frozen=True)
class LandingPlan:
    """What a replay would do in one landing.

    `chosen` rows are in the selection. `selected` of them are to be judged; this contract has judged the others before.
    `profiles` are their files as today's contract reads them. `whole` says why the landing has to be cleaned as a
    whole.
    """

    raw: RawManifest
    manifest: CleanManifest
    chosen: int = 0
    selected: int = 0
    profiles: Mapping[str, FileProfile] = field(default_factory=dict)
    whole: str | None = None

    @property
    def landed_on(self) -> dt.date:
        return self.manifest.landed_on


@dataclass(frozen=True)
class Chosen:
    """The rows that a replay deals with (SALES_QUARANTINE, by file and line).

    `texts` are to be read again. `broken` ones do not have the shape of their header, or lost characters. No contract
    changes that, so they keep their reasons.
    """

    texts: pa.Table
    broken: pa.Table


def plan(
    raw: Store, lake: Lake, contract: Contract, manifests: Sequence[CleanManifest], selection: Selection, *, again: bool
) -> list[LandingPlan]:
    """Return one plan per landing. Rows that this contract has judged before are left out, unless `again`.

    A file is inspected again if the contract is not that of its manifest. Raises ReplayError if it is not the file that
    was cleaned, LandingError if it does not fit the contract.
    """
    return [plan_landing(raw, lake, contract, m, selection, again=again) for m in manifests]


def plan_landing(
    raw: Store, lake: Lake, contract: Contract, manifest: CleanManifest, selection: Selection, *, again: bool
) -> LandingPlan:
    """Return the plan of one landing; see `plan`."""
    registered = lake.raw(manifest.landed_on)
    chosen, selected, keys = _counted(lake, manifest, selection, contract, again=again)
    if not selected:
        return LandingPlan(registered, manifest, chosen)
    if registered.digest != manifest.raw_digest:
        raise ReplayError(
            f"The files of {manifest.landed_on} have changed since they were cleaned. "
            "Materialize clean_sales again for this landing, which judges every row again."
        )
    if name := differing(contract, registered.references):
        raise ReplayError(
            f"The landing of {manifest.landed_on} was registered without the reference {name!r} as this contract "
            "declares it. Materialize raw_sales_files and clean_sales again for it, which judges every row again."
        )
    before = {f.key: f for f in registered.files if f.key in keys}
    now = before if registered.contract == contract.digest else _inspected(raw, before, contract)
    whole = _of_contracts(contract, registered, manifest)
    if whole is None and (columns := lacking(lake, manifest)):
        whole = f"an earlier version, which had no column {', '.join(columns)}, wrote its files in the lake"
    if whole is None and (selected > MOST_ROWS or sum(f.size for f in manifest.files["quarantine"]) > _MOST_BYTES):
        whole = f"so many rejected rows ({selected:,}) are read faster from the files than one by one"
    whole = whole or next((why for key in sorted(before) if (why := _of_file(before[key], now[key], contract))), None)
    whole = whole or _of_texts(chosen_rows(lake, manifest, selection, contract, again=again), before)
    return LandingPlan(registered, manifest, chosen, selected, now, whole)


def chosen_rows(
    lake: Lake, manifest: CleanManifest, selection: Selection, contract: Contract, *, again: bool
) -> Chosen:
    """Return the rows of a landing that a replay deals with, all in memory."""
    rows = of_landing(lake, manifest, selection)
    if not again:
        rows = rows.filter(_judged_by_another(rows, contract))
    # A later version of this program may split a line that an earlier one could not, so `again` tries.
    broken = pc.match_substring_regex(rows["reasons"], _LOST if again else _STRUCTURAL)
    # A line of JSON can be broken by a nested value in a column that the contract no longer reads.
    files = lake.raw(manifest.landed_on).files
    jsonl = pa.array([f.key for f in files if f.format == "jsonl"], pa.string())
    broken = pc.and_(broken, pc.invert(pc.is_in(rows["source_file"], jsonl)))
    return Chosen(rows.filter(pc.invert(broken)), rows.filter(broken))


def _counted(
    lake: Lake, manifest: CleanManifest, selection: Selection, contract: Contract, *, again: bool
) -> tuple[int, int, set[str]]:
    """Count the rows in the selection and those of them to be judged, and list their files. Reads no texts."""
    chosen = selected = 0
    keys: set[str] = set()
    for _, table in tables(lake, manifest, ["reasons", "source_file", "contract_version"]):
        rows = selection.of(table)
        chosen += rows.num_rows
        rows = rows if again else rows.filter(_judged_by_another(rows, contract))
        selected += rows.num_rows
        keys |= set(pc.unique(rows["source_file"]).to_pylist())
    return chosen, selected, keys


def _judged_by_another(rows: pa.Table, contract: Contract) -> pa.ChunkedArray:
    return pc.not_equal(rows["contract_version"], contract.digest)


def _inspected(raw: Store, files: Mapping[str, FileProfile], contract: Contract) -> dict[str, FileProfile]:
    if gone := sorted(key for key in files if not raw.exists(key)):
        raise ReplayError(
            f"{raw.uri_of(gone[0])} is gone, and without it there is no telling how this contract reads it. "
            "Put the same file back and run the same again."
        )
    with ThreadPoolExecutor(_INSPECTED_AT_ONCE) as pool:
        profiles = pool.map(lambda f: inspect_file(raw, Entry(f.key, f.size, None), contract), files.values())
        inspected = {profile.key: profile for profile in profiles}
    if other := sorted(key for key, f in files.items() if inspected[key].sha256 != f.sha256):
        raise ReplayError(
            f"{other[0]} was replaced since it was registered. Materialize raw_sales_files and clean_sales again for "
            "its landing, which judges every row again."
        )
    return inspected


# Why a landing has to be cleaned as a whole; None where its texts are enough.


def _of_contracts(contract: Contract, registered: RawManifest, manifest: CleanManifest) -> str | None:
    if registered.contract != manifest.contract.split(AND)[0]:
        return "its files were registered by another contract than cleaned them, which may split them differently"
    if manifest.row_rules != contract.row_rules_json:
        return "the contract has other rules on which rows count (`rows`), also for clean rows"
    if contract.columns["transaction_id"].occurrence:
        return "the source numbers the lines of one id in order, and the numbers of clean rows could change"
    return None


def _of_file(before: FileProfile, now: FileProfile, contract: Contract) -> str | None:
    """Return why the quarantined texts of a file no longer match it, if today's contract splits it differently."""
    for name in ("encoding", "delimiter", "line_end", "header", "header_lines", "totals_from", "sheet", "lines"):
        if getattr(before, name) != getattr(now, name):
            return f"the contract changes how {before.key} is read ({name.replace('_', ' ')})"
    if before.fill_down or now.fill_down:
        return f"cells of {before.key} are filled from the lines above, which the text of a row does not show"
    rule = contract.columns["transaction_id"]
    named = {normalize_header(name) for name, _ in rule.origins}
    id_columns = {position for header, position in now.positions.items() if normalize_header(header) in named}
    if not id_columns <= set(before.positions.values()):
        return f"the contract takes transaction ids from another column of {before.key}, also those of clean rows"
    if now.format == "parquet" and before.positions != now.positions:
        return f"the contract reads other columns of {before.key}, and a text does not show their types"
    if now.format in ("parquet", "xlsx") and len(set(now.header)) < len(now.header):
        return f"two columns of {before.key} have the same name, so its texts do not show which is which"
    return None


def _of_texts(chosen: Chosen, files: Mapping[str, FileProfile]) -> str | None:
    """Return why the texts say less than their files do, if so."""
    long = np.asarray(pc.greater(pc.binary_length(chosen.texts["raw_text"]), _LONG).to_numpy(), dtype=bool)
    if any(map(is_cut, chosen.texts["raw_text"].filter(pa.array(long)).to_pylist())):
        return "a row is longer than the 65,535 bytes that the quarantine keeps of it"
    parquet = pa.array([key for key, f in files.items() if f.format == "parquet"], pa.string())
    if pc.any(pc.is_in(chosen.broken["source_file"], parquet)).as_py():
        return "a row of a Parquet file does not match its columns"
    of_parquet = chosen.texts.filter(pc.is_in(chosen.texts["source_file"], parquet))
    if pc.any(pc.match_substring_regex(of_parquet["raw_text"], r"\x{fffd}|\\u0000")).as_py():
        return "a row of a Parquet file contains bytes that are not text"
    return None
