"""The OpenAPI 3.1 description: FastAPI makes the schemas of the records; parameters and statuses are here."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from retail_assets.serving import results
from retail_assets.serving.http import documents
from retail_assets.serving.http.examples import EXAMPLES, SCORE_REQUEST
from retail_assets.serving.predictor import COVERAGES, MOST_DAYS
from retail_assets.serving.purchases import LONGEST_ID
from retail_assets.serving.requests import JSON, PROBLEM
from retail_assets.serving.routes import MOST_ITEMS, MOST_SCORED, PAGE, Route

if TYPE_CHECKING:
    from fastapi import FastAPI

TITLE = "retail-assets predictions"
DESCRIPTION = (
    "Forecasts, customer segments and recommendations of a shop, from the bundle that was published last. "
    "Every answer says in `provenance` which bundle and models its numbers come from. Days are dates in shop time, "
    "exact money is a decimal text, forecasts are numbers. An answer's ETag changes with the bundle: send it back in "
    "`If-None-Match` and get 304 while nothing has changed."
)
Spec = dict[str, Any]

#: Per path: summary, and the shape of the answer.
_PATHS: Mapping[str, tuple[str, type]] = {
    "/v1/categories": ("List the categories", documents.CategoryPage),
    "/v1/forecasts/{category}": ("Forecast a category's revenue and units", results.Forecast),
    "/v1/sales/{category}": ("List what a category sold by day", documents.DailySales),
    "/v1/segments": ("List customers with their segments", documents.CustomerPage),
    "/v1/segments/{customer_id}": ("Look up a customer's segment", results.Segment),
    "/v1/score": ("Give customers a segment by their purchases", results.Scores),
    "/v1/personas": ("List the personas with their numbers", documents.Personas),
    "/v1/recommendations/{persona}": ("Say what to do about a persona", results.Recommendations),
    "/v1/stock": ("List what to have in stock", documents.Stock),
    "/v1/quality": ("Show the state of the data and of the forecast", documents.Quality),
    "/v1/provenance": ("Show which bundle is in use", results.Provenance),
}
_PARAMETERS: Mapping[str, tuple[str, Spec, Any]] = {
    "limit": ("Items of a page.", {"type": "integer", "minimum": 1, "maximum": MOST_ITEMS, "default": PAGE}, 100),
    "cursor": ("`next` of the page before.", {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"}, None),
    "start": (
        "First day; by default the first day of the forecast.",
        {"type": "string", "format": "date"},
        None,
    ),
    "coverage": (
        "Probability that a day's revenue is inside its interval.",
        {"type": "number", "enum": list(COVERAGES), "default": 0.8},
        0.8,
    ),
}
_DAYS: Mapping[str, tuple[str, int, int | None]] = {
    "/v1/forecasts/{category}": ("Days of the forecast; by default all.", MOST_DAYS, None),
    "/v1/sales/{category}": ("Days up to the cut-off.", 400, 56),
}
_NAMES: Mapping[str, tuple[str, str, int]] = {
    "category": ("Name of a category, in any case; `TOTAL` for all together.", "TOTAL", 200),
    "customer_id": ("Id of a customer, as in the sales.", "C1042", LONGEST_ID),
    "persona": ("Name of a persona, in any case.", "Loyal", 200),
}
_STATUSES: Mapping[str, str] = {
    "304": "Not modified: what `If-None-Match` names is still the answer.",
    "400": "The question is wrong; `detail` says what is possible.",
    "401": "API keys are required, and there was none that counts.",
    "404": "There is no such name; `nearest` has similar ones.",
    "405": "The method does not fit the path.",
    "408": "The body did not come in time.",
    "413": "The body is too large.",
    "415": "The body is not JSON in UTF-8.",
    "421": "The host name is not one that this server answers to.",
    "429": "Too many requests; `Retry-After` says when to come again.",
    "500": "A fault of the server.",
    "503": "There is no usable bundle at present.",
}
_ATTRIBUTE = re.compile(r"^    (\w[\w, ]*): (.*(?:\n {8}.*)*)", re.MULTILINE)


def describe(route: Route) -> dict[str, Any]:
    """Return what FastAPI gets for a path."""
    summary, shape = _PATHS[route.template]
    extra: Spec = {"parameters": [*_path_parameters(route), *(_parameter(route, name) for name in route.parameters)]}
    if route.method == "POST":
        extra["requestBody"] = {
            "required": True,
            "content": {JSON: {"schema": _score_schema(), "example": SCORE_REQUEST}},
        }
    return {
        "response_model": shape,
        "summary": summary,
        "description": _summary(shape),
        "operation_id": re.sub(r"\W+", "_", route.template.removeprefix("/v1/")).strip("_"),
        "tags": ["predictions"],
        "openapi_extra": extra,
        "response_description": "The answer.",
    }


def openapi_of(app: FastAPI) -> Spec:
    """Return the description of the application's paths."""
    if app.openapi_schema is None:
        from fastapi.openapi.utils import get_openapi

        spec = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        app.openapi_schema = _completed(spec)
    return app.openapi_schema


