"""What the advice on segments is made from, recomputed from the sales and from who is in which segment."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import mannwhitneyu, wilcoxon

from retail_assets.segmentation.personas.catalog import DEFAULT
from retail_assets.wording.campaigns import Preference
from retail_assets_tests.wording.checks import Facts, recomputes
from retail_assets_tests.wording.shops import Shop

MONTHS = [dt.date(2000, month, 1).strftime("%B") for month in range(1, 13)]
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

#: The last year of sales, or less where there is less; of each customer: persona, purchases, money, days since a sale.
WINDOW = """
    WITH span AS (
        SELECT max(sale_date) AS until, greatest(min(sale_date), max(sale_date) - 364) AS since FROM sales
    ),
    recent AS (SELECT sales.* FROM sales, span WHERE sale_date >= since),
    people AS (
        SELECT persona, g.customer_id, coalesce(purchases, 0) AS purchases, coalesce(money, 0) AS money,
               (SELECT until FROM span) - (SELECT max(sale_date) FROM sales s WHERE s.customer_id = g.customer_id)
                   AS silent,
               CASE WHEN purchases > 0 THEN money / purchases ELSE 0 END AS basket
        FROM customer_segments g
        LEFT JOIN (
            SELECT customer_id, CAST(sum(total_amount) AS DOUBLE) AS money,
                   count(DISTINCT order_id) FILTER (quantity > 0 OR total_amount > 0) AS purchases
            FROM recent GROUP BY customer_id
        ) AS own ON own.customer_id = g.customer_id
    )
