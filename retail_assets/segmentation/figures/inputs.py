"""What the figures of the segments show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class FigureInputs:
    """What the figures of the segments show.

    Attributes:
        evaluation: the dict of `evaluation.evaluate`.
        names: persona of each customer of `sample`.
        scores: standardized `NAMING_FEATURES` of the same customers (n x 5); unused without a model.
        migrations: rows of `segment_migrations`, of any snapshots.
        categories: rows of `queries.buying_habits.segment_categories`.
        sample: features frame.
    """

    evaluation: Mapping[str, Any]
    names: np.ndarray
    scores: np.ndarray
    migrations: Rows
    categories: Rows
    sample: pd.DataFrame

    @property
    def days(self) -> int:
        """Length of the window of sales that the features of customers are made from; 0 without customers."""
        return int(self.sample["window_days"].max()) if len(self.sample) else 0
