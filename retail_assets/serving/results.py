"""What a predictor answers with: frozen records, each with the provenance of its numbers.

Revenue of the forecast is a float, as the model gives it; money of sales and customers is an exact Decimal. Days are
dates in shop time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the numbers of an answer come from.

    Attributes:
        bundle: version of the bundle; the same version has the same content, so it serves as an ETag.
        created: when the bundle was published first, ISO 8601 in UTC.
        source: name of the shop's contract.
        currency: ISO 4217 code of all money.
        cutoff: last day of sales that the numbers have seen.
        forecast_model: version of the forecast's model.
        segment_model: version of the segments' model; `none` if rules alone decide.
    """

    bundle: str
    created: str
    source: str
    currency: str
    cutoff: dt.date
    forecast_model: str
    segment_model: str


@dataclass(frozen=True, slots=True)
class Category:
    """A category of the catalog.

    Attributes:
        name: as in the sales; `TOTAL` for all together.
        revenue: of all sales, net of returns.
        recent_revenue: of the last 28 days up to the cut-off.
        first_day, last_day: of its sales.
        has_forecast: whether `Predictor.forecast` knows it.
    """

    name: str
    revenue: Decimal
    recent_revenue: Decimal
    first_day: dt.date
    last_day: dt.date
    has_forecast: bool


@dataclass(frozen=True, slots=True)
class ForecastDay:
    """The forecast of a day, or of the week that ends on it where the source reports weeks.

    Attributes:
        day: day of sale.
        revenue: expected revenue.
        low, high: ends of the prediction interval of the revenue.
        median: higher and lower revenue are equally likely.
        units: expected units, net of returns; None where they are not known.
        units_low, units_high: ends of the 80 % prediction interval of the units; None for the total, where units are
            not known, and for another coverage.
        as_last_week: revenue of the same weekday of the last week of sales.
    """

    day: dt.date
    revenue: float
    low: float
    high: float
    median: float
    units: float | None
    units_low: float | None
    units_high: float | None
    as_last_week: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """The forecast of a category. The intervals of single days do not add up, so the sum has none.

    Attributes:
        category: its name; `TOTAL` for all together.
        coverage: probability that a day's revenue is inside its interval.
        step_days: 1; 7 where a row is a week.
        days: in order.
        revenue: sum of the days.
        units: sum of the days; None where a day has none.
        method: model or rule that made it.
        model_version: version of that model.
        provenance: of the numbers.
    """

    category: str
    coverage: float
    step_days: int
    days: tuple[ForecastDay, ...]
    revenue: float
    units: float | None
    method: str
    model_version: str
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class Segment:
    """A customer of the sales and their segment.

    Attributes:
        customer_id: as in the sales.
        persona: name of the segment.
        description: what its customers do; empty if the persona has none any more.
        decided_by: `cluster` or `rule`.
        confidence: probability that the customer belongs to the cluster; None if a rule decided.
        tags: further characteristics.
        favorite_category: the category that the customer focuses on, if any.
        lapsed_risk: whether the latest purchase is more than three usual gaps ago.
        frequency: purchases in the window.
        monetary: money in the window, net of returns.
        average_basket: money per purchase.
        last_sale_date: day of the latest sale.
        snapshot_date: last day of sales taken into account.
        previous_persona, previous_snapshot: the persona before, and its day; None if there was none.
        provenance: of the numbers.
    """

    customer_id: str
    persona: str
    description: str
    decided_by: str
    confidence: float | None
    tags: tuple[str, ...]
    favorite_category: str | None
    lapsed_risk: bool
    frequency: int
    monetary: Decimal
    average_basket: float
    last_sale_date: dt.date
    snapshot_date: dt.date
    previous_persona: str | None
    previous_snapshot: dt.date | None
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class ScoredCustomer:
    """A customer of a question, with the segment that their purchases give them. Attributes as in `Segment`.

    `note` says why a rule decided; it is empty where a cluster did.
    """

    customer_id: str
    persona: str
    decided_by: str
    confidence: float | None
    tags: tuple[str, ...]
    lapsed_risk: bool
    frequency: int
    monetary: Decimal
    average_basket: float
    last_sale_date: dt.date
    note: str


@dataclass(frozen=True, slots=True)
class Scores:
    """The segments of the customers of a question.

    Attributes:
        customers: sorted by customer id.
        snapshot_date: the day as of which they are described.
        model_version: version of the segments' model; `none` if rules alone decided.
        provenance: of the numbers.
    """

    customers: tuple[ScoredCustomer, ...]
    snapshot_date: dt.date
    model_version: str
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class Profile:
    """A persona and what its customers have in common.

    Attributes:
        persona: its name.
        description: what its customers do.
        decided_by: `cluster` or `rule`.
        customers: how many there are.
        revenue: their money in the window, net of returns.
        numbers: the other columns of the table `segment_profiles`, by name; None where a number is not known.
    """

    persona: str
    description: str
    decided_by: str
    customers: int
    revenue: Decimal
    numbers: Mapping[str, Any] = field(hash=False)


@dataclass(frozen=True, slots=True)
class Recommendations:
    """What to do about a persona.

    Attributes:
        persona: its name.
        description: what its customers do.
        customers: how many there are.
        action: what to do, a sentence or two.
        text: what they buy and when, in sentences.
        categories: categories to offer them: `category`, `share`, `other_share`, `revenue` and more.
        when: best months and weekdays.
        notes: what the data cannot show.
        snapshot_date: last day of sales taken into account.
        provenance: of the numbers.
    """

    persona: str
    description: str
    customers: int
    action: str
    text: str
    categories: tuple[Mapping[str, Any], ...] = field(hash=False)
    when: Mapping[str, Any] = field(hash=False)
    notes: tuple[str, ...]
    snapshot_date: dt.date
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class Health:
    """The state of a predictor.

    Attributes:
        ready: whether it has a bundle to answer from.
        problem: why the newest published bundle is not in use, in a sentence; None if it is.
        warnings: what is odd but harms no answer, such as a clock that is behind the bundle.
        provenance: of the bundle in use; None without one.
        published_at: when the bundle in use was put in place, ISO 8601 in UTC; None without one.
        checked_seconds_ago: seconds since the address was last looked at.
        swaps: how often another bundle has come into use since the start.
    """

    ready: bool
    problem: str | None
    warnings: tuple[str, ...]
    provenance: Provenance | None
    published_at: str | None
    checked_seconds_ago: float
    swaps: int
