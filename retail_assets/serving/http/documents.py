"""The shape of each answer, for the OpenAPI description: the records of `results`, and the lists around them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from retail_assets.serving.results import Category, Profile, Provenance


@dataclass(frozen=True)
class CategoryPage:
    """A page of the catalog.

    Attributes:
        categories: by falling revenue of the last 28 days, the TOTAL first.
        next: `cursor` of the next page; null on the last one.
        provenance: of the numbers.
    """

    categories: list[Category]
    next: str | None
    provenance: Provenance


@dataclass(frozen=True)
class Customer:
    """A customer of the sales and their segment.

    Attributes:
        customer_id: as in the sales.
        persona: name of the segment.
        description: what its customers do.
        decided_by: `cluster` or `rule`.
        confidence: probability that the customer belongs to the cluster; null if a rule decided.
        tags: further characteristics.
        favorite_category: the category that the customer focuses on, if any.
        lapsed_risk: whether the latest purchase is more than three usual gaps ago.
        frequency: purchases in the window.
        monetary: money in the window, net of returns.
        average_basket: money per purchase.
        last_sale_date: day of the latest sale.
        snapshot_date: last day of sales taken into account.
        previous_persona: the persona before; null if there was none.
        previous_snapshot: its day.
    """

    customer_id: str
    persona: str
    description: str
    decided_by: str
    confidence: float | None
    tags: list[str]
    favorite_category: str | None
    lapsed_risk: bool
    frequency: int
    monetary: Decimal
    average_basket: float
    last_sale_date: dt.date
    snapshot_date: dt.date
    previous_persona: str | None
    previous_snapshot: dt.date | None


@dataclass(frozen=True)
class CustomerPage:
    """A page of customers, in order of their ids.

    Attributes:
        customers: of this page.
        next: `cursor` of the next page; null on the last one.
        provenance: of the numbers.
    """

    customers: list[Customer]
    next: str | None
    provenance: Provenance


@dataclass(frozen=True)
class Personas:
    """The personas that have customers.

    Attributes:
        personas: in order of display.
        provenance: of the numbers.
    """

    personas: list[Profile]
    provenance: Provenance


@dataclass(frozen=True)
class DaySold:
    """What was sold on a day.

    Attributes:
        category: as in the question, `TOTAL` for all together.
        day: day of sale.
        revenue: net of returns.
        units: net of returns.
        orders: orders of the day.
        customers: customers of the day.
        lines: lines of its orders.
        returned: money of returned lines, negative.
    """

    category: str
    day: dt.date
    revenue: Decimal
    units: Decimal
    orders: int
    customers: int
    lines: int
    returned: Decimal


@dataclass(frozen=True)
class DailySales:
    """What a category sold by day; days without a sale are left out.

    Attributes:
        category: its name; `TOTAL` for all together.
        days: in order, up to the cut-off.
        provenance: of the numbers.
    """

    category: str
    days: list[DaySold]
    provenance: Provenance


@dataclass(frozen=True)
class Stock:
    """What to have in stock.

    Attributes:
        stock: one object per category, with `category` and `text`.
        provenance: of the numbers.
    """

    stock: list[Mapping[str, Any]]
    provenance: Provenance


@dataclass(frozen=True)
class RejectedReason:
    """Rejected rows by reason; a row that broke several rules counts with each.

    Attributes:
        reason: the rule that was broken.
        lines: rejected rows.
        amount: their money, as far as it is known.
        without_amount: rows whose money is not known.
        first_landed: first landing day with such a row.
        last_landed: last landing day with such a row.
    """

    reason: str
    lines: int
    amount: str | None
    without_amount: int
    first_landed: dt.date
    last_landed: dt.date


@dataclass(frozen=True)
class Landing:
    """Rows of a landing day.

    Attributes:
        landed_on: the day.
        clean: rows that were accepted.
        rejected: rows that were rejected.
    """

    landed_on: dt.date
    clean: int
    rejected: int


@dataclass(frozen=True)
class CheckFound:
    """What a check of the data found last.

    Attributes:
        asset: what was checked.
        name: of the check.
        passed: 1 if it passed.
        severity: of a failure: `ERROR` blocks, `WARN` does not.
        text: what it found.
    """

    asset: str
    name: str
    passed: int
    severity: str
    text: str


@dataclass(frozen=True)
class BacktestRow:
    """Errors of a forecast's model on past days that it had not seen.

    Attributes:
        measure: `revenue` or `units`.
        category: name; `ALL` for all together, `TOTAL` for their sum.
        horizon: days ahead.
        kind_of_day: `all`, or which days.
        model: name of the model or rule.
        days: days that were compared.
        rmse: root of the mean squared error.
        mae: mean absolute error.
        wape: sum of absolute errors / sum of sales.
        mase: mean absolute error / that of the seasonal naive forecast on the days before.
        bias: sum of errors / sum of sales; above zero, the forecast was too high.
        coverage80: share of days inside the 80 % prediction interval.
        coverage95: share of days inside the 95 % prediction interval.
        champion: 1 for the model in use.
        cutoffs: dates that were forecast from.
        model_version: version of the model in use.
    """

    measure: str
    category: str
    horizon: int
    kind_of_day: str
    model: str
    days: int
    rmse: float | None
    mae: float | None
    wape: float | None
    mase: float | None
    bias: float | None
    coverage80: float | None
    coverage95: float | None
    champion: int
    cutoffs: int
    model_version: str


@dataclass(frozen=True)
class Quality:
    """How far to trust the data and the forecast.

    Attributes:
        quarantine: rejected rows by reason.
        landings: rows by landing day.
        checks: what the checks found last.
        backtest: errors of the forecast's models.
        provenance: of the numbers.
    """

    quarantine: list[RejectedReason]
    landings: list[Landing]
    checks: list[CheckFound]
    backtest: list[BacktestRow]
    provenance: Provenance


@dataclass(frozen=True)
class Problem:
    """An error, as RFC 9457 has it.

    Attributes:
        type: name of the kind of problem, a URN.
        title: the same for people.
        status: HTTP status.
        detail: what is wrong and what is possible, a sentence or two.
        code: short name of the kind, the same at every door.
        nearest: similar names, where a name is unknown; left out otherwise.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    nearest: list[str]
