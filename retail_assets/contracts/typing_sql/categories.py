"""SQL for the product category."""

from __future__ import annotations

from retail_assets.contracts.typing_sql.literals import literal
from retail_assets.contracts.typing_sql.text_columns import BLANKS, TextColumns


def category(columns: TextColumns) -> str:
    """Return SQL for the category: inner white space folded, one Unicode form (NFC), case as the contract says."""
    text = columns.field_text("product_category")
    folded = f"nfc_normalize(regexp_replace({text}, {literal(f'[{BLANKS}]+')}, ' ', 'g'))"
    case = columns.contract.category_case
    if case == "title":
        usual = "[A-Z&][a-z]*( [A-Z&][a-z]*)*"
        folded = f"array_to_string([upper(w[1]) || lower(w[2:]) FOR w IN string_split({folded}, ' ')], ' ')"
    else:
        usual = "[!-~]+( [!-~]+)*" if case == "keep" else "[!-`{-~]+( [!-`{-~]+)*"
        folded = f"upper({folded})" if case == "upper" else folded
    return f"CASE WHEN regexp_full_match({text}, {literal(usual)}) THEN {text} ELSE {folded} END"
