"""SQL for the rules that exclude rows."""

from __future__ import annotations

from retail_assets.contracts.row_rules import RowCondition, RowRules
from retail_assets.contracts.typing_sql.literals import literal
from retail_assets.contracts.typing_sql.text_columns import TextColumns


def excluding(columns: TextColumns, rules: RowRules) -> list[str]:
    """Return SQL per rule, in the order of `rules.names`, that is true where the rule excludes the row."""
    kept = [f"NOT {_meets(columns, rule)}" for rule in rules.keep.values()]
    return kept + [_meets(columns, rule) for rule in rules.drop.values()]


def _meets(columns: TextColumns, rule: RowCondition) -> str:
    """Return SQL that is true or false, never NULL."""
    text = f"nfc_normalize({columns.text(rule.column)})"  # ö and o with two points are one letter
    if rule.empty is not None:
        return f"(({text}) IS {'' if rule.empty else 'NOT '}NULL)"
    if rule.prefix is not None:
        return f"coalesce(starts_with(upper({text}), upper(nfc_normalize({literal(rule.prefix)}))), FALSE)"
    words = rule.any_of or ([rule.equals] if rule.equals is not None else [])
    listed = ", ".join(f"upper(nfc_normalize({literal(word.strip())}))" for word in words)
    return f"coalesce(upper({text}) IN ({listed}), FALSE)"
