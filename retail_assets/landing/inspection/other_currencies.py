"""A column of currencies that the contract does not name: sums of different currencies mean nothing."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from retail_assets.contracts.header_names import normalize_header
from retail_assets.contracts.model import Contract
from retail_assets.contracts.typing_sql.literals import literal
from retail_assets.errors import LandingError
from retail_assets.lake.profile import FileProfile
from retail_assets.landing.inspection.control_totals import rows_of
from retail_assets.landing.inspection.duckdb_source import connected
from retail_assets.storage import Store

#: Headers of a column of currencies, the most telling first.
HEADERS = (
    "currency, currency code, order currency, transaction currency, payment currency, ccy, curr, währung, waehrung, "
    "devise, monnaie, moneda, moeda, valuta, waluta, měna, para birimi, валюта, 通貨, 货币, 币种, 통화"
)
_NAMES = frozenset(map(normalize_header, HEADERS.split(", ")))
_SHOWN = 3


def refuse_other_currencies(
    store: Store, profile: FileProfile, contract: Contract, *, totals: Sequence[str] = (), texts: pa.Table | None = None
) -> None:
    """Raise LandingError if a column of currencies that the contract does not name has another one than its own.

    A column that the contract lists in `ignore_columns` is not looked at. Costs a scan of the column, only for files
    that have one. Where DuckDB cannot read the file, nothing is refused.
    """
    import duckdb
    from babel.numbers import list_currencies

    ignored = {normalize_header(name) for name in contract.ignore_columns}
    names = {i: name for i, name in enumerate(profile.header) if normalize_header(name) in _NAMES - ignored}
    unread = [i for i in names if i not in profile.positions.values()]
    if contract.currencies or not unread:
        return
    known = ", ".join(map(literal, sorted(set(list_currencies()) - {contract.currency})))
    for i in unread:
        with connected(store) as con:
            try:
                source = rows_of(con, store, profile, totals, texts)
                code = f"upper(trim(c{i}))"
                query = f"SELECT {code} AS code, count(*) FROM {source} WHERE {code} IN ({known}) GROUP BY code"
                found = con.execute(f"{query} ORDER BY 2 DESC, 1").fetchall()
            except (duckdb.Error, UnicodeError):
                return
        if found:
            shown = ", ".join(f"{rows:,} in {code}" for code, rows in found[:_SHOWN])
            raise LandingError(
                f"{profile.key}: by its column {names[i]!r}, rows are in other currencies than the contract's "
                f"{contract.currency} ({shown}), and money of different currencies cannot be added up. Say in the "
                f"contract what they are worth (`currencies: {{column: {names[i]}, rates: {{{found[0][0]}: …}}}}`), or "
                f"that the amounts are in {contract.currency} nevertheless (`ignore_columns: [{names[i]}]`)."
            )
