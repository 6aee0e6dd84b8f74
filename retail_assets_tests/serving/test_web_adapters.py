"""Flask's blueprint and Django's app: the answers are those of the shared requests, whatever is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import django
import pytest
from django.conf import settings as django_settings
from django.core import checks
from django.test import override_settings
from flask import Flask

from benchmarks.serving import made_bundle
from retail_assets.serving import Predictor
from retail_assets.serving.flask_blueprint import predictions, predictor_of
from retail_assets.serving.requests import Api
from retail_assets.storage import Store
from retail_assets_tests.serving.questions import Request, ten, tricky
from retail_assets_tests.serving.wsgi import call

BELOW = "/shop/predictions"


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    serving = Store(str(tmp_path_factory.mktemp("serving")))
    made_bundle.publish(serving, customers=50)
    return serving.uri_of(made_bundle.SOURCE)


@pytest.fixture
def api(uri: str) -> Iterator[Api]:
    with Predictor.from_uri(uri) as predictor:
        yield Api(predictor)


def flask_app(uri: str) -> Flask:
    app = Flask(__name__)
    app.config["RETAIL_BUNDLE_URI"] = uri
    app.register_blueprint(predictions(), url_prefix=BELOW)
    return app


@pytest.fixture(scope="module")
def django_app() -> Any:
    if not django_settings.configured:
        django_settings.configure(
            ALLOWED_HOSTS=["127.0.0.1"],
            ROOT_URLCONF="retail_assets_tests.serving.django_urls",
            INSTALLED_APPS=["retail_assets.serving.django_app"],
            MIDDLEWARE=["django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware"],
            SECRET_KEY="of a test",
        )
        django.setup()
    from django.core.wsgi import get_wsgi_application

    return get_wsgi_application()


def config() -> Any:
    from django.apps import apps

    found: Any = apps.get_app_config("retail_predictions")
    found._api = None
    return found


@pytest.fixture(params=["flask", "django"])
def app(request: pytest.FixtureRequest, uri: str, django_app: Any) -> Iterator[Callable[..., Any]]:
    if request.param == "flask":
        app = flask_app(uri)
        yield app
        predictor_of(app).close()
        return
    with override_settings(RETAIL_BUNDLE_URI=uri):
        mine = config()
        yield django_app
        mine.api.predictor.close()


def test_every_answer_is_byte_equal_to_that_of_the_shared_requests(app: Callable[..., Any], api: Api) -> None:
    asked = [question.request for question in ten(api.predictor)] + list(tricky(api.predictor))
    for request in asked:
        expected = request.expected(api)
        if b"not UTF-8" in expected.body and "%FF" in request.path and not isinstance(app, Flask):
            expected = Request(request.path.replace("%FF", "%25FF")).expected(api)  # what Django makes of it
        status, headers, body = call(app, request, BELOW)
        assert (status, body) == (expected.status, expected.body), request
        wanted = {name: value for name, value in expected.headers if name != "content-length"}
        assert wanted.items() <= headers.items(), request
        if expected.status == 304:
            assert "content-type" not in headers
        elif expected.status != 304:
            assert headers["content-length"] == dict(expected.headers).get("content-length", str(len(body))), request


def test_a_new_bundle_comes_into_use(app: Callable[..., Any], uri: str) -> None:
    serving = Store(uri.rpartition("/")[0])
    asked = Request("/v1/provenance")
    before = call(app, asked, BELOW)[2]
    made_bundle.publish(serving, customers=50, factor=3.0)
    predictor = predictor_of(app) if isinstance(app, Flask) else config_api().predictor
    predictor.refresh()
    assert call(app, asked, BELOW)[2] != before
    made_bundle.publish(serving, customers=50)


def config_api() -> Api:
    from django.apps import apps

    found: Any = apps.get_app_config("retail_predictions")
    api: Api = found.api
    return api


def test_without_a_bundle_flask_answers_503_until_there_is_one(tmp_path: Path) -> None:
    serving = Store(str(tmp_path))
    app = flask_app(serving.uri_of(made_bundle.SOURCE))
    asked = Request("/v1/provenance")
    status, headers, body = call(app, asked, BELOW)
    assert (status, headers["retry-after"]) == (503, "5")
    assert b'"code":"no-bundle"' in body
    made_bundle.publish(serving, customers=50)
    predictor_of(app).refresh()
    assert call(app, asked, BELOW)[0] == 200
    predictor_of(app).close()


def test_djangos_check_says_when_the_bundle_is_missing(django_app: Any, uri: str, tmp_path: Path) -> None:
    with override_settings(RETAIL_BUNDLE_URI=str(tmp_path)):
        config()
        [warning] = [each for each in checks.run_checks() if str(each.id).startswith("retail")]
        assert (warning.id, warning.level) == ("retail_predictions.W001", checks.WARNING)
        assert str(tmp_path) in warning.msg
        assert "serving_bundle" in str(warning.hint)
    with override_settings(RETAIL_BUNDLE_URI=uri):
        config()
        assert not [each for each in checks.run_checks() if str(each.id).startswith("retail")]
    with override_settings(RETAIL_BUNDLE_URI="ftp://host/x"):
        config()
        [error] = [each for each in checks.run_checks() if str(each.id).startswith("retail")]
        assert (error.id, error.level) == ("retail_predictions.E001", checks.ERROR)
    config()


def test_settings_of_the_environment_count_where_the_application_names_no_bundle(
    uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETAIL_SERVING_URI", uri.rpartition("/")[0])
    app = Flask(__name__)
    app.register_blueprint(predictions(), url_prefix=BELOW)
    assert predictor_of(app).uri == uri
    predictor_of(app).close()


def test_a_bug_of_ours_shows_nothing_and_is_logged(uri: str, capfd: pytest.CaptureFixture[str]) -> None:
    class Broken(Predictor):
        def pinned(self) -> Predictor:
            raise ValueError("/secret/place")

    app = Flask(__name__)
    with Predictor.from_uri(uri) as predictor:
        app.register_blueprint(predictions(Broken(predictor._refresher)))
        status, _, body = call(app, Request("/v1/stock"))
    assert (status, b"secret" in body) == (500, False)
    assert '"error":"ValueError"' in capfd.readouterr().err
