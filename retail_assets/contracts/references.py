"""The section `references` of a contract: files about products, customers or stores that sales are joined with.

Not here: reading such a file (`landing/references.py`), and the join (`cleaning/reference_join.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field, model_validator

from retail_assets.contracts.header_names import normalize_header
from retail_assets.contracts.sections import FieldRule, Section, added
from retail_assets.contracts.values import Encoding, Header

#: Canonical columns that a reference file may fill, and those of them that are prices. Amounts, dates and ids are of
#: the sale itself, but an expression may read a column of a reference.
PRICES = ("unit_price", "list_price")
FILLED = ("gender", "age", "age_group", "product_category", *PRICES)
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]


class ReferenceRule(Section):
    """A reference file: `on` is the column of a sale that has its key, `columns` are what sales get from it.

    `key` is the file's key column; `required` rejects sales whose key the file does not have. Other sales without a
    match have no value in these columns, like an empty field. `partial` says that this is normal, so that no check
    warns of it. `version` says which version of the file counts for a landing: the latest one (the default), or the one
    that was the latest on the day of the landing. `description` is shown where the file is missing.
    """

    on: Literal["product_id", "customer_id", "store_id"]
    key: Header
    columns: Annotated[tuple[Header, ...], Field(min_length=1)]
    required: bool = False
    encoding: Encoding = "utf-8"
    delimiter: Literal["auto", ",", ";", "\t", "|"] = "auto"
    partial: bool = added(False)
    version: Literal["latest", "as_of_landing"] | None = added(None)
    description: str = added("")

    @model_validator(mode="after")
    def _partial_or_required(self) -> ReferenceRule:
        if self.partial and self.required:
            raise ValueError("`partial` says that many keys are not in the file, and `required` rejects their sales")
        return self

    @model_validator(mode="after")
    def _each_column_once(self) -> ReferenceRule:
        names = [normalize_header(c) for c in (self.key, *self.columns)]
        if twice := next(
            (c for c, n in zip((self.key, *self.columns), names, strict=True) if names.count(n) > 1), None
        ):
            raise ValueError(f"{twice!r} is given twice among `key` and `columns`")
        return self


def owners(references: Mapping[str, ReferenceRule]) -> dict[str, str]:
    """Return the reference of each column that comes from one, by the column's normalized header."""
    return {normalize_header(c): name for name, rule in references.items() for c in rule.columns}


def priced_by(references: Mapping[str, ReferenceRule], columns: Mapping[str, FieldRule]) -> list[str]:
    """Return the references that a price, or a number computed by an expression, is read from."""
    owner = owners(references)
    read = [rule for name, rule in columns.items() if name in PRICES or rule.expression]
    named = {owner.get(normalize_header(header)) for rule in read for header, _ in rule.origins}
    return [name for name in references if name in named]


def refuse_contradictions(
    references: Mapping[str, ReferenceRule],
    columns: Mapping[str, FieldRule],
    units: Sequence[str],
    others: Sequence[str],
) -> None:
    """Raise ValueError where references do not fit to the other sections of a contract.

    `units` are the raw columns of `quantity_units`; `others` are those that must be in the file of sales.
    """
    owner = owners(references)
    if len(owner) < sum(len(rule.columns) for rule in references.values()):
        raise ValueError("references: two of them have a column of the same name; a header can mean only one")
    for name, rule in references.items():
        field = columns.get(rule.on)
        if field is None or not field.header or normalize_header(field.header) in owner:
            raise ValueError(f"references.{name}: `on: {rule.on}` needs a `header` for it under `columns`")
    used = set()
    for column, field in columns.items():
        if taken := {normalize_header(n) for n, _ in field.origins} & owner.keys():
            if column not in FILLED and not field.expression:
                raise ValueError(f"columns.{column}: a reference can fill {', '.join(FILLED)} and expressions only")
            if field.aliases:
                raise ValueError(f"columns.{column}: a column of a reference has no aliases")
            used |= taken
    for unit in (u for u in units if normalize_header(u) in owner):
        if "unit_price" in columns:
            raise ValueError(f"quantity_units: with a `unit_price`, {unit!r} must be a column of the sales file")
        used.add(normalize_header(unit))
    for name in priced_by(references, columns):
        if references[name].version is None:
            raise ValueError(
                f"references.{name}: sales get prices or quantities from it, so say which version counts: `version: "
                "as_of_landing` (the one on the day of the landing) or `version: latest` (a new one changes old sales)"
            )
    if wrong := [c for c in others if normalize_header(c) in owner]:
        raise ValueError(f"references: {wrong[0]!r} must be a column of the sales file")
    if unused := [c for rule in references.values() for c in rule.columns if normalize_header(c) not in used]:
        raise ValueError(f"references: nothing uses the column {unused[0]!r}; give it as a `header` under `columns`")
