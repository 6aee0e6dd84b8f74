"""The application of one worker: answers below `/v1/`; and with FastAPI their description, pages, health, counts."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi import Response as FastApiResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from retail_assets.serving import answers
from retail_assets.serving.http import metrics as metrics_page
from retail_assets.serving.http import site
from retail_assets.serving.http.answering import Answers, note
from retail_assets.serving.http.gate import ROUTE, Application, Gate
from retail_assets.serving.http.logs import log
from retail_assets.serving.http.metrics import Metrics
from retail_assets.serving.http.openapi import DESCRIPTION, TITLE, describe, openapi_of
from retail_assets.serving.http.options import ServerOptions
from retail_assets.serving.predictor import Predictor
from retail_assets.serving.requests import JSON, Api, RequestError, Response, refused
from retail_assets.serving.routes import ROUTES

VERSION = "1"
"""Of the paths and bodies: `/v1/…`."""
_SAVE_SECONDS = 1.0
_WATCH_SECONDS = 5.0


def create_app(options: ServerOptions) -> Application:
    """Return the application of one worker; it opens the bundle when the server starts."""
    predictor = Predictor.from_uri(options.uri, background=True, required=False, check_seconds=options.check_seconds)
    metrics = Metrics(Path(options.metrics_folder) if options.metrics_folder else None)
    api = Api(predictor, options.most_body_bytes)
    return Gate(Answers(api, _application(api, metrics)), options, metrics)


def description() -> FastAPI:
    """Return an application that answers nothing, for its OpenAPI description."""
    return _described()


def _application(api: Api, metrics: Metrics) -> FastAPI:
    app = _described(lifespan=partial(_lifespan, api.predictor, metrics))

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
        if allowed:
            problem = RequestError(405, "method-not-allowed", f"Ask with {allowed}.", (("allow", allowed),))
            return _sent(refused(problem), request)
        return _sent(api.respond(request.scope["method"], request.scope["path"]), request)

    return app


def _described(**more: object) -> FastAPI:
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
        app.add_api_route(route.template.replace("}", ":path}"), _elsewhere, methods=[route.method], **describe(route))
    app.openapi = partial(openapi_of, app)  # type: ignore[method-assign]
    return app


async def _elsewhere() -> None:
    """Stands for a path that `Answers` answers; here it is only described."""
    raise NotImplementedError


def _sent(response: Response, request: Request) -> FastApiResponse:
    note(response, request.scope)
    return FastApiResponse(response.body, response.status, dict(response.headers))


@contextlib.asynccontextmanager
async def _lifespan(predictor: Predictor, metrics: Metrics, app: FastAPI) -> AsyncIterator[None]:
    tasks = [
        asyncio.create_task(each)
        for each in (_save_now_and_then(metrics), _log_bundles(predictor), _end_with_the_parent())
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        metrics.save()
        predictor.close()


async def _save_now_and_then(metrics: Metrics) -> None:
    while True:
        metrics.save()
        await asyncio.sleep(_SAVE_SECONDS)


async def _end_with_the_parent() -> None:
    """Stop when the process that started the workers was killed: nobody else would, and the port would stay taken."""
    parent = multiprocessing.parent_process()
    if parent is None:  # this process is the server
        return
    while parent.is_alive():
        await asyncio.sleep(_SAVE_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


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
