"""Text inside SQL statements."""

from __future__ import annotations


def literal(text: str) -> str:
    """Return a SQL string literal. Contracts are the user's own files, yet a quote in one must not end the string.

    >>> literal("Farmer's market")
    "'Farmer''s market'"
    """
    return "'" + text.replace("'", "''") + "'"
