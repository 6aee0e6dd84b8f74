"""Which rows of a file count: rules on raw columns that keep rows or drop them, each with a name."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from retail_assets.contracts.sections import Section
from retail_assets.contracts.values import Header

#: Each rule has a bit of its own in the integer in which reasons travel.
MOST_RULES = 20

RuleName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
_Text = Annotated[str, Field(min_length=1)]


class RowCondition(Section):
    """A test of one raw column: `equals` a text, begins with a `prefix`, is one of several (`in`), or is `empty`.

    Upper and lower case are the same, and white space around the text does not count.
    """

    column: Header
    equals: _Text | None = None
    prefix: _Text | None = None
    any_of: Annotated[tuple[_Text, ...], Field(min_length=1)] | None = Field(default=None, alias="in")
    empty: bool | None = None

    @model_validator(mode="after")
    def _one_test(self) -> RowCondition:
        if sum(test is not None for test in (self.equals, self.prefix, self.any_of, self.empty)) != 1:
            raise ValueError("give exactly one of `equals`, `prefix`, `in` and `empty`")
        return self


class RowRules(Section):
    """Rows that count: those that meet every `keep` rule and no `drop` rule. The others are excluded.

    An excluded row is counted under the name of each rule that excludes it.
    """

    keep: dict[RuleName, RowCondition] = Field(default_factory=dict)
    drop: dict[RuleName, RowCondition] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names_differ(self) -> RowRules:
        if twice := sorted(set(self.keep) & set(self.drop)):
            raise ValueError(f"{twice[0]!r} is the name of a `keep` rule and of a `drop` rule; give each its own name")
        if not 0 < len(self.names) <= MOST_RULES:
            raise ValueError(f"give 1 to {MOST_RULES} rules under `keep` and `drop`, each with a name")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all rules, in the order of their bits."""
        return (*self.keep, *self.drop)

    @property
    def columns(self) -> list[str]:
        """Raw columns that the rules read."""
        return [rule.column for rule in (*self.keep.values(), *self.drop.values())]
