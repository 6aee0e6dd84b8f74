"""New customers, and how many come back, customer by customer."""

from __future__ import annotations

from scipy import stats

from retail_assets_tests.wording.checks import Facts, recomputes
from retail_assets_tests.wording.days import CHANCE, DAY, near
from retail_assets_tests.wording.shops import Shop
from retail_assets_tests.wording.visits import (
    after,
    burn_in,
    counted,
    first_of,
    new,
    new_revenue,
    returns_next,
    visited,
    whole_months,
)


def _new(shop: Shop) -> Facts:
    mistaken = burn_in(shop)[1]
    return {
        "first_month": first_of(counted(shop)[0]),
        "last_month": first_of(counted(shop)[-1]),
        "customers": len(new(shop)),
        "share": new_revenue(shop),
        "told_apart": mistaken is None or mistaken <= 0.2,
    }


@recomputes("sales.new_customers")
def _new_customers(shop: Shop, facts: Facts) -> Facts:
    months, mistaken = burn_in(shop)
    active = sum(bool(set(mine) & set(counted(shop))) for mine in visited(shop).values())
    return {
        **_new(shop),
        "active": active,
        "customers_share": len(new(shop)) / active,
        "burn_in": months,
        "mistaken": mistaken,
    }


@recomputes("title.new_customers")
def _new_customers_title(shop: Shop, facts: Facts) -> Facts:
    """The report leaves the share out."""
    found = dict(_new(shop))
    return found if facts["share"] is not None else {**found, "share": None}


@recomputes("note.burn_in")
def _burn_in(shop: Shop, facts: Facts) -> Facts:
    months, mistaken = burn_in(shop)
    return {"months": months, "first_month": first_of(counted(shop)[0]), "mistaken": mistaken}


def _compared(shop: Shop) -> Facts | None:
    first, back, before, most = returns_next(shop)
    if min(first, most) < 20:
        return None
    once = round(before * most)
    p = float(stats.fisher_exact([[back, once], [first - back, most - once]]).pvalue)
    share, z = back / first, float(stats.norm.ppf(0.975))
    # Wilson's interval: the shares from which the sample is just not further than chance.
    middle, half = share + z**2 / 2 / first, z * (share * (1 - share) / first + (z / 2 / first) ** 2) ** 0.5
    return {
        "first_month": first_of(counted(shop)[0]),
        "last_month": first_of(counted(shop)[-2]),
        "customers": first,
        "share": share,
        "before": before,
        "low": (middle - half) / (1 + z**2 / first),
        "high": (middle + half) / (1 + z**2 / first),
        "p": p,
    }


@recomputes("sales.comeback")
def _comeback(shop: Shop, facts: Facts) -> Facts:
    found = _compared(shop)
    assert found is not None
    assert found["p"] < CHANCE
    return {**found, "p": near(facts["p"], found["p"])}


@recomputes("title.cohorts")
def _cohorts_title(shop: Shop, facts: Facts) -> Facts:
    found = _compared(shop)
    clear = found is not None and found["p"] < CHANCE
    return {name: found[name] if found and clear else None for name in facts}


@recomputes("reading.cohorts")
def _cohorts_reading(shop: Shop, facts: Facts) -> Facts:
    """Cohorts are shown once the period after their first is over."""
    length = 3 if len(whole_months(shop)) > 24 else 1
    last = shop.one("SELECT max(sale_date) FROM sales")
    starts = {
        (year, (month - 1) // length * length + 1) for year, month in (mine[0] for mine in visited(shop).values())
    }
    followed = [start for start in starts if first_of(after(start, 2 * length)) - DAY <= last]
    return {
        "period": "quarter" if length == 3 else "month",
        "shown": min(len(followed), 16),
        "cohorts": len(followed),
    }


@recomputes("note.anonymous_not_shown")
def _anonymous_not_shown(shop: Shop, facts: Facts) -> Facts:
    return {"share": shop.one("SELECT count(*) FILTER (customer_id IS NULL) / count(*) FROM sales")}
