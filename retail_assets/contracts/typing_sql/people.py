"""SQL for what a row says about the customer: gender, age and age band."""

from __future__ import annotations

import unicodedata

from retail_assets.contracts.typing_sql.gender_words import WORDS
from retail_assets.contracts.typing_sql.literals import literal
from retail_assets.contracts.typing_sql.text_columns import TextColumns

_AGE_BANDS = ((18, "under 18"), (25, "18-24"), (35, "25-34"), (45, "35-44"), (55, "45-54"), (65, "55-64"))


def gender(columns: TextColumns) -> str:
    """Return SQL for Female, Male or Other, NULL when not given, and '?' when it cannot be read."""
    text = columns.field_text("gender")
    words = {word: name for name, spellings in WORDS.items() for word in spellings}
    words |= {unicodedata.normalize("NFC", w.lower()): n for n, ws in columns.contract.genders.items() for w in ws}
    known = ", ".join(map(literal, words))
    names = ", ".join("'-'" if name is None else literal(name) for name in words.values())
    # One lookup of lower(text), not a comparison per word: DuckDB would evaluate each for every row.
    word = f"coalesce(list_extract([{names}], list_position([{known}], lower(nfc_normalize({text})))), '?')"
    usual = [name for name in ("Female", "Male") if words[name.lower()] == name]
    at_once = f"WHEN {text} IN ({', '.join(map(literal, usual))}) THEN {text} " if usual else ""
    return f"CASE {at_once}WHEN {text} IS NOT NULL THEN nullif({word}, '-') END"


def age(columns: TextColumns) -> str:
    """Return SQL for whole years from 0 to 120, else NULL."""
    value = f"try_cast({columns.field_text('age')} AS DECIMAL(18,6))"
    return f"CASE WHEN {value} BETWEEN 0 AND 120 AND {value} = trunc({value}) THEN {value}::INTEGER END"


def age_group(years: str) -> str:
    """Return SQL for the age band of an age in years."""
    cases = " ".join(f"WHEN {years} < {limit} THEN {literal(name)}" for limit, name in _AGE_BANDS)
    return f"CASE {cases} WHEN {years} IS NOT NULL THEN '65+' END"
