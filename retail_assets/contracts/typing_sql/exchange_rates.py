"""SQL for money in several currencies: which currency a row is in, and its money in the currency of the contract."""

from __future__ import annotations

from collections.abc import Iterable

from retail_assets.contracts.currencies import CurrencyRule
from retail_assets.contracts.currency_signs import signs_of, unshared
from retail_assets.contracts.typing_sql.literals import literal
from retail_assets.contracts.typing_sql.notation import one_of_signs
from retail_assets.contracts.typing_sql.text_columns import BLANKS, TextColumns

#: What an amount may contain besides signs of its currency.
_MARKS = f"\\d.,'’()+−eE%{BLANKS}-"


def row_currency(columns: TextColumns, rule: CurrencyRule) -> str:
    """Return SQL for the code of a row's currency: that of the contract, or one with a rate; NULL for any other.

    A sign that two of them share (`$` of USD and CAD) names neither.
    """
    own = columns.contract.currency
    names = {name: code for code, signs in unshared((own, *rule.rates)).items() for name in signs}
    if not rule.rates:
        names |= dict.fromkeys(columns.contract.numbers.symbols(own), own)
    spellings = ", ".join(f"upper({literal(name)})" for name in names)
    codes = ", ".join(map(literal, names.values()))
    known = f"list_extract([{codes}], list_position([{spellings}], upper({columns.text(rule.column)})))"
    if rule.default is None:
        return known
    default = literal(rule.default) if rule.default in (own, *rule.rates) else "NULL"
    return f"CASE WHEN {columns.text(rule.column)} IS NULL THEN {default} ELSE {known} END"


def converted(columns: TextColumns, value: str, scale: int, currency: str | None = None) -> str:
    """Return SQL for money in the contract's currency, a DECIMAL(18, scale); NULL where the row is in another one.

    The product of value and rate is exact, then rounded to `scale` decimals, half away from zero. `currency` names a
    column that holds `row_currency`.
    """
    rule = columns.contract.currencies
    if rule is None:
        return value
    code = currency or row_currency(columns, rule)
    # DuckDB multiplies two DECIMAL(18) as one, and stops the whole query when the product does not fit.
    cases = "".join(
        f" WHEN {literal(other)} THEN try_cast(round(CAST({value} AS DECIMAL(38,{scale})) "
        f"* CAST({literal(rate)} AS DECIMAL(18,9)), {scale}) AS DECIMAL(18,{scale}))"
        for other, rate in rule.rates.items()
        if other != columns.contract.currency
    )
    return f"CASE {code} WHEN {literal(columns.contract.currency)} THEN {value}{cases} END"


def in_its_currency(columns: TextColumns, value: str, texts: Iterable[str], currency: str | None = None) -> str:
    """Return SQL for a value, and NULL where one of its texts has a sign of another currency than its row.

    Only contracts with rates need it: all others accept the signs of one currency.
    """
    rule = columns.contract.currencies
    if rule is None or not rule.rates:
        return value
    code = currency or row_currency(columns, rule)
    own, marks = columns.contract.currency, columns.contract.numbers
    signs = {other: (other, *signs_of(other)) for other in rule.rates} | {own: (own, *marks.symbols(own))}
    others = f"[^{_MARKS}]"
    foreign = " OR ".join(
        "CASE "
        + code
        + "".join(
            f" WHEN {literal(c)} THEN regexp_matches(regexp_replace({text}, "
            f"{literal(one_of_signs((*own_signs, *marks.zeros)))}, '', 'g'), {literal(others)})"
            for c, own_signs in signs.items()
        )
        + " ELSE FALSE END"
        for text in texts
    )
    return f"CASE WHEN {foreign} THEN NULL ELSE {value} END" if foreign else value
