"""The join with reference files: before rows are typed, each gets the columns of its match, as if the file had them.

Rows are neither dropped nor doubled: a reference has each key once, and a row without a match gets NULL.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from retail_assets.cleaning.block_query import query
from retail_assets.cleaning.contiguous import contiguous
from retail_assets.contracts.model import Contract
from retail_assets.contracts.typing_sql.identifiers import identifier
from retail_assets.contracts.typing_sql.text_columns import BLANKS, FORMULA, TextColumns, matched_column
from retail_assets.errors import LandingError, NotReadyError
from retail_assets.lake.manifests import ReferenceVersion
from retail_assets.lake.profile import FileProfile
from retail_assets.landing.references import differing
from retail_assets.storage import Store

_MATCHED = "1"
_TABLES_KEPT = 8


def references_of(lake_uri: str, contract: Contract, versions: Sequence[ReferenceVersion]) -> dict[str, pa.Table]:
    """Return the rows of each reference of the contract (key, c0, c1, …) in the versions of a landing.

    Raises NotReadyError if the landing was registered without one, LandingError if its copy in the lake is gone.
    """
    named = {version.name: version for version in versions}
    if name := differing(contract, versions):
        raise NotReadyError(
            f"The landing was registered without the reference {name!r} as its contract declares it now. "
            "Materialize raw_sales_files and clean_sales again for it."
        )
    return {name: _table(lake_uri, named[name].key) for name in contract.references}


@functools.lru_cache(maxsize=_TABLES_KEPT)
def _table(lake_uri: str, key: str) -> pa.Table:
    store = Store(lake_uri)
    if not store.exists(key):
        raise LandingError(f"{store.uri_of(key)} is gone. Materialize raw_sales_files and clean_sales again.")
    with store.open(key) as handle:
        return pq.read_table(handle).combine_chunks()


class ReferenceJoin:
    """Adds the columns of references to the records of one file.

    `positions` has the numbers of the file's columns and of the added ones.
    """

    def __init__(self, profile: FileProfile, contract: Contract, references: Mapping[str, pa.Table]) -> None:
        if missing := [name for name in contract.references if name not in references]:
            raise NotReadyError(
                f"The contract {contract.name!r} joins sales with the reference {missing[0]!r}, which is not at hand "
                f"here. Land it (retail-assets land --reference {missing[0]} FILE) and materialize the sales."
            )
        columns = TextColumns(contract, profile.positions)
        # A word for a missing value is no key.
        key = f"CASE WHEN NOT ({columns.is_missing('k')}) THEN {identifier('k')} END"
        self._keys_sql = f"SELECT {key} AS k FROM reference_keys"
        self.positions = dict(profile.positions)
        self._joined: list[tuple[int | None, pa.Table, list[int]]] = []
        free = max((len(profile.header), *(p + 1 for p in profile.positions.values())))
        for name, rule in contract.references.items():
            added = [*rule.columns, matched_column(name)]
            numbers = list(range(free, free + len(added)))
            free += len(added)
            self.positions |= dict(zip(added, numbers, strict=True))
            self._joined.append((columns.position(rule.on), references[name], numbers))

    def of(self, records: pa.Table, con: Any) -> pa.Table:
        """Return the records with the columns of their matches."""
        for position, reference, numbers in self._joined:
            keys = pa.nulls(records.num_rows, pa.string()) if position is None else contiguous(records[f"c{position}"])
            encoded = keys.dictionary_encode()
            texts = pc.utf8_trim(encoded.dictionary, characters=BLANKS)
            texts = pc.utf8_trim(pc.replace_substring_regex(texts, FORMULA, r"\1"), characters=BLANKS)
            read = query(con, self._keys_sql, "reference_keys", pa.table({"k": texts}))["k"]
            at = pc.index_in(contiguous(read), value_set=contiguous(reference["key"])).take(encoded.indices)
            for column, number in zip(reference.column_names[1:], numbers, strict=False):
                records = records.append_column(f"c{number}", contiguous(reference[column]).take(at))
            matched = pc.if_else(pc.is_valid(at), pa.scalar(_MATCHED), pa.scalar(None, pa.string()))
            records = records.append_column(f"c{numbers[-1]}", matched)
        return records
