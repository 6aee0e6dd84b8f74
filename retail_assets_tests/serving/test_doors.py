"""Every door gives the same bytes: predictor, command line, HTTP, Flask, Django, Lambda, asked ten questions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from flask import Flask

from benchmarks.serving import made_bundle
from retail_assets.cli.app import main
from retail_assets.serving import Predictor, answers, aws_lambda
from retail_assets.serving.flask_blueprint import predictions, predictor_of
from retail_assets.storage import Store
from retail_assets_tests.serving import lambda_events as events
from retail_assets_tests.serving.http.running import running
from retail_assets_tests.serving.questions import Question, Request, ten
from retail_assets_tests.serving.wsgi import call

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Store:
    serving = Store(str(tmp_path_factory.mktemp("serving")))
    made_bundle.publish(serving, customers=200)
    return serving


@pytest.fixture(scope="module")
def asked(serving: Store) -> Iterator[list[tuple[Question, bytes]]]:
    """The questions with what the predictor says, in the bytes of the one writer."""
    with Predictor.from_uri(serving.uri_of(made_bundle.SOURCE)) as predictor:
        yield [(question, answers.encoded(question.ask(predictor))) for question in ten(predictor)]


def environ(serving: Store, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RETAIL_")}
    return {**kept, "RETAIL_SERVING_URI": serving.uri, "RETAIL_SOURCE": made_bundle.SOURCE, **more}


def test_there_are_ten_questions_of_every_kind_with_different_answers(asked: list[tuple[Question, bytes]]) -> None:
    assert len({answer for _, answer in asked}) == len(asked) == 10
    assert {question.arguments[0] for question, _ in asked} == {"forecast", "segment", "score", "recommend"}


def test_the_command_line(asked: list[tuple[Question, bytes]], serving: Store) -> None:
    for question, expected in asked:
        done = subprocess.run(
            [sys.executable, "-m", "retail_assets.cli", "predict", *question.arguments, "--json"],
            input=question.stdin.encode(),
            capture_output=True,
            timeout=120,
            env=environ(serving),
        )
        assert (done.returncode, done.stdout) == (0, expected + b"\n"), (question.arguments, done.stderr)


def test_http(asked: list[tuple[Question, bytes]], serving: Store, tmp_path: Path) -> None:
    with running(tmp_path, serving.uri_of(made_bundle.SOURCE)) as server, httpx.Client() as client:
        for question, expected in asked:
            request = question.request
            answer = client.request(
                request.method,
                f"{server.url}{request.path}?{request.query}",
                headers=dict(request.headers),
                content=request.body or None,
            )
            assert (answer.status_code, answer.content) == (200, expected), request


def test_flask(asked: list[tuple[Question, bytes]], serving: Store) -> None:
    app = Flask(__name__)
    app.config["RETAIL_BUNDLE_URI"] = serving.uri_of(made_bundle.SOURCE)
    app.register_blueprint(predictions())
    for question, expected in asked:
        status, _, body = call(app, question.request)
        assert (status, body) == (200, expected), question.request
    predictor_of(app).close()


#: Asks the example project; Django is set up once per process, and another test has settings of its own.
_DJANGO = """
import sys
from shop.wsgi import application
from benchmarks.serving import made_bundle
from retail_assets.serving.django_app.apps import predictor
from retail_assets_tests.serving.questions import ten
from retail_assets_tests.serving.wsgi import call
for question in ten(predictor()):
    status, _, body = call(application, question.request, "/predictions")
    assert status == 200, question.request
    sys.stdout.buffer.write(body + b"\\n")
"""


def test_django(asked: list[tuple[Question, bytes]], serving: Store) -> None:
    path = os.pathsep.join((str(ROOT), str(ROOT / "examples" / "django_project")))
    done = subprocess.run(
        [sys.executable, "-c", _DJANGO], capture_output=True, timeout=120, env=environ(serving, PYTHONPATH=path)
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split(b"\n") == [*(expected for _, expected in asked), b""]


@pytest.mark.parametrize("kind", ["rest", "http", "url"])
def test_lambda(
    kind: str, asked: list[tuple[Question, bytes]], serving: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETAIL_SERVING_URI", serving.uri)
    monkeypatch.setattr(aws_lambda, "_api", None)
    for question, expected in asked:
        answer = aws_lambda.handler(getattr(events, kind)(question.request))
        assert (answer["statusCode"], answer["body"].encode()) == (200, expected), question.request
    aws_lambda.opened().predictor.close()


def test_a_question_that_cannot_be_answered_has_one_reason_everywhere(
    serving: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    """Web doors give the same bytes; the command line prints the same reason and ends with 1."""
    request = Request("/v1/forecasts/Categry%2001")
    app = Flask(__name__)
    app.config["RETAIL_BUNDLE_URI"] = serving.uri_of(made_bundle.SOURCE)
    app.register_blueprint(predictions())
    status, headers, body = call(app, request)
    assert (status, headers["content-type"]) == (404, "application/problem+json")
    with Predictor.from_uri(serving.uri_of(made_bundle.SOURCE)) as predictor, pytest.MonkeyPatch.context() as patch:
        patch.setenv("RETAIL_SERVING_URI", serving.uri)
        patch.setattr(aws_lambda, "_api", None)
        assert aws_lambda.handler(events.url(request))["body"].encode() == body
        with pytest.raises(Exception, match="Category 01") as refused:
            predictor.forecast("Categry 01")
        assert answers.encoded(answers.problem(refused.value)) == body  # type: ignore[arg-type]
        assert main(["predict", "forecast", "--category", "Categry 01"]) == 1
        assert " ".join(json.loads(body)["detail"].split()) in " ".join(capsys.readouterr().err.split())
    predictor_of(app).close()
