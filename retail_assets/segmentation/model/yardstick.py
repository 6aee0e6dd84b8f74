"""The yardstick: naming features made near-normal and standardized, frozen when it is fitted, passed on by retrainings.

A retraining measures with the yardstick of the model before it, so a cluster that stays where it was is recognized as
the same cluster and keeps its name.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import yeojohnson
from sklearn.preprocessing import PowerTransformer

from retail_assets.segmentation.model.features import MODEL_FEATURES, naming_matrix

OUTLIER_SDS = 4.0
"""Standardized features are clipped here, so that one wholesaler does not get a cluster of their own."""
YARDSTICK_SDS = 0.5
"""A new yardstick is fitted if the average customer is off by more than this in any model feature."""

INPUTS = len(MODEL_FEATURES)
"""The first columns of the naming features, which customers are clustered by."""


def fit_yardstick(matrix: np.ndarray) -> PowerTransformer:
    """Fit a yardstick to a naming matrix: Yeo-Johnson to near-normal, then mean 0 and variance 1.

    A column's yardstick does not depend on the others, so a matrix of the model features alone gives the same ones.
    Source: Yeo and Johnson (2000).
    """
    return PowerTransformer(method="yeo-johnson", standardize=True).fit(matrix)


def continued(yardstick: PowerTransformer, features: pd.DataFrame) -> PowerTransformer:
    """Return a yardstick for other customers that measures the model features as before.

    Recency and the share of the best month depend on the length of the window, so they are measured against the
    customers of the day: by a yardstick from two months of sales, everybody's best month would be small in a year.
    """
    again = fit_yardstick(naming_matrix(features))
    again.lambdas_[:INPUTS] = yardstick.lambdas_[:INPUTS]
    for name in ("mean_", "var_", "scale_"):
        getattr(again._scaler, name)[:INPUTS] = getattr(yardstick._scaler, name)[:INPUTS]
    return again


def standardized(yardstick: PowerTransformer, matrix: np.ndarray) -> np.ndarray:
    """Apply a yardstick to a naming matrix (n x 5, or x 3): deviations from its average customer, clipped."""
    if not len(matrix):
        return np.zeros((0, matrix.shape[1]))
    scaler, columns = yardstick._scaler, zip(matrix.T, yardstick.lambdas_, strict=True)
    with np.errstate(over="ignore", invalid="ignore"):
        # What `yardstick.transform` does, whose scaler refuses infinity.
        powers = np.column_stack([yeojohnson(column.astype(np.float64), power) for column, power in columns])
        scores = (powers - scaler.mean_) / scaler.scale_
    # A value far beyond those that the exponent was fitted to can overflow: it is clipped like any other outlier.
    scores = np.nan_to_num(scores, nan=OUTLIER_SDS, posinf=OUTLIER_SDS, neginf=-OUTLIER_SDS)
    return np.clip(scores, -OUTLIER_SDS, OUTLIER_SDS)


def inputs(matrix: np.ndarray) -> np.ndarray:
    """Return the columns of naming features, standardized or not, that K-Means sees (n x 3), contiguous."""
    return np.ascontiguousarray(matrix[:, :INPUTS])


def offset_of_average(scores: np.ndarray) -> np.ndarray:
    """Return how far the average of these customers is from the yardstick's, per model feature, in its deviations."""
    return np.abs(scores[:, :INPUTS].mean(axis=0))
