"""The daily digest in a few lines: what sold, what is forecast, what needs attention."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Sequence

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

_DAYS = f"""
SELECT sale_date, sum(revenue) AS revenue FROM daily_category_sales
WHERE sale_date >= (SELECT max(sale_date) FROM daily_category_sales) - {_WEEKS * 7}
GROUP BY sale_date ORDER BY sale_date
"""
_ORDERS = "SELECT count(DISTINCT order_id) AS orders FROM sales WHERE sale_date = ?"
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


def what_sold(warehouse: Warehouse, currency: str) -> list[Statement]:
    """Return what the last day with sales sold, its categories, and the week that ends on it; nothing without sales.

    Raises NotReadyError where nothing has been loaded yet.
    """
    rows = warehouse.query(_DAYS).to_pylist()
    if not rows:
        return []
    revenue = {row["sale_date"]: float(row["revenue"]) for row in rows}
    last = max(revenue)
    same = [revenue[on] for week in range(1, _WEEKS + 1) if (on := last - dt.timedelta(weeks=week)) in revenue]
    usual = sum(same) / len(same) if len(same) >= _FEWEST_WEEKS else None
    ratio = revenue[last] / usual if usual and usual > 0 else None
    [orders] = warehouse.query(_ORDERS, [last]).to_pylist()
    statements = [
        words.sold(
            last_day=last,
            revenue=revenue[last],
            orders=int(orders["orders"]),
            weekdays=len(same),
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
    week = sum(value for on, value in revenue.items() if on >= first)
    before = sum(value for on, value in revenue.items() if first - dt.timedelta(days=7) <= on < first)
    statements.append(
        words.week(
            first_day=first,
            last_day=last,
            revenue=week,
            before=before,
            ratio=week / before if before > 0 else None,
            holidays=_holidays(warehouse, first - dt.timedelta(days=7), last),
            currency=currency,
        )
    )
    return statements


def _holidays(warehouse: Warehouse, first: dt.date, last: dt.date) -> tuple[tuple[dt.date, str], ...]:
    rows = warehouse.query(_HOLIDAYS, [first, last]).to_pylist()
    return tuple((row["calendar_date"], str(row["holiday"])) for row in rows)


def what_is_forecast(warehouse: Warehouse, currency: str) -> Statement | None:
    """Return the forecast of the next day or week and its sum; None where there is none. Raises NotReadyError."""
    rows = warehouse.query(_FORECAST).to_pylist()
    if not rows:
        return None
    following = rows[0]
    return words.forecast(
        cutoff=following["cutoff_date"],
        next_date=following["forecast_date"],
        mean=following["mean"],
        low=following["p10"],
        high=following["p90"],
        last_date=rows[-1]["forecast_date"],
        total=sum(row["mean"] for row in rows),
        unit="week" if following["horizon_day"] > 1 else "day",
        currency=currency,
    )


def what_needs_attention(causes: Sequence[Open] | None) -> list[str]:
    """Return the open causes: how many, and the first of them with what they touch and since when."""
    if causes is None:
        return ["Not known: without a channel (RETAIL_ALERT_*) nothing is collected."]
    errors = sum(cause.severity == "error" for cause in causes)
    lines = [str(words.attention(errors=errors, warnings=len(causes) - errors))]
    for cause in causes[:_CAUSES_SHOWN]:
        since = day(dt.datetime.fromtimestamp(cause.first, dt.UTC).date())
        touched = (
            f" ({listed([*cause.subjects[:3], *(['more'] if cause.subjects[3:] else [])])})" if cause.subjects else ""
        )
        lines.append(f"- {cause.severity}, since {since}: {cause.title}{touched}")
    if causes[_CAUSES_SHOWN:]:
        lines.append("- More: retail-assets alerts pending")
    return lines


def digest(warehouse: Warehouse, currency: str, today: dt.date, causes: Sequence[Open] | None) -> Cause:
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
        What is open; None if nothing is collected.
    """
    sold: list[str] = []
    with contextlib.suppress(NotReadyError):
        sold = list(map(str, what_sold(warehouse, currency)))
    try:
        expected = what_is_forecast(warehouse, currency)
    except NotReadyError:
        expected = None
    lines = ["What sold", *(sold or ["No sales have been loaded yet."])]
    lines += ["", "What is forecast", str(expected or "There is no forecast yet.")]
    lines += ["", "What needs attention", *what_needs_attention(causes)]
    return Cause(
        kind="digest",
        key=f"digest:{today.isoformat()}",
        title=f"Digest of {day(today)}",
        reason="\n".join(lines),
        severity="info",
    )
