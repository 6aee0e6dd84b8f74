"""A header in the middle of a file that is another one: the rows below it have their columns elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import pyarrow as pa

from retail_assets.contracts.model import Contract
from retail_assets.contracts.typing_sql.literals import literal
from retail_assets.errors import LandingError
from retail_assets.lake.profile import FileProfile
from retail_assets.landing.inspection.control_totals import rows_of
from retail_assets.landing.inspection.duckdb_source import connected
from retail_assets.landing.inspection.shown_rows import shown_row
from retail_assets.storage import Store

_LOOKED_FOR = 2  # of the longest names, because values are rarely the same
#: Wider files are not looked at.
MOST_NAMES = 200
_FEWEST = 3


class HeaderNames:
    """Passes blocks of UTF-8 through and counts the longest names of the header. A search of bytes costs little."""

    def __init__(self, header: Sequence[str]) -> None:
        names = sorted({name for name in header if name.isascii() and '"' not in name}, key=len, reverse=True)
        names = names[:_LOOKED_FOR] if len(header) <= MOST_NAMES else []
        self._found = dict.fromkeys((name.encode() for name in names if name.strip()), 0)

    def through(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """Yield the blocks unchanged."""
        for block in blocks:
            for name, number in self._found.items():
                if number < 2:
                    self._found[name] = number + len(re.findall(re.escape(name), block))
            yield block

    @property
    def again(self) -> bool:
        """Whether all of the names were found more than once."""
        return bool(self._found) and min(self._found.values()) > 1


def refuse_other_header(
    store: Store,
    profile: FileProfile,
    contract: Contract,
    totals: Sequence[str] = (),
    texts: pa.Table | None = None,
) -> None:
    """Raise LandingError if a row is a header with the columns in another order, or with other columns.

    For delimited files, and for the cells of a sheet (`texts`).

    Half of its cells, and at least three, are then names of this header, and not all where this header has them. The
    same header again is a row without a date, and goes to quarantine. Where DuckDB cannot read the file, nothing is
    refused.
    """
    import duckdb

    names = [" ".join(name.lower().split()) for name in profile.header]
    cells = [f"lower(trim(c{i}, ' \t\ufeff'))" for i in range(len(names))]
    known = f"[{', '.join(map(literal, sorted({name for name in names if name})))}]"
    listed = f"[{', '.join(cells)}]"
    same = f"[{', '.join(map(literal, names))}]"
    share = max(_FEWEST, -(-len(names) // 2))
    with connected(store) as con:
        try:
            source = rows_of(con, store, profile, totals, texts)
            query = f"""
                SELECT {listed} FROM {source}
                WHERE len(list_filter({listed}, lambda name: list_contains({known}, name))) >= {share}
                  AND {listed} <> {same} LIMIT 1"""
            other = con.execute(query).fetchone()
        except (duckdb.Error, UnicodeError):
            return
    if other:
        shown = (profile.delimiter or ", ").join(text or "" for text in other[0])
        raise LandingError(
            f"{profile.key} has a second header, in which the columns are in another order or are others: "
            f"{shown_row(shown, contract)}. The rows below it would be read in the wrong columns. Split the file "
            "there, and land the parts as two files."
        )
