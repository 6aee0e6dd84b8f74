"""The Lambda handler: events of every kind give the answers of the shared requests, and nothing makes it raise."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.serving import made_bundle
from retail_assets.serving import Predictor, aws_lambda
from retail_assets.serving.requests import Api, Response
from retail_assets.storage import Store
from retail_assets_tests.serving import lambda_events as events
from retail_assets_tests.serving.questions import JSON, Request, ten, tricky

RECORDED = Path(__file__).parent / "events" / "serverless_offline.json"
KINDS: dict[str, Callable[[Request], dict[str, Any]]] = {
    "REST API": events.rest,
    "REST API, binary": partial(events.rest, binary=True),
    "REST API, base path": partial(events.rest, base="/predictions"),
    "HTTP API": events.http,
    "HTTP API, stage": partial(events.http, stage="live"),
    "HTTP API, binary": partial(events.http, binary=True),
    "HTTP API, format 1.0": events.http_of_format_1,
    "function URL": events.url,
    "function URL, binary": partial(events.url, binary=True),
}


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Store:
    serving = Store(str(tmp_path_factory.mktemp("serving")))
    made_bundle.publish(serving, customers=50)
    return serving


@pytest.fixture
def api(serving: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    monkeypatch.setenv("RETAIL_SERVING_URI", serving.uri)
    monkeypatch.setattr(aws_lambda, "_api", None)
    with Predictor.from_uri(serving.uri_of(made_bundle.SOURCE)) as predictor:
        yield Api(predictor)
    if aws_lambda._api is not None:
        aws_lambda._api.predictor.close()


def same(answer: dict[str, Any], expected: Response) -> None:
    json.dumps(answer)
    assert set(answer) == {"statusCode", "headers", "body", "isBase64Encoded"}
    assert answer["isBase64Encoded"] is False
    assert (answer["statusCode"], answer["body"].encode()) == (expected.status, expected.body)
    assert answer["headers"] == dict(expected.headers)


@pytest.mark.parametrize("kind", KINDS)
def test_the_ten_questions_have_the_bytes_of_every_door(kind: str, api: Api) -> None:
    for question in ten(api.predictor):
        same(aws_lambda.handler(KINDS[kind](question.request)), question.request.expected(api))


@pytest.mark.parametrize("kind", KINDS)
def test_wrong_and_hostile_requests_have_the_answers_of_every_door(kind: str, api: Api) -> None:
    for request in tricky(api.predictor):
        cannot_be_sent = "%FF" in request.path + request.query or b"\xff" in request.body
        if cannot_be_sent and not kind.startswith("function URL, binary"):
            continue  # a gateway puts other characters in their place, or answers by itself
        if "%2525" in request.path and kind.startswith("HTTP API"):
            continue  # cannot be told from a path that is not decoded yet; docs/serving.md says so
        same(aws_lambda.handler(KINDS[kind](request)), request.expected(api))


def test_events_that_serverless_offline_recorded(api: Api) -> None:
    recorded = json.loads(RECORDED.read_text())
    assert {gateway: len(each) for gateway, each in recorded.items()} == {"http_api": 9, "rest_api": 9}
    for each in (*recorded["http_api"], *recorded["rest_api"]):
        path, _, query = each["path"].partition("?")
        request = Request(path, query, each["method"], each["headers"], each["body"].encode())
        same(aws_lambda.handler(each["event"]), request.expected(api))


def test_several_headers_of_one_name_are_one(api: Api) -> None:
    event = events.rest(Request("/v1/stock"))
    etag = dict(api.respond("GET", "/v1/stock").headers)["etag"]
    event["multiValueHeaders"] = {"If-None-Match": ['"a"', etag], "IF-none-match": []}
    assert aws_lambda.handler(event)["statusCode"] == 304


def test_a_route_below_v1_keeps_its_path(api: Api) -> None:
    request = Request("/v1/forecasts/TOTAL")
    event = {**events.rest(request), "resource": "/v1/{proxy+}", "pathParameters": {"proxy": "forecasts/TOTAL"}}
    same(aws_lambda.handler(event), request.expected(api))


def test_the_predictor_is_kept_between_calls_and_a_new_bundle_comes_into_use(api: Api, serving: Store) -> None:
    request = Request("/v1/provenance")
    before = aws_lambda.handler(events.url(request))
    kept = aws_lambda.opened()
    assert aws_lambda.handler(events.url(request)) == before
    assert aws_lambda.opened() is kept
    published = made_bundle.publish(serving, customers=50, factor=2.0)
    kept.predictor._refresher._due = 0  # as if two seconds had passed
    assert json.loads(aws_lambda.handler(events.url(request))["body"])["bundle"] == published.version
    made_bundle.publish(serving, customers=50)


def test_without_a_bundle_it_answers_503_until_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETAIL_SERVING_URI", str(tmp_path))
    monkeypatch.setattr(aws_lambda, "_api", None)
    asked = events.url(Request("/v1/provenance"))
    answer = aws_lambda.handler(asked)
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (503, "no-bundle")
    made_bundle.publish(Store(str(tmp_path)), customers=50)
    aws_lambda.opened().predictor.refresh()
    assert aws_lambda.handler(asked)["statusCode"] == 200


def test_settings_that_do_not_load_are_answered_and_logged(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RETAIL_SERVING_URI", "ftp://secret.host/x")
    monkeypatch.setattr(aws_lambda, "_api", None)
    answer = aws_lambda.handler(events.url(Request("/v1/stock")))
    assert answer["statusCode"] >= 500
    assert "secret.host" not in answer["body"]
    assert '"event":"failure"' in capsys.readouterr().err


def test_an_answer_that_lambda_could_not_send_is_refused(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws_lambda, "MOST_ANSWER_BYTES", 1000)
    answer = aws_lambda.handler(events.url(Request("/v1/segments")))
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (413, "too-large")
    assert aws_lambda.handler(events.url(Request("/v1/provenance")))["statusCode"] == 200


def test_a_body_that_is_no_base64_is_refused(api: Api) -> None:
    event = events.url(Request("/v1/score", "", "POST", JSON, b"{}"))
    answer = aws_lambda.handler({**event, "body": "{}", "isBase64Encoded": True})
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (400, "bad-request")


@pytest.mark.parametrize("kind", ["REST API", "HTTP API", "function URL"])
def test_what_is_null_in_an_event_is_not_there(kind: str, api: Api) -> None:
    request = Request("/v1/score", "", "POST", JSON, b'{"purchases": []}')
    event = KINDS[kind](request)
    for name in ("headers", "multiValueHeaders"):
        if event.get(name):
            event[name] = {**event[name], "content-encoding": None}
    for name in ("queryStringParameters", "multiValueQueryStringParameters"):
        event[name] = {"days": None}
    same(aws_lambda.handler(event), request.expected(api))


@pytest.mark.parametrize(("text", "binary"), [("false", False), ("true", True)])
def test_whether_a_body_is_base64_may_be_a_text(text: str, binary: bool, api: Api) -> None:
    request = Request("/v1/score", "", "POST", JSON, b'{"purchases": []}')
    same(aws_lambda.handler({**events.url(request, binary=binary), "isBase64Encoded": text}), request.expected(api))


_LEAVES = st.none() | st.booleans() | st.integers() | st.text()
_VALUES = st.recursive(_LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
_FIELDS = st.sampled_from(list(events.rest(Request("/")) | events.url(Request("/"))))


@given(base=st.sampled_from(["rest", "url", "none"]), changes=st.dictionaries(_FIELDS, _VALUES, max_size=4))
def test_whatever_an_event_is_the_answer_is_one(base: str, changes: dict[str, Any], serving_uri: str) -> None:
    made: dict[str, Any] = {} if base == "none" else getattr(events, base)(Request("/v1/stock", "a=b", "GET", JSON))
    answer = aws_lambda.handler(made | changes)
    assert answer["statusCode"] in (200, 304, 400, 404, 405, 413, 415)
    json.dumps(answer)


@pytest.fixture(scope="module")
def serving_uri(serving: Store) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RETAIL_SERVING_URI", serving.uri)
        patch.setattr(aws_lambda, "_api", None)
        yield serving.uri


@pytest.mark.parametrize("event", [None, [], "x", 3, {}, {"version": "2.0"}, {"Records": []}])
def test_what_is_no_request_is_refused(event: Any, api: Api) -> None:
    answer = aws_lambda.handler(event)
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (400, "bad-request")
