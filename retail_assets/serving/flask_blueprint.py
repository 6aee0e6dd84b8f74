"""Predictions in a Flask application: a blueprint with the paths, bodies and errors of `retail-assets serve`.

Who may ask is the application's business: it registers the blueprint behind the login that it has.

Example::

    app = Flask(__name__)
    app.register_blueprint(predictions(), url_prefix="/predictions")  # GET /predictions/v1/forecasts/TOTAL?days=7
"""

from __future__ import annotations

from flask import Blueprint, Config, Flask, Response, current_app, request
from flask.blueprints import BlueprintSetupState
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.routing import BaseConverter

from retail_assets.serving import requests
from retail_assets.serving.errors import BadRequestError
from retail_assets.serving.http.logs import log_failure
from retail_assets.serving.predictor import Predictor
from retail_assets.serving.requests import MOST_BODY_BYTES, Api, refused, too_large
from retail_assets.settings import load_serving_uri

BUNDLE = "RETAIL_BUNDLE_URI"
"""Key of the application's configuration: the folder of a source's bundles. Without it the RETAIL_* variables count."""
_EXTENSION = "retail_assets"
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class _Rest(BaseConverter):
    """All that is left of a path, with its slashes, as a name may have them."""

    regex = r"(?:/[\s\S]*)?"
    part_isolating = False


def predictions(predictor: Predictor | None = None, name: str = "predictions") -> Blueprint:
    """Return a blueprint that answers below `/v1`.

    Args:
        predictor: to ask; by default one of the application, which opens the bundle at
            `app.config["RETAIL_BUNDLE_URI"]` when the blueprint is registered. While there is no bundle, every
            question is answered with 503.
        name: of the blueprint.
    """
    blueprint = Blueprint(name, __name__)

    def prepare(state: BlueprintSetupState) -> None:
        state.app.url_map.converters["retail_rest"] = _Rest
        state.app.extensions[_EXTENSION] = Api(predictor or _opened(state.app.config))

    blueprint.record_once(prepare)
    blueprint.add_url_rule(
        "/v1<retail_rest:rest>",
        "answer",
        _answer,
        methods=_METHODS,
        merge_slashes=False,
        provide_automatic_options=False,
    )
    return blueprint


def predictor_of(app: Flask) -> Predictor:
    """Return the predictor of an application where the blueprint is registered, for pages of its own."""
    api: Api = app.extensions[_EXTENSION]
    return api.predictor


def _opened(config: Config) -> Predictor:
    return Predictor.from_uri(config.get(BUNDLE) or load_serving_uri(), background=True, required=False)


def _answer(rest: str) -> Response:
    api: Api = current_app.extensions[_EXTENSION]
    try:
        request.environ["PATH_INFO"].encode("latin-1").decode("utf-8")  # Flask would put other characters there
        body = _body(api.most_body_bytes) if request.method == "POST" else b""
    except UnicodeDecodeError:
        return _sent(refused(BadRequestError("The path is not UTF-8.")))
    except requests.RequestError as e:
        return _sent(refused(e))
    headers = {key.lower(): value for key, value in request.headers}
    query = request.query_string.decode("latin-1")
    return _sent(api.respond(request.method, f"/v1{rest}", query, headers, body))


def _body(most: int) -> bytes:
    request.max_content_length = min(most, request.max_content_length or MOST_BODY_BYTES)
    try:
        return request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise too_large(request.max_content_length) from None


def _sent(answer: requests.Response) -> Response:
    if answer.failure is not None:
        log_failure(answer.failure, route=answer.route)
    response = Response(answer.body, answer.status)
    del response.headers["content-type"]
    for key, value in answer.headers:
        response.headers[key] = value
    return response
