"""Which column of a raw table is what: by its header's words, confirmed by its texts."""

from __future__ import annotations

import itertools
import re

from retail_assets.contracts.header_names import normalize_header
from retail_assets.drafting.evidence import Column
from retail_assets.drafting.header_words import ENDINGS, NO_SALE, NOT_ABOUT, PERHAPS_NO_SALE, VAGUE, WORDS, key_of

_NUMERIC = ("quantity", "unit_price", "total_amount", "age", "discount", "tax")
#: Roles in the order in which they choose: a header that could be two things goes to the earlier one.
_ORDER = (
    "sold_at", "unit_price", "quantity", "total_amount", "order_line", "transaction_id", "order_id", "customer_id",
    "product_id", "product_category", "store_id", "gender", "age", "age_group", "discount", "tax", "status", "currency",
    "country", "clock",
)  # fmt: skip
#: Roles that may share a column with others.
_SHARING = ("product_category",)
_MOST_NUMERIC = 0.5
_MOST_STATES = 30


def roles_of(columns: list[Column]) -> dict[str, Column]:
    """Return the column that fills each role; roles without one are left out."""
    roles: dict[str, Column] = {}
    taken: set[int] = set()
    for role in _ORDER:
        free = [c for c in columns if c.index not in taken or role in _SHARING]
        fitting = [c for c in free if _may_be(role, c)]
        if column := _best(role, _preferred(role, fitting)) or _best(role, fitting):
            roles[role] = column
            taken.add(column.index)
    if "sold_at" not in roles and (dated := [c for c in columns if c.dates.share >= 0.9 and c.index not in taken]):
        roles["sold_at"] = dated[0]
    if "unit_price" in roles and "total_amount" not in roles and _is_of_amazon(columns, roles["unit_price"]):
        roles["total_amount"] = roles.pop("unit_price")
    if not {"unit_price", "total_amount"} & set(roles):
        money = [c for c in columns if c.numbers.share >= 0.9 and c.numbers.signs and c.index not in taken]
        if money:
            roles["total_amount"] = money[0]
    return roles


def _preferred(role: str, columns: list[Column]) -> list[Column]:
    """Return the columns of which one is chosen if it fits: categories in words, and states that are no sale."""
    if role == "product_category":
        return [c for c in columns if c.numbers.share < _MOST_NUMERIC]
    if role == "status":
        return [
            c for c in columns if any(is_no_sale(t) or is_perhaps_no_sale(t) for t in list(c.counts)[:_MOST_STATES])
        ]
    return []


def is_no_sale(text: str) -> bool:
    """Return whether a status says that no sale came of the row."""
    return any(word.startswith(NO_SALE) for word in text.lower().split())


def is_perhaps_no_sale(text: str) -> bool:
    """Return whether a person must say if rows of a status are sales."""
    return any(part in text.lower() for part in PERHAPS_NO_SALE)


def _best(role: str, columns: list[Column]) -> Column | None:
    """Return the column whose header is the most telling word for a role, or else contains one."""
    words = {word: place for place, word in enumerate(WORDS[role])}
    exact = [(words[key], c.index, c) for c in columns if (key := key_of(c.name)) in words]
    if exact:
        return min(exact)[2]
    if role in ("order_line", "country", "currency", "clock"):
        return None
    around = []
    for c in columns:
        tokens, key = _tokens(c.name), key_of(c.name)
        if any(_is_in(word, tokens, key) or word in tokens for word in NOT_ABOUT.get(role, ())):
            continue
        hits = [place for word, place in words.items() if word not in VAGUE and _is_in(word, tokens, key)]
        if any(key.endswith(ending) for ending in ENDINGS.get(role, ())) and not any(
            len(word) > 4 and word in key for word in NOT_ABOUT.get(role, ())
        ):
            hits.append(len(words))
        if hits:
            around.append((min(hits), c.index, c))
    return min(around)[2] if around else None


def _is_in(word: str, tokens: set[str], key: str) -> bool:
    """Return whether a word is one of a header's; Chinese, Japanese and Korean compounds have no spaces."""
    if len(word) >= 2 and all("\u3040" <= letter <= "\u9fff" or "\uac00" <= letter <= "\ud7a3" for letter in word):
        return word in key
    return len(word) > 2 and word in tokens


def _is_of_amazon(columns: list[Column], price: Column) -> bool:
    """Return whether this is an order report of Amazon: its `item-price` is that of all pieces of the line."""
    return key_of(price.name) == "itemprice" and any(key_of(c.name) == "amazonorderid" for c in columns)


def _tokens(name: str) -> set[str]:
    """Return the words of a header, and pairs of neighbors, normalized."""
    parts = [normalize_header(part) for part in re.split(r"[\W_]+|(?<=[a-z])(?=[A-Z])", name) if normalize_header(part)]
    return {*parts, *(a + b for a, b in itertools.pairwise(parts))}


def _may_be(role: str, column: Column) -> bool:
    """Return whether the texts of a column can be what its header says."""
    if not column.given:
        return role not in (*_NUMERIC, "sold_at")
    if role == "sold_at":
        return column.dates_of_sale.share >= _MOST_NUMERIC
    if role == "age":
        return column.numbers.share >= _MOST_NUMERIC and all(len(t) <= 5 for t in column.counts)
    if role in _NUMERIC:
        return column.numbers.share >= _MOST_NUMERIC and column.dates.share < _MOST_NUMERIC
    if role == "clock":
        return all(re.fullmatch(r"\d{1,2}:\d{2}(:\d{2})?( ?[AaPp][Mm])?", t) for t in column.counts)
    if role == "currency":
        return all(re.fullmatch(r"[A-Za-z]{3}", t) for t in column.counts)
    if role in ("product_category", "gender", "age_group", "status"):
        return column.numbers.share < _MOST_NUMERIC or role == "product_category"
    return True
