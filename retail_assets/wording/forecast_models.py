"""What readers call the models of the forecast."""

from __future__ import annotations

_WORDS = {
    "yearly_boosting": "gradient boosting with memory of the year",
    "gradient_boosting": "gradient boosting",
    "hist_gradient_boosting": "histogram gradient boosting",
    "auto_ets": "exponential smoothing",
    "auto_theta": "the Theta method",
    "combination_year": "the mean of three models, one with memory of the year",
    "boosting_mean_year": "the mean of gradient boosting with and without memory of the year",
    "combination": "the mean of three models",
    "seasonal_naive": "seasonal naive",
    "weekday_mean": "the same-weekday mean of 8 weeks",
    "recent_mean": "the mean day of the last 8 weeks",
    "year_weekday_mean": "the same-weekday mean of up to a year",
    "year_mean": "the mean day of up to a year",
    "last_day": "the last day",
    "retail_assets": "the product",
    **{f"statsforecast {model}": f"{model} of statsforecast" for model in ("AutoETS", "AutoTheta", "MSTL")},
}

#: Where there is little room, beside the name of a category.
_SHORT = {
    "weekday_mean": "same-weekday mean",
    "recent_mean": "mean day of 8 weeks",
    "year_weekday_mean": "weekday mean, up to a year",
    "year_mean": "mean day, up to a year",
}

#: Names of the rules, which have nothing to learn.
RULES = ("seasonal_naive", "weekday_mean", "recent_mean", "year_weekday_mean", "year_mean", "last_day")


def in_words(model: str) -> str:
    """Give the words for a model's name; a model of another version is called by its own.

    >>> in_words("auto_ets"), in_words("ridge_of_1_0")
    ('exponential smoothing', 'ridge of 1 0')
    """
    return _WORDS.get(model) or model.replace("_", " ")


def in_short(model: str) -> str:
    """Give the words for a model's name where there is little room.

    >>> in_short("year_mean"), in_short("last_day"), in_short("zero")
    ('mean day, up to a year', 'the last day', 'zero')
    """
    return _SHORT.get(model) or in_words(model)