def _completed(spec: Spec) -> Spec:
    spec["servers"] = [{"url": "/"}]
    spec["security"] = [{}, {"bearer": []}, {"header": []}]
    components = spec["components"]
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "An API key, where the server asks for one."},
        "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }
    shapes = {**vars(results), **vars(documents)}
    for name, schema in components["schemas"].items():
        _explain(schema, shapes[name])
    components["schemas"]["Problem"] = _problem_schema()
    for template, methods in spec["paths"].items():
        for method, operation in methods.items():
            _complete(operation, template, method)
    return spec


def _complete(operation: Spec, template: str, method: str) -> None:
    good = operation["responses"]["200"]
    good["content"][JSON]["example"] = EXAMPLES[template]
    good["headers"] = {
        "Cache-Control": {"description": "How the answer may be kept.", "schema": {"type": "string"}},
        "X-Request-Id": {"description": "The request in the server's log.", "schema": {"type": "string"}},
    }
    statuses = dict(_STATUSES)
    if method == "post":
        statuses.pop("304")
        statuses.pop("404")
    else:
        etag = {"description": "Version of the answer.", "schema": {"type": "string"}}
        good["headers"]["ETag"] = etag
        for status in ("408", "415"):
            statuses.pop(status)
        if "{" not in template:
            statuses.pop("404")
    for status, text in statuses.items():
        operation["responses"][status] = {"description": text}
        if status != "304":
            content = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
            operation["responses"][status]["content"] = content
    seconds = {"description": "Seconds to wait.", "schema": {"type": "integer"}}
    for status in ("429", "503"):
        operation["responses"][status]["headers"] = {"Retry-After": seconds}


def _explain(schema: Spec, shape: type) -> None:
    """Take the descriptions of a record and of its attributes from its docstring."""
    schema["description"] = _summary(shape)
    texts = _attributes(shape)
    if shape is results.ScoredCustomer:  # its docstring refers to the other one
        texts = {**_attributes(results.Segment), "note": "Why a rule decided; empty where a cluster did.", **texts}
    for name, content in schema.get("properties", {}).items():
        if name in texts:
            content["description"] = texts[name]


def _attributes(shape: type) -> dict[str, str]:
    """The descriptions of a record's attributes, as sentences."""
    found = {}
    for names, text in _ATTRIBUTE.findall((inspect.getdoc(shape) or "").partition("Attributes:")[2]):
        sentence = " ".join(text.split()).replace("None", "null")
        for name in names.split(", "):
            found[name] = sentence[:1].upper() + sentence[1:]
    return found


def _summary(shape: type) -> str:
    return " ".join((inspect.getdoc(shape) or "").partition("Attributes:")[0].split())


def _path_parameters(route: Route) -> list[Spec]:
    if not route.takes_name:
        return []
    name = route.template.partition("{")[2].rstrip("}")
    text, example, longest = _NAMES[name]
    schema = {"type": "string", "minLength": 1, "maxLength": longest}
    return [{"name": name, "in": "path", "required": True, "description": text, "schema": schema, "example": example}]


def _parameter(route: Route, name: str) -> Spec:
    if name == "days":
        text, most, usual = _DAYS[route.template]
        schema: Spec = {"type": "integer", "minimum": 1, "maximum": most}
        if usual is not None:
            schema["default"] = usual
        example: Any = 7
    else:
        text, schema, example = _PARAMETERS[name]
    parameter = {"name": name, "in": "query", "required": False, "description": text, "schema": schema}
    return parameter if example is None else {**parameter, "example": example}


def _score_schema() -> Spec:
    written = {"type": "string", "pattern": r"^-?[0-9]{1,12}(\.[0-9]{1,6})?$"}
    money = {"anyOf": [{"type": "number", "minimum": -1e12, "maximum": 1e12}, written]}
    date = {"type": "string", "format": "date"}
    text = {"type": "string", "minLength": 1, "maxLength": LONGEST_ID}
    purchase = {
        "type": "object",
        "additionalProperties": False,
        "required": ["customer_id", "date", "amount"],
        "properties": {
            "customer_id": text,
            "date": {**date, "description": "Day of the purchase in shop time."},
            "amount": {**money, "description": "Money paid, negative for a return; as text it stays exact."},
            "order_id": {
                "anyOf": [text, {"type": "null"}],
                "description": "Lines with the same one are one purchase; else the lines of a customer's day are.",
            },
            "quantity": {"anyOf": [*money["anyOf"], {"type": "null"}], "description": "Negative for a return."},
        },
    }
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["purchases"],
        "properties": {
            "purchases": {"type": "array", "maxItems": MOST_SCORED, "items": purchase},
            "as_of": {
                "anyOf": [date, {"type": "null"}],
                "description": "Day as of which the customers are described; by default the shop's snapshot, or the "
                "day of the last purchase if that is later.",
            },
        },
    }


def _problem_schema() -> Spec:
    text = {"type": "string"}
    properties: dict[str, Spec] = {
        "type": {**text, "format": "uri"},
        "title": text,
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": text,
        "code": text,
        "nearest": {"type": "array", "items": text},
    }
    schema: Spec = {
        "type": "object",
        "required": ["type", "title", "status", "detail", "code"],
        "properties": properties,
    }
    _explain(schema, documents.Problem)
    return schema
