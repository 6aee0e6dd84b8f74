"""Answers below `/v1/`: each request goes to `requests.Api`, and what comes back goes out, as plain ASGI.

FastAPI would come to the same bytes at twice the cost; it describes these paths, and has the others.
"""

from __future__ import annotations

import asyncio

from starlette.concurrency import run_in_threadpool

from retail_assets.errors import RetailError
from retail_assets.serving.http.gate import ROUTE, Application, Receive, Scope, Send, send_response
from retail_assets.serving.http.logs import log_failure
from retail_assets.serving.requests import Api, RequestError, Response, decoded_path, refused, too_large

PREFIX = "/v1/"
_BODY_SECONDS = 10.0
#: Answered in the event loop: they take less than handing them to a thread.
_QUICK = ("/v1/forecasts/", "/v1/segments/", "/v1/provenance")
_CLOSE = (("connection", "close"),)


class Answers:
    """An ASGI application for the paths below `/v1/`; others are left to `other`."""

    def __init__(self, api: Api, other: Application) -> None:
        self._api = api
        self._other = other

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            response = await self._response(scope, receive)
            note(response, scope)
            await send_response(response, send)
        else:
            await self._other(scope, receive, send)

    async def _response(self, scope: Scope, receive: Receive) -> Response:
        method = scope["method"]
        try:
            path = decoded_path(scope["raw_path"]) if b"%" in scope["raw_path"] else scope["path"]
            body = await _body(receive, self._api.most_body_bytes) if method == "POST" else b""
        except RetailError as e:
            return refused(e)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        question = method, path, scope["query_string"].decode("latin-1"), headers, body
        if method != "POST" and path.startswith(_QUICK):
            return self._api.respond(*question)
        return await run_in_threadpool(self._api.respond, *question)


def note(response: Response, scope: Scope) -> None:
    """Leave the route for metrics and log, and log what went wrong inside."""
    scope[ROUTE] = response.route
    if response.failure is not None:
        log_failure(response.failure, route=response.route)


async def _body(receive: Receive, most: int) -> bytes:
    """Read a body of at most `most` bytes. Raises RequestError if it has more, takes too long, or ends too soon."""
    parts: list[bytes] = []
    size, more = 0, True
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            while more:
                message = await receive()
                if message["type"] != "http.request":
                    raise RequestError(400, "bad-request", "The body ended too soon.", _CLOSE)
                part, more = message.get("body", b""), message.get("more_body", False)
                size += len(part)
                if size > most:
                    raise too_large(most, _CLOSE)
                parts.append(part)
    except TimeoutError:
        text = f"The body did not come within {_BODY_SECONDS:.0f} s."
        raise RequestError(408, "request-timeout", text, _CLOSE) from None
    return b"".join(parts)
