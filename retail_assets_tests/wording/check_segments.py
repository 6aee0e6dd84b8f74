"""What the evaluation of the segments says, recomputed from the sales and from who is in which segment.

What the segments of a past day were is found by segmenting a copy of the shop in which no later sale exists.
"""

from __future__ import annotations

import datetime as dt
import functools
import itertools
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.preprocessing import PowerTransformer

from retail_assets.segmentation.lifecycle.customer_features import make_features
from retail_assets.segmentation.lifecycle.customer_segments import score_all
from retail_assets.segmentation.lifecycle.retraining import train_from
from retail_assets.segmentation.personas.catalog import DEFAULT
from retail_assets.warehouse.duckdb import DuckDBWarehouse
from retail_assets_tests.wording.checks import Facts, recomputes
from retail_assets_tests.wording.shops import SCHEMA, Shop

FEATURES = ("frequency", "monetary", "average_basket", "recency", "top_month_share")
RESAMPLES = 10


@recomputes("segments.nobody")
def _nobody(shop: Shop, facts: Facts) -> Facts:
    assert shop.one("SELECT count(customer_id) FROM sales") == 0
    return {}


@recomputes("segments.bought_once")
def _bought_once(shop: Shop, facts: Facts) -> Facts:
    people = known(shop, facts["last_day"])
    assert (people["purchases"] == 1).all()
    return {"customers": len(people["money"]), **window(shop, facts["last_day"])}


@recomputes("segments.too_few")
def _too_few(shop: Shop, facts: Facts) -> Facts:
    people = known(shop, facts["last_day"])
    twice = int(((people["purchases"] >= 2) & (people["money"] > 0)).sum())
    everyone = shop.one("SELECT count(DISTINCT customer_id) FROM sales WHERE sale_date <= ?", facts["last_day"])
    return {"twice": twice, "customers": everyone, "least": 4, **window(shop, facts["last_day"])}


@recomputes("segments.alike")
def _alike(shop: Shop, facts: Facts) -> Facts:
    people = regulars(shop, facts["last_day"])
    return {"customers": len(people["money"]), **window(shop, facts["last_day"])}


@recomputes("segments.verdict")
def _verdict(shop: Shop, facts: Facts) -> Facts:
    return stability(shop, facts)


@recomputes("segments.worth")
def _worth(shop: Shop, facts: Facts) -> Facts:
    *_, cutoff, _, _, until = month_ends(shop)
    then = segmented_until(str(shop.path), cutoff)
    members = [customer for customer, persona in then.items() if persona == "High-Value Customers"]
    spent = dict(
        shop.ask(
            "SELECT customer_id, CAST(sum(total_amount) AS DOUBLE) FROM sales WHERE sale_date > ? AND sale_date <= ? "
            "GROUP BY customer_id",
            cutoff,
            until,
        )
    )
    people = known(shop, cutoff)
    best = people["customer_id"][np.argsort(-people["money"], kind="stable")[: len(members)]]
    return {
        "persona": "High-Value Customers",
        "cutoff": cutoff,
        "until": until,
        "members": len(members),
        "customers_share": len(members) / len(then),
        "revenue_share": sum(spent.get(c, 0) for c in members) / sum(spent.get(c, 0) for c in then),
        "ranking_share": sum(spent.get(c, 0) for c in best) / sum(spent.get(c, 0) for c in then),
        "few": 50,
    }


@recomputes("segments.no_foresight")
def _no_foresight(shop: Shop, facts: Facts) -> Facts:
    worth = _worth(shop, facts)
    lift = worth["revenue_share"] / worth["customers_share"]
    assert worth["members"] >= 50
    assert lift < 1.2
    return {
        "persona": worth["persona"],
        "lift": lift,
        "least": 1.2,
        "stable": bool(np.mean(resampled_ari(shop)) >= 0.65),
    }


@recomputes("segments.few_clustered")
def _few_clustered(shop: Shop, facts: Facts) -> Facts:
    customers = len(regulars(shop)["money"])
    assert customers < 40
    return {"customers": customers}


@recomputes("segments.loosely_named")
def _loosely_named(shop: Shop, facts: Facts) -> Facts:
    persona = DEFAULT.named(facts["persona"])
    assert persona is not None
    cared_for = [place for place, name in enumerate(FEATURES) if persona.prototype.get(name)]
    names = {c for (c,) in shop.ask("SELECT customer_id FROM customer_segments WHERE persona = ?", facts["persona"])}
    chosen = np.array([customer in names for customer in regulars(shop)["customer_id"]])
    centroid = scores(shop)[chosen].mean(axis=0)[cared_for]
    prototype = np.array([persona.prototype[FEATURES[place]] for place in cared_for])
    cosine = float(centroid @ prototype / np.linalg.norm(centroid) / np.linalg.norm(prototype))
    assert cosine < 0.5
    return {"persona": facts["persona"], "cosine": round(cosine, 4)}


