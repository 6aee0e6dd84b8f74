"""Predictions for applications: one predictor over a published bundle, the same numbers at every door.

A *bundle* is what the asset `serving_bundle` publishes (`exports/bundle`): a manifest with hashes, a SQLite file with
forecasts, segments, recommendations, recent sales and the state of the data, and the segments' model in plain numbers.
Reading it needs no warehouse, so no question waits for a load. This room imports neither Dagster, pyspark, pandas,
numpy, scikit-learn, pyarrow nor a warehouse; an import contract proves it.

Doors (command line, HTTP, Flask, Django, Lambda) use four things and nothing else of this room:

- `Predictor.from_uri(uri, background=…, required=…)` and its methods `forecast`, `segment`, `customers`, `score`,
  `recommendations`, `categories`, `personas`, `stock`, `daily_sales`, `rows`, `provenance`, `health`;
- the records of `results`;
- `answers`: each record as a JSON-ready object (`answers.forecast(predictor.forecast("Beauty"))`), `answers.problem`
  for errors (RFC 9457), and `answers.encoded`, the one JSON writer, so that the doors give equal bytes;
- the errors of `errors`, whose `code` and `status` are the same everywhere.

`predictor.provenance().bundle` is the version: the same version has the same content, so it serves as an ETag and as a
key to cache encoded answers by.

Example::

    from retail_assets.serving import Predictor, answers

    predictor = Predictor.from_uri("file:///srv/retail/serving/retail_sales")
    answers.encoded(answers.forecast(predictor.forecast("Beauty", days=7)))
"""

from retail_assets.serving import answers
from retail_assets.serving.errors import (
    BadBundleError,
    BadRequestError,
    NoBundleError,
    OutsideHorizonError,
    ServingError,
    UnknownCategoryError,
    UnknownCustomerError,
    UnknownPersonaError,
)
from retail_assets.serving.predictor import Predictor
from retail_assets.serving.purchases import Purchase
from retail_assets.serving.results import Provenance

__all__ = [
    "BadBundleError",
    "BadRequestError",
    "NoBundleError",
    "OutsideHorizonError",
    "Predictor",
    "Provenance",
    "Purchase",
    "ServingError",
    "UnknownCategoryError",
    "UnknownCustomerError",
    "UnknownPersonaError",
    "answers",
]
