"""`insights.md`: the overview, the sections, and how far to trust them."""

from __future__ import annotations

from collections.abc import Sequence

from retail_assets.eda.data import EdaData
from retail_assets.eda.findings.calendar import FEWEST_ORDERS
from retail_assets.eda.findings.customers import concentration
from retail_assets.eda.insights import baskets, calendar, customers, loyalty, months, products, trust
from retail_assets.wording import sales as words
from retail_assets.wording.statement import Statement
from retail_assets.wording.thresholds import NOISE, WORTH_ACTING_ON

_YEAR = 365


def write_insights(data: EdaData, *, currency: str, country: str | None, assumed: Sequence[str] = ()) -> str:
    """Write the Markdown page.

    `currency` is printed as given; `country` (a code such as `US`) chooses the public holidays; `assumed` are guesses
    of a drafted contract that nobody has confirmed.
    """
    if data.empty:
        missing = "".join(f"- {sentence}\n" for sentence in [*trust.assumed(assumed), *trust.sentences(data, currency)])
        return "# What the sales show\n\nThere are no sales yet, so nothing is known.\n" + (missing and f"\n{missing}")
    sections: dict[str, Sequence[object]] = {
        "": [*_overview(data, currency), *trust.assumed(assumed)],
        "Since last month": months.sentences(data, currency),
        "Sales over time": calendar.sentences(data, currency, country),
        "What is bought": [*products.sentences(data, currency), *baskets.sentences(data, currency)],
        "Who buys": [*customers.sentences(data, currency), *loyalty.sentences(data)],
        "How far to trust this": [*trust.sentences(data, currency), *_caveats(data)],
    }
    lines = ["# What the sales show"]
    for heading, sentences in sections.items():
        lines += [f"\n## {heading}\n" if heading else "", *(f"- {s}" for s in sentences)]
    return "\n".join(lines) + "\n"


def _overview(data: EdaData, currency: str) -> list[Statement]:
    o = data.overview
    if o.first_date is None or o.last_date is None:
        return []
    return [
        words.overview(
            revenue=float(o.revenue),
            first_day=o.first_date,
            last_day=o.last_date,
            days=len(data.daily),
            days_without_sale=len(data.days_without_sale),
            days_rejected=len(data.days_rejected),
            orders=o.orders,
            lines=o.lines,
            customers=o.customers,
            currency=currency,
        )
    ]


def _caveats(data: EdaData) -> list[Statement | str]:
    o = data.overview
    caveats: list[Statement | str] = []
    days = len(data.daily)
    if days < 2 * _YEAR:
        caveats.append(words.span_of_days(days=days, years=1 if days < _YEAR else 2))
    per_day = o.orders / (days - len(data.days_rejected))
    if per_day < FEWEST_ORDERS:
        caveats.append(words.few_orders(per_day=per_day))
    curve = concentration(data)
    if curve is not None and curve.once / curve.known > 0.9:
        caveats.append(words.once_only(share=curve.once / curve.known, customers=curve.known))
    if o.anonymous_lines > 0:
        caveats.append(words.anonymous(share=o.anonymous_lines / o.lines))
    if o.timed_lines == 0:
        caveats.append("Sales have a date but no time of day: busy hours are not known.")
    caveats.append(words.noise(p=NOISE, points=WORTH_ACTING_ON * 100))
    return caveats
