"""How far the weather of a sales forecast reaches: what was known at its cut-off, for how many of its days."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from retail_assets.tables import DAILY_CATEGORY_SALES, WEATHER
from retail_assets.warehouse.protocol import Warehouse
from retail_assets.wording import weather as wording


@dataclass(frozen=True)
class Coverage:
    """Whether the newest weather was issued on the last day of sales or later, and that in words; None where it was."""

    current: bool
    days: int
    newest: dt.date | None
    in_words: str | None


def coverage(warehouse: Warehouse, horizon: int) -> Coverage:
    """Compare the table of weather with the last day of sales. Raises NotReadyError before either is there."""
    [sold] = warehouse.query(f"SELECT max(sale_date) AS last_day FROM {DAILY_CATEGORY_SALES.name}").to_pylist()
    last: dt.date | None = sold["last_day"]
    if last is None:
        return Coverage(True, 0, None, None)
    [known] = warehouse.query(
        "SELECT max(known_on) AS newest, count(DISTINCT CASE WHEN date > ? AND date <= ? THEN date END) AS days "
        f"FROM {WEATHER.name} WHERE known_on <= ?",
        [last, last + dt.timedelta(days=horizon), last],
    ).to_pylist()
    newest, days = known["newest"], int(known["days"])
    if newest is None:
        return Coverage(False, 0, None, str(wording.none(last_day=last)))
    if newest < last:
        return Coverage(
            False, days, newest, str(wording.old(newest=newest, age=(last - newest).days, days=days, horizon=horizon))
        )
    return Coverage(True, days, newest, None)
