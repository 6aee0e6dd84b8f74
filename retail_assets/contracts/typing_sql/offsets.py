"""SQL for offsets from UTC behind a time: `+02:00`, ` -0400`, ` UTC`, ` Z`."""

from __future__ import annotations

from retail_assets.contracts.typing_sql.literals import literal

#: No place on earth is further from UTC than 14 hours.
OFFSET = r" ?(?:[Zz]|(?i:utc|gmt)|[+-](?:0\d|1[0-4])(?::?[0-5]\d)?)"


def instant(text: str) -> str:
    """Return SQL for a TIMESTAMPTZ from an ISO 8601 text that ends in OFFSET. DuckDB's cast knows fewer spellings."""
    in_digits = f"regexp_replace({text}, '(?i) ?(?:z|utc|gmt)$', '+00')"
    return f"try_cast(regexp_replace({in_digits}, ' ([+-][0-9:]+)$', '\\1') AS TIMESTAMPTZ)"


def with_offset_in_digits(text: str) -> str:
    """Return SQL for a text as `%z` reads it: a name of UTC becomes +0000, and a zone in brackets behind it goes.

    NULL where the text does not end in an offset.
    """
    bare = f"regexp_replace({text}, ' *[(][^()]*[)]$', '')"
    in_digits = f"regexp_replace({bare}, '(?i)(?:z|utc|gmt)$', '+0000')"
    return f"CASE WHEN regexp_matches({bare}, {literal(OFFSET + '$')}) THEN {in_digits} END"
