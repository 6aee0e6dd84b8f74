"""Rows of a file in messages, which runs, alerts and Dagster's event log keep."""

from __future__ import annotations

from retail_assets.contracts.model import Contract

_LONGEST = 200  # characters


def shown_row(text: str, contract: Contract) -> str:
    """Return the begin of a row's text in quotes, or that it is withheld where the contract asks for pseudonyms.

    A file that came another way than `retail-assets land` has ids as they are.
    """
    return repr(text[:_LONGEST]) if contract.pseudonymize is None else "(withheld, for any word of it may be an id)"
