"""What to do about a persona, as a sentence: the persona's action text with the numbers of its profile."""

from __future__ import annotations

import math
import string
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from retail_assets.segmentation.personas.catalog import Persona
from retail_assets.wording import formats

_LEAST_SHOWN = 0.0005


def action_text(persona: Persona, profile: Mapping[str, Any], currency: str | None = None) -> str:
    """Fill a persona's action text with the numbers of its profile.

    Args:
        persona: whose `action` is filled in.
        profile: a row of `segment_profiles`.
        currency: code written before money; None if it is unknown.
    """
    return string.Formatter().vformat(persona.action, (), action_numbers(profile, currency))


def action_numbers(profile: Mapping[str, Any], currency: str | None = None) -> dict[str, str]:
    """Return a profile's numbers as text, by `catalog.ACTION_NUMBERS`."""
    revenue = Decimal(profile["revenue"])
    return {
        "customers": formats.plural(int(profile["customers"]), "customer"),
        "customers_share": _share(profile["customers_share"]),
        "revenue": money(revenue, currency),
        "revenue_share": _share(profile["revenue_share"]),
        "frequency": f"{profile['median_frequency']:,.0f}",
        "average_basket": money(profile["median_average_basket"], currency),
        "recency": f"{profile['median_recency_days']:,.0f}",
        "top_month_share": _share(profile["median_top_month_share"]),
        "tenth_of_revenue": money(revenue / 10, currency),
        "one_more_purchase": money(profile["one_more_purchase"], currency),
    }


def money(amount: float | Decimal, currency: str | None = None) -> str:
    """Write money for a sentence: cents below a hundred, whole units above.

    >>> money(41.65, "USD"), money(-188, "USD"), money(12345.67)
    ('USD 41.65', '−USD 188', '12,346')
    """
    text = formats.money(float(amount), currency or "")
    return text if currency else text.replace(" ", "", 1)


def _share(value: float | None) -> str:
    if value is None or math.isnan(value):
        return "an undefined share"
    # No share is written as 0.0 % unless it is zero.
    return "less than 0.1 %" if 0 < value < _LEAST_SHOWN else formats.percent(value)
