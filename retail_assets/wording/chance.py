"""Clauses for what a test says: more than chance, or not."""

from __future__ import annotations

from retail_assets.wording.formats import p_value


def may_be_chance(p: float) -> str:
    """Return the clause for a difference that is noise."""
    return f"which may be chance ({p_value(p)})"


def beyond_chance(p: float, test: str) -> str:
    """Return the clause for a difference that is more than noise, with the name of its test."""
    return f"differ by more than chance would explain ({p_value(p)}, {test})"
