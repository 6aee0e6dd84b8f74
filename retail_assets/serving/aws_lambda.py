"""Predictions as an AWS Lambda function behind API Gateway (REST or HTTP API) or a function URL.

The handler is `retail_assets.serving.aws_lambda.handler`. Paths, bodies and errors are those of `retail-assets serve`.
The bundle is at RETAIL_SERVING_URI, in the folder of RETAIL_SOURCE; it stays open between calls, and a newer one comes
into use within two seconds of the next call. No web framework is known here.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import threading
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from retail_assets.errors import RetailError
from retail_assets.serving.errors import BadRequestError
from retail_assets.serving.http.logs import log_failure
from retail_assets.serving.predictor import Predictor
from retail_assets.serving.requests import Api, RequestError, Response, decoded_path, refused
from retail_assets.settings import load_serving_uri

Event = Mapping[str, Any]

MOST_ANSWER_BYTES = 6 * 1024**2 - 16 * 1024
"""Of an answer as Lambda sends it, in JSON: beyond 6 MB AWS would fail without a reason."""

_ENCODED = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*\Z")

_opening = threading.Lock()
_api: Api | None = None


def handler(event: Event, context: object = None) -> dict[str, Any]:
    """Answer an event of API Gateway or of a function URL. Never raises.

    Args:
        event: payload format 1.0 (REST API, HTTP API) or 2.0 (HTTP API, function URL).
        context: not used.
    """
    try:
        question = _question(event)
        response = opened().respond(question.method, question.path, question.query, question.headers, question.body)
    except Exception as e:  # an event that is none, settings that do not load
        response = refused(e)
    return _answer(response)


def opened() -> Api:
    """Return what answers, with the bundle open if there is one. Raises SettingsError if settings do not load."""
    global _api
    with _opening:
        if _api is None:
            # No thread: AWS stops all threads between calls.
            _api = Api(Predictor.from_uri(load_serving_uri(), required=False))
        return _api


@dataclass(frozen=True, slots=True)
class _Question:
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


def _question(event: Event) -> _Question:
    if not isinstance(event, Mapping):
        raise _no_request()
    about = _object(event, "requestContext")
    if event.get("version") == "2.0":
        http = _object(about, "http")
        method, raw = http.get("method"), event.get("rawPath")
        query = event.get("rawQueryString") or ""
    else:
        method, raw = event.get("httpMethod"), event.get("path")
        query = urllib.parse.urlencode(_pairs(event, "multiValueQueryStringParameters", "queryStringParameters"))
    headers: dict[str, str] = {}
    for key, value in _pairs(event, "multiValueHeaders", "headers"):
        name = key.lower()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    if not (isinstance(method, str) and isinstance(raw, str) and isinstance(query, str)):
        raise _no_request()
    return _Question(method, _path(event, about, raw), query, headers, _body(event))


def _path(event: Event, about: Mapping[str, Any], raw: str) -> str:
    """The path below the stage and the base path of a domain of one's own, its percent signs decoded once."""
    is_http_api = "version" in event and ".lambda-url." not in str(about.get("domainName"))
    # REST APIs and function URLs hand the path over as it was sent; HTTP APIs decode it, which shows where it has
    # characters that no URL has. If it has none, serverless-offline may have sent it, which does not decode.
    is_decoded = is_http_api and not _ENCODED.match(raw)
    path = raw if is_decoded else decoded_path(raw.encode("utf-8", "surrogatepass"))
    stage = about.get("stage")
    if is_http_api and stage != "$default" and path.startswith(f"/{stage}/"):
        path = path[len(f"/{stage}") :]
    # Of a route `/{proxy+}`, what it matched: a base path is not part of it.
    route = str(event.get("resource") or event.get("routeKey")).rpartition(" ")[2]
    rest = _object(event, "pathParameters").get("proxy")
    if route == "/{proxy+}" and isinstance(rest, str):
        for below in (f"/{rest}", f"/{urllib.parse.unquote(rest)}"):
            if path.endswith(below):
                return below
    return path


def _pairs(event: Event, several: str, single: str) -> list[tuple[str, str]]:
    """Names and values, each value of its own where a name has several; what is null is not there."""
    values = _object(event, several) or _object(event, single)
    return [(key, str(value)) for key, each in values.items() for value in _listed(each) if value is not None]


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _body(event: Event) -> bytes:
    body = event.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise _no_request()
    if event.get("isBase64Encoded") not in (True, "true"):  # in events made by hand it may be a text
        return body.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise BadRequestError("The body is not base64, as the event says.") from None


def _object(event: Event, name: str) -> Mapping[str, Any]:
    value = event.get(name)
    return value if isinstance(value, Mapping) else {}


def _no_request() -> RequestError:
    return RequestError(
        400, "bad-request", "This is no event of API Gateway (format 1.0 or 2.0) nor of a function URL."
    )


def _answer(response: Response) -> dict[str, Any]:
    body = response.body.decode("utf-8")
    # Every quote takes two bytes inside Lambda's own JSON.
    if 2 * len(response.body) > MOST_ANSWER_BYTES and len(json.dumps(body).encode()) > MOST_ANSWER_BYTES:
        response = refused(
            RequestError(413, "too-large", "The answer has more than 6 MB. Ask for fewer customers at once."),
            response.route,
        )
        body = response.body.decode("utf-8")
    if response.failure is not None:
        log_failure(response.failure, route=response.route)
    return {
        "statusCode": response.status,
        "headers": dict(response.headers),
        "body": body,
        "isBase64Encoded": False,
    }


if "AWS_LAMBDA_RUNTIME_API" in os.environ:
    # AWS lends a whole core while a function starts: the bundle is open before the first call.
    try:
        opened()
    except RetailError as e:
        log_failure(e)
