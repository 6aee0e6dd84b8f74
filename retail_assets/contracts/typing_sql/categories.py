"""SQL for the product category."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from retail_assets.contracts.sections import CategoryRule
from retail_assets.contracts.typing_sql.literals import literal
from retail_assets.contracts.typing_sql.text_columns import BLANKS, TextColumns

#: What may stand before and after a whole word: anything but letters, digits and the marks on them.
_BOUNDARY = r"[^\pL\pN\pM]"


def category(columns: TextColumns) -> str:
    """Return SQL for the category: inner white space folded, one Unicode form (NFC), case as the contract says."""
    field = columns.contract.columns["product_category"]
    if field.rules:
        return _by_rules(columns.text(field.header or ""), field.rules, field.default, columns.contract.category_case)
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


def _by_rules(text: str, rules: tuple[CategoryRule, ...], default: str | None, case: str) -> str:
    """Return SQL for the category of the first rule that applies to `text`; else the default, or NULL."""

    def named(category: str) -> str:
        folded = unicodedata.normalize("NFC", " ".join(category.split()))
        if case == "title":
            folded = " ".join(word[0].upper() + word[1:].lower() for word in folded.split(" "))
        return literal(folded.upper() if case == "upper" else folded)

    cases = " ".join(
        f"WHEN regexp_matches({text}, {literal(_pattern(rule))}) THEN {named(rule.category)}" for rule in rules
    )
    return f"CASE {cases} ELSE {'NULL' if default is None else named(default)} END"


def _pattern(rule: CategoryRule) -> str:
    """Return one regular expression (RE2) for everything that a rule looks for."""
    kinds = (
        (rule.contains, "{}"),
        (rule.words, f"(?:^|{_BOUNDARY}){{}}(?:{_BOUNDARY}|$)"),
        (rule.prefix, "^{}"),
        (rule.equals, "^{}$"),
    )
    wanted = [kind.replace("{}", f"(?:{'|'.join(_written(texts))})") for texts, kind in kinds if texts]
    return f"(?i){'|'.join(wanted)}"


def _written(texts: Iterable[str]) -> list[str]:
    """Return every way to write each text: any white space between words, accents as one character or as two."""
    forms = (unicodedata.normalize(form, text) for text in texts for form in ("NFC", "NFD"))
    return list(dict.fromkeys(f"[{BLANKS}]+".join(map(re.escape, form.split())) for form in forms))