"""


def printed(amount: float) -> float:
    """An amount as a reader sees it: with cents below a hundred."""
    return round(amount, 2) if amount < 99.995 else round(amount)


@recomputes("campaigns.action")
def _action(shop: Shop, facts: Facts) -> Facts:
    persona = facts["persona"]
    customers, money, everyone, all_money, frequency, basket, silent, one_more = shop.one(
        f"""{WINDOW}
        SELECT count(*), sum(money), (SELECT count(*) FROM people), (SELECT sum(money) FROM people),
               median(purchases), median(basket), median(silent), sum(basket)
        FROM people WHERE persona = ?""",
        persona,
    )
    best = shop.one(
        f"""{WINDOW}, months AS (
            SELECT people.customer_id, date_trunc('month', sale_date) AS month,
                   CAST(sum(total_amount) AS DOUBLE) AS part
            FROM people JOIN recent USING (customer_id) WHERE persona = ? GROUP BY 1, 2
        )
        SELECT median(best) FROM (
            SELECT max(part) / sum(greatest(part, 0)) AS best FROM months GROUP BY customer_id HAVING max(part) > 0
        )""",
        persona,
    )
    tenth = max(1, round(customers / 10))
    return {
        "persona": persona,
        "template": facts["template"],
        "customers": customers,
        "customers_share": customers / everyone,
        "revenue": money,
        "revenue_share": money / all_money if all_money > 0 else None,
        "frequency": frequency,
        "average_basket": basket,
        "recency": silent,
        "top_month_share": best,
        "tenth_of_revenue": money / 10,
        "one_more_purchase": one_more,
        "one_in_ten": tenth,
        "one_in_ten_buying": tenth * printed(basket),
        "few": 50,
        "currency": shop.currency,
    }


@recomputes("campaigns.next_step")
def _next_step(shop: Shop, facts: Facts) -> Facts:
    purchases, money, basket, last = shop.one(
        f"""{WINDOW}
        SELECT purchases, money, basket, (SELECT max(sale_date) FROM sales s WHERE s.customer_id = people.customer_id)
        FROM people WHERE customer_id = ?""",
        facts["customer"],
    )
    return {
        "customer": facts["customer"],
        "template": facts["template"],
        "purchases": purchases,
        "money_spent": money,
        "average_basket": basket,
        "last_seen": last,
        "currency": shop.currency,
    }


@recomputes("campaigns.preferences")
def _preferences(shop: Shop, facts: Facts) -> Facts:
    return {
        "persona": facts["persona"],
        "categories": [
            Preference(category, share, other_share, spent)
            for category, spent, _, share, other_share, _ in likings(shop, facts["persona"])[:3]
        ],
        "days": days(shop),
        "currency": shop.currency,
    }


def likings(shop: Shop, persona: str) -> list[Any]:
    """Categories on which a persona spends two points more of its money than the others, the widest apart first.

    Category, money, buyers, share of the persona's money, that of the others, whether customers' own shares agree.
    """
    cells = shop.ask(
        f"""{WINDOW}, lines AS (
            SELECT persona = $1 AS theirs, customer_id, product_category, CAST(total_amount AS DOUBLE) AS spent
            FROM recent JOIN customer_segments USING (customer_id) WHERE total_amount > 0
        ),
        buyers AS (SELECT theirs, customer_id, sum(spent) AS money FROM lines GROUP BY ALL),
        sides AS (SELECT theirs, sum(money) AS money, count(*) AS customers FROM buyers GROUP BY ALL),
        cells AS (
            SELECT l.theirs, product_category, sum(spent) AS spent, count(DISTINCT customer_id) AS buyers,
                   sum(spent / b.money) AS parts
            FROM lines l JOIN buyers b USING (customer_id) GROUP BY ALL
        )
        SELECT c.product_category, c.spent, c.buyers, c.spent / s.money AS share,
               coalesce(o.spent, 0) / z.money AS other_share,
               c.parts / s.customers > coalesce(o.parts, 0) / z.customers
        FROM cells c JOIN sides s ON c.theirs AND s.theirs JOIN sides z ON NOT z.theirs
        LEFT JOIN cells o ON NOT o.theirs AND o.product_category = c.product_category""",
        persona,
    )
    # Nobody can be offered what a shop has no name for.
    named = [cell for cell in cells if cell[0] not in ("MISCELLANEOUS", "UNKNOWN", "Other") and cell[2] >= 50]
    liked = [cell for cell in named if cell[3] - cell[4] >= 0.02 and cell[5]]
    return sorted(liked, key=lambda cell: (cell[4] - cell[3], cell[0]))


@recomputes("campaigns.buying_times")
def _buying_times(shop: Shop, facts: Facts) -> Facts:
    rows = shop.ask(
        f"""{WINDOW}
        SELECT persona, sale_date, CAST(sum(total_amount) AS DOUBLE)
        FROM recent JOIN customer_segments USING (customer_id) WHERE total_amount > 0 GROUP BY ALL"""
    )
    mine, all_days = dict[dt.date, float](), dict[dt.date, float]()
    for persona, day, money in rows:
        all_days[day] = all_days.get(day, 0) + money
        if persona == facts["persona"]:
            mine[day] = mine.get(day, 0) + money
    months, everyone = (shares([(day.month, money) for day, money in each.items()]) for each in (mine, all_days))
    weekdays = shares([(day.isoweekday(), money) for day, money in mine.items()])
    calendar = [day.date() for day in pd.date_range(min(all_days), max(all_days))]
    weeks = whole_weeks(calendar, lambda day: day.isocalendar()[:2])
    by_weekday = {
        of: [sum(mine.get(d, 0) for d in week if d.isoweekday() == of) for week in weeks] for of in range(1, 8)
    }
    by_month, parts = dict[int, list[float]](), dict[int, list[float]]()
    for week in whole_weeks([d for d in calendar if d.day <= 28], lambda d: (d.year, d.month, (d.day - 1) // 7)):
        own, whole = (sum(each.get(day, 0) for day in week) for each in (mine, all_days))
        by_month.setdefault(week[0].month, []).append(own)
        parts.setdefault(week[0].month, []).extend([own / whole] if whole > 0 else [])
    index = {month: months[month] / everyone[month] for month in months}
    busiest, best = leaders(weekdays, by_weekday, wilcoxon), leaders(months, by_month, mannwhitneyu)
    beyond, year = leaders(index, parts, mannwhitneyu), days(shop) >= 360
    clear = year and len(beyond) == 1 and index[beyond[0]] >= 1.1
    return {
        "persona": facts["persona"],
        "days": days(shop),
        "best_months": [MONTHS[month - 1] for month in sorted(best)] if year else None,
        "best_months_share": sum(months[month] for month in best) if year else None,
        "even_months": len(best) / 12 if year else 0,
        "best_weekdays": [WEEKDAYS[day - 1] for day in sorted(busiest)],
        "best_weekdays_share": sum(weekdays[day] for day in busiest),
        "even_weekdays": len(busiest) / len({day.weekday() for day in all_days}),
        "own_month": MONTHS[beyond[0] - 1] if clear else None,
        "own_month_index": index[beyond[0]] if clear else None,
        "least": 1.1,
    }


def whole_weeks(calendar: list[dt.date], of: Callable[[dt.date], Any]) -> list[list[dt.date]]:
    """The days by what week they are of, where all seven are there."""
    weeks = [list(week) for _, week in groupby(calendar, of)]
    return [week for week in weeks if len(week) == 7]


def leaders(parts: dict[int, float], weeks: dict[int, list[float]], test: Callable[..., Any]) -> list[int]:
    """The largest part, or the two largest, if their weeks bring more than those of the next by more than chance."""
    order = sorted(parts, key=lambda key: (-parts[key], key))

    def more(one: int, other: int) -> bool:
        a, b = (np.array(weeks.get(key, [])) for key in (one, other))
        return bool(len(a) and len(b) and a.mean() > b.mean() and test(a, b).pvalue < 0.05)

    for count in (1, 2):
        if len(order) > count and all(more(each, order[count]) for each in order[:count]):
            return order[:count]
    return []


@recomputes("campaigns.shift")
def _shift(shop: Shop, facts: Facts) -> Facts:
    customers, typical, upper, above = shop.one(
        f"""{WINDOW}, cuts AS (
            SELECT median(money) AS typical, quantile_cont(money, 0.75) AS upper FROM people WHERE persona = $1
        )
        SELECT count(*), any_value(typical), any_value(upper), count(*) FILTER (money >= upper)
        FROM people, cuts WHERE persona = $1""",
        facts["persona"],
    )
    assert customers >= 50
    assert above >= customers / 4 - 1, "the shift asks for more than a quarter of the segment spends already"
    tenth = round(customers / 10)
    return {
        "persona": facts["persona"],
        "customers": tenth,
        "typical": printed(typical),
        "upper": printed(upper),
        "more": tenth * (printed(upper) - printed(typical)),
        "days": days(shop),
        "currency": shop.currency,
    }


@recomputes("campaigns.few_customers")
def _few_customers(shop: Shop, facts: Facts) -> Facts:
    small = shop.ask("SELECT persona FROM customer_segments GROUP BY persona HAVING count(*) < 50")
    return {"personas": DEFAULT.in_order(name for (name,) in small), "least": 50}


@recomputes("campaigns.short_history")
def _short_history(shop: Shop, facts: Facts) -> Facts:
    assert days(shop) < 360
    return {"days": days(shop)}


@recomputes("campaigns.scope")
def _scope(shop: Shop, facts: Facts) -> Facts:
    return {"last_day": shop.one("SELECT max(sale_date) FROM sales"), "days": days(shop), "least": 1.1}


def days(shop: Shop) -> int:
    """Days that the segments look at."""
    first, last = shop.one("SELECT min(sale_date), max(sale_date) FROM sales")
    return int(min(365, (last - first).days + 1))


def shares(rows: list[tuple[int, float]]) -> dict[int, float]:
    """Share of the money by key."""
    total, parts = sum(money for _, money in rows), dict[int, float]()
    for key, money in rows:
        parts[key] = parts.get(key, 0) + money / total
    return parts
