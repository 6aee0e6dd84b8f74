"""Giving every customer a segment with the model in use: rules first, then clusters for the remaining customers."""

from __future__ import annotations

import numpy as np
import pandas as pd

from retail_assets.segmentation.model.features import eligible
from retail_assets.segmentation.model.segment_model import SegmentModel
from retail_assets.segmentation.model.tags import tag
from retail_assets.segmentation.personas.catalog import DEFAULT, Catalog
from retail_assets.segmentation.queries.customer_features import MIN_PURCHASES


def score(model: SegmentModel | None, features: pd.DataFrame, catalog: Catalog = DEFAULT) -> pd.DataFrame:
    """Return the segment of each customer of a features frame, in its order.

    Columns: `customer_id`, `persona`, `cluster` (int; -1 if a rule decided), `confidence` (probability of belonging to
    the cluster; NaN if a rule decided), `tags` (text), `favourite_category` (None if the customer has none) and
    `lapsed_risk` (bool).

    Args:
        model: the model in use; without one, customers to whom no rule applies are in the group `not_segmented`.
        features: a features frame.
        catalog: names of the groups that rules assign.
    """
    groups = catalog.groups
    bought = features["frequency"].to_numpy()
    paid = features["monetary"].to_numpy(dtype=float)
    returned = features["returned"].to_numpy(dtype=float)
    personas = np.full(len(features), groups["not_segmented"].name, dtype=object)
    clusters = np.full(len(features), -1, dtype=np.int32)
    confidence = np.full(len(features), np.nan)
    personas[bought < MIN_PURCHASES] = groups["one_purchase"].name
    personas[paid <= 0] = groups["no_net_spend"].name
    # Who bought before the window and only returned in it did pay, once.
    before = features["tenure"].to_numpy(dtype=float) >= features["window_days"].to_numpy(dtype=float)
    personas[(bought == 0) & (before | ((paid == 0) & (returned == 0)))] = groups["dormant"].name
    chosen = eligible(features)
    if model is not None and chosen.any():
        labels, chances = model.posterior(features[chosen])
        clusters[chosen], confidence[chosen] = labels, chances
        personas[chosen] = np.array(model.names, dtype=object)[labels]
    tags = tag(features)
    return pd.DataFrame(
        {
            "customer_id": features["customer_id"].to_numpy(),
            "persona": personas,
            "cluster": clusters,
            "confidence": np.round(confidence, 6),
            "tags": tags.text,
            "favourite_category": tags.favorite_category,
            "lapsed_risk": tags.lapsed_risk,
        }
    )


def share_renamed(candidate: SegmentModel, champion: SegmentModel, features: pd.DataFrame, catalog: Catalog) -> float:
    """Return the share of the customers of a features frame that two models name differently; 0 without customers.

    A persona whose name takes a year to know is the same before and after its year.
    """
    if not len(features):
        return 0.0
    ours, theirs = (score(model, features, catalog)["persona"].to_numpy() for model in (candidate, champion))
    pairs, counts = np.unique(np.column_stack([theirs, ours]).astype(str), axis=0, return_counts=True)
    renamed = [not catalog.same_persona(before, now) for before, now in pairs.tolist()]
    return float(counts[renamed].sum() / len(features))
