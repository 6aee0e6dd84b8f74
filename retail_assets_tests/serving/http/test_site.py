"""The web pages: what they show is what the predictor says, texts stay texts, and nothing in them runs or loads."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from retail_assets.serving import Predictor, schema
from retail_assets.serving.http import site, views
from retail_assets.serving.http.drawings import cleaned
from retail_assets.serving.requests import Response
from retail_assets.wording.formats import day, money
from retail_assets_tests.serving.shop import FORECAST_VERSION, Shop, shop_at


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    shop = shop_at(tmp_path_factory.mktemp("shop"))
    shop.publish()
    return shop


@pytest.fixture
def predictor(shop: Shop) -> Iterator[Predictor]:
    with Predictor.from_uri(shop.uri) as predictor:
        yield predictor


def text(response: Response) -> str:
    """What a reader sees, without the drawings."""
    page = re.sub(r"<svg.*?</svg>", "", response.body.decode(), flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_every_page_says_from_which_sales_and_bundle_it_is(predictor: Predictor) -> None:
    provenance = predictor.provenance()
    for path in site.PATHS:
        response = site.page(predictor, path, "")
        assert response.status == 200
        assert response.route == path
        assert f"from sales up to {day(provenance.cutoff)}" in text(response)
        assert f"Bundle {provenance.bundle}" in text(response)
        assert dict(response.headers)["content-security-policy"] == site.POLICY


def test_pages_have_no_script_no_inline_style_and_load_nothing_from_elsewhere(predictor: Predictor) -> None:
    for path, query in [*((path, "") for path in site.PATHS), ("/customers", "id=Once"), ("/", "category=Books")]:
        page = site.page(predictor, path, query).body.decode()
        assert not re.search(r"<script|<iframe|<object|<embed|\son\w+=|\sstyle=|javascript:", page, re.IGNORECASE)
        addresses = re.findall(r'(?:href|src|action)="([^"]*)"', page)
        assert all(each.startswith(("/", "#", "data:,")) for each in addresses), addresses


def test_the_forecast_page_shows_the_predictors_numbers(predictor: Predictor) -> None:
    found = predictor.forecast("Books")
    page = text(site.page(predictor, "/", "category=Books"))
    assert money(found.revenue, "USD") in page
    for each in found.days:
        assert f"{each.day:%a} {day(each.day)} {money(each.revenue, None)} {money(each.low, None)}" in page


def test_forecasts_have_drawings_of_the_total_and_of_each_category(predictor: Predictor) -> None:
    shown = {row["category"] for row in predictor.rows(schema.PICTURE) if row["name"] == "forecast"}
    assert shown == {"TOTAL", "Books", "Games", "Toys"}
    drawings = {name: site.page(predictor, "/", f"category={name}").body for name in shown}
    assert all(b"<svg" in page for page in drawings.values())
    assert len({re.findall(rb"<svg.*</svg>", page)[0] for page in drawings.values()}) == 4


def test_a_customers_page_says_segment_numbers_and_why(predictor: Predictor) -> None:
    by_cluster = next(each for each in predictor.customers(limit=100) if each.confidence is not None)
    page = text(site.page(predictor, "/customers", f"id={by_cluster.customer_id}"))
    assert f"Customer {by_cluster.customer_id}: {by_cluster.persona}" in page
    assert money(float(by_cluster.monetary), "USD") in page
    assert "nearest to this segment" in page
    assert predictor.recommendations(by_cluster.persona).action in page
    by_rule = text(site.page(predictor, "/customers", "id=Once"))
    assert "A rule decides" in by_rule
    assert "Confidence" not in by_rule


def test_what_is_unknown_is_said_on_a_page_with_status_404(predictor: Predictor) -> None:
    for path, query in (("/", "category=Boks"), ("/customers", "id=nobody")):
        response = site.page(predictor, path, query)
        assert response.status == 404
        assert 'role="alert"' in response.body.decode()
    assert "Did you mean 'Books'?" in text(site.page(predictor, "/", "category=Boks"))


@pytest.mark.parametrize(
    "query", ["category=%FF", "id=%00", "id=" + "x" * 5000, "&".join(f"a{n}=1" for n in range(99)), "=&&=;%", "id=%0a"]
)
def test_odd_questions_are_a_page_too(predictor: Predictor, query: str) -> None:
    for path in site.PATHS:
        response = site.page(predictor, path, query)
        assert response.status in (200, 400, 404)
        assert dict(response.headers)["content-type"].startswith("text/html")


def test_markup_in_questions_and_in_the_data_stays_text(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    evil = "<script>alert(1)</script>"
    page = site.page(predictor, "/customers", f"id={evil}").body.decode()
    assert evil not in page
    assert html.escape(evil) in page
    advice = ({"category": evil, "text": evil, "expected_revenue": "nan", "first_day": evil},)
    monkeypatch.setattr(Predictor, "stock", lambda _: advice)
    page = site.page(predictor, "/stock", "").body.decode()
    assert evil not in page
    assert page.count(html.escape(evil)) == 2


def test_rejected_rows_are_counted_by_reason(predictor: Predictor) -> None:
    page = text(site.page(predictor, "/rejected", ""))
    assert "quantity missing 3 USD 5" in page
    assert "date invalid 1 USD 3" in page


def test_the_health_page_shows_versions_checks_and_errors(shop: Shop, predictor: Predictor) -> None:
    page = text(site.page(predictor, "/health", ""))
    assert "The newest bundle is in use." in page
    assert FORECAST_VERSION in page
    assert "gradient boosting (published) 13.0 %" in page


def test_failed_checks_come_first_and_passed_ones_in_one_line() -> None:
    check = {"asset": "sales", "passed": 1, "severity": "ERROR", "text": "fine"}
    rows = [
        {**check, "name": "a"},
        {**check, "name": "warned", "passed": 0, "severity": "WARN", "text": "odd"},
        {**check, "name": "broken_key", "passed": 0, "text": "twice"},
    ]
    lines = views._checks(rows).rows
    assert [line[0] for line in lines] == ["broken key (sales)", "warned (sales)", "1 of 3 checks"]


def test_without_a_bundle_a_page_says_what_it_waits_for(tmp_path: Path) -> None:
    with Predictor.from_uri(str(tmp_path / "none"), required=False) as predictor:
        response = site.page(predictor, "/", "")
    assert response.status == 503
    assert str(tmp_path) not in response.body.decode()


def test_a_fault_on_a_page_is_a_500_without_details(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("/secret/path")

    monkeypatch.setattr(Predictor, "stock", fail)
    response = site.page(predictor, "/stock", "")
    assert response.status == 500
    assert b"secret" not in response.body
    assert isinstance(response.failure, RuntimeError)


@pytest.mark.parametrize(
    "inside",
    [
        "<script>alert(1)</script>",
        '<image href="http://evil.example/x"/>',
        '<foreignObject><body xmlns="http://www.w3.org/1999/xhtml">x</body></foreignObject>',
        '<a href="javascript:alert(1)"><text>x</text></a>',
        '<path d="M0,0" onload="alert(1)" style="position:fixed"/>',
        '<rect fill="url(http://evil.example/x)"/>',
        '<use href="#x"/>',
        "<style>* { display: none }</style>",
        '<set attributeName="href" to="javascript:alert(1)"/>',
    ],
)
def test_a_drawing_keeps_nothing_that_runs_or_loads(inside: str) -> None:
    shape = '<path d="M0,0h9" stroke="currentColor"/>'
    kept = cleaned(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><g>{inside}{shape}</g></svg>')
    assert kept is not None
    assert re.sub(r"\s", "", shape) in re.sub(r"\s", "", kept)
    assert not re.search(r"script|evil|alert|style|href|foreign|body|onload", kept)


def test_what_is_no_drawing_is_left_out() -> None:
    for text in (
        "",
        "x",
        "<p/>",
        "<svg",
        '<!DOCTYPE svg [<!ENTITY a "aaaa">]><svg>&a;</svg>',
        "<?xml version='1.0'?><svg/>",
    ):
        assert cleaned(text) is None


def test_a_drawing_of_the_bundle_is_kept_whole(predictor: Predictor) -> None:
    for row in predictor.rows(schema.PICTURE):
        kept = cleaned(row["svg"])
        assert kept is not None
        for name in ("<path", "<text", "<line"):
            assert kept.count(name) == row["svg"].count(name)


def test_the_style_is_that_of_the_report_and_of_the_pages() -> None:
    css = site.style().body.decode()
    assert ".numbers" in css
    assert "prefers-color-scheme: dark" in css
    assert "url(" not in css


def test_who_bought_nothing_in_the_window_has_no_typical_basket() -> None:
    """Customers who were last seen before the window had a typical basket of 0.00."""
    numbers = {"median_average_basket": 0.0, "median_frequency": 0.0}
    assert views._basket(numbers, "USD") == "–"
    assert views._basket({**numbers, "median_average_basket": 9.5, "median_frequency": 1.0}, "USD") == "USD 9.50"
