"""What is known of a customer beside the segment: favourite category, unusual silence, weekends, holidays, returns.

Each tag has a rule that can be said in a sentence, and asks for enough purchases that chance does not make it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

FOCUS_SHARE, FOCUS_INDEX = 0.25, 1.5
"""Focused on a category: a quarter of the money or more, and half as much again as among all customers."""
TAG_PURCHASES = 3
"""Purchases below which a habit cannot be told from chance."""
SILENCE = 3.0
"""At risk of lapsing: silent for so many mean gaps. Of gaps that come by chance (exponential), 5 % are longer."""
SILENCE_DAYS = 14
WEEKEND_SHARE = 0.6
"""Weekend shopper: so much of the money on two days of seven."""
HOLIDAY_SHARE = 0.4
RETURN_SHARE = 0.25

WEEKEND, HOLIDAY, LAPSED, RETURNS = "weekend shopper", "holiday shopper", "lapsed risk", "returns often"


@dataclass(frozen=True)
class Tags:
    """By customer, in the order of the features frame."""

    text: np.ndarray
    favourite_category: np.ndarray
    lapsed_risk: np.ndarray


def tag(features: pd.DataFrame) -> Tags:
    """The tags of a features frame. `text` joins them with commas, such as `electronics-focused, weekend shopper`."""
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
    favourite = features["favourite_category"].to_numpy(dtype=object).copy()
    favourite[~focused] = None
    known = {name: f"{slug(name)}-focused" for name in set(favourite[focused].tolist())}
    text = np.array([known[name] if name is not None else "" for name in favourite], dtype=object)
    for word, mask in marks:
        comma = np.where(text == "", "", ", ")
        text = np.where(mask, text + comma + word, text)
    return Tags(text, favourite, np.asarray(lapsed, dtype=bool))


def slug(category: str) -> str:
    """A category as it stands in a tag: small letters of any script and digits, words joined by hyphens."""
    return re.sub(r"[\W_]+", "-", category.casefold()).strip("-") or "other"
