"""A column of currencies that the contract does not name: sums of different currencies mean nothing."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Collection, Sequence

import pyarrow as pa

from retail_assets.contracts.currency_signs import CURRENCIES, signs_of
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
#: Headers that contain one of these are looked at as well: Market Currency, Buyer currency code.
_PARTS = tuple(name for name in _NAMES if len(name) > 4 or not name.isascii())
_SHOWN = 3
#: The columns of money, and the words and signs of which a header such as `Total EUR` or `price_usd` consists.
_MONEY = ("total_amount", "unit_price", "list_price", "discount")
_WORDS = re.compile(r"[^\W\d_]+|[$¥€£₹₩₽₺฿₫₪]")
#: Codes that are also words of headers.
_ALSO_WORDS = frozenset({"PEN", "TRY"})


def refuse_other_currencies(
    store: Store, profile: FileProfile, contract: Contract, *, totals: Sequence[str] = (), texts: pa.Table | None = None
) -> None:
    """Raise LandingError if a column of currencies that the contract does not name has another one than its own.

    So does a column of money whose header names another one, such as `Total EUR` in a contract in USD.

    A column that the contract lists in `ignore_columns` is not looked at. Costs a scan of the column, only for files
    that have one. Where DuckDB cannot read the file, nothing is refused.
    """
    import duckdb

    _refuse_other_in_header(profile, contract)
    ignored = {normalize_header(name) for name in contract.ignore_columns}
    names = {i: name for i, name in enumerate(profile.header) if _is_of_currencies(normalize_header(name), ignored)}
    unread = [i for i in names if i not in profile.positions.values()]
    if contract.currencies or not unread:
        return
    known = ", ".join(map(literal, sorted(_others(contract.currency))))
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
            code = _others(contract.currency)[found[0][0]]
            shown = ", ".join(f"{rows:,} in {text}" for text, rows in found[:_SHOWN])
            raise LandingError(
                f"{profile.key}: by its column {names[i]!r}, rows are in other currencies than the contract's "
                f"{contract.currency} ({shown}), and money of different currencies cannot be added up. Say in the "
                f"contract what they are worth (`currencies: {{column: {names[i]}, rates: {{{code}: …}}}}`), or "
                f"that the amounts are in {contract.currency} nevertheless (`ignore_columns: [{names[i]}]`)."
            )


def _refuse_other_in_header(profile: FileProfile, contract: Contract) -> None:
    if contract.currencies:
        return
    names = {normalize_header(name): name for name in profile.header}
    for field in _MONEY:
        rule = contract.columns.get(field)
        headers = [normalize_header(name) for name in (rule.header, *rule.aliases) if name] if rule else []
        for name in (names[header] for header in headers if header in names):
            other = _named_in(name, contract.currency)
            if other:
                raise LandingError(
                    f"{profile.key}: the header of {name!r}, read as {field}, names {other}, and the contract's "
                    f"currency is {contract.currency}. Write the right `currency` in the contract, or rename the "
                    f"column if its amounts are in {contract.currency}."
                )


def _named_in(header: str, currency: str) -> str | None:
    """Return another currency that a header names and not `currency` itself; a sign that several have, as it is.

    >>> _named_in("Total EUR", "USD"), _named_in("Total EUR", "EUR"), _named_in("Pen price", "USD")
    ('EUR', None, None)
    >>> _named_in("Amount ($)", "EUR"), _named_in("Amount ($)", "CAD"), _named_in("Valor (R$)", "BRL")
    ('$', None, None)
    """
    words = [word.upper() for word in _WORDS.findall(header)]
    own = {currency, *(sign.upper() for sign in signs_of(currency))}
    if own.intersection(words) or any(sign in header for sign in signs_of(currency) if not sign.isalpha()):
        return None
    names = _words_of_headers()
    return next((names[word] for word in words if word in names), None)


@functools.cache
def _words_of_headers() -> dict[str, str]:
    """Return the codes and signs that name a currency in a header, with its code, or the sign if several have it."""
    having = Counter(sign for code in CURRENCIES for sign in signs_of(code))
    signs = {sign: code for code in CURRENCIES for sign in signs_of(code)}
    named = {sign: code if having[sign] == 1 else sign for sign, code in signs.items() if not sign.isalpha()}
    return {code: code for code in CURRENCIES if code not in _ALSO_WORDS} | named


def _is_of_currencies(header: str, ignored: Collection[str]) -> bool:
    return header not in ignored and (header in _NAMES or any(part in header for part in _PARTS))


@functools.cache
def _others(currency: str) -> dict[str, str]:
    """Return the codes, signs and English names of all currencies but one, in capitals, with a code of each."""
    from babel.numbers import get_currency_name, list_currencies

    def written(code: str) -> set[str]:
        names = (get_currency_name(code, number, locale="en").upper() for number in (None, 1, 2))
        return {code, *(sign.upper() for sign in signs_of(code)), *names}

    own = written(currency)
    codes = sorted(list_currencies(), key=lambda code: (code not in CURRENCIES, code))
    found: dict[str, str] = {}
    for code in codes:
        for text in written(code) - own:
            found.setdefault(text, code)
    return found
