"""A request in, a response out: what HTTP, Flask, Django and AWS Lambda share, without a web framework.

A door hands over method, path, query, headers and body, and sends back what it gets: the status, the headers and the
bytes are the same at every door.
"""

from __future__ import annotations

import json
import threading
import urllib.parse
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from retail_assets import __version__
from retail_assets.errors import RetailError
from retail_assets.serving import answers
from retail_assets.serving.errors import BadRequestError, ServingError
from retail_assets.serving.predictor import Predictor
from retail_assets.serving.routes import Route, find

MOST_BODY_BYTES = 2 * 1024**2
"""Bytes of a body that is read: 10,000 purchases have about 1 MB."""
JSON = "application/json"
PROBLEM = "application/problem+json"
_MOST_FIELDS = 20
_MOST_CACHED_BYTES = 16 * 1024**2
_LARGEST_CACHED = 256 * 1024
_NO_ROUTE = "(none)"


class RequestError(ServingError):
    """A request that no answer fits, such as an unknown path or a body that is too large.

    Attributes:
        headers: of the response, such as `Allow`.
    """

    def __init__(self, status: int, code: str, message: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers


@dataclass(frozen=True, slots=True)
class Response:
    """What a door sends.

    Attributes:
        status: HTTP status.
        headers: names in lower case; `content-length` is there for HEAD alone, whose body is empty.
        body: empty for HEAD, 304.
        route: template of the path, for logs and metrics: it has no customer's id.
        failure: what went wrong inside, for the door's log; the body says nothing of it.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    route: str = _NO_ROUTE
    failure: Exception | None = None


class Api:
    """Answers requests from a predictor. Safe to share between threads.

    >>> api = Api(Predictor.from_uri(".retail/serving/retail_sales"))  # doctest: +SKIP
    >>> api.respond("GET", "/v1/forecasts/Beauty", "days=7").status  # doctest: +SKIP
    200
    """

    def __init__(self, predictor: Predictor, most_body_bytes: int = MOST_BODY_BYTES) -> None:
        self.predictor = predictor
        self.most_body_bytes = most_body_bytes
        self._cached: OrderedDict[tuple[str, str, str], bytes] = OrderedDict()
        self._cached_bytes = 0
        self._lock = threading.Lock()

    def respond(
        self,
        method: str,
        path: str,
        query: str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Response:
        """Return the response to a request. Never raises.

        Args:
            method: such as `GET`.
            path: below the place where the door is mounted, with percent signs decoded: `/v1/forecasts/Food & Drinks`.
            query: as it was sent, without the question mark.
            headers: names in lower case. `if-none-match`, `content-type` and `content-encoding` matter.
            body: as it was sent; of a GET it is ignored.
        """
        template = _NO_ROUTE
        try:
            found = find(path)
            if found is None:
                # Not every door has /openapi.json.
                raise RequestError(
                    404, "not-found", "There is nothing at this path. Paths are as /v1/forecasts/TOTAL or /v1/stock."
                )
            route, name = found
            template = route.template
            response = self._answered(route, name, method, path, query, headers or {}, body)
        except Exception as e:  # whatever it is, the door answers, and shows nothing of it
            response = refused(e, template)
        return _without_body(response) if method == "HEAD" else response

    def _answered(
        self, route: Route, name: str, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
    ) -> Response:
        if ("GET" if method == "HEAD" else method) != route.method:
            allowed = "GET, HEAD" if route.method == "GET" else route.method
            raise RequestError(405, "method-not-allowed", f"Ask with {allowed}.", (("allow", allowed),))
        # One bundle for the whole answer, its ETag included, even if another comes into use meanwhile.
        predictor = self.predictor.pinned()
        version = predictor.provenance().bundle
        if route.method == "POST":
            content = self._content(headers, body)
            scored = answers.encoded(route.answer(predictor, name, _parameters(route, query), content))
            return Response(200, (("content-type", JSON), ("cache-control", "no-store")), scored, route.template)
        key = (version, path, query)
        data = self._remembered(key)
        if data is None:
            data = answers.encoded(route.answer(predictor, name, _parameters(route, query), None))
            self._remember(key, data)
        # Another release may write the same bundle in other bytes.
        etag = f'"{version}-{__version__}"'
        caching = (("etag", etag), ("cache-control", "private, no-cache"))
        if _matches(headers.get("if-none-match"), etag):
            return Response(304, caching, b"", route.template)
        return Response(200, (("content-type", JSON), *caching), data, route.template)

    def _content(self, headers: Mapping[str, str], body: bytes) -> Any:
        if len(body) > self.most_body_bytes:
            raise too_large(self.most_body_bytes)
        kind, _, rest = headers.get("content-type", "").partition(";")
        charset = rest.strip().lower().removeprefix("charset=").strip('"')
        if kind.strip().lower() != JSON or charset not in ("", "utf-8"):
            raise RequestError(415, "unsupported-media-type", f"Send the body as {JSON}, in UTF-8.")
        if headers.get("content-encoding", "identity").strip().lower() != "identity":
            raise RequestError(415, "unsupported-media-type", "Send the body uncompressed.")
        return parsed(body)

    def _remembered(self, key: tuple[str, str, str]) -> bytes | None:
        with self._lock:
            data = self._cached.get(key)
            if data is not None:
                self._cached.move_to_end(key)
            return data

    def _remember(self, key: tuple[str, str, str], data: bytes) -> None:
        if len(data) > _LARGEST_CACHED:
            return
        with self._lock:
            if key in self._cached:
                return
            self._cached[key] = data
            self._cached_bytes += _size(key, data)
            while self._cached_bytes > _MOST_CACHED_BYTES:
                self._cached_bytes -= _size(*self._cached.popitem(last=False))


def refused(error: Exception, route: str = _NO_ROUTE) -> Response:
    """Return the response for an error: `application/problem+json`. Only errors of the question are explained."""
    failure: Exception | None = None
    if isinstance(error, RetailError):
        problem = answers.problem(error)
        failure = error if problem["status"] >= 500 else None
    else:
        failure = error
        problem = {
            "type": "urn:retail-assets:problem:internal-error",
            "title": "Internal error",
            "status": 500,
            "detail": "The server failed to answer. Its log has the cause.",
            "code": "internal-error",
        }
    headers = error.headers if isinstance(error, RequestError) else ()
    if problem["status"] == 503:
        headers = (*headers, ("retry-after", "5"))
    body = answers.encoded({name: _encodable(value) for name, value in problem.items()})
    return Response(
        problem["status"],
        (("content-type", PROBLEM), ("cache-control", "no-store"), *headers),
        body,
        route,
        failure,
    )


def too_large(most: int, headers: tuple[tuple[str, str], ...] = ()) -> RequestError:
    """Return the error for a body of more bytes than are read."""
    text = f"The body has more than {most:,} bytes. Ask for fewer customers at once."
    return RequestError(413, "too-large", text, headers)


def parsed(body: bytes) -> Any:
    """Read a body of JSON. Raises BadRequestError for what RFC 8259 does not allow, and for a name that comes twice."""
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
    except UnicodeDecodeError:
        raise BadRequestError("The body is not UTF-8.") from None
    except json.JSONDecodeError as e:
        raise BadRequestError(f"The body is not JSON: {e.msg}, line {e.lineno}, column {e.colno}.") from None
    except (ValueError, RecursionError):
        raise BadRequestError("The body has a number or a nesting that is out of range.") from None


def decoded_path(raw: bytes) -> str:
    """Return the path of a request line, its percent signs decoded once. Raises BadRequestError if it is not UTF-8.

    >>> decoded_path(b"/v1/forecasts/Food%20%26%20Drinks")
    '/v1/forecasts/Food & Drinks'
    """
    try:
        return urllib.parse.unquote_to_bytes(raw).decode("utf-8")
    except UnicodeDecodeError:
        raise BadRequestError("The path is not UTF-8.") from None


def _parameters(route: Route, query: str) -> dict[str, str]:
    if not query:
        return {}
    try:
        pairs = urllib.parse.parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise BadRequestError("The query cannot be read: it is not UTF-8, or has too many parameters.") from None
    given: dict[str, str] = {}
    for name, value in pairs:
        if name not in route.parameters:
            known = f"Parameters: {', '.join(route.parameters)}." if route.parameters else "There are none here."
            raise BadRequestError(f"{ascii(name)[:60]} is not a parameter of this path. {known}")
        if name in given:
            raise BadRequestError(f"{name} is given twice.")
        given[name] = value
    return given


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise BadRequestError("An object of the body has the same name twice.")
    return found


def _no_constant(name: str) -> None:
    raise BadRequestError(f"The body has {name}, which is not JSON. Write a number such as 12.50.")


def _matches(if_none_match: str | None, etag: str) -> bool:
    if if_none_match is None:
        return False
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in tags or tags == ["*"]


def _without_body(response: Response) -> Response:
    length = () if response.status == 304 else (("content-length", str(len(response.body))),)
    return Response(response.status, (*response.headers, *length), b"", response.route, response.failure)


def _encodable(value: Any) -> Any:
    """A text without halves of surrogate pairs, which have no UTF-8."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _size(key: tuple[str, str, str], data: bytes) -> int:
    return len(data) + 4 * sum(map(len, key)) + 300
