"""Events as AWS makes them of a request: REST API, HTTP API (formats 2.0 and 1.0) and function URL.

Where paths are decoded follows captures of live gateways (github.com/hotsock/voker, pull request 8): HTTP APIs hand
over the path decoded, REST APIs and function URLs as it was sent.
"""

from __future__ import annotations

import base64
import urllib.parse
from typing import Any

from retail_assets_tests.serving.questions import Request


def rest(request: Request, base: str = "", *, binary: bool = False) -> dict[str, Any]:
    """Of a REST API with a resource `/{proxy+}`; `base` is the base path of a domain of one's own."""
    pairs = urllib.parse.parse_qsl(request.query, keep_blank_values=True, errors="surrogateescape")
    several: dict[str, list[str]] = {}
    for name, value in pairs:
        several.setdefault(name, []).append(value)
    return {
        "resource": "/{proxy+}",
        "path": base + request.path,
        "httpMethod": request.method,
        "headers": {_spelled(name): value for name, value in request.headers.items()} or None,
        "multiValueHeaders": {_spelled(name): [value] for name, value in request.headers.items()} or None,
        "queryStringParameters": {name: values[-1] for name, values in several.items()} or None,
        "multiValueQueryStringParameters": several or None,
        "pathParameters": {"proxy": request.path.removeprefix("/")},
        "stageVariables": None,
        "requestContext": {
            "resourcePath": "/{proxy+}",
            "httpMethod": request.method,
            "path": f"/live{request.path}",
            "stage": "live",
            "domainName": "abc123.execute-api.eu-central-1.amazonaws.com",
            "requestId": "r",
        },
        **_body(request, binary),
    }


def http(request: Request, stage: str = "$default", *, binary: bool = False) -> dict[str, Any]:
    """Of an HTTP API with a route `ANY /{proxy+}`, payload format 2.0."""
    path = urllib.parse.unquote(request.path)
    full = path if stage == "$default" else f"/{stage}{path}"
    return {
        "version": "2.0",
        "routeKey": "ANY /{proxy+}",
        "rawPath": full,
        "rawQueryString": request.query,
        "headers": {"host": "x", **request.headers},
        "pathParameters": {"proxy": path.removeprefix("/")},
        "requestContext": {
            "domainName": "abc123.execute-api.eu-central-1.amazonaws.com",
            "http": {"method": request.method, "path": full, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"},
            "stage": stage,
            "requestId": "r",
        },
        **_body(request, binary),
    }


def http_of_format_1(request: Request, stage: str = "live") -> dict[str, Any]:
    """Of an HTTP API whose integration has payload format 1.0."""
    path = f"/{stage}{urllib.parse.unquote(request.path)}"
    return {**rest(request), "version": "1.0", "resource": "$default", "path": path, "pathParameters": None}


def url(request: Request, *, binary: bool = False) -> dict[str, Any]:
    """Of a function URL."""
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": request.path,
        "rawQueryString": request.query,
        "headers": {"host": "x", **request.headers},
        "requestContext": {
            "domainName": "abc123.lambda-url.eu-central-1.on.aws",
            "http": {"method": request.method, "path": request.path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"},
            "stage": "$default",
            "requestId": "r",
        },
        **_body(request, binary),
    }


def _body(request: Request, binary: bool) -> dict[str, Any]:
    if not request.body:
        return {"body": None, "isBase64Encoded": False}
    if binary:
        return {"body": base64.b64encode(request.body).decode(), "isBase64Encoded": True}
    return {"body": request.body.decode("utf-8", "replace"), "isBase64Encoded": False}


def _spelled(name: str) -> str:
    return "-".join(word.capitalize() for word in name.split("-"))
