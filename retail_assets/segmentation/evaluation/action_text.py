"""What to do about a persona, as a sentence: the persona's action text with the numbers of its profile."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from retail_assets.segmentation.evaluation.buying_habits import LEAST_CUSTOMERS, one_in_ten
from retail_assets.segmentation.personas.catalog import Persona
from retail_assets.wording import campaigns, formats


def action_text(persona: Persona, profile: Mapping[str, Any], currency: str | None = None) -> str:
    """Fill a persona's action text with the numbers of its profile; of few customers, the text says so.

    Args:
        persona: whose `action` is filled in.
        profile: a row of `segment_profiles`.
        currency: code written before money; None if it is unknown.
    """
    return campaigns.action(
        persona=persona.name,
        template=persona.action,
        few=LEAST_CUSTOMERS,
        currency=currency,
        **action_numbers(profile),
    ).text


def action_numbers(profile: Mapping[str, Any]) -> dict[str, Any]:
    """Return the numbers of a profile that an action text may contain, by `catalog.ACTION_NUMBERS`."""
    revenue, customers = Decimal(profile["revenue"]), int(profile["customers"])
    basket = float(profile["median_average_basket"])
    return {
        "customers": customers,
        "customers_share": profile["customers_share"],
        "revenue": revenue,
        "revenue_share": profile["revenue_share"],
        "frequency": profile["median_frequency"],
        "average_basket": basket,
        "recency": profile["median_recency_days"],
        "top_month_share": profile["median_top_month_share"],
        "tenth_of_revenue": revenue / 10,
        "one_more_purchase": profile["one_more_purchase"],
        "one_in_ten": one_in_ten(customers),
        "one_in_ten_buying": one_in_ten(customers) * campaigns.as_printed(basket),
    }


def money(amount: float | Decimal, currency: str | None = None) -> str:
    """Write money for a sentence: cents below a hundred, whole units above.

    >>> money(41.65, "USD"), money(-188, "USD"), money(12345.67)
    ('USD 41.65', '−USD 188', '12,346')
    """
    return formats.money(float(amount), currency)
