"""Who buys: segments, new customers and cohorts."""

from __future__ import annotations

from retail_assets.eda.findings.loyalty import MOST_MISTAKEN
from retail_assets.exports.report.charts.parts import (
    AMOUNT_TICKS,
    PERCENT_TICKS,
    ROOM_FOR_NAMES,
    Chart,
    height_of,
    spec_of,
)
from retail_assets.exports.report.facts import Facts, Row
from retail_assets.plotting.palette import BASELINE, ORANGE, SALES
from retail_assets.plotting.typography import PAGE_TEXT
from retail_assets.wording import report as sentences
from retail_assets.wording import sales_loyalty as of_loyalty
from retail_assets.wording.formats import month, percent, quarter

_MONTHS_SHOWN = 36
_COHORTS_SHOWN = 16
_BEFORE, _FIRST, _EARLY = "seen before", "first seen", "too early to tell"


def segments(facts: Facts) -> Chart | None:
    """Lay out the shares of customers and of revenue by segment."""
    if not facts.profiles:
        return None
    values = []
    for row in facts.profiles:
        shares = (("of customers", row["customers_share"]), ("of revenue", row["revenue_share"]))
        for what, share in shares:
            if share is not None:
                values.append({"c": str(row["persona"]), "w": what, "y": float(share), "s": percent(float(share))})
    first = facts.profiles[0]
    return Chart(
        "segments",
        "Share of customers and of revenue by segment",
        sentences.largest_segment(
            persona=str(first["persona"]),
            customers_share=first["customers_share"],
            revenue_share=first["revenue_share"],
            days=facts.segment_days,
        ).text,
        spec_of(
            values,
            height=height_of(len(values)),
            padding=ROOM_FOR_NAMES,
            mark={"type": "bar", "tooltip": True},
            encoding={
                "y": {"field": "c", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 220}},
                "yOffset": {"field": "w", "sort": None},
                "x": {
                    "field": "y",
                    "type": "quantitative",
                    "title": None,
                    "axis": {"labelExpr": PERCENT_TICKS, "tickCount": 5},
                    "scale": {"domainMin": 0},
                },
                "color": {
                    "field": "w",
                    "title": None,
                    "sort": None,
                    "scale": {"domain": ["of customers", "of revenue"], "range": [BASELINE, SALES]},
                },
                "tooltip": [
                    {"field": "c", "title": "segment"},
                    {"field": "w", "title": "share"},
                    {"field": "s", "title": "is"},
                ],
            },
        ),
    )


def new_customers(facts: Facts) -> Chart | None:
    """Lay out the known customers of each month: seen for the first time, and seen before."""
    whole = [row for row in facts.months if row["whole_month"]]
    counted = [row for row in whole if row["counted"]]
    if not counted or not any(row["seen_before"] for row in facts.months):
        return None
    values = []
    for row in whole[-_MONTHS_SHOWN:]:
        first = _FIRST if row["counted"] else _EARLY
        for at, (kind, customers) in enumerate(((_BEFORE, row["seen_before"]), (first, row["first_seen"]))):
            values.append({"m": month(row["month_start"]), "k": kind, "o": at, "y": customers})
    mistaken, from_ = counted[0]["mistaken_share"], counted[0]["month_start"]
    title = of_loyalty.new_customers_title(
        first_month=from_,
        last_month=counted[-1]["month_start"],
        customers=sum(row["first_seen"] for row in counted),
        share=None,
        told_apart=mistaken is None or mistaken <= MOST_MISTAKEN,
    )
    early = len(facts.months) - len([row for row in facts.months if row["month_start"] >= from_])
    return Chart(
        "new_customers",
        "Known customers by month",
        f"{title.text}. {of_loyalty.burn_in(months=early, first_month=from_, mistaken=mistaken).text}",
        spec_of(
            values,
            mark={"type": "bar", "tooltip": True},
            encoding={
                "x": {
                    "field": "m",
                    "type": "ordinal",
                    "sort": None,
                    "title": None,
                    "axis": {"labelAngle": 0, "labelOverlap": True},
                },
                "y": {
                    "field": "y",
                    "type": "quantitative",
                    "title": "customers with a purchase",
                    "stack": "zero",
                    "axis": {"labelExpr": AMOUNT_TICKS},
                },
                "color": {
                    "field": "k",
                    "title": None,
                    "scale": {
                        "domain": [_BEFORE, _FIRST, _EARLY],
                        "range": [SALES, ORANGE, BASELINE],
                    },
                },
                "order": {"field": "o"},
                "tooltip": [
                    {"field": "m", "title": "month"},
                    {"field": "k", "title": "customers"},
                    {"field": "y", "type": "quantitative", "title": "number", "format": ","},
                ],
            },
        ),
    )


def cohorts(facts: Facts) -> Chart | None:
    """Lay out the share of each cohort that buys again."""
    followed = [row for row in facts.cohorts if row["periods_since"] > 0]
    if not followed:
        return None
    period = followed[0]["period"]
    starts = sorted({row["cohort"] for row in followed})[-_COHORTS_SHOWN:]
    shown = [row for row in followed if row["cohort"] in starts and row["periods_since"] <= _COHORTS_SHOWN]
    values = [
        {
            "c": cohort_name(row),
            "n": row["periods_since"],
            "s": row["active_share"],
            "t": f"{row['active_share'] * 100:.0f}",
            "a": row["active"],
            "r": row["revenue_per_customer"],
        }
        for row in shown
    ]
    late = [row for row in followed if not row["before_data"] and row["periods_since"] == 1]
    customers = sum(row["customers"] for row in late)
    return Chart(
        "cohorts",
        f"Customers who buy again, by {period} of the first purchase",
        sentences.cohorts(
            period=period,
            first=late[0]["cohort"] if late else None,
            last=late[-1]["cohort"] if late else None,
            customers=customers,
            share=sum(row["active"] for row in late) / customers if late else None,
            early=any(row["before_data"] for row in followed),
        ).text,
        spec_of(
            values,
            height=24 * len(starts) + 50,
            padding=ROOM_FOR_NAMES,
            encoding={
                "x": {
                    "field": "n",
                    "type": "ordinal",
                    "title": f"{period}s after the first purchase",
                    "axis": {"labelAngle": 0, "grid": False},
                },
                "y": {"field": "c", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 220}},
                "tooltip": [
                    {"field": "c", "title": "first purchase"},
                    {"field": "n", "title": f"{period}s after"},
                    {"field": "s", "type": "quantitative", "title": "share that bought", "format": ".1%"},
                    {"field": "a", "type": "quantitative", "title": "customers who bought", "format": ","},
                    {
                        "field": "r",
                        "type": "quantitative",
                        "title": f"{facts.currency} per customer of the row",
                        "format": ",.2f",
                    },
                ],
            },
            layer=[
                {
                    "mark": {"type": "rect", "color": SALES, "tooltip": True},
                    "encoding": {
                        "opacity": {
                            "field": "s",
                            "type": "quantitative",
                            "legend": None,
                            "scale": {"domain": [0, max(v["s"] for v in values) or 1], "range": [0.04, 0.72]},
                        }
                    },
                },
                {"mark": {"type": "text", "fontSize": PAGE_TEXT}, "encoding": {"text": {"field": "t"}}},
            ],
        ),
    )


def cohort_name(row: Row) -> str:
    """Name a cohort by its period, with a star where its customers may have bought before the sales begin."""
    start = row["cohort"]
    when = month(start) if row["period"] == "month" else quarter(start)
    return f"{when}{'*' if row['before_data'] else ''} ({row['customers']:,})"
