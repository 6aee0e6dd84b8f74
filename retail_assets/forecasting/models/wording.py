"""What readers call the models."""

from __future__ import annotations

_WORDS = {
    "gradient_boosting": "gradient boosting",
    "hist_gradient_boosting": "histogram gradient boosting",
    "auto_ets": "exponential smoothing",
    "auto_theta": "the Theta method",
    "combination": "the mean of three models",
    "seasonal_naive": "seasonal naive",
    "weekday_mean": "the same-weekday mean of 8 weeks",
    "recent_mean": "the mean day of the last 8 weeks",
}


def in_words(model: str) -> str:
    """Give the words for a model's name.

    >>> in_words("auto_ets")
    'exponential smoothing'
    """
    return _WORDS[model]
