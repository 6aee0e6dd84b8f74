"""Lines of totals at the end of a file, which are no rows: as many as the contract says, or what proves to be one."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from retail_assets.contracts.header_names import normalize_header
from retail_assets.contracts.headers import required_raw_columns
from retail_assets.contracts.model import Contract
from retail_assets.errors import LandingError
from retail_assets.landing.inspection.header import fields_of
from retail_assets.landing.inspection.shown_rows import shown_row
from retail_assets.landing.inspection.tail import MOST_TOTALS


def _plain(cell: str) -> str:
    """Return a text without case, accents, spaces and punctuation."""
    return "".join(c for c in unicodedata.normalize("NFKD", cell.casefold()) if c.isalnum())


#: Words for a total in the first cell of its line.
WORDS = frozenset(
    _plain(word)
    for words in (
        "total, totals, grand total, grand totals, total sales, total amount, overall total, report total",
        "sum, subtotal",
        "Summe, Summen, gesamt, Gesamtsumme, Gesamtbetrag, Endsumme, insgesamt, Zwischensumme",
        "totaux, total général, somme, montant total, sous-total",
        "totale, totali, totale generale, totale complessivo, somma",
        "totales, total general, suma, suma total, total geral, totais, soma",
        "totaal, eindtotaal, algemeen totaal, subtotaal, totalt, samtligt, summa, yhteensä, i alt",
        "razem, ogółem, suma końcowa, celkem, spolu, összesen, toplam, genel toplam",
        "итого, всего, общий итог, разом, σύνολο",
        "合計, 総計, 小計, 总计, 合计, 小计, 總計, 합계, 총계, 소계, รวม, รวมทั้งหมด, कुल, योग, المجموع, סהכ",
    )
    for word in words.split(", ")
)
_DATED = 3  # lines at the end that are looked at for totals with a date


@dataclass(frozen=True)
class Totals:
    """The lines at the end that are no rows: the number of the first (0: there is none), and their texts."""

    first: int = 0
    texts: tuple[str, ...] = ()


Split = Callable[[str], list[str] | None]


def split_text(delimiter: str) -> Split:
    """Return what splits one line of delimited text into its cells; None for one that may not be a whole record."""

    def split(line: str) -> list[str] | None:
        if line.count('"') % 2:
            return None
        try:
            return fields_of(line, delimiter, strict=True)
        except csv.Error:
            return None

    return split


def totals_of(
    tail: Sequence[tuple[int, str]], split: Split, positions: dict[str, int], contract: Contract, key: str
) -> Totals:
    """Return the lines of totals among the last lines of a file (`tail`: number and text, in order, not blank).

    Raises LandingError if the contract says that a line is one, and the line looks like a sale: it has a value in every
    column that is required. `positions` says where the contract's columns are.
    """
    rule = contract.file
    found: list[tuple[int, str]] = []
    for number, text in reversed(tail):
        cells = split(text)
        if rule.skip_bottom:
            is_total = len(found) < rule.skip_bottom
        elif rule.totals is not None:
            is_total = re.search(rule.totals, text[:10_000]) is not None
        else:
            is_total = cells is not None and _proves_to_be_one(cells, positions, contract)
        if not is_total:
            break
        if (rule.skip_bottom or rule.totals) and (cells is None or _looks_like_a_sale(cells, positions, contract)):
            what = f"skip_bottom: {rule.skip_bottom}" if rule.skip_bottom else f"totals: {rule.totals!r}"
            raise LandingError(
                f"{key}: line {number} would be skipped as one of totals (`file: {{{what}}}`), but it looks like a "
                f"sale: {shown_row(text, contract)}. Change the contract, or land the file with its totals."
            )
        found.append((number, text))
    if not rule.skip_bottom and rule.totals is None:
        _refuse_dated_total(tail[: len(tail) - len(found)][-_DATED:], split, positions, contract, key)
    if len(found) > MOST_TOTALS:
        raise LandingError(
            f"{key}: `file: {{totals: {rule.totals!r}}}` is found in more than the last {MOST_TOTALS} lines. "
            "Only totals at the end of a file are skipped; give a pattern that rows do not have."
        )
    if not found:
        return Totals()
    return Totals(found[-1][0], tuple(text for _, text in reversed(found)))


def _refuse_dated_total(
    last: Sequence[tuple[int, str]], split: Split, positions: dict[str, int], contract: Contract, key: str
) -> None:
    """Raise LandingError for a line that would count as a sale, with only a word for a total as its id or category."""
    rules = contract.columns
    named = [n for rule in (rules["transaction_id"], rules["product_category"]) for n, _ in rule.origins]
    tested = {normalize_header(column) for column in contract.rows.columns} if contract.rows else set()
    headers = {normalize_header(c): (c, p) for c, p in positions.items()}
    filled = {normalize_header(name) for name in contract.file.fill_down}
    given = {column: p for column, p in positions.items() if normalize_header(column) not in filled}
    dates = _places_of_date(given, contract)
    for number, text in last:
        cells = split(text)
        if cells is None or not _looks_like_a_sale(cells, given, contract):
            continue
        if dates and not any(p < len(cells) and any(map(str.isdigit, cells[p])) for p in dates):
            continue
        for column, place in (headers[name] for name in map(normalize_header, named) if name in headers):
            if place < len(cells) and is_word(cells[place]) and normalize_header(column) not in tested:
                raise LandingError(
                    f"{key}: line {number} looks like a line of totals, but has a date and would count as a sale: "
                    f"{shown_row(text, contract)}. If such lines are totals, leave them out with "
                    f"`rows: {{drop: {{totals: {{column: {column}, equals: {cells[place].strip()}}}}}}}` in the "
                    "contract; if it is a sale, give it another id or category than that word."
                )


def is_word(cell: str) -> bool:
    """Return whether a cell says nothing but "total", in one of many languages.

    >>> is_word(" Grand Total: "), is_word("Total cereal")
    (True, False)
    """
    return _plain(cell) in WORDS


def _proves_to_be_one(cells: Sequence[str], positions: dict[str, int], contract: Contract) -> bool:
    """Return whether a line has no date, and only a word for a total and numbers.

    Such a line cannot be a sale, whatever its columns mean.
    """
    dates = _places_of_date(positions, contract)
    if not dates or contract.columns["sold_at"].default is not None:
        return False
    given = [i for i, cell in enumerate(cells) if cell.strip()]
    if not given or not is_word(cells[given[0]]):
        return False
    if contract.file.fill_down:  # a product may be called Total where a line above has the date
        key = normalize_header(contract.file.fill_down[0])
        if given[0] not in (p for name, p in positions.items() if normalize_header(name) == key):
            return False
    if len(cells) >= max(positions.values(), default=0) + 1 and any(i in dates for i in given):
        return False
    return all(_is_number(cells[i]) for i in given[1:])


def _is_number(cell: str) -> bool:
    letters = sum(c.isalpha() for c in cell)
    return any(c.isdigit() for c in cell) and letters <= 4 and not any(c in "/:" for c in cell)


def _looks_like_a_sale(cells: Sequence[str], positions: dict[str, int], contract: Contract) -> bool:
    needed = [positions[c] for c in required_raw_columns(contract) if c in positions]
    return all(p < len(cells) and cells[p].strip() for p in needed)


def _places_of_date(positions: dict[str, int], contract: Contract) -> set[int]:
    rule = contract.columns["sold_at"]
    names = {normalize_header(n) for n in (rule.header, *rule.aliases) if n}
    return {p for column, p in positions.items() if normalize_header(column) in names}
