"""What every web door answers: paths, parameters, bodies, caching and errors, without a web framework."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from retail_assets.serving import Predictor, answers
from retail_assets.serving.requests import Api, Response, decoded_path
from retail_assets.serving.routes import ROUTES
from retail_assets_tests.serving.shop import CATEGORIES, Shop, shop_at

JSON = {"content-type": "application/json"}
PURCHASE = {"customer_id": "N1", "date": "2023-12-01", "amount": "12.50"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    shop = shop_at(tmp_path_factory.mktemp("shop"))
    shop.publish()
    return shop


@pytest.fixture
def api(shop: Shop) -> Iterator[Api]:
    with Predictor.from_uri(shop.uri) as predictor:
        yield Api(predictor)


def content(response: Response) -> Any:
    return json.loads(response.body)


def header(response: Response, name: str) -> str | None:
    return dict(response.headers).get(name)


def problem(response: Response, status: int, code: str) -> dict[str, Any]:
    body = content(response)
    assert (response.status, body["status"], body["code"]) == (status, status, code), body
    assert header(response, "content-type") == "application/problem+json"
    assert header(response, "cache-control") == "no-store"
    return body


def score(api: Api, body: bytes, headers: dict[str, str] = JSON) -> Response:
    return api.respond("POST", "/v1/score", headers=headers, body=body)


def test_a_forecast_is_byte_equal_to_what_the_predictor_says(api: Api) -> None:
    response = api.respond("GET", "/v1/forecasts/books", "days=7&coverage=0.95")
    assert response.status == 200
    assert response.body == answers.encoded(answers.forecast(api.predictor.forecast("Books", days=7, coverage=0.95)))
    assert api.respond("GET", "/v1/forecasts/books", "days=7&coverage=0.95").body == response.body


def test_every_path_answers_and_says_where_its_numbers_come_from(api: Api) -> None:
    names = {"category": "Books", "customer_id": "Once", "persona": api.predictor.personas()[0].persona}
    version = api.predictor.provenance().bundle
    for route in ROUTES:
        path = route.template.format(**names)
        body = json.dumps({"purchases": [PURCHASE]}).encode()
        response = api.respond(route.method, path, headers=JSON, body=body)
        assert response.status == 200, path
        assert response.route == route.template
        found = content(response)
        assert found.get("provenance", found)["bundle"] == version, path


def test_a_name_may_have_slashes_percent_signs_and_spaces(api: Api) -> None:
    body = problem(api.respond("GET", decoded_path(b"/v1/forecasts/Bo%2Foks%2500 x")), 404, "unknown-category")
    assert "'Bo/oks%00 x'" in body["detail"]


def test_an_unknown_category_comes_with_similar_names(api: Api) -> None:
    body = problem(api.respond("GET", "/v1/forecasts/Boks"), 404, "unknown-category")
    assert body["nearest"] == ["Books"]


def test_an_answer_has_an_etag_and_is_not_sent_twice(api: Api) -> None:
    first = api.respond("GET", "/v1/stock")
    etag = header(first, "etag")
    assert etag is not None
    assert header(first, "cache-control") == "private, no-cache"
    for sent in (etag, f'"other", W/{etag}', "*"):
        again = api.respond("GET", "/v1/stock", headers={"if-none-match": sent})
        assert (again.status, again.body, header(again, "etag")) == (304, b"", etag)
    assert api.respond("GET", "/v1/stock", headers={"if-none-match": '"other"'}).status == 200
    problem(api.respond("GET", "/v1/forecasts/None", headers={"if-none-match": "*"}), 404, "unknown-category")


def test_another_bundle_is_another_etag_and_another_answer(tmp_path: Path) -> None:
    shop = shop_at(tmp_path)
    shop.publish()
    with Predictor.from_uri(shop.uri, check_seconds=0) as predictor:
        api = Api(predictor)
        before = api.respond("GET", "/v1/forecasts/TOTAL")
        shop.forecast_times(2.0)
        shop.publish()
        after = api.respond("GET", "/v1/forecasts/TOTAL", headers={"if-none-match": header(before, "etag") or ""})
    assert after.status == 200
    assert content(after)["revenue"] == pytest.approx(2 * content(before)["revenue"])
    assert header(after, "etag") != header(before, "etag")


def test_an_answer_and_its_etag_are_of_one_bundle_when_another_comes_in_between(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Predictor.from_uri(shop.uri) as predictor:
        pinned = predictor.pinned()
        before = pinned.provenance()
        other = dataclasses.replace(before, bundle="other")
        monkeypatch.setattr(predictor._bundle(), "provenance", other)
        refresher = predictor._refresher
        newer = refresher.address.open(before.bundle)
        monkeypatch.setattr(refresher, "_bundle", newer)
        assert pinned.provenance() == other
        assert pinned.forecast().provenance == other
        assert predictor.provenance() == before
        newer.close()


def test_customers_come_in_pages_without_gap_or_repetition(api: Api) -> None:
    found: list[str] = []
    query, pages = "limit=50", 0
    while True:
        body = content(api.respond("GET", "/v1/segments", query))
        found += [each["customer_id"] for each in body["customers"]]
        pages += 1
        if body["next"] is None:
            break
        query = f"limit=50&cursor={body['next']}"
    assert found == [each.customer_id for each in api.predictor.customers(limit=1000)]
    assert pages == -(-len(found) // 50)


def test_categories_come_in_pages_in_their_order(api: Api) -> None:
    first = content(api.respond("GET", "/v1/categories", "limit=3"))
    second = content(api.respond("GET", "/v1/categories", f"limit=3&cursor={first['next']}"))
    names = [each["name"] for each in first["categories"] + second["categories"]]
    assert names == [each.name for each in api.predictor.categories()]
    assert {*names} == {"TOTAL", *CATEGORIES}
    assert second["next"] is None


def test_score_gives_what_the_predictor_gives(api: Api) -> None:
    response = score(api, json.dumps({"purchases": [PURCHASE], "as_of": "2023-12-31"}).encode())
    assert response.body == answers.encoded(answers.scores(api.predictor.score([PURCHASE], "2023-12-31")))
    assert header(response, "cache-control") == "no-store"
    assert header(response, "etag") is None


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/v1/forecasts/Books", "days=0"),
        ("/v1/forecasts/Books", "days=seven"),
        ("/v1/forecasts/Books", "days=1e1"),
        ("/v1/forecasts/Books", "days=-1"),
        ("/v1/forecasts/Books", "days=%D9%A3"),  # an Arabic digit
        ("/v1/forecasts/Books", "days=7&days=8"),
        ("/v1/forecasts/Books", "days="),
        ("/v1/forecasts/Books", "day=7"),
        ("/v1/forecasts/Books", "coverage=nan"),
        ("/v1/forecasts/Books", "coverage=0.5"),
        ("/v1/forecasts/Books", "start=tomorrow"),
        ("/v1/forecasts/Books", "start=%FF"),
        ("/v1/forecasts/Books", "&".join(f"a{n}=1" for n in range(100))),
        ("/v1/forecasts/Books\nx", ""),
        ("/v1/forecasts/" + "x" * 5000, ""),
        ("/v1/segments/\x00", ""),
        ("/v1/segments", "limit=0"),
        ("/v1/segments", "limit=1001"),
        ("/v1/segments", "cursor=%FF"),
        ("/v1/segments", "cursor=!"),
        ("/v1/segments", "cursor="),
        ("/v1/segments", "cursor=QQ=="),
        ("/v1/categories", "cursor=" + base64.urlsafe_b64encode(b"gone").decode().rstrip("=")),
        ("/v1/sales/Books", "days=401"),
        ("/v1/stock", "x=1"),
    ],
)
def test_a_wrong_question_is_a_400_that_says_what_is_possible(api: Api, path: str, query: str) -> None:
    response = api.respond("GET", path, query)
    body = problem(response, 400, "bad-request")
    assert len(body["detail"]) > 10
    assert len(response.body) < 1000


def test_days_that_no_forecast_covers_are_named(api: Api) -> None:
    for query in ("days=29", "start=2023-12-31", "start=2024-01-28&days=2", "days=999999999"):
        body = problem(api.respond("GET", "/v1/forecasts/Books", query), 400, "outside-horizon")
        assert "2024-01-01 to 2024-01-28" in body["detail"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b"{}",
        b'{"purchases": {}}',
        b'{"purchases": "abc"}',
        b'{"purchases": [], "more": 1}',
        b'{"purchases": [1]}',
        b'{"purchases": [{"customer_id": "N1", "date": "2023-12-01"}]}',
        b'{"purchases": [{"customer_id": "N1", "date": "2023-12-01", "amount": NaN}]}',
        b'{"purchases": [{"customer_id": "N1", "date": "2023-12-01", "amount": -Infinity}]}',
        b'{"purchases": [{"customer_id": "N1", "date": "2023-12-01", "amount": 1e999}]}',
        b'{"purchases": [{"customer_id": "N1", "date": "2023-12-01", "amount": 1' + b"0" * 5000 + b"}]}",
        b'{"purchases": [{"customer_id": "N1", "date": "2023-12-01", "amount": true}]}',
        b'{"purchases": [{"customer_id": "N1", "date": "3023-12-01", "amount": 1}]}',
        b'{"purchases": [{"customer_id": "\\ud800", "date": "2023-12-01", "amount": 1}]}',
        b'{"purchases": [{"customer_id": "N1", "customer_id": "N2", "date": "2023-12-01", "amount": 1}]}',
        b'{"purchases": [], "as_of": 5}',
        b'{"purchases": [], "as_of": "1700-01-01"}',
        b"[" * 100_000,
    ],
)
def test_a_wrong_body_is_a_400_that_says_what_is_wrong(api: Api, body: bytes) -> None:
    response = score(api, body)
    problem(response, 400, "bad-request")
    assert len(response.body) < 1000


def test_a_body_of_another_kind_or_too_large_is_refused(api: Api) -> None:
    good = json.dumps({"purchases": [PURCHASE]}).encode()
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1", ""):
        problem(score(api, good, {"content-type": kind}), 415, "unsupported-media-type")
    problem(score(api, good, {**JSON, "content-encoding": "gzip"}), 415, "unsupported-media-type")
    assert score(api, good, {"content-type": 'Application/JSON; charset="UTF-8"'}).status == 200
    problem(score(api, b" " * 10_000_000), 413, "too-large")


def test_unknown_paths_and_methods_are_refused(api: Api) -> None:
    for path in ("", "/", "/v1", "/v1/", "/v1/forecasts/", "/v2/stock", "/v1/stock/", "//v1/stock", "/etc/passwd"):
        problem(api.respond("GET", path), 404, "not-found")
    for method, path, allowed in (
        ("POST", "/v1/stock", "GET, HEAD"),
        ("DELETE", "/v1/forecasts/Books", "GET, HEAD"),
        ("GET", "/v1/score", "POST"),
        ("TRACE", "/v1/score", "POST"),
    ):
        response = api.respond(method, path)
        problem(response, 405, "method-not-allowed")
        assert header(response, "allow") == allowed


def test_head_has_the_headers_of_get_and_no_body(api: Api) -> None:
    head, get = api.respond("HEAD", "/v1/stock"), api.respond("GET", "/v1/stock")
    assert (head.status, head.body) == (get.status, b"")
    assert head.headers == (*get.headers, ("content-length", str(len(get.body))))


def test_no_usable_bundle_is_a_503_that_names_no_folder(tmp_path: Path) -> None:
    with Predictor.from_uri(str(tmp_path / "none"), required=False) as predictor:
        response = Api(predictor).respond("GET", "/v1/stock")
    problem(response, 503, "no-bundle")
    assert str(tmp_path) not in response.body.decode()
    assert header(response, "retry-after") == "5"
    assert response.failure is not None


def test_what_goes_wrong_inside_is_a_500_without_details(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("/secret/path of customer C1")

    monkeypatch.setattr(answers, "stock", fail)
    response = api.respond("GET", "/v1/stock")
    problem(response, 500, "internal-error")
    assert b"secret" not in response.body
    assert isinstance(response.failure, RuntimeError)


def test_what_is_remembered_is_bounded(api: Api) -> None:
    for n in range(300):
        cursor = base64.urlsafe_b64encode(b"%06d" % n).decode()
        assert api.respond("GET", "/v1/segments", f"limit=1000&cursor={cursor}").status == 200
    assert api._cached_bytes <= 16 * 1024**2 + 300 * 1024
