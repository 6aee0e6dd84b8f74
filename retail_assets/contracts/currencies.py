"""The section `currencies` of a contract: the column that names each row's currency, and the rates of exchange."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Annotated

from pydantic import AfterValidator, Field

from retail_assets.contracts.sections import Section
from retail_assets.contracts.values import Header


def _a_rate(text: str) -> str:
    try:
        plain = f"{Decimal(text):f}"  # YAML reads 0.00006 as 6e-05
    except InvalidOperation:
        plain = ""
    if not re.fullmatch(r"\d{1,9}(\.\d{1,9})?", plain, re.ASCII) or not Decimal(plain):
        raise ValueError(
            f"{text!r} is not a rate: give what one unit is worth in the contract's `currency`, a number above zero "
            "with at most nine digits before and nine after the point"
        )
    return plain


Rate = Annotated[str, AfterValidator(_a_rate)]
Code = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class CurrencyRule(Section):
    """`column` names the currency of each row, as a code or a sign, in upper or lower case.

    `rates` give what one unit of another currency is worth in the contract's `currency`; its rows are converted. Rows
    in a currency without a rate are rejected (`other_currency`). `default` is the currency of rows that name none.
    """

    column: Header
    default: Code | None = None
    rates: dict[Code, Rate] = Field(default_factory=dict)
