"""The section `pseudonymize` of a contract: ids that are replaced before a file lands, so that none is kept as it is.

Not here: how a pseudonym is made, and how files are rewritten (`retail_assets/pseudonyms/`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator

from retail_assets.contracts.header_names import normalize_header
from retail_assets.contracts.references import ReferenceRule
from retail_assets.contracts.sections import FieldRule, Section
from retail_assets.contracts.values import Header


class PseudonymRule(Section):
    """The customer's id is replaced by a pseudonym, and so are the texts of `columns`, which the contract ignores."""

    columns: tuple[Header, ...] = ()


def _from_switch(given: Any) -> Any:
    return {True: PseudonymRule(), False: None}[given] if isinstance(given, bool) else given


#: `true`, `false`, or the rule.
Pseudonymize = Annotated[PseudonymRule | None, BeforeValidator(_from_switch)]


def refuse_unsuitable(
    rule: PseudonymRule,
    columns: Mapping[str, FieldRule],
    read: Sequence[str],
    judged: Sequence[str],
    references: Mapping[str, ReferenceRule],
) -> None:
    """Raise ValueError where a contract needs the text of what would be replaced.

    `read` are all raw columns that the contract reads of a file of sales, `judged` those whose text decides something.
    """
    customer = columns.get("customer_id")
    if customer is None or not customer.header:
        raise ValueError("pseudonymize: the contract needs `customer_id: {header: …}` under `columns`, not composed")
    own = {normalize_header(n) for n in (customer.header, *customer.aliases)}
    for name, field in columns.items():
        header = {normalize_header(h) for h, _ in field.origins} | {normalize_header(h) for h in field.beside}
        if own & header and name != "customer_id" and not field.compose:
            raise ValueError(f"pseudonymize: {name!r} reads the customer's column too, which has pseudonyms then")
    if read_too := next((c for c in judged if normalize_header(c) in own), None):
        raise ValueError(
            f"pseudonymize: the contract judges rows by the text of {read_too!r}, which has pseudonyms then"
        )
    taken = {normalize_header(c) for c in read}
    for column in rule.columns:
        if normalize_header(column) in taken:
            raise ValueError(f"pseudonymize.columns: {column!r} is a column that the contract reads")
    for name, reference in references.items():
        used = {normalize_header(c) for c in reference.columns}
        if wrong := next((c for c in rule.columns if normalize_header(c) in used), None):
            raise ValueError(f"pseudonymize.columns: {wrong!r} is read from the reference {name!r}")
