"""Names while a shop's history grows: customers who do not change keep theirs."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from retail_assets.segmentation.model.features import frame
from retail_assets.segmentation.model.scoring import score, share_renamed
from retail_assets.segmentation.model.segment_model import SegmentModel
from retail_assets.segmentation.model.training import train
from retail_assets.segmentation.personas.catalog import DEFAULT
from retail_assets.segmentation.queries.customer_features import customer_features
from retail_assets_tests.segmentation.shoppers import line, warehouse_at

FIRST = dt.date(2023, 1, 1)
#: Two, three, six and twelve months.
DAYS = (59, 90, 181, 365)

#: Four kinds, cleanly separate: purchases a year, and money a purchase.
KINDS = {
    "shoppers of four kinds": {"often large": (60, 90), "often small": (60, 12), "rare large": (18, 120),
                               "rare small": (18, 10)},
    "with few purchases": {"often large": (40, 90), "often small": (40, 12), "rare large": (12, 90),
                           "rare small": (12, 15)},
    "a wholesaler": {"often large": (100, 900), "often small": (80, 120), "rare large": (24, 1500),
                     "rare small": (20, 80)},
}  # fmt: skip


def steady_sales(kinds: dict[str, tuple[float, float]], each: int, seed: int = 0) -> list[dict[str, Any]]:
    """Sales of a year by customers who buy in even steps, each with their own amount."""
    rng = np.random.default_rng(seed)
    sales = []
    for kind, (purchases, basket) in kinds.items():
        for number in range(each):
            customer, level, step = f"{kind}/{number:03d}", basket * float(rng.lognormal(0, 0.2)), 365 / purchases
            for visit, day in enumerate(np.arange(rng.uniform(0, step), 365, step)):
                amount = round(level * float(rng.lognormal(0, 0.2)), 2)
                sales.append(line(f"{customer}/{visit}", FIRST + dt.timedelta(int(day)), customer, amount))
    return sales


@pytest.mark.parametrize("kinds", KINDS.values(), ids=list(KINDS))
def test_shoppers_who_never_change_keep_their_names_while_the_history_grows(
    tmp_path: Path, kinds: dict[str, tuple[float, float]]
) -> None:
    """Between two and three months one of four kinds was renamed, because its best month weighed less in three."""
    shop = warehouse_at(tmp_path, steady_sales(kinds, 30))
    previous: SegmentModel | None = None
    names: dict[str, str] = {}
    for days in DAYS:
        features = frame(shop.query(customer_features(FIRST + dt.timedelta(days - 1))))
        model = train(features, previous=previous).model
        assert model is not None
        assert model.k == 4
        scored = score(model, features)
        now = {c: p for c, p, by in zip(scored.customer_id, scored.persona, scored.cluster, strict=True) if by >= 0}
        renamed = {c: (names[c], now[c]) for c in names.keys() & now.keys() if names[c] != now[c]}
        assert renamed == {}, f"after {days} days"
        if previous is not None:
            assert share_renamed(model, previous, features, DEFAULT) <= 0.1, "nothing is held for a person"
        names, previous = now, model
    by_kind = {kind: {name for c, name in names.items() if c.startswith(kind)} for kind in kinds}
    assert by_kind == {
        "often large": {"High-Value Customers"},
        "often small": {"Budget Shoppers"},
        "rare large": {"Occasional Shoppers"},
        "rare small": {"Low-Engagement"},
    }


def test_kinds_that_are_too_new_to_be_seen_take_no_name_away(tmp_path: Path) -> None:
    """Of who buys twice a quarter, two months show one purchase; when they are seen, the others are who they were."""
    kinds = {"often large": (40.0, 90.0), "often small": (40, 12), "rare large": (6, 90), "rare small": (6, 15)}
    shop = warehouse_at(tmp_path, steady_sales(kinds, 30))
    previous: SegmentModel | None = None
    names: list[dict[str, str]] = []
    for days in (59, 90, 181, 365):
        features = frame(shop.query(customer_features(FIRST + dt.timedelta(days - 1))))
        previous = train(features, previous=previous).model
        scored = score(previous, features)
        names.append(dict(zip(scored.customer_id, scored.persona, strict=True)))
    for customer, name in names[0].items():
        if name != DEFAULT.groups["one_purchase"].name:
            assert {later[customer] for later in names} == {name}


def test_a_kind_whose_season_has_come_round_is_seasonal_from_a_year_on(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    sales = steady_sales({"often large": (60, 90), "often small": (60, 12)}, 30)
    for number in range(30):
        level = 90 * float(rng.lognormal(0, 0.2))
        for visit, day in enumerate([*rng.integers(300, 360, 8), *rng.integers(0, 300, 3)]):
            amount = round(level * float(rng.lognormal(0, 0.2)), 2)
            sales.append(line(f"s{number}/{visit}", FIRST + dt.timedelta(int(day)), f"seasonal/{number:03d}", amount))
    shop = warehouse_at(tmp_path, sales)
    given = {}
    previous: SegmentModel | None = None
    for days in (334, 365):
        features = frame(shop.query(customer_features(FIRST + dt.timedelta(days - 1))))
        previous = train(features, previous=previous).model
        scored = score(previous, features)
        given[days] = set(scored.persona[scored.customer_id.str.startswith("seasonal")])
    assert given == {334: {"Occasional Shoppers"}, 365: {"Seasonal Shoppers"}}
