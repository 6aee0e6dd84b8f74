"""The predictor's answers, and its way with a newer bundle: the old one stays until the new one is verified."""

from __future__ import annotations

import dataclasses
import datetime as dt
import gc
import json
import multiprocessing
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from retail_assets.errors import StorageError
from retail_assets.serving import (
    BadRequestError,
    NoBundleError,
    OutsideHorizonError,
    Predictor,
    UnknownCategoryError,
    UnknownCustomerError,
    UnknownPersonaError,
    answers,
    schema,
)
from retail_assets.serving.purchases import read_purchases
from retail_assets.serving.refresh import RETRY_SECONDS
from retail_assets_tests.serving.shop import CATEGORIES, LAST, NOW, SOURCE, Shop, shop_at

FIRST_DAY = LAST + dt.timedelta(days=1)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    made = shop_at(tmp_path_factory.mktemp("shop"))
    made.publish()
    return made


@pytest.fixture
def predictor(shop: Shop) -> Iterator[Predictor]:
    shop.forecast_times(1.0)
    shop.publish()
    with Predictor.from_uri(shop.uri, check_seconds=0) as opened:
        yield opened


# --- answers ---


def test_a_forecast_has_the_days_that_are_asked_for(predictor: Predictor) -> None:
    whole = predictor.forecast()
    assert (whole.category, len(whole.days), whole.step_days) == ("TOTAL", 28, 1)
    assert whole.revenue == sum(400 + n for n in range(1, 29))
    part = predictor.forecast(" bOOKS ", start=FIRST_DAY + dt.timedelta(days=2), days=3, coverage=0.95)
    assert [each.revenue for each in part.days] == [103, 104, 105]
    assert (part.days[0].low, part.days[0].high) == (103 * 0.5, 103 * 1.5)
    assert (part.days[0].units, part.days[0].units_low) == (10.3, None)
    assert part.provenance.cutoff == LAST
    assert len(predictor.forecast(start="2024-01-27").days) == 2


