"""What else is known about a customer: favorite category, unusual silence, weekends, holidays, returns.

Each tag follows a rule of one sentence, and requires enough purchases that it is not a matter of chance.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from retail_assets.segmentation.model.catch_all import is_catch_all

FOCUS_SHARE, FOCUS_INDEX = 0.25, 1.5
"""Focused on a category: at least a quarter of the money, and at least 1.5 times the share among all customers."""
TAG_PURCHASES = 3
"""Purchases below which a habit may be chance."""
SILENCE = 3.0
"""At risk of lapsing: silent for this many mean gaps between purchases; 5 % of random (exponential) gaps are longer."""
SILENCE_DAYS = 14
WEEKEND_SHARE = 0.6
"""Weekend shopper: at least this share of the money on two days of seven."""
HOLIDAY_SHARE = 0.4
RETURN_SHARE = 0.25

WEEKEND, HOLIDAY, LAPSED, RETURNS = "weekend shopper", "holiday shopper", "lapsed risk", "returns often"


@dataclass(frozen=True)
class Tags:
    """Tags by customer, in the order of the features frame."""

    text: np.ndarray
    favorite_category: np.ndarray
    lapsed_risk: np.ndarray


def tag(features: pd.DataFrame) -> Tags:
    """Tag the customers of a features frame. `text` joins the tags: `electronics-focused, weekend shopper`."""
    enough = features["frequency"].to_numpy() >= TAG_PURCHASES

    def number(name: str) -> np.ndarray:
        return features[name].to_numpy(dtype=float)

    with np.errstate(invalid="ignore", divide="ignore"):
        focused = (
            (number("favourite_share") >= FOCUS_SHARE)
            & (number("favourite_index") >= FOCUS_INDEX)
            & (number("favourite_orders") >= 2)
        )
        lapsed = enough & (number("recency") > SILENCE * number("gap_mean")) & (number("recency") >= SILENCE_DAYS)
        bought = number("monetary") - number("returned")
        marks = (
            (LAPSED, lapsed),
            (WEEKEND, enough & (number("weekend_share") >= WEEKEND_SHARE)),
            (HOLIDAY, enough & (number("holiday_share") >= HOLIDAY_SHARE)),
            (RETURNS, enough & (bought > 0) & (-number("returned") >= RETURN_SHARE * bought)),
        )
    favorite = features["favourite_category"].to_numpy(dtype=object).copy()
    # Nobody focuses on "miscellaneous": it is many things, and nothing that could be offered.
    nothing = {name for name in set(favorite[focused].tolist()) if name is None or is_catch_all(name)}
    focused &= ~np.isin(favorite, list(nothing)) if nothing else True
    favorite[~focused] = None
    words = {name: f"{slug(name)}-focused" for name in set(favorite[focused].tolist())}
    text = np.array([words[name] if name is not None else "" for name in favorite], dtype=object)
    for word, mask in marks:
        comma = np.where(text == "", "", ", ")
        text = np.where(mask, text + comma + word, text)
    return Tags(text, favorite, np.asarray(lapsed, dtype=bool))


def slug(category: str) -> str:
    """Write a category for a tag: lower-case letters of any script and digits, words joined by hyphens.

    >>> slug("Home & Garden"), slug("食品"), slug("!")
    ('home-garden', '食品', 'other')
    """
    return re.sub(r"[\W_]+", "-", category.casefold()).strip("-") or "other"
