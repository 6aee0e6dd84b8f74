"""Giving every customer a segment by a model in use: rules first, clusters for those whom the rules leave."""

from __future__ import annotations

import numpy as np
import pandas as pd

from retail_assets.segmentation.model.clustering import SegmentModel
from retail_assets.segmentation.model.features import eligible
from retail_assets.segmentation.model.tags import tag
from retail_assets.segmentation.personas.catalog import DEFAULT, Catalog
from retail_assets.segmentation.queries.customer_features import MIN_PURCHASES


def score(model: SegmentModel | None, features: pd.DataFrame, catalog: Catalog = DEFAULT) -> pd.DataFrame:
    """The segment of each customer of a features frame, in its order.

    Columns: `customer_id`, `persona`, `cluster` (int; -1 where a rule decided), `confidence` (chance of belonging; NaN
    where a rule decided), `tags` (text), `favourite_category` (None if not focused on one) and `lapsed_risk` (bool).
    Without a model, those whom the rules leave are the group `not_segmented`.
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
    personas[(bought == 0) & (paid == 0) & (returned == 0)] = groups["dormant"].name
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
            "favourite_category": tags.favourite_category,
            "lapsed_risk": tags.lapsed_risk,
        }
    )
