"""SQL for an expression over the columns of a file, in whole numbers of known scale and fractions, never in floats.

A value is a whole number (HUGEINT) of units of 10^-scale, or a fraction of two such numbers, so that nothing is rounded
before the end. Only factors of more than 13 decimals are shortened where their product would have too many digits.
DuckDB's decimals would not do: it divides them as floats, and stops the query at a product that does not fit. Here such
a product is NULL, and so is a division by zero.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from retail_assets.contracts.expressions import Expression, Number, Operand, Rounded, operands

#: Decimals of an operand. What lies beyond is rounded away.
OPERAND_DECIMALS = 9
_PRODUCT_DECIMALS = 27


@dataclass(frozen=True)
class _Value:
    """SQL of `above / below`, in units of 10^-scale; without `below`, a whole number of units."""

    above: str
    scale: int
    below: str | None = None


def computed(expression: Expression, units_of: Callable[[Operand], str], decimals: int) -> str:
    """Return SQL for an expression as DECIMAL(18, decimals), rounded half away from zero.

    `units_of` returns SQL for an operand as a HUGEINT, in units of 10^-9. The result is NULL where an operand is NULL,
    where something is divided by zero, or where a number has too many digits.
    """
    distinct = list(dict.fromkeys(operands(expression)))
    names = {operand: f"v.o{i}" for i, operand in enumerate(distinct)}
    units = _in_units(_value(expression, names), decimals)
    one = "1::DECIMAL(1,0)" if decimals == 0 else f"0.{'0' * (decimals - 1)}1::DECIMAL({decimals},{decimals})"
    # The texts of the operands are long, and a list of one element gives each a name.
    given = ", ".join(f"o{i} := {units_of(operand)}" for i, operand in enumerate(distinct))
    exact = f"try(CAST({units} AS DECIMAL(18,0))) * {one}"
    return f"list_transform([struct_pack({given})], lambda v: {exact})[1]"


def _value(node: Expression, names: dict[Operand, str]) -> _Value:
    if isinstance(node, Number):
        scale = max(0, -int(node.value.as_tuple().exponent))
        return _Value(f"{int(node.value.scaleb(scale))}::HUGEINT", scale)
    if isinstance(node, Operand):
        return _Value(names[node], OPERAND_DECIMALS)
    if isinstance(node, Rounded):
        return _Value(_in_units(_value(node.value, names), node.decimals), node.decimals)
    left, right = _value(node.left, names), _value(node.right, names)
    if node.mark in "+-":
        return _sum(left, right, node.mark)
    if node.mark == "/":
        right = _inverse(right)
    return _product(left, right)


def _sum(left: _Value, right: _Value, mark: str) -> _Value:
    scale = max(left.scale, right.scale)
    a, b = _scaled(left.above, scale - left.scale), _scaled(right.above, scale - right.scale)
    if left.below == right.below:
        return _Value(f"({a} {mark} {b})", scale, left.below)
    above = f"({_times(a, right.below)} {mark} {_times(b, left.below)})"
    return _Value(above, scale, _both(left.below, right.below))


def _product(left: _Value, right: _Value) -> _Value:
    if left.below is None and right.below is None and left.scale + right.scale > _PRODUCT_DECIMALS:
        half = _PRODUCT_DECIMALS // 2
        longer = max(half, _PRODUCT_DECIMALS - min(left.scale, right.scale))
        left, right = _shortened(left, longer), _shortened(right, longer)
    return _Value(_times(left.above, right.above), left.scale + right.scale, _both(left.below, right.below))


def _inverse(value: _Value) -> _Value:
    """Return 1 / value. Its scale is below zero if the value had decimals."""
    if value.below is None:
        return _Value("1::HUGEINT", -value.scale, value.above)
    return _Value(value.below, -value.scale, value.above)


def _shortened(value: _Value, scale: int) -> _Value:
    return value if value.scale <= scale else _Value(_without(value.above, value.scale - scale), scale)


def _times(left: str, right: str | None) -> str:
    return left if right is None else f"({left} * {right})"


def _both(left: str | None, right: str | None) -> str | None:
    return _times(left, right) if left else right


def _scaled(units: str, digits: int) -> str:
    return units if digits <= 0 else f"({units} * 1{'0' * digits}::HUGEINT)"


def _without(units: str, digits: int) -> str:
    """Return whole units without their last digits, rounded half away from zero."""
    return f"(round({units}::DECIMAL(38,0), -{digits})::HUGEINT // 1{'0' * digits}::HUGEINT)"


def _in_units(value: _Value, decimals: int) -> str:
    """Return SQL for a value in whole units of 10^-decimals, rounded half away from zero."""
    more = decimals - value.scale
    if value.below is None:
        return _scaled(value.above, more) if more >= 0 else _without(value.above, -more)
    a, b = _scaled(value.above, more), _scaled(value.below, -more)
    return f"((2 * abs({a}) + abs({b})) // nullif(2 * abs({b}), 0) * sign({a}) * sign({b}))"
