"""What may be asked over HTTP: each path with its parameters, and the answer. No web framework is known here.

A path ends with the name it asks about, whole: `/v1/forecasts/Food/Drinks` asks for the category `Food/Drinks`.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retail_assets.serving import answers, schema
from retail_assets.serving.errors import BadRequestError
from retail_assets.serving.predictor import Predictor

PAGE = 100
"""Items of a list by default."""
MOST_ITEMS = 1000
MOST_SCORED = 10_000
"""Purchases of one request."""

_WHOLE = re.compile(r"[0-9]{1,9}\Z", re.ASCII)
_CURSOR = re.compile(r"[A-Za-z0-9_-]+\Z", re.ASCII)
_DECIMAL = re.compile(r"[0-9]{1,3}(\.[0-9]{1,9})?\Z", re.ASCII)

Parameters = Mapping[str, str]
Answer = Callable[[Predictor, str, Parameters, Any], answers.Answer]


@dataclass(frozen=True)
class Route:
    """A path and what answers it.

    Attributes:
        template: the path, with the name at its end in braces; what logs and metrics show of a request.
        answer: gives the answer to the predictor, the name, the parameters of the query, and the body.
        parameters: names that the query may have.
        method: `GET` or `POST`.
    """

    template: str
    answer: Answer
    parameters: tuple[str, ...] = ()
    method: str = "GET"

    @property
    def prefix(self) -> str:
        """The path up to the name."""
        return self.template.partition("{")[0]

    @property
    def takes_name(self) -> bool:
        return "{" in self.template


def find(path: str) -> tuple[Route, str] | None:
    """Return the route of a path whose percent signs are decoded, and the name at its end; None if there is none."""
    route = _EXACT.get(path)
    if route is not None:
        return route, ""
    for route in _NAMED:
        if path.startswith(route.prefix) and len(path) > len(route.prefix):
            return route, path[len(route.prefix) :]
    return None


def _provenance(predictor: Predictor, name: str, given: Parameters, body: Any) -> answers.Answer:
    return answers.provenance(predictor.provenance())


def _categories(predictor: Predictor, name: str, given: Parameters, body: Any) -> answers.Answer:
    everything = predictor.categories()
    chosen, more = _page([each.name for each in everything], given)
    answer = answers.categories([everything[at] for at in chosen], predictor.provenance())
    return _with_next(answer, everything[chosen[-1]].name if more else None)


def _forecast(predictor: Predictor, name: str, given: Parameters, body: Any) -> answers.Answer:
    coverage = _decimal(given, "coverage")
    return answers.forecast(
        predictor.forecast(name, given.get("start"), _whole(given, "days"), 0.8 if coverage is None else coverage)
    )


def _sales(predictor: Predictor, name: str, given: Parameters, body: Any) -> answers.Answer:
    days = _whole(given, "days")
    rows = predictor.daily_sales(name, 56 if days is None else days)
    return answers.daily_sales(predictor.category_of_sales(name), rows, predictor.provenance())


def _customers(predictor: Predictor, name: str, given: Parameters, body: Any) -> answers.Answer:
    limit = _limit(given)
    after = _decoded(given["cursor"]) if "cursor" in given else ""
    # One more than asked for tells whether there is another page.
    found = predictor.customers(after, min(limit + 1, MOST_ITEMS))
    answer = answers.customers(found[:limit], predictor.provenance())
    more = len(found) > limit or (limit == MOST_ITEMS and len(found) == limit)
    return _with_next(answer, found[limit - 1].customer_id if more else None)


def _segment(predictor: Predictor, name: str, given: Parameters, body: Any) -> answers.Answer:
    return answers.segment(predictor.segment(name))


def _score(predictor: Predictor, name: str, given: Parameters, body: Any) -> answers.Answer:
    if not isinstance(body, Mapping) or "purchases" not in body or not set(body) <= {"purchases", "as_of"}:
        raise BadRequestError('The body must be an object: {"purchases": [{"customer_id", "date", "amount"}, …]}.')
    purchases = body["purchases"]
    if not isinstance(purchases, list):
        raise BadRequestError("purchases must be a list of objects with customer_id, date and amount.")
    return answers.scores(predictor.score(purchases, body.get("as_of"), most=MOST_SCORED))


def _personas(predictor: Predictor, name: str, given: Parameters, body: Any) -> answers.Answer:
    return answers.personas(predictor.personas(), predictor.provenance())


def _recommendations(predictor: Predictor, name: str, given: Parameters, body: Any) -> answers.Answer:
    return answers.recommendations(predictor.recommendations(name))


def _stock(predictor: Predictor, name: str, given: Parameters, body: Any) -> answers.Answer:
    return answers.stock(predictor.stock(), predictor.provenance())


def _quality(predictor: Predictor, name: str, given: Parameters, body: Any) -> answers.Answer:
    tables = {
        "quarantine": schema.QUARANTINE,
        "landings": schema.LANDING,
        "checks": schema.CHECK_RESULT,
        "backtest": schema.BACKTEST,
    }
    return answers.quality({key: predictor.rows(table) for key, table in tables.items()}, predictor.provenance())


ROUTES: tuple[Route, ...] = (
    Route("/v1/categories", _categories, ("limit", "cursor")),
    Route("/v1/forecasts/{category}", _forecast, ("start", "days", "coverage")),
    Route("/v1/sales/{category}", _sales, ("days",)),
    Route("/v1/segments", _customers, ("limit", "cursor")),
    Route("/v1/segments/{customer_id}", _segment),
    Route("/v1/score", _score, method="POST"),
    Route("/v1/personas", _personas),
    Route("/v1/recommendations/{persona}", _recommendations),
    Route("/v1/stock", _stock),
    Route("/v1/quality", _quality),
    Route("/v1/provenance", _provenance),
)
_EXACT = {route.template: route for route in ROUTES if not route.takes_name}
_NAMED = tuple(route for route in ROUTES if route.takes_name)


def _page(keys: Sequence[str], given: Parameters) -> tuple[range, bool]:
    """The places of a page of a list, and whether another follows."""
    first = 0
    if "cursor" in given:
        after = _decoded(given["cursor"])
        if after not in keys:
            raise BadRequestError("cursor is of a list that has changed since. Start again without it.")
        first = keys.index(after) + 1
    last = min(first + _limit(given), len(keys))
    return range(first, last), last < len(keys)


def _with_next(answer: answers.Answer, last: str | None) -> answers.Answer:
    """The answer with the cursor of the next page, before the provenance."""
    provenance = answer.pop("provenance")
    cursor = None if last is None else base64.urlsafe_b64encode(last.encode()).decode().rstrip("=")
    return {**answer, "next": cursor, "provenance": provenance}


def _decoded(cursor: str) -> str:
    try:
        if not _CURSOR.match(cursor):
            raise ValueError
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode("utf-8")
    except (ValueError, binascii.Error):
        raise BadRequestError("cursor is not one that this list has given. Start again without it.") from None


def _limit(given: Parameters) -> int:
    limit = _whole(given, "limit")
    if limit is None:
        return PAGE
    if not 1 <= limit <= MOST_ITEMS:
        raise BadRequestError(f"limit is {limit}. Give 1 to {MOST_ITEMS}.")
    return limit


def _whole(given: Parameters, name: str) -> int | None:
    text = given.get(name)
    if text is None:
        return None
    if not _WHOLE.match(text):
        raise BadRequestError(f"{name} is {ascii(text)[:60]}. Give a whole number.")
    return int(text)


def _decimal(given: Parameters, name: str) -> float | None:
    text = given.get(name)
    if text is None:
        return None
    if not _DECIMAL.match(text):
        raise BadRequestError(f"{name} is {ascii(text)[:60]}. Give a number such as 0.8.")
    return float(text)
