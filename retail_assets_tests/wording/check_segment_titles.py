"""What titles and notes of the figures of the segments say, recomputed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.metrics import silhouette_score

from retail_assets_tests.wording.check_campaigns import WINDOW, days, likings
from retail_assets_tests.wording.check_sales_calendar import near_the_end
from retail_assets_tests.wording.check_segments import known, labels, month_ends, regulars, scores
from retail_assets_tests.wording.checks import Facts, recomputes
from retail_assets_tests.wording.shops import Shop

WORDS = ("purchases", "spending", "average basket", "days since last purchase", "share spent in best month")


@recomputes("segment_titles.source")
def _source(shop: Shop, facts: Facts) -> Facts:
    return {"days": days(shop), "last_day": shop.one("SELECT max(sale_date) FROM sales")}


@recomputes("segment_titles.moves_source")
def _moves_source(shop: Shop, facts: Facts) -> Facts:
    start, to = shop.one(
        "SELECT from_snapshot, to_snapshot FROM segment_migrations "
        "ORDER BY to_snapshot DESC, from_snapshot DESC LIMIT 1"
    )
    return {"start": start, "to": to}


@recomputes("segment_titles.map")
def _map(shop: Shop, facts: Facts) -> Facts:
    return {"segments": len(set(labels(shop))), "separate": silhouette(shop) > 0.5}


@recomputes("segment_titles.map_reading")
def _map_reading(shop: Shop, facts: Facts) -> Facts:
    return {"silhouette": round(silhouette(shop), 4)}


@recomputes("segment_titles.map_note")
def _map_note(shop: Shop, facts: Facts) -> Facts:
    clustered = len(regulars(shop)["money"])
    everyone = shop.one("SELECT count(DISTINCT customer_id) FROM sales")
    return {"clustered": clustered, "drawn": min(clustered, 4000), "others": everyone - clustered}


@recomputes("segment_titles.baskets_note")
def _baskets_note(shop: Shop, facts: Facts) -> Facts:
    return {"customers": int((known(shop)["basket"] > 0).sum())}


@recomputes("segment_titles.profiles")
def _profiles(shop: Shop, facts: Facts) -> Facts:
    clusters, points = labels(shop), scores(shop)
    means = np.array([points[clusters == cluster].mean(axis=0) for cluster in set(clusters)])
    apart = np.ptp(means, axis=0)
    return {"features": list(near_the_end(dict(zip(WORDS, apart, strict=True)), max(apart)))}


@recomputes("segment_titles.profiles_reading")
def _profiles_reading(shop: Shop, facts: Facts) -> Facts:
    return {"currency": shop.currency}


@recomputes("segment_titles.profiles_note")
def _profiles_note(shop: Shop, facts: Facts) -> Facts:
    return {
        "clustered": len(regulars(shop)["money"]),
    }


@recomputes("segment_titles.revenue")
def _revenue(shop: Shop, facts: Facts) -> Facts:
    persona, customers, customers_share, revenue_share = shop.one(
        f"""{WINDOW}
        SELECT persona, count(*), count(*) / sum(count(*)) OVER (), sum(money) / sum(sum(money)) OVER ()
        FROM people GROUP BY persona ORDER BY sum(money) DESC LIMIT 1"""
    )
    return {
        "persona": persona,
        "customers": customers,
        "customers_share": round(customers_share, 4),
        "revenue_share": round(revenue_share, 4),
        "everyone_known": everyone_known(shop),
        "few": 50,
    }


@recomputes("segment_titles.one_segment")
def _one_segment(shop: Shop, facts: Facts) -> Facts:
    return {
        "persona": shop.one("SELECT DISTINCT persona FROM customer_segments"),
        "everyone_known": everyone_known(shop),
    }


@recomputes("segment_titles.revenue_note")
def _revenue_note(shop: Shop, facts: Facts) -> Facts:
    months = month_ends(shop)[-4:]
    twice = len(regulars(shop)["money"]) > 0
    later = len(months) == 4 and twice and facts["then"] is not None
    return {
        "then": months[0] if later else None,
        "until": months[-1] if later else None,
    }


@recomputes("segment_titles.kept")
def _kept(shop: Shop, facts: Facts) -> Facts:
    share, customers, start, to = shop.one(
        "SELECT avg(CAST(persona = previous_persona OR (previous_persona = 'Occasional Shoppers' AND "
        "persona = 'Seasonal Shoppers') AS INTEGER)), count(*), max(previous_snapshot), max(snapshot_date) "
        "FROM customer_segments WHERE previous_persona IS NOT NULL"
    )
    return {"share": share, "customers": customers, "start": start, "to": to}


@recomputes("segment_titles.all_new")
def _all_new(shop: Shop, facts: Facts) -> Facts:
    assert shop.one("SELECT count(previous_persona) FROM customer_segments") == 0
    return dict(facts)


@recomputes("segment_titles.preference")
def _preference(shop: Shop, facts: Facts) -> Facts:
    persona, category, index = max(ratios(shop), key=lambda row: row[2])
    return {
        "persona": persona,
        "category": category,
        "ratio": "more than 10 ×" if index > 10 else f"{index:.1f} ×",
        "index": index,
    }


@recomputes("segment_titles.no_preference")
def _no_preference(shop: Shop, facts: Facts) -> Facts:
    assert not ratios(shop)
    return {"points": 2}


@recomputes("segment_titles.categories_note")
def _categories_note(shop: Shop, facts: Facts) -> Facts:
    categories = len({category for category, *_ in cells(shop)})
    return {"shown": min(12, categories), "categories": categories, "points": 2}


@recomputes("segment_titles.nothing_to_compare")
def _nothing_to_compare(shop: Shop, facts: Facts) -> Facts:
    rows = cells(shop)
    return {
        "least": 50,
        "categories": len({category for category, *_ in rows}),
        "segments": len({persona for _, persona, *_ in rows}),
    }


def silhouette(shop: Shop) -> float:
    return float(silhouette_score(scores(shop)[:, :3], labels(shop)))


def everyone_known(shop: Shop) -> bool:
    return bool(shop.one("SELECT count(*) FROM sales WHERE customer_id IS NULL") == 0)


def cells(shop: Shop) -> Sequence[tuple[str, str, int, float, float]]:
    """Category, persona, buyers, share of the persona's money, share of all money; of personas of fifty customers."""
    return shop.ask(
        f"""{WINDOW}, cells AS (
            SELECT product_category, persona, count(DISTINCT customer_id) AS buyers,
                   CAST(sum(total_amount) AS DOUBLE) AS spent
            FROM recent JOIN customer_segments USING (customer_id) WHERE total_amount > 0 GROUP BY ALL
        )
        SELECT product_category, persona, buyers, spent / sum(spent) OVER (PARTITION BY persona),
               sum(spent) OVER (PARTITION BY product_category) / sum(spent) OVER ()
        FROM cells
        QUALIFY (SELECT count(*) FROM customer_segments g WHERE g.persona = cells.persona) >= 50"""
    )


def ratios(shop: Shop) -> list[tuple[str, str, float]]:
    """Persona, category and ratio of shares to all customers', of preferences for one of the twelve largest."""
    rows = cells(shop)
    largest = sorted({(-whole, category) for category, _, _, _, whole in rows})[:12]
    shown = {category for _, category in largest}
    liked = {who: {cell[0] for cell in likings(shop, who)} for who in {who for _, who, *_ in rows}}
    return [(who, what, own / whole) for what, who, _, own, whole in rows if what in shown and what in liked[who]]
