"""Answers as JSON-ready objects, written once: every door sends these, so that all give the same bytes.

Days are ISO text, exact money is a decimal text, forecasts are numbers; each answer ends with its provenance.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from retail_assets.errors import RetailError
from retail_assets.serving.errors import ServingError
from retail_assets.serving.results import (
    Category,
    Forecast,
    Health,
    Profile,
    Provenance,
    Recommendations,
    Scores,
    Segment,
)

Answer = dict[str, Any]
_AS_THEY_ARE = frozenset((float, int, str, bool, type(None)))
_NAMES: dict[type, tuple[str, ...] | None] = {}


def forecast(answer: Forecast) -> Answer:
    """Return a forecast."""
    return _ending_with_provenance(answer)


def segment(answer: Segment) -> Answer:
    """Return the segment of a customer."""
    return _ending_with_provenance(answer)


def customers(answer: Sequence[Segment], provenance: Provenance) -> Answer:
    """Return a page of customers; `next` is the id to ask for those after, None on an empty page."""
    items = [{k: v for k, v in _plain(each).items() if k != "provenance"} for each in answer]
    return {"customers": items, "next": items[-1]["customer_id"] if items else None, "provenance": _plain(provenance)}


def scores(answer: Scores) -> Answer:
    """Return the segments of the customers of a question."""
    return _ending_with_provenance(answer)


def recommendations(answer: Recommendations) -> Answer:
    """Return what to do about a persona."""
    return _ending_with_provenance(answer)


def categories(answer: Sequence[Category], provenance: Provenance) -> Answer:
    """Return the catalog."""
    return {"categories": _plain(answer), "provenance": _plain(provenance)}


def personas(answer: Sequence[Profile], provenance: Provenance) -> Answer:
    """Return the personas with their numbers."""
    return {"personas": _plain(answer), "provenance": _plain(provenance)}


def stock(answer: Sequence[Mapping[str, Any]], provenance: Provenance) -> Answer:
    """Return what to have in stock."""
    return {"stock": _plain(answer), "provenance": _plain(provenance)}


def daily_sales(category: str | None, answer: Sequence[Mapping[str, Any]], provenance: Provenance) -> Answer:
    """Return what a category sold by day."""
    return {"category": category, "days": _plain(answer), "provenance": _plain(provenance)}


def quality(tables: Mapping[str, Sequence[Mapping[str, Any]]], provenance: Provenance) -> Answer:
    """Return the state of the data and of the forecast's backtest: rows by the name of what they are about."""
    return {**_plain(tables), "provenance": _plain(provenance)}


def provenance(answer: Provenance) -> Answer:
    """Return which bundle is in use."""
    plain: Answer = _plain(answer)
    return plain


def health(answer: Health) -> Answer:
    """Return the state of a predictor."""
    plain: Answer = _plain(answer)
    return plain


def problem(error: RetailError) -> Answer:
    """Return an error as an object of RFC 9457: `type`, `title`, `status`, `detail`, `code`, and `nearest` names.

    An error that is not about the question shows no detail: its text may name folders of the server.
    """
    if isinstance(error, ServingError) and error.status < 500:
        code, status, detail = error.code, error.status, str(error)
    else:
        code = error.code if isinstance(error, ServingError) else "unavailable"
        status, detail = 503, "There is no usable bundle at present. Try again later."
    answer: Answer = {
        "type": f"urn:retail-assets:problem:{code}",
        "title": code.replace("-", " ").capitalize(),
        "status": status,
        "detail": detail,
        "code": code,
    }
    if isinstance(error, ServingError) and error.nearest:
        answer["nearest"] = list(error.nearest)
    return answer


def encoded(answer: Mapping[str, Any]) -> bytes:
    """Write an answer as JSON in UTF-8 on one line: the one writer of all doors."""
    return json.dumps(answer, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")


def _ending_with_provenance(answer: Any) -> Answer:
    plain: Answer = _plain(answer)
    return plain


def _names(kind: type) -> tuple[str, ...] | None:
    """The names of a record's fields, remembered; None for what is no record."""
    if kind not in _NAMES:
        is_record = dataclasses.is_dataclass(kind)
        _NAMES[kind] = tuple(each.name for each in dataclasses.fields(kind)) if is_record else None
    return _NAMES[kind]


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind in _AS_THEY_ARE:
        return value
    if (names := _names(kind)) is not None:
        return {name: _plain(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, dt.date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value
