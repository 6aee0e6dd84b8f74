"""What of Redshift's SQL PostgreSQL does not speak, and what PostgreSQL speaks and Redshift does not.

A model, from Redshift's documentation: it refuses constructs by their spelling and knows nothing of types or plans.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_FLAGS = re.IGNORECASE | re.DOTALL

#: What PostgreSQL would run and Redshift refuses, or does otherwise: (pattern, message).
_REFUSED: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, _FLAGS), message)
    for pattern, message in (
        (r"\bFILTER\s*\(\s*WHERE\b", "FILTER is not supported; use CASE"),
        (r"\bDISTINCT\s+ON\b", "SELECT DISTINCT ON is not supported"),
        (
            r"\b(STRING_AGG|ARRAY_AGG|EVERY|CORR|COVAR_\w+|REGR_\w+|GENERATE_SERIES|GENERATE_SUBSCRIPTS|WIDTH_BUCKET"
            r"|DIV|SETSEED|CLOCK_TIMESTAMP|PG_SLEEP|UNNEST)\s*\(",
            "the function is not supported",
        ),
        (r"\bARRAY\s*\[|\w\[\d*\]", "arrays are not supported"),
        (r"\bIS\s+(NOT\s+)?DISTINCT\s+FROM\b", "IS DISTINCT FROM is not supported"),
        (r"\bRETURNING\b", "RETURNING is not supported"),
        (r"\bON\s+CONFLICT\b", "ON CONFLICT is not supported; use MERGE"),
        (r"\bCREATE\s+(UNIQUE\s+)?INDEX\b", "CREATE INDEX is not supported"),
        (r"^\s*(SAVEPOINT|ROLLBACK\s+TO|RELEASE)\b", "savepoints are not supported"),
        (r"\bCREATE\s+OR\s+REPLACE\s+TABLE\b", "CREATE OR REPLACE TABLE is not supported"),
        (r"\bLATERAL\b", "LATERAL is not supported"),
        (r"\b(JSONB?|BYTEA|UUID|(BIG|SMALL)?SERIAL|MONEY|XML)\b(?=\s*(,|\)|NOT\b|NULL\b|DEFAULT\b))", "type"),
        (r"^\s*TRUNCATE\b", "TRUNCATE commits the open transaction on Redshift: the wire refuses it; use DELETE"),
        (r"^\s*ALTER\s+TABLE\b.*\bADD\s+COLUMN\b.*\bADD\s+COLUMN\b", "one ADD COLUMN a statement"),
        (
            r"^\s*ALTER\s+TABLE\b.*\bADD\s+COLUMN\b(?!.*\bDEFAULT\b).*\bNOT\s+NULL\b",
            "ALTER TABLE ADD COLUMN defined as NOT NULL must have a non-null default expression",
        ),
        (r"^\s*CREATE\s+(TEMP\s+)?TABLE\b.*\bAS\s+SELECT\b.*\$\d", "parameters in CREATE TABLE AS"),
        (r"\bAVG\s*\(\s*(?!CAST\b)", "AVG of a whole number or decimal is cut off on Redshift; cast to double first"),
    )
)

#: Words that may not be names on Redshift without quotes, of those that PostgreSQL would take.
_RESERVED = (
    "aes128 aes256 allowoverwrite backup between blanksasnull bytedict bzip2 credentials cube current_user_id "
    "deflate defrag delta delta32k disable emptyasnull enable encode encrypt encryption explicit "
    "globaldict256 globaldict64k gzip identity ignore interval lun luns lzo lzop minus mostly16 mostly32 "
    "mostly8 natural new nulls off offline oid old open parallel partition percent permissions pivot raw "
    "readratio recover rejectlog resort respect restore rollup snapshot sysdate system tag tdes text255 "
    "text32k top truncatecolumns unpivot wallet without "
)
_RESERVED_NAME = re.compile(rf"\bAS\s+({'|'.join(_RESERVED.split())})\b", _FLAGS)

_FRAMED = re.compile(r"\b(SUM|COUNT|MIN|MAX|AVG|FIRST_VALUE|LAST_VALUE|NTH_VALUE|STDDEV\w*|VAR\w*)\s*\(", _FLAGS)

_COLUMN_OPTIONS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, _FLAGS), replacement)
    for pattern, replacement in (
        (r"\bDISTSTYLE\s+(AUTO|EVEN|KEY|ALL)\b", ""),
        (r"\bDISTKEY\b\s*(\([^)]*\))?", ""),
        (r"\b((COMPOUND|INTERLEAVED)\s+)?SORTKEY\b\s*(AUTO\b|\([^)]*\))?", ""),
        (r"\bENCODE\s+(AUTO|RAW|AZ64|ZSTD|LZO|BYTEDICT|DELTA|RUNLENGTH|TEXT255|MOSTLY8)\b", ""),
        (r"\bVARCHAR\s*\(\s*MAX\s*\)", "varchar(65535)"),
        # Declared and never enforced, as on Redshift: duplicates must be possible here too.
        (r",\s*(CONSTRAINT\s+\w+\s+)?(PRIMARY\s+KEY|UNIQUE)\s*\([^)]*\)", ""),
        (r"\b(PRIMARY\s+KEY|UNIQUE)\b(?!\s*\()", ""),
    )
)

_STATEMENTS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, _FLAGS), replacement)
    for pattern, replacement in (
        (r"^\s*SET\s+query_group\s+TO\b", "SET redshift.query_group TO"),
        (r"^\s*SHOW\s+query_group\b", "SHOW redshift.query_group"),
        (r"^(\s*ANALYZE\s+\S+)\s+PREDICATE\s+COLUMNS", r"\1"),
        (r"^\s*VACUUM\s+DELETE\s+ONLY\s+(\S+?)(\s+TO\s+\d+\s+PERCENT)?\s*$", r"VACUUM FULL \1"),
        (r"^\s*GRANT\s+ASSUMEROLE\b.*", "DO 'BEGIN END'"),
        (r"^(\s*GRANT)\s+ROLE\s+(\S+)\s+TO\s+(?:ROLE\s+)?(.*)", r"\1 \2 TO \3"),
        (r"^(\s*(?:GRANT|ALTER\s+DEFAULT\s+PRIVILEGES)\b.*)\bTO\s+ROLE\s+", r"\1TO "),
        (r"^(\s*CREATE\s+USER\s+\S+)\s+PASSWORD\s+DISABLE", r"\1"),
        (r"\bAPPROXIMATE\s+COUNT\s*\(\s*DISTINCT", "COUNT(DISTINCT"),
    )
)


def refusal(sql: str) -> str | None:
    """Why Redshift would not run this statement; None for all that is known."""
    bare = _without_literals(sql)
    for pattern, message in _REFUSED:
        if found := pattern.search(bare):
            return f"{message} (at {found[0].strip()[:60]!r})"
    if found := _RESERVED_NAME.search(bare):
        return f"syntax error at or near {found[1]!r}: a reserved word must be quoted to be a name"
    for window, before in _windows(bare):
        if re.search(r"\bORDER\s+BY\b", window, _FLAGS) and not re.search(r"\bROWS\b", window, _FLAGS) and before:
            return f"Aggregate window functions with an ORDER BY clause require a frame clause ({before})"
    return None


def translated(sql: str) -> str:
    """The statement as PostgreSQL understands it."""
    if re.match(r"\s*CREATE\s+(TEMP(ORARY)?\s+)?TABLE\b", sql, _FLAGS):
        for pattern, replacement in _COLUMN_OPTIONS:
            sql = pattern.sub(replacement, sql)
    elif re.match(r"\s*ALTER\s+TABLE\b", sql, _FLAGS):
        sql = re.sub(r"\bENCODE\s+\w+", "", sql, flags=_FLAGS)
    for pattern, replacement in _STATEMENTS:
        sql = pattern.sub(replacement, sql)
    return sql


def _without_literals(sql: str) -> str:
    """The statement with the text of its literals and comments blanked out."""
    return re.sub(
        r"'(?:[^'\\]|''|\\.)*'|--[^\n]*|/\*.*?\*/", lambda m: "'" + " " * (len(m[0]) - 2) + "'", sql, flags=re.S
    )


def _windows(sql: str) -> Iterator[tuple[str, str]]:
    """Every `OVER (…)`'s inside with the name of the aggregate before it, empty for ranking functions."""
    for found in re.finditer(r"\bOVER\s*\(", sql, _FLAGS):
        close = _closing(sql, found.end() - 1)
        call_end = sql.rfind(")", 0, found.start())
        depth, at = 0, call_end
        while at >= 0:
            depth += {")": 1, "(": -1}.get(sql[at], 0)
            if depth == 0:
                break
            at -= 1
        name = re.search(r"(\w+)\s*\Z", sql[:at])
        aggregate = name is not None and _FRAMED.fullmatch(name[1] + "(") is not None
        yield sql[found.end() : close], name[1] if aggregate and name else ""


def _closing(sql: str, opening: int) -> int:
    depth = 0
    for at in range(opening, len(sql)):
        depth += {"(": 1, ")": -1}.get(sql[at], 0)
        if depth == 0:
            return at
    return len(sql)