@pytest.mark.parametrize(
    ("question", "error", "message"),
    [
        ({"category": "Boks"}, UnknownCategoryError, "Did you mean 'Books'?"),
        ({"category": "zzzzzz"}, UnknownCategoryError, "Categories: Books, Games, TOTAL, Toys."),
        ({"category": ""}, BadRequestError, "category is ''"),
        ({"category": "../../etc/passwd"}, UnknownCategoryError, "no forecast for category"),
        ({"category": "a\nb"}, BadRequestError, "printable"),
        ({"category": "x" * 10_000}, BadRequestError, "Give 1 to 200"),
        ({"category": 7}, BadRequestError, "category is 7"),
        ({"days": 29}, OutsideHorizonError, "this one is for 2024-01-01 to 2024-01-28, 28 days"),
        ({"days": 10**30}, OutsideHorizonError, "is not possible"),
        ({"days": 0}, BadRequestError, "days is 0. Give a whole number, 1 to 28."),
        ({"days": -1}, BadRequestError, "days is -1"),
        ({"days": True}, BadRequestError, "days is True"),
        ({"days": 1.5}, BadRequestError, "days is 1.5"),
        ({"days": "7"}, BadRequestError, "days is '7'"),
        ({"start": "2023-12-31"}, OutsideHorizonError, "A forecast from 2023-12-31 is not possible"),
        ({"start": "2024-01-29"}, OutsideHorizonError, "2024-01-01 to 2024-01-28"),
        ({"start": dt.date.max, "days": 28}, OutsideHorizonError, "2024-01-28"),
        ({"start": "tomorrow"}, BadRequestError, "start is 'tomorrow'. Write a day as YYYY-MM-DD."),
        ({"start": "2024-02-30"}, BadRequestError, "start is"),
        ({"coverage": 0.9}, BadRequestError, "coverage is 0.9. Possible: 0.8, 0.95."),
        ({"coverage": float("nan")}, BadRequestError, "coverage is nan"),
        ({"coverage": "0.8"}, BadRequestError, "coverage is '0.8'"),
        ({"coverage": []}, BadRequestError, "coverage is list"),
    ],
)
def test_a_question_that_cannot_be_answered_says_why(
    predictor: Predictor, question: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        predictor.forecast(**question)
    assert message in str(caught.value)
    assert len(str(caught.value)) < 400


def test_nearest_names_come_with_the_error(predictor: Predictor) -> None:
    with pytest.raises(UnknownCategoryError) as caught:
        predictor.forecast("gamez")
    problem = answers.problem(caught.value)
    assert (problem["code"], problem["status"], problem["nearest"]) == ("unknown-category", 404, ["Games"])


def test_a_customer_has_a_segment_with_the_numbers_behind_it(predictor: Predictor, shop: Shop) -> None:
    [row] = shop.warehouse.query("SELECT * FROM customer_segments WHERE customer_id = 'Hig-0001'").to_pylist()
    segment = predictor.segment("Hig-0001")
    assert (segment.persona, segment.monetary, segment.confidence) == (
        "High-Value Customers",
        row["monetary"],
        row["confidence"],
    )
    assert segment.description
    assert predictor.segment("Once").decided_by == "rule"
    with pytest.raises(UnknownCustomerError, match="score their purchases"):
        predictor.segment("' OR 1=1 --")
    for wrong in ("", "\0", "x" * 129, None, 7):
        with pytest.raises(BadRequestError):
            predictor.segment(wrong)  # type: ignore[arg-type]


def test_customers_come_in_pages(predictor: Predictor) -> None:
    seen: list[str] = []
    while page := predictor.customers(after=seen[-1] if seen else "", limit=50):
        seen += [each.customer_id for each in page]
    assert len(seen) == len(set(seen)) == 122
    assert seen == sorted(seen)
    for wrong in (0, 1001, "5", True):
        with pytest.raises(BadRequestError):
            predictor.customers(limit=wrong)  # type: ignore[arg-type]


def test_a_young_shops_customers_are_scored_by_the_days_of_the_day_that_is_asked_for(
    predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = predictor._bundle()
    young = dataclasses.replace(bundle.numbers, window_days=100)
    monkeypatch.setattr(bundle, "numbers", young)
    day = LAST + dt.timedelta(200)
    bought = [{"customer_id": "n", "date": f"2023-{month:02d}-10", "amount": 30} for month in (10, 11, 12)]
    [scored] = predictor.score(bought, as_of=day).customers
    [features] = young.describe(read_purchases(bought, LAST, 10), day)
    of_then = dataclasses.replace(young, window_days=300).score(features)
    assert (scored.persona, scored.confidence) == (of_then.persona, of_then.confidence)
    assert scored.confidence != young.score(features).confidence


def test_purchases_are_scored_as_of_the_shops_last_day_or_their_own(predictor: Predictor) -> None:
    bought = [{"customer_id": "n", "date": f"2023-{month:02d}-10", "amount": 95} for month in range(1, 13)]
    scores = predictor.score(bought)
    assert (scores.snapshot_date, scores.customers[0].frequency) == (LAST, 12)
    later = predictor.score([*bought, {"customer_id": "n", "date": "2024-03-01", "amount": 5}])
    assert later.snapshot_date == dt.date(2024, 3, 1)
    assert predictor.score(bought, as_of="2024-06-30").snapshot_date == dt.date(2024, 6, 30)
    with pytest.raises(BadRequestError, match="before the last purchase"):
        predictor.score(bought, as_of="2023-06-30")
    with pytest.raises(BadRequestError, match="cannot be described as of 2100"):
        predictor.score(bought, as_of="2100-01-01")
    assert predictor.score([]).customers == ()


def test_a_clock_that_is_behind_the_bundle_rejects_no_purchase_of_the_shop(predictor: Predictor) -> None:
    bought = [{"customer_id": "n", "date": LAST, "amount": 5}]
    assert predictor.score(bought, today=dt.date(1970, 1, 1)).customers[0].frequency == 1


def test_health_says_that_the_clock_is_behind(predictor: Predictor) -> None:
    assert predictor.health(now=NOW).warnings == ()
    behind = predictor.health(now=dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
    assert behind.ready
    assert len(behind.warnings) == 2
    json.dumps(answers.health(behind))


def test_recommendations_catalogs_and_tables_are_those_of_the_shop(predictor: Predictor) -> None:
    advice = predictor.recommendations("high-value customers")
    assert (advice.persona, advice.action) == ("High-Value Customers", "Do something for High-Value Customers.")
    assert advice.notes == ("One season only.",)
    with pytest.raises(UnknownPersonaError, match="Did you mean 'Budget Shoppers'"):
        predictor.recommendations("Budget Shopper")
    assert predictor.categories()[0].name == "TOTAL"
    assert {each.name for each in predictor.categories()} == {*CATEGORIES, "TOTAL"}
    assert predictor.stock()[0]["text"] == "Stock up on Books."
    reasons = {row["reason"]: row["lines"] for row in predictor.rows(schema.QUARANTINE)}
    assert reasons == {"quantity_missing": 3, "date_invalid": 1}
    total = predictor.categories()[0]
    year = predictor.daily_sales(days=400)
    assert sum(row["revenue"] for row in year) == total.revenue
    assert isinstance(year[0]["revenue"], Decimal)
    with pytest.raises(UnknownCategoryError):
        predictor.daily_sales("Boks")


def test_every_answer_is_json_with_its_provenance(predictor: Predictor) -> None:
    given = predictor.provenance()
    made = [
        answers.forecast(predictor.forecast()),
        answers.segment(predictor.segment("Once")),
        answers.customers(predictor.customers(limit=3), given),
        answers.scores(predictor.score([{"customer_id": "n", "date": "2023-12-01", "amount": "-5"}])),
        answers.recommendations(predictor.recommendations("Budget Shoppers")),
        answers.categories(predictor.categories(), given),
        answers.personas(predictor.personas(), given),
        answers.stock(predictor.stock(), given),
        answers.daily_sales("Toys", predictor.daily_sales("Toys"), given),
    ]
    for answer in made:
        read = json.loads(answers.encoded(answer))
        assert read["provenance"]["bundle"] == given.bundle
        assert set(read["provenance"]) >= {"bundle", "cutoff", "forecast_model", "segment_model", "currency"}


def test_what_is_wrong_with_the_server_is_not_told_to_strangers() -> None:
    problem = answers.problem(StorageError("Cannot read s3://secret-bucket/x: no permission"))
    assert problem["status"] == 503
    assert "secret-bucket" not in json.dumps(problem)


# --- newer bundles ---


def test_a_new_bundle_comes_into_use_by_itself(predictor: Predictor, shop: Shop) -> None:
    before = predictor.forecast("Toys", days=1)
    shop.forecast_times(3.0)
    published = shop.publish(now=NOW + dt.timedelta(hours=1))
    after = predictor.forecast("Toys", days=1)
    assert after.revenue == 3 * before.revenue
    assert after.provenance.bundle == published.manifest.version != before.provenance.bundle
    health = predictor.health()
    assert (health.swaps, health.problem) == (1, None)
    assert health.published_at == "2024-01-01T07:00:00+00:00"


def test_the_same_content_is_the_same_version_and_the_same_bytes(shop: Shop) -> None:
    shop.forecast_times(1.0)
    first = shop.publish().manifest
    folder = Path(shop.uri) / "bundles" / first.version
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    again = shop.publish(now=NOW + dt.timedelta(days=1)).manifest
    assert again.version == first.version
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()} == before


def test_a_bundle_in_use_is_answered_from_until_its_question_is_done(predictor: Predictor, shop: Shop) -> None:
    """Its file may be gone by then: the sweep of another publication removed it."""
    held = predictor._refresher.bundle()
    shop.forecast_times(4.0)
    shop.publish()
    predictor.refresh()
    database = Path(shop.uri) / "bundles" / held.manifest.version / "retail.sqlite"
    database.unlink()
    assert held.customer("Once")
    shop.forecast_times(1.0)
    shop.publish()  # writes the file again
    assert database.exists()


def test_in_the_background_a_new_bundle_is_seen_without_a_question(shop: Shop) -> None:
    shop.forecast_times(1.0)
    shop.publish()
    with Predictor.from_uri(shop.uri, check_seconds=0.1, background=True) as predictor:
        predictor.forecast()
        shop.forecast_times(5.0)
        version = shop.publish().manifest.version
        assert _within(5, lambda: predictor.health().provenance.bundle == version)
    assert _within(5, lambda: not [t for t in threading.enumerate() if t.name == "bundle-refresh"])


def test_a_predictor_that_nobody_has_any_more_stops_looking(shop: Shop) -> None:
    predictor = Predictor.from_uri(shop.uri, check_seconds=0.1, background=True)
    predictor.forecast()
    del predictor
    gc.collect()
    assert _within(5, lambda: not [t for t in threading.enumerate() if t.name == "bundle-refresh"])


def test_a_predictor_may_start_before_there_is_a_bundle(shop: Shop, tmp_path: Path) -> None:
    with pytest.raises(NoBundleError, match="Materialize the asset serving_bundle"):
        Predictor.from_uri(str(tmp_path / SOURCE))
    predictor = Predictor.from_uri(str(tmp_path / SOURCE), required=False, check_seconds=0)
    assert not predictor.health().ready
    with pytest.raises(NoBundleError):
        predictor.forecast()
    (tmp_path / SOURCE).symlink_to(shop.uri)
    assert predictor.forecast().days
    assert predictor.health().problem is None


def test_many_threads_get_whole_answers_while_bundles_change(predictor: Predictor, shop: Shop) -> None:
    """Every answer is of one bundle: its days, its sum and its version belong together."""
    stop = threading.Event()
    wrong: list[object] = []
    asked: list[int] = []
    expected: dict[str, float] = {predictor.provenance().bundle: predictor.forecast("Books").revenue}

    def ask() -> None:
        count = 0
        while not stop.is_set():
            try:
                answer = predictor.forecast("Books")
                factor = answer.days[0].revenue / 101
                if any(abs(day.revenue - factor * (100 + n)) > 1e-6 for n, day in enumerate(answer.days, 1)):
                    wrong.append(answer)
                if expected.get(answer.provenance.bundle, answer.revenue) != answer.revenue:
                    wrong.append(answer)
                predictor.segment("Hig-0001")
                count += 1
            except Exception as e:
                wrong.append(e)
        asked.append(count)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for factor in (2.0, 3.0, 4.0, 5.0):
        shop.forecast_times(factor)
        expected[shop.publish().manifest.version] = factor * sum(100 + n for n in range(1, 29))
    stop.set()
    for thread in threads:
        thread.join(30)
    assert wrong == []
    assert min(asked) > 0
    predictor.refresh()
    assert predictor.health().swaps == 4


def test_after_a_fork_parent_and_child_answer(shop: Shop) -> None:
    with Predictor.from_uri(shop.uri, background=True) as predictor:
        segment = predictor.segment("Once")
        queue = multiprocessing.get_context("fork").Queue()
        child = multiprocessing.get_context("fork").Process(target=_ask_in_child, args=(predictor, queue))
        child.start()
        assert queue.get(timeout=30) == (segment.persona, True)
        child.join(30)
        assert child.exitcode == 0
        assert predictor.segment("Once") == segment


def _ask_in_child(predictor: Predictor, queue: Any) -> None:
    persona = predictor.segment("Once").persona
    queue.put((persona, any(t.name == "bundle-refresh" for t in threading.enumerate())))


def test_the_address_is_looked_at_only_when_it_is_time(shop: Shop) -> None:
    with Predictor.from_uri(shop.uri, check_seconds=3600) as predictor:
        before = predictor.forecast("Toys").revenue
        shop.forecast_times(7.0)
        shop.publish()
        assert predictor.forecast("Toys").revenue == before
        predictor.refresh()
        assert predictor.forecast("Toys").revenue != before
    for wrong in (-1, float("nan"), "2"):
        with pytest.raises(BadRequestError):
            Predictor.from_uri(shop.uri, check_seconds=wrong)  # type: ignore[arg-type]


def test_a_damaged_bundle_is_not_tried_again_at_every_look(predictor: Predictor, shop: Shop) -> None:
    from retail_assets.serving import refresh

    clock = [0.0]
    refresher = refresh.Refresher(predictor._refresher.address, 1.0, False, clock=lambda: clock[0])
    refresher.start(required=True)
    shop.forecast_times(9.0)
    version = shop.publish().manifest.version
    database = Path(shop.uri) / "bundles" / version / "retail.sqlite"
    whole = database.read_bytes()
    database.write_bytes(whole[:-1])
    opened = []
    refresher.address.open = lambda v: opened.append(v) or type(refresher.address).open(refresher.address, v)  # type: ignore[method-assign, func-returns-value, assignment]
    for second in range(10):
        clock[0] = float(second)
        refresher.bundle()
    assert opened == [version]
    assert "is not as its manifest says" in str(refresher.problem)
    database.write_bytes(whole)
    clock[0] += RETRY_SECONDS + 1
    assert refresher.bundle().manifest.version == version
    assert refresher.problem is None


def _within(seconds: float, holds: Any) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.02)
    return bool(holds())