@recomputes("segments.names_compared")
def _names_compared(shop: Shop, facts: Facts) -> Facts:
    months = month_ends(shop)[-7:]
    first = shop.one("SELECT min(sale_date) FROM sales")
    days = min(365, (months[0] - first).days + 1)
    return {"months": len(months), "first": months[0], "last": months[-1], "window_days": days}


@recomputes("segments.names_too_short", "segments.quarter_too_short")
def _too_short(shop: Shop, facts: Facts) -> Facts:
    assert len(month_ends(shop)) < 4
    first, last = shop.one("SELECT min(sale_date), max(sale_date) FROM sales")
    return {"first": first, "last": last, "least": 90}


@recomputes("segments.no_later_revenue")
def _no_later_revenue(shop: Shop, facts: Facts) -> Facts:
    *_, cutoff, _, _, until = month_ends(shop)
    later = shop.one(
        "SELECT coalesce(sum(total_amount), 0) FROM sales WHERE sale_date > $1 AND sale_date <= $2 AND customer_id IN "
        "(SELECT customer_id FROM sales WHERE sale_date <= $1)",
        cutoff,
        until,
    )
    assert later <= 0
    return {"cutoff": cutoff, "until": until}


@recomputes("segments.nobody_in")
def _nobody_in(shop: Shop, facts: Facts) -> Facts:
    *_, cutoff, _, _, _ = month_ends(shop)
    assert facts["persona"] not in segmented_until(str(shop.path), cutoff).values()
    return {"persona": "High-Value Customers", "cutoff": cutoff}


@recomputes("segments.quarter_scope")
def _quarter_scope(shop: Shop, facts: Facts) -> Facts:
    *_, cutoff, _, _, until = month_ends(shop)
    customers = shop.one("SELECT count(DISTINCT customer_id) FROM sales WHERE sale_date <= ?", cutoff)
    return {"customers": customers, "cutoff": cutoff, "until": until}


@recomputes("segments.anonymous")
def _anonymous(shop: Shop, facts: Facts) -> Facts:
    lines, orders, revenue = shop.one(
        "SELECT count(*), count(DISTINCT order_id), sum(total_amount) FROM sales WHERE customer_id IS NULL"
    )
    return {"lines": lines, "orders": orders, "revenue": revenue, "currency": shop.currency}


def stability(shop: Shop, facts: Facts) -> dict[str, Any]:
    """How far the segments lie apart, and whether resamples give the same ones, in figures and words."""
    points, clusters = scores(shop)[:, :3], labels(shop)
    silhouette, few = float(silhouette_score(points, clusters)), len(points) < 40
    measured = facts["bootstrap_ari"]
    found = [] if few else resampled_ari(shop)
    ari = float(np.mean(found)) if found else None
    # Resamples drawn in another way: three standard errors of the difference to the product's mean of twenty.
    spread = 3 * float(np.std(found or [0])) * (1 / RESAMPLES + 1 / 20) ** 0.5
    if ari is not None and measured is not None and abs(measured - ari) < spread:
        ari = measured
    bands = ((0.7, "strongly"), (0.5, "reasonably"), (0.25, "weakly"), (-1, "hardly"))
    return {
        "segments": len(set(clusters)),
        "customers": len(points),
        "silhouette": silhouette,
        "separated": next(word for least, word in bands if silhouette > least),
        "bootstrap_ari": measured if ari is None else ari,
        "stable": facts["stable"]
        if ari is None
        else "stable"
        if ari >= 0.8
        else "fairly stable"
        if ari >= 0.65
        else "unstable",
        "agree": facts.get("agree") if ari is None else (ari >= 0.65) == (silhouette > 0.5),
        "few": 40,
        "many": 50,
    }


def window(shop: Shop, last_day: dt.date) -> dict[str, Any]:
    """The year to a day, or what there is of it."""
    first = shop.one("SELECT min(sale_date) FROM sales")
    return {"last_day": last_day, "days": min(365, (last_day - first).days + 1)}


