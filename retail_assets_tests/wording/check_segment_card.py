"""What is said of a version of the segments' model, recomputed: its card, and why it was trained and promoted or held.

The test leaves in the shop what an earlier model named the customers (`named_before`), and by how much it raised the
prices (`raised`).
"""

from __future__ import annotations

import datetime as dt

import numpy as np
from sklearn.preprocessing import PowerTransformer

from retail_assets_tests.wording.check_campaigns import days
from retail_assets_tests.wording.check_segments import matrix, regulars, stability
from retail_assets_tests.wording.checks import Facts, recomputes
from retail_assets_tests.wording.shops import Shop

EARLIER = dt.date(2011, 10, 31)
"""Last day of the wholesaler's sales that the earlier model has seen."""


@recomputes("segment_card.verdict")
def _verdict(shop: Shop, facts: Facts) -> Facts:
    found = stability(shop, facts)
    return {name: found[name] for name in facts}


@recomputes("segment_card.sales")
def _sales(shop: Shop, facts: Facts) -> Facts:
    last = last_day(shop)
    window = days(shop)
    return {
        "first_day": last - dt.timedelta(window - 1),
        "last_day": last,
        "days": window,
        "customers": len(regulars(shop)["money"]),
    }


@recomputes("segment_card.resamples")
def _resamples(shop: Shop, facts: Facts) -> Facts:
    return {"models": 20}


@recomputes("segment_card.choice")
def _choice(shop: Shop, facts: Facts) -> Facts:
    return {"least": 0.65, "clear": 0.5}


@recomputes("segment_card.older")
def _older(shop: Shop, facts: Facts) -> Facts:
    return {"last_day": EARLIER}


@recomputes("segment_card.promoted", "segment_card.renames_many")
def _renamed(shop: Shop, facts: Facts) -> Facts:
    share = shop.one(
        "SELECT avg(CAST(b.persona <> s.persona AS INTEGER)) FROM customer_segments s JOIN named_before b "
        "USING (customer_id) WHERE s.cluster IS NOT NULL AND (b.persona, s.persona) <> "
        "('Occasional Shoppers', 'Seasonal Shoppers')"
    )
    if "most" in facts:
        return {"share": share, "most": 0.1}
    return {"last_day": last_day(shop), "share": share}


@recomputes("segment_card.unseen_days")
def _unseen_days(shop: Shop, facts: Facts) -> Facts:
    return {"days": (last_day(shop) - EARLIER).days}


@recomputes("segment_card.moved_average")
def _moved_average(shop: Shop, facts: Facts) -> Facts:
    now, before = matrix(shop), matrix(shop)
    before[:, 1:3] /= shop.one("SELECT factor FROM raised")
    scores = np.clip(PowerTransformer().fit(before).transform(now), -4, 4)[:, :3]
    return {"deviations": float(np.abs(scores.mean(axis=0)).max())}


def last_day(shop: Shop) -> dt.date:
    day: dt.date = shop.one("SELECT max(sale_date) FROM sales")
    return day
