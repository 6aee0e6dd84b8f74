"""The daily digest in a few lines: what sold, what is forecast, what needs attention."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Sequence
from statistics import median

from retail_assets.alerts.causes import Cause
from retail_assets.alerts.outbox import Open
from retail_assets.errors import NotReadyError
from retail_assets.tables import SALES_FORECAST
from retail_assets.warehouse.protocol import Warehouse
from retail_assets.wording import alerts as words
from retail_assets.wording.formats import day, listed
from retail_assets.wording.statement import Statement

_WEEKS, _FEWEST_WEEKS = 8, 4
_CATEGORIES = 3
_CAUSES_SHOWN = 10
_LANDINGS_SHOWN = 5
#: Of fewer orders one is always a large part of the day.
_FEWEST_ORDERS, _LARGE_ORDER = 5, 0.5

#: Only days that are over: the sales of a day that goes on compare with nothing.
_SPAN = """
SELECT min(sale_date) AS first_day, max(CASE WHEN sale_date < ? THEN sale_date END) AS last_day,
       max(CASE WHEN sale_date = ? THEN sale_date END) AS today
FROM daily_category_sales
"""
_DAYS = """
SELECT sale_date, sum(revenue) AS revenue FROM daily_category_sales
WHERE sale_date BETWEEN ? AND ? GROUP BY sale_date ORDER BY sale_date
"""
_ORDERS = """
SELECT count(*) AS orders, sum(revenue) AS revenue, max(revenue) AS largest, sum(returned) AS returned
FROM (
    SELECT order_id, sum(total_amount) AS revenue, sum(CASE WHEN quantity < 0 THEN -total_amount ELSE 0 END) AS returned
    FROM sales WHERE sale_date = ? GROUP BY order_id
) AS orders
"""
_CATEGORY = f"""
SELECT product_category, sum(revenue) AS revenue FROM daily_category_sales WHERE sale_date = ?
GROUP BY product_category HAVING sum(revenue) > 0 ORDER BY revenue DESC, product_category LIMIT {_CATEGORIES}
"""
_HOLIDAYS = """
SELECT calendar_date, holiday FROM dim_date WHERE holiday IS NOT NULL AND calendar_date BETWEEN ? AND ?
ORDER BY calendar_date
"""
_FORECAST = f"""
SELECT forecast_date, cutoff_date, horizon_day, mean, p10, p90 FROM {SALES_FORECAST.name}
WHERE product_category = 'TOTAL' ORDER BY forecast_date
"""


def what_sold(warehouse: Warehouse, currency: str, today: dt.date) -> list[Statement]:
    """Return what the last day with sales before `today` sold, its categories, and the week that ends on it.

    What today has sold so far stands last and is not compared. Nothing without sales. Raises NotReadyError where
    nothing has been loaded yet.
    """
    [known] = warehouse.query(_SPAN, [today, today]).to_pylist()
    first, last = known["first_day"], known["last_day"]
    statements = [] if last is None else _last_days(warehouse, currency, today, first, last)
    if known["today"]:
        [orders] = warehouse.query(_ORDERS, [today]).to_pylist()
        revenue, count = float(orders["revenue"]), int(orders["orders"])
        statements.append(words.so_far(today=today, revenue=revenue, orders=count, currency=currency))
    return statements


def _last_days(
    warehouse: Warehouse, currency: str, today: dt.date, first_day: dt.date, last: dt.date
) -> list[Statement]:
    rows = warehouse.query(_DAYS, [last - dt.timedelta(weeks=_WEEKS), last]).to_pylist()
    revenue = {row["sale_date"]: float(row["revenue"]) for row in rows}
    weekdays = [on for week in range(1, _WEEKS + 1) if (on := last - dt.timedelta(weeks=week)) >= first_day]
    same = [revenue[on] for on in weekdays if on in revenue]
    usual = median(same) if len(same) >= _FEWEST_WEEKS else None
    ratio = revenue[last] / usual if usual and usual > 0 else None
    [orders] = warehouse.query(_ORDERS, [last]).to_pylist()
    count, largest = int(orders["orders"]), float(orders["largest"])
    is_large = count >= _FEWEST_ORDERS and largest > _LARGE_ORDER * revenue[last] > 0
    week_before = last - dt.timedelta(days=13)
    holidays = _holidays(warehouse, week_before, last)
    statements = [
        words.sold(
            last_day=last,
            age=(today - last).days,
            holiday=dict(holidays).get(last),
            revenue=revenue[last],
            returned=float(orders["returned"]),
            orders=count,
            largest=largest if is_large else None,
            weekdays=len(same),
            weeks=len(weekdays),
            usual=usual if ratio is not None else None,
            ratio=ratio,
            currency=currency,
        )
    ]
    if top := warehouse.query(_CATEGORY, [last]).to_pylist():
        statements.append(
            words.categories(
                names=tuple(str(row["product_category"]) for row in top),
                revenues=tuple(float(row["revenue"]) for row in top),
                last_day=last,
                currency=currency,
            )
        )
    first = last - dt.timedelta(days=6)
    week = [value for on, value in revenue.items() if on >= first]
    # A shop that opened within the week before has no week to compare with.
    before = [value for on, value in revenue.items() if week_before <= on < first] if first_day <= week_before else []
    statements.append(
        words.week(
            first_day=first,
            last_day=last,
            revenue=sum(week),
            days=len(week),
            before=sum(before) if before else None,
            before_days=len(before),
            ratio=sum(week) / sum(before) if sum(before) > 0 else None,
            holidays=holidays if before else tuple((on, name) for on, name in holidays if on >= first),
            currency=currency,
        )
    )
    return statements


def _holidays(warehouse: Warehouse, first: dt.date, last: dt.date) -> tuple[tuple[dt.date, str], ...]:
    rows = warehouse.query(_HOLIDAYS, [first, last]).to_pylist()
    return tuple((row["calendar_date"], str(row["holiday"])) for row in rows)


def what_is_forecast(warehouse: Warehouse, currency: str, today: dt.date) -> Statement | None:
    """Return the forecast of the first day or week from `today` on, and the sum from there; None where there is none.

    Of a forecast that has ended, which newer sales would have continued, it is the first one. Raises NotReadyError.
    """
    rows = warehouse.query(_FORECAST).to_pylist()
    if not rows:
        return None
    ahead = [row for row in rows if row["forecast_date"] >= today]
    shown = ahead or rows
    following = shown[0]
    return words.forecast(
        cutoff=following["cutoff_date"],
        next_date=following["forecast_date"],
        mean=following["mean"],
        low=following["p10"],
        high=following["p90"],
        last_date=rows[-1]["forecast_date"],
        total=sum(row["mean"] for row in shown),
        unit="week" if rows[0]["horizon_day"] > 1 else "day",
        is_past=not ahead,
        currency=currency,
    )


def what_needs_attention(
    causes: Sequence[Open] | str, zone: dt.tzinfo = dt.UTC, waiting: Sequence[dt.date] = ()
) -> list[str]:
    """Return the open causes: how many, and the first of them with what they touch and since which day of `zone`.

    `causes` is a sentence where they are not known. Landings that are `waiting` to be loaded come after them.
    """
    landed = [str(landed_on) for landed_on in waiting[:_LANDINGS_SHOWN]]
    landed += ["more"] if waiting[_LANDINGS_SHOWN:] else []
    not_loaded = [f"- landed and not loaded yet: {listed(landed)} (retail-assets materialize)"] if landed else []
    if isinstance(causes, str):
        return [causes, *not_loaded]
    errors = sum(cause.severity == "error" for cause in causes)
    lines = [str(words.attention(errors=errors, warnings=len(causes) - errors))]
    for cause in causes[:_CAUSES_SHOWN]:
        since = day(dt.datetime.fromtimestamp(cause.first, zone).date())
        names = sorted(cause.subjects)
        touched = f" ({listed([*names[:3], *(['more'] if names[3:] else [])])})" if names else ""
        what = cause.title
        for name in names:  # a title names the landing that it was found in first
            what = what.removesuffix(f" ({name})")
        lines.append(f"- {cause.severity}, since {since}: {what}{touched}")
    if causes[_CAUSES_SHOWN:]:
        lines.append("- More: retail-assets alerts pending")
    return [*lines, *not_loaded]


def digest(
    warehouse: Warehouse,
    currency: str,
    today: dt.date,
    causes: Sequence[Open] | str,
    zone: dt.tzinfo = dt.UTC,
    waiting: Sequence[dt.date] = (),
) -> Cause:
    """Return the digest as what goes to the channels.

    Parameters
    ----------
    warehouse
        Has the tables; what is not there yet is left out.
    currency
        Code written before money.
    today
        Day in shop time, which names the digest: there is one per day.
    causes
        What is open; a sentence where that is not known.
    zone
        Time zone of the shop.
    waiting
        Landings that are not loaded yet.
    """
    sold: list[str] = []
    with contextlib.suppress(NotReadyError):
        sold = list(map(str, what_sold(warehouse, currency, today)))
    try:
        expected = what_is_forecast(warehouse, currency, today)
    except NotReadyError:
        expected = None
    lines = ["What sold", *(sold or ["No sales have been loaded yet."])]
    lines += ["", "What is forecast", str(expected or "There is no forecast yet.")]
    lines += ["", "What needs attention", *what_needs_attention(causes, zone, waiting)]
    return Cause(
        kind="digest",
        key=f"digest:{today.isoformat()}",
        title=f"Digest of {day(today)}",
        reason="\n".join(lines),
        severity="info",
    )
