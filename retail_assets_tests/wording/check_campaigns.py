"""What the advice on segments is made from, recomputed from the sales and from who is in which segment."""

from __future__ import annotations

import datetime as dt

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
    cells = shop.ask(
        f"""{WINDOW}, cells AS (
            SELECT persona, product_category, CAST(sum(total_amount) AS DOUBLE) AS spent,
                   count(DISTINCT customer_id) AS buyers
            FROM recent JOIN customer_segments USING (customer_id) WHERE total_amount > 0 GROUP BY ALL
        )
        SELECT product_category, spent, buyers, spent / sum(spent) OVER (PARTITION BY persona) AS share,
               sum(spent) OVER (PARTITION BY product_category) / sum(spent) OVER () AS all_share
        FROM cells QUALIFY persona = ?""",
        facts["persona"],
    )
    # Nobody can be offered what a shop has no name for.
    named = [cell for cell in cells if cell[0] not in ("MISCELLANEOUS", "UNKNOWN", "Other")]
    liked = [cell for cell in named if cell[3] >= 1.1 * cell[4] and cell[3] >= 0.01 and cell[2] >= 50]
    liked.sort(key=lambda cell: (cell[4] - cell[3], cell[0]))
    return {
        "persona": facts["persona"],
        "categories": [
            Preference(category, share, all_share, spent) for category, spent, _, share, all_share in liked[:3]
        ],
        "days": days(shop),
        "currency": shop.currency,
    }


@recomputes("campaigns.buying_times")
def _buying_times(shop: Shop, facts: Facts) -> Facts:
    rows = shop.ask(
        f"""{WINDOW}
        SELECT persona, sale_date, CAST(sum(total_amount) AS DOUBLE)
        FROM recent JOIN customer_segments USING (customer_id) WHERE total_amount > 0 GROUP BY ALL"""
    )
    own = [(day, money) for persona, day, money in rows if persona == facts["persona"]]
    months, everyone = shares([(day.month, money) for day, money in own]), shares([(d.month, m) for _, d, m in rows])
    weekdays = shares([(day.weekday(), money) for day, money in own])
    best, beyond = max(months, key=lambda m: months[m]), max(months, key=lambda m: months[m] / everyone[m])
    busiest, year = max(weekdays, key=lambda d: weekdays[d]), days(shop) >= 360
    index = months[beyond] / everyone[beyond]
    return {
        "persona": facts["persona"],
        "days": days(shop),
        "best_month": MONTHS[best - 1] if year else None,
        "best_month_share": months[best] if year else None,
        "even_month": 1 / 12,
        "best_weekday": WEEKDAYS[busiest],
        "best_weekday_share": weekdays[busiest],
        "even_weekday": 1 / len({day.weekday() for _, day, _ in rows}),
        "own_month": MONTHS[beyond - 1] if year and index >= 1.1 else None,
        "own_month_index": index if year and index >= 1.1 else None,
        "least": 1.1,
    }


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
    return {"last_day": shop.one("SELECT max(sale_date) FROM sales"), "days": days(shop)}


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
