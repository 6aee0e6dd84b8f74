"""An expression is computed exactly, with Python's fractions as the judge, or the row has no number."""

from __future__ import annotations

import operator
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retail_assets.contracts.expressions import (
    Expression,
    Number,
    Operand,
    Rounded,
    operands,
    parsed,
)
from retail_assets.contracts.typing_sql.arithmetic import computed
from retail_assets_tests.trials import trials

MARKS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}


def rounded(value: Fraction, decimals: int) -> Fraction:
    scaled = abs(value) * 10**decimals
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return Fraction(whole if value >= 0 else -whole, 10**decimals)


def meant(node: Expression, row: dict[str, Decimal | None]) -> Fraction | None:
    """Return what an expression means, in fractions; None if an operand is missing or something is divided by zero."""
    if isinstance(node, Number):
        return Fraction(node.value)
    if isinstance(node, Operand):
        value = row[node.column] if row[node.column] is not None else node.default
        return None if value is None else Fraction(value)
    if isinstance(node, Rounded):
        inside = meant(node.value, row)
        return None if inside is None else rounded(inside, node.decimals)
    left, right = meant(node.left, row), meant(node.right, row)
    if left is None or right is None or (node.mark == "/" and right == 0):
        return None
    return MARKS[node.mark](left, right)


def in_duckdb(text: str, rows: list[dict[str, Decimal | None]], decimals: int = 2) -> list[Any]:
    def units(operand: Operand) -> str:
        value = f"CAST({operand.column}::DECIMAL(21,9) * 1000000000 AS HUGEINT)"
        return value if operand.default is None else f"coalesce({value}, {int(operand.default.scaleb(9))}::HUGEINT)"

    with duckdb.connect() as con:
        con.execute("CREATE TABLE r (n INTEGER, a VARCHAR, b VARCHAR, c VARCHAR, d VARCHAR)")
        values = [(i, *(None if row[k] is None else str(row[k]) for k in "abcd")) for i, row in enumerate(rows)]
        con.executemany("INSERT INTO r VALUES (?, ?, ?, ?, ?)", values)
        return [
            v for (v,) in con.execute(f"SELECT {computed(parsed(text), units, decimals)} FROM r ORDER BY n").fetchall()
        ]


LEAVES = st.one_of(
    st.sampled_from(["a", "b", "c", "d", "default(d, 0)", "default(d, -1.5)"]),
    st.decimals(0, 1000, places=2).map(str),
)
TEXTS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "*", "/"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        inner.map(lambda t: f"-({t})"),
        st.tuples(inner, st.integers(0, 4)).map(lambda t: f"round({t[0]}, {t[1]})"),
    ),
    max_leaves=6,
)
CELLS = st.one_of(st.none(), st.decimals(-100000, 100000, places=4), st.just(Decimal(0)), st.decimals(0, 1, places=2))
ROWS = st.fixed_dictionaries(dict.fromkeys("abcd", CELLS))


def readable(text: str) -> bool:
    return bool(set(text.replace("round", "").replace("default", "")) & set("abcd")) and text.count("/") <= 5


@settings(max_examples=trials(200), deadline=None)
@given(
    text=TEXTS.filter(readable),
    rows=st.lists(st.fixed_dictionaries(dict.fromkeys("abcd", CELLS)), min_size=1, max_size=5),
)
def test_an_expression_is_exact_or_there_is_no_number(text: str, rows: list[dict[str, Decimal | None]]) -> None:
    tree = parsed(text)
    for row, read in zip(rows, in_duckdb(text, rows), strict=True):
        value = meant(tree, row)
        if value is None:
            assert read is None, (text, row)
        elif read is None:
            assert abs(value) >= 10**6 or len(list(operands(tree))) > 3, (text, row, value)  # too many digits
        else:
            # Factors of more than 13 decimals are shortened; these cells have four, numbers two, roundings fewer.
            assert abs(Fraction(read) - value) <= Fraction(1, 200) + Fraction(1, 10**6), (text, row, read)
            if len(list(operands(tree))) <= 3:
                assert Fraction(read) == rounded(value, 2), (text, row, read)


@settings(max_examples=trials(100), deadline=None)
@given(
    quantity=st.integers(-1000, 1000),
    price=st.decimals(0, 10_000, places=4),
    discount=st.decimals(0, 1, places=9),
)
def test_quantity_times_price_less_discount_is_exact(quantity: int, price: Decimal, discount: Decimal) -> None:
    row: dict[str, Decimal | None] = {"a": Decimal(quantity), "b": price, "c": discount, "d": None}
    [read] = in_duckdb("a * b * (1 - c)", [row])
    assert read == (quantity * price * (1 - discount)).quantize(Decimal("0.01"), ROUND_HALF_UP)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a - b - c", "-4.00"),
        ("a - (b - c)", "2.00"),
        ("a / b / c", "0.17"),
        ("a / b * c", "1.50"),
        ("a + b * c", "7.00"),
        ("-a * -b", "2.00"),
        ("round(b / c, 1) * 10", "7.00"),
        ("A*B", "2.00"),
        ("a / (b - 2)", None),
        ("default(d, 4) + a", "5.00"),
        ("d + a", None),
        ("b * 0.005", "0.01"),
        ("-b * 0.0025", "-0.01"),
    ],
)
def test_an_expression_of_one_two_and_three(text: str, expected: str | None) -> None:
    row: dict[str, Decimal | None] = {"a": Decimal(1), "b": Decimal(2), "c": Decimal(3), "d": None}
    assert in_duckdb(text, [row]) == [None if expected is None else Decimal(expected)]


def test_a_column_is_words_or_a_header_in_brackets() -> None:
    names = [
        o.column for o in operands(parsed("Unit Price * [Tax (5%)] - `cost - net` + Größe2 * List Price 2 * round"))
    ]
    assert names == ["Unit Price", "Tax (5%)", "cost - net", "Größe2", "List Price 2", "round"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "the end is missing"),
        ("1 + 2", "names no column"),
        ("a +", "the end is missing (character 4 "),
        ("a b + ) c", "a column or a number is expected, not ')'"),
        ("(a", "')' is missing"),
        ("a)", "')' is not expected here"),
        ("a ** b", "a column or a number is expected, not '*'"),
        ("a % b", "'% b' in the expression 'a % b' is neither a column"),
        ("__import__('os')", "is neither a column, a number"),
        ("exec(a)", "'exec' is not a function"),
        ("a.b", "is neither a column"),
        ("1e5 * a", "is neither a column"),
        ("round(a)", "',' is expected, not ')'"),
        ("round(a, 9)", "from 0 to 6"),
        ("default(a + 1, 0)", "',' is expected, not '+'"),
        ("default(a, b)", "needs a number"),
        ("a * 12345678901", "more than 9 digits"),
        ("a * 0.1234567891", "more than 9 digits"),
        ("(" * 30 + "a" + ")" * 30, "at most 20 levels"),
        ("-" * 400 + "a", "is expected, not '-'"),
        ("+".join("a" * 31), "at most 30 columns"),
        ("/".join("abcdefg"), "divides more than 5 times"),
        ("a" * 501, "at most 500 characters"),
    ],
)
def test_what_is_no_expression_is_refused_with_the_place(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match="expression") as refused:
        parsed(text)
    assert problem in str(refused.value)
