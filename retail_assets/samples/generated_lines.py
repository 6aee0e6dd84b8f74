"""Generated rows as lines of CSV, dirt included."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from retail_assets.samples import randomness
from retail_assets.samples.dirt import KINDS, NUMBER, PLAIN, REJECTED
from retail_assets.samples.expected import Expected
from retail_assets.samples.generated_rows import Landing, customers, items, raw_kinds, targets
from retail_assets.samples.randomness import Numbers, below, random_bits
from retail_assets.samples.shoppers import CATEGORIES, ITEM_CATEGORY, ITEM_CENTS, ITEMS, MOST_UNITS

if TYPE_CHECKING:
    import pyarrow as pa

_LATEST = 14  # days a sale may arrive late
_LAGS = _LATEST + 1
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")  # in any locale
_GENDERS = ("Female", "Male", "FEMALE ", " male", '"Female"', '"Male"', "", "Q7")
_CATEGORY_TEXTS = (*CATEGORIES, " beauty", "CLOTHING ", "electronics", '"Beauty"', '"Clothing"', '"Electronics"')
_NO_CATEGORY = len(_CATEGORY_TEXTS)
_AGES = (*map(str, range(18, 78)), "", "210", "-3")
_QUANTITIES = (*map(str, range(-MOST_UNITS, MOST_UNITS + 1)), "two")


def _date_texts(landed_on: dt.date) -> list[str]:
    """Return dates 0 to 14 days before the landing in six formats, then two that are not dates and two far away."""
    sold = [landed_on - dt.timedelta(days=lag) for lag in range(_LAGS)]
    names = [(f"{d.day:02d}", _MONTHS[d.month - 1], d.year) for d in sold]
    texts = [d.isoformat() for d in sold]
    texts += [f"{day}-{month}-{year}" for day, month, year in names]
    texts += [f"{day} {month} {year}" for day, month, year in names]
    texts += [f'"{month} {day}, {year}"' for day, month, year in names]
    texts += [f"{d} 14:03:22" for d in sold]
    texts += [f"{d}T09:30:00" for d in sold]
    return [*texts, "2023-13-45", "yesterday", "2199-01-01", "1899-12-30"]


def _money(cents: int) -> str:
    """Write cents as money the way the seed does: whole amounts without decimals."""
    sign, whole, rest = "-" if cents < 0 else "", abs(cents) // 100, abs(cents) % 100
    return f"{sign}{whole}.{rest:02d}" if rest else f"{sign}{whole}"


def _marked(cents: int) -> str:
    return f'"${Decimal(cents) / 100:,.2f}"'


_PRICES = [_money(c) for c in ITEM_CENTS.tolist()]
_PRICES += [_money(-c) for c in ITEM_CENTS.tolist()]
_PRICES += [_marked(c) for c in ITEM_CENTS.tolist()]
_PRICES += ["free"]
_TOTAL_CENTS = [c * q for c in ITEM_CENTS.tolist() for q in range(-MOST_UNITS, MOST_UNITS + 1)]
_TOTALS = [_money(c) for c in _TOTAL_CENTS]
_TOTALS += [_money(c + 1000) for c in _TOTAL_CENTS]
_TOTALS += [_marked(c) for c in _TOTAL_CENTS]
_TOTALS += ["n/a"]


def render(landing: Landing, rows: Numbers, expected: Expected) -> bytes:
    """Return the lines of `rows` as CSV, and count them in `expected`.

    Every column is looked up in a small table of texts, in which dirt has its own places. Arrow then joins the columns,
    which is several times faster than formatting.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    kinds = raw_kinds(landing, rows)
    ids = targets(landing, rows, kinds)
    shopper, item, quantity = items(landing, rows)
    customer = customers(landing, rows, shopper)
    choice = landing.draw(rows, randomness.VARIANT).astype(np.int64)
    person = random_bits(customer, landing.seed, randomness.PERSON).astype(np.int64)
    at: dict[str, Numbers] = {name: np.flatnonzero(kinds == number) for name, number in NUMBER.items()}

    lag = below(landing.draw(rows, randomness.LAG), 1000)
    date = np.where(lag < 100, 0, np.where(lag < 950, 1, 2 + (lag - 950) % (_LATEST - 1)))
    date[at["other_date_format"]] += _LAGS * (1 + choice[at["other_date_format"]] % 5)
    date[at["unreadable_date"]] = 6 * _LAGS + choice[at["unreadable_date"]] % 2
    date[at["far_date"]] = 6 * _LAGS + 2 + choice[at["far_date"]] % 2

    gender = person & 1
    gender[at["spaces_and_case"]] += 2
    gender[at["quoted"]] += 4
    gender[at["anonymous"]] = 6
    gender[at["unknown_gender"]] = 7
    age = (person >> 1) % 60
    age[at["anonymous"]] = 60
    age[at["impossible_age"]] = 61 + choice[at["impossible_age"]] % 2

    category = ITEM_CATEGORY[item]
    category[at["spaces_and_case"]] += 3
    category[at["quoted"]] += 6
    category[at["missing_category"]] = _NO_CATEGORY
    category[at["long_category"]] = _NO_CATEGORY + 1

    for name in ("negative_price", "money_marks"):
        quantity[at[name]] = abs(quantity[at[name]])
    quantity[at["zero_quantity"]] = 0
    cents = ITEM_CENTS[item] * quantity
    total = item * (2 * MOST_UNITS + 1) + quantity + MOST_UNITS
    total[at["negative_price"]] -= 2 * quantity[at["negative_price"]]
    total[at["total_mismatch"]] += len(_TOTAL_CENTS)
    total[at["money_marks"]] += 2 * len(_TOTAL_CENTS)
    total[at["bad_amount"]] = 3 * len(_TOTAL_CENTS)
    price = item.copy()
    price[at["negative_price"]] += len(ITEMS)
    price[at["money_marks"]] += 2 * len(ITEMS)
    price[at["bad_price"]] = 3 * len(ITEMS)
    quantity_text = quantity + MOST_UNITS
    quantity_text[at["bad_quantity"]] = 2 * MOST_UNITS + 1

    def looked_up(texts: list[str] | tuple[str, ...], places: Numbers) -> pa.Array:
        return pa.array(texts, pa.string()).take(pa.array(places.astype(np.int32)))

    def emptied(column: pa.Array, name: str) -> pa.Array:
        return pc.if_else(pa.array(kinds == NUMBER[name]), "", column) if len(at[name]) else column

    id_text = emptied(pc.cast(pa.array(ids + 1), pa.string()), "missing_id")
    customer_text = pc.utf8_lpad(pc.cast(pa.array(customer), pa.string()), 6, "0")
    customer_text = emptied(pc.binary_join_element_wise("CUST", customer_text, ""), "anonymous")
    columns: list[Any] = [
        id_text,
        looked_up(_date_texts(landing.landed_on), date),
        customer_text,
        looked_up(_GENDERS, gender),
        looked_up(_AGES, age),
        looked_up((*_CATEGORY_TEXTS, "", "Electronics" * 28), category),
        looked_up(_QUANTITIES, quantity_text),
        looked_up(_PRICES, price),
    ]
    last = looked_up([f"{text}\n" for text in _TOTALS], total)
    if len(at["ragged_row"]):
        ragged = pa.array(kinds == NUMBER["ragged_row"])
        last = pc.if_else(ragged, "1,EXTRA,MORE\n", last)
    lines = pc.binary_join_element_wise(*columns, last, ",")
    if len(at["ragged_row"]):
        short = pa.array((kinds == NUMBER["ragged_row"]) & (choice % 2 == 0))
        lines = pc.if_else(short, pc.binary_join_element_wise(*columns[:2], "CUST000001\n", ","), lines)

    _count(expected, landing, rows, kinds, ids, cents)
    return _bytes_of(lines)


def _count(expected: Expected, landing: Landing, rows: Numbers, kinds: Numbers, ids: Numbers, cents: Numbers) -> None:
    counts = np.bincount(kinds, minlength=PLAIN + 1).tolist()
    names = [*(kind.name for kind in KINDS), "plain"]
    expected.kinds.update({name: count for name, count in zip(names, counts, strict=True) if count})
    expected.rows += len(rows)
    expected.rows_by_landing[landing.landed_on] += len(rows)
    # A repeated line replaces a plain row of the same landing, whose money no longer counts.
    _, item, quantity = items(landing, ids[kinds == NUMBER["repeated_id"]])
    expected.clean_cents += int(cents[~REJECTED[kinds]].sum()) - int((ITEM_CENTS[item] * quantity).sum())


def _bytes_of(strings: pa.Array) -> bytes:
    """Return the texts of an Arrow string array one after another: its data buffer as it is."""
    offsets = np.frombuffer(strings.buffers()[1], dtype=np.int32)[strings.offset : strings.offset + len(strings) + 1]
    data: bytes = strings.buffers()[2].slice(int(offsets[0]), int(offsets[-1] - offsets[0])).to_pybytes()
    return data
