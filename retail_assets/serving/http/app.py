"""The web application: FastAPI's paths, each of which hands its request to `requests.Api` and sends what comes back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi import Response as FastApiResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from retail_assets.serving import answers
from retail_assets.serving.http import metrics as metrics_page
from retail_assets.serving.http import site
from retail_assets.serving.http.gate import ROUTE, Application, Gate
from retail_assets.serving.http.logs import log, log_failure
from retail_assets.serving.http.metrics import Metrics
from retail_assets.serving.http.openapi import DESCRIPTION, TITLE, describe, openapi_of
from retail_assets.serving.http.options import ServerOptions
from retail_assets.serving.predictor import Predictor
from retail_assets.serving.requests import JSON, Api, RequestError, Response, decoded_path, refused, too_large
from retail_assets.serving.routes import ROUTES, Route, find

VERSION = "1"
"""Of the paths and bodies: `/v1/…`."""
_BODY_SECONDS = 10.0
_SAVE_SECONDS = 1.0
_WATCH_SECONDS = 5.0
#: Answered in the event loop: they take less than handing them to a thread.
_QUICK = frozenset({"/v1/forecasts/{category}", "/v1/segments/{customer_id}", "/v1/provenance"})

Endpoint = Callable[[Request], Awaitable[FastApiResponse]]


def create_app(options: ServerOptions) -> Application:
    """Return the application of one worker; it opens the bundle when the server starts."""
    predictor = Predictor.from_uri(options.uri, background=True, required=False, check_seconds=options.check_seconds)
    metrics = Metrics(Path(options.metrics_folder) if options.metrics_folder else None)
    api = Api(predictor, options.most_body_bytes)
    return Gate(_application(api, metrics), options, metrics)


def description() -> FastAPI:
    """Return an application that answers nothing, for its OpenAPI description."""
    return _described()


def _application(api: Api, metrics: Metrics) -> FastAPI:
    app = _described(api, lifespan=partial(_lifespan, api.predictor, metrics))

    async def healthz(request: Request) -> FastApiResponse:
        request.scope[ROUTE] = "/healthz"
        return FastApiResponse(b'{"alive":true}', 200, {"cache-control": "no-store"}, JSON)

    async def readyz(request: Request) -> FastApiResponse:
        request.scope[ROUTE] = "/readyz"
        health = api.predictor.health()
        content = answers.encoded(
            {
                "ready": health.ready,
                "newest_in_use": health.problem is None,
                "bundle": health.provenance.bundle if health.provenance else None,
                "cutoff": health.provenance.cutoff.isoformat() if health.provenance else None,
                "warnings": list(health.warnings),
                "swaps": health.swaps,
            }
        )
        return FastApiResponse(content, 200 if health.ready else 503, {"cache-control": "no-store"}, JSON)

    async def counts(request: Request) -> FastApiResponse:
        request.scope[ROUTE] = "/metrics"
        text = metrics.text(api.predictor.health())
        return FastApiResponse(text.encode(), 200, {"cache-control": "no-store"}, metrics_page.CONTENT_TYPE)

    async def openapi(request: Request) -> FastApiResponse:
        request.scope[ROUTE] = "/openapi.json"
        return FastApiResponse(answers.encoded(app.openapi()), 200, {"cache-control": "no-cache"}, JSON)

    async def page(request: Request) -> FastApiResponse:
        query = request.scope["query_string"].decode("latin-1")
        return _sent(await run_in_threadpool(site.page, api.predictor, request.scope["path"], query), request)

    async def style(request: Request) -> FastApiResponse:
        return _sent(site.style(), request)

    for path, endpoint in (
        *((path, page) for path in site.PATHS),
        (site.STYLE, style),
        ("/healthz", healthz),
        ("/readyz", readyz),
        ("/metrics", counts),
        ("/openapi.json", openapi),
    ):
        app.add_api_route(path, endpoint, methods=["GET", "HEAD"], include_in_schema=False)

    @app.exception_handler(HTTPException)
    async def no_such_path(request: Request, error: HTTPException) -> FastApiResponse:
        """FastAPI has no such path, or not for the method: answered as at every door."""
        allowed = (error.headers or {}).get("Allow")
        if allowed and find(request.scope["path"]) is None:
            problem = RequestError(405, "method-not-allowed", f"Ask with {allowed}.", (("allow", allowed),))
            return _sent(refused(problem), request)
        return await _respond(api, request, b"")

    return app


def _described(api: Api | None = None, **more: object) -> FastAPI:
    app = FastAPI(
        title=TITLE,
        version=VERSION,
        description=DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        **more,  # type: ignore[arg-type]
    )
    for route in ROUTES:
        path = route.template.replace("}", ":path}")
        endpoint = _endpoint(api, route)
        app.add_api_route(path, endpoint, methods=[route.method], **describe(route))
        if route.method == "GET":  # HEAD is as GET without the body, and would only be described twice
            app.add_api_route(path, endpoint, methods=["HEAD"], include_in_schema=False)
    app.openapi = partial(openapi_of, app)  # type: ignore[method-assign]
    return app


def _endpoint(api: Api | None, route: Route) -> Endpoint:
    if route.method == "POST":

        async def with_body(request: Request) -> FastApiResponse:
            assert api is not None  # noqa: S101 - without one nothing is served
            try:
                body = await _body(request, api.most_body_bytes)
            except RequestError as e:
                return _sent(refused(e, route.template), request)
            return await _respond(api, request, body, in_thread=True)

        return with_body

    in_thread = route.template not in _QUICK

    async def without_body(request: Request) -> FastApiResponse:
        assert api is not None  # noqa: S101
        return await _respond(api, request, b"", in_thread=in_thread)

    return without_body


async def _respond(api: Api, request: Request, body: bytes, *, in_thread: bool = False) -> FastApiResponse:
    scope = request.scope
    try:
        path = decoded_path(scope.get("raw_path") or scope["path"].encode())
    except Exception as e:
        return _sent(refused(e), request)
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    query = scope["query_string"].decode("latin-1")
    if in_thread:
        response = await run_in_threadpool(api.respond, scope["method"], path, query, headers, body)
    else:
        response = api.respond(scope["method"], path, query, headers, body)
    return _sent(response, request)


def _sent(response: Response, request: Request) -> FastApiResponse:
    request.scope[ROUTE] = response.route
    if response.failure is not None:
        log_failure(response.failure, route=response.route)
    return FastApiResponse(response.body, response.status, dict(response.headers))


async def _body(request: Request, most: int) -> bytes:
    """Read a body of at most `most` bytes. Raises RequestError if it has more, or takes too long."""
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            async for part in request.stream():
                size += len(part)
                if size > most:
                    error = too_large(most)
                    error.headers = (("connection", "close"),)
                    raise error
                parts.append(part)
    except TimeoutError:
        raise RequestError(
            408, "request-timeout", f"The body did not come within {_BODY_SECONDS:.0f} s.", (("connection", "close"),)
        ) from None
    return b"".join(parts)


@contextlib.asynccontextmanager
async def _lifespan(predictor: Predictor, metrics: Metrics, app: FastAPI) -> AsyncIterator[None]:
    saving = asyncio.create_task(_save_now_and_then(metrics))
    watching = asyncio.create_task(_log_bundles(predictor))
    try:
        yield
    finally:
        saving.cancel()
        watching.cancel()
        metrics.save()
        predictor.close()


async def _save_now_and_then(metrics: Metrics) -> None:
    while True:
        metrics.save()
        await asyncio.sleep(_SAVE_SECONDS)


async def _log_bundles(predictor: Predictor) -> None:
    """Log which bundle is in use when it changes, and why a newer one is not."""
    before: object = None
    while True:
        health = predictor.health()
        version = health.provenance.bundle if health.provenance else None
        now = (version, health.problem)
        if now != before:
            log("bundle", bundle=version, problem=health.problem)
            before = now
        await asyncio.sleep(_WATCH_SECONDS)
