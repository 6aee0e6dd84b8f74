"""The app's view: it hands Django's request to `requests.Api` and sends what comes back."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt

from retail_assets.serving import requests
from retail_assets.serving.errors import BadRequestError
from retail_assets.serving.http.logs import log_failure
from retail_assets.serving.requests import RequestError, refused, too_large


@csrf_exempt  # a question changes nothing, and no cookie counts
def answer(request: HttpRequest, path: str) -> HttpResponse:
    """Answer a request of any method below the place where the URLs are included.

    `path` has its percent signs decoded by Django, which writes bytes that are not UTF-8 as percent signs again.
    """
    try:
        config: Any = apps.get_app_config("retail_predictions")
        api: requests.Api = config.api
        body = _body(request, api.most_body_bytes) if request.method == "POST" else b""
    except Exception as e:
        return _sent(refused(e))
    headers = {key.lower(): value for key, value in request.headers.items()}
    query = request.META.get("QUERY_STRING", "")
    return _sent(api.respond(request.method or "GET", f"/{path}", query, headers, body))


def _body(request: HttpRequest, most: int) -> bytes:
    announced = request.META.get("CONTENT_LENGTH") or "0"
    if announced.isdigit() and int(announced) > most:
        raise too_large(most)
    try:
        return request.body
    except RequestDataTooBig:
        raise RequestError(
            413, "too-large", "The body has more bytes than DATA_UPLOAD_MAX_MEMORY_SIZE of this project allows."
        ) from None
    except UnreadablePostError:
        raise BadRequestError("The body did not come whole.") from None


def _sent(answer: requests.Response) -> HttpResponse:
    if answer.failure is not None:
        log_failure(answer.failure, route=answer.route)
    response = HttpResponse(answer.body, status=answer.status)
    del response.headers["Content-Type"]
    for key, value in answer.headers:
        response.headers[key] = value
    return response