def known(shop: Shop, last_day: dt.date | None = None) -> Mapping[str, np.ndarray]:
    """Every customer with a sale in the year to a day, by id: purchases, money, average basket, silence, best month."""
    last_day = last_day or shop.one("SELECT max(sale_date) FROM sales")
    rows = shop.ask(
        """WITH lines AS (SELECT * FROM sales WHERE sale_date <= $1 AND sale_date > CAST($1 AS DATE) - 365),
        months AS (
            SELECT customer_id, date_trunc('month', sale_date) AS month, CAST(sum(total_amount) AS DOUBLE) AS part
            FROM lines GROUP BY 1, 2
        ),
        best AS (SELECT customer_id, max(part) / sum(greatest(part, 0)) AS share FROM months GROUP BY 1)
        SELECT customer_id, count(DISTINCT order_id) FILTER (quantity > 0 OR total_amount > 0),
               CAST(sum(total_amount) AS DOUBLE), CAST($1 AS DATE) - max(sale_date), any_value(share)
        FROM lines JOIN best USING (customer_id) GROUP BY customer_id ORDER BY customer_id""",
        last_day,
    )
    names, purchases, money, silent, share = (np.array(column) for column in zip(*rows, strict=True))
    return {
        "customer_id": names,
        "purchases": purchases,
        "money": money,
        "basket": money / np.maximum(purchases, 1),
        "silent": silent,
        "share": share,
    }


def regulars(shop: Shop, last_day: dt.date | None = None) -> Mapping[str, np.ndarray]:
    """Those of the known customers who bought twice and paid something."""
    people = known(shop, last_day)
    chosen = (people["purchases"] >= 2) & (people["money"] > 0)
    return {name: values[chosen] for name, values in people.items()}


def matrix(shop: Shop) -> np.ndarray:
    """The regulars' features, purchases and money at the pace of a year (n x 5)."""
    people = regulars(shop)
    pace = 365 / window(shop, shop.one("SELECT max(sale_date) FROM sales"))["days"]
    columns = (people["purchases"] * pace, people["money"] * pace, people["basket"], people["silent"], people["share"])
    return np.column_stack(columns).astype(float)


def scores(shop: Shop) -> np.ndarray:
    """The regulars' features in standard deviations, outliers cut off."""
    return np.clip(PowerTransformer().fit_transform(matrix(shop)), -4, 4)


def labels(shop: Shop) -> np.ndarray:
    """The regulars' clusters."""
    clusters = dict(shop.ask("SELECT customer_id, cluster FROM customer_segments"))
    return np.array([clusters[customer] for customer in regulars(shop)["customer_id"]])


def resampled_ari(shop: Shop) -> list[float]:
    """Adjusted Rand indexes with clusters of resamples, from the prototypes unless a random start is better."""
    rng, values, ours = np.random.default_rng(99), matrix(shop), labels(shop)
    kinds = [[persona.prototype.get(feature, 0.0) for feature in FEATURES[:3]] for persona in DEFAULT.clusters]
    k, found = len(set(ours)), []
    for _ in range(RESAMPLES):
        drawn = values[rng.integers(0, len(values), len(values))]
        yardstick = PowerTransformer().fit(drawn)
        points = np.ascontiguousarray(np.clip(yardstick.transform(drawn), -4, 4)[:, :3])
        starts = itertools.combinations(kinds, k)
        planted = min((KMeans(k, init=list(start), n_init=1).fit(points) for start in starts), key=lambda m: m.inertia_)
        random = KMeans(k, n_init=3, random_state=1).fit(points)
        best = planted if planted.inertia_ <= 1.02 * random.inertia_ else random
        everyone = np.ascontiguousarray(np.clip(yardstick.transform(values), -4, 4)[:, :3])
        found.append(adjusted_rand_score(ours, best.predict(everyone)))
    return found


def month_ends(shop: Shop) -> list[dt.date]:
    """The month ends with ninety days of sales before them."""
    first, last = shop.one("SELECT min(sale_date), max(sale_date) FROM sales")
    days = (first + dt.timedelta(number) for number in range(89, (last - first).days + 1))
    return [day for day in days if (day + dt.timedelta(1)).day == 1]


@functools.cache
def segmented_until(path: str, last_day: dt.date) -> dict[str, str]:
    """Persona by customer in a copy of a shop in which no sale after a day exists."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "past.duckdb"
        shutil.copy(path, copy)
        with duckdb.connect(str(copy)) as connection:
            connection.execute(f"SET schema = '{SCHEMA}'")
            connection.execute("DELETE FROM sales WHERE sale_date > ?", [last_day])
            connection.execute("DROP TABLE customer_segments")
        past = DuckDBWarehouse(copy, SCHEMA)
        make_features(past)
        training = train_from(past)
        score_all(past, training.model, "past")
        with duckdb.connect(str(copy), read_only=True) as connection:
            connection.execute(f"SET schema = '{SCHEMA}'")
            return dict(connection.execute("SELECT customer_id, persona FROM customer_segments").fetchall())
