"""The evaluation: the keys of `evaluation.json`, and nothing in it that was not measured."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pytest

from retail_assets.segmentation.evaluation.action_text import action_numbers, action_text, money
from retail_assets.segmentation.evaluation.evaluate import evaluate
from retail_assets.segmentation.evaluation.evidence import Evidence
from retail_assets.segmentation.evaluation.fit import Fit, measure
from retail_assets.segmentation.evaluation.name_stability import NameStability
from retail_assets.segmentation.evaluation.next_quarter import NextQuarter
from retail_assets.segmentation.lifecycle import record
from retail_assets.segmentation.model.segment_model import SegmentModel
from retail_assets.segmentation.model.training import train
from retail_assets.segmentation.personas.catalog import ACTION_NUMBERS, DEFAULT
from retail_assets_tests.segmentation.segment_rows import DAY, SCOPE, profile
from retail_assets_tests.segmentation.shoppers import PLANTED, THREE_KINDS, planted


@pytest.fixture(scope="module")
def model() -> SegmentModel:
    trained = train(planted(tuple(PLANTED), 60)[0]).model
    assert trained is not None
    return trained


def evidence(model: SegmentModel | None, **others: Any) -> Evidence:
    defaults: dict[str, Any] = {
        "model": model,
        "why": None if model else "Nobody came.",
        "version": "v",
        "fit": Fit(200, 0.61, 0.5, 0.97, 0.99) if model else None,
        "stability": NameStability((DAY, DAY), 181, 0.96, 0.91, 0.92, 0.9, 4.5),
        "quarter": NextQuarter(DAY, DAY, 200, {}, 0.25, 0.55, 0.56, 0.54),
        "profiles": [profile()] if model else [],
        "scope": SCOPE,
    }
    return Evidence(**{**defaults, **others})


def test_the_file_has_what_was_promised(model: SegmentModel) -> None:
    evaluation = evaluate(evidence(model))
    assert evaluation["k"] == 4
    assert (evaluation["silhouette"], evaluation["bootstrap_ari"]) == (0.61, 0.97)
    assert (evaluation["name_agreement"], evaluation["kept_month_to_month"]) == (0.96, 0.91)
    best = evaluation["high_value"]
    assert (best["customers_share"], best["next_revenue_share"], best["ranking_next_revenue_share"]) == (
        0.25,
        0.55,
        0.56,
    )
    assert best["lift"] == pytest.approx(2.2)
    assert evaluation["segments"]["High-Value Customers"]["revenue"] == "1000.00"
    assert evaluation["anonymous"] == {"lines": 3, "orders": 2, "revenue": "7.50"}
    assert json.loads(json.dumps(evaluation, allow_nan=False)) == evaluation


def test_what_was_not_measured_is_null_with_the_reason() -> None:
    evaluation = evaluate(
        evidence(None, stability=NameStability(why="Too short."), quarter=NextQuarter(why="No quarter yet."))
    )
    assert evaluation["verdict"] == "Nobody came."
    for key in ("k", "silhouette", "davies_bouldin", "bootstrap_ari", "name_agreement", "kept_month_to_month"):
        assert evaluation[key] is None, key
    assert evaluation["high_value"]["next_revenue_share"] is None
    assert evaluation["segments"] == {}
    notes = " ".join(evaluation["notes"])
    for reason in ("Nobody came.", "Too short.", "No quarter yet."):
        assert reason in notes
    json.dumps(evaluation, allow_nan=False)


def test_a_handful_of_customers_is_not_called_stable(model: SegmentModel) -> None:
    evaluation = evaluate(evidence(model, fit=Fit(12, 0.8, 0.2, 0.99, 1.0)))
    assert "stable" not in evaluation["verdict"]
    assert any("Only 12 customers" in note for note in evaluation["notes"])


@pytest.mark.parametrize(
    ("ari", "silhouette", "words"),
    [
        (
            0.95,
            0.61,
            "reasonably separated (silhouette 0.61) and stable when trained on resamples (bootstrap ARI 0.95)",
        ),
        (0.95, 0.33, "weakly separated (silhouette 0.33) but stable"),
        (0.7, 0.61, "reasonably separated (silhouette 0.61) and fairly stable"),
        (0.5, 0.61, "reasonably separated (silhouette 0.61) but unstable"),
        (0.5, 0.1, "hardly separated (silhouette 0.10) and unstable"),
    ],
)
def test_the_verdict_says_what_the_figures_say(model: SegmentModel, ari: float, silhouette: float, words: str) -> None:
    assert words in evaluate(evidence(model, fit=Fit(200, silhouette, 1.0, ari, 0.9)))["verdict"]


def test_segments_come_in_display_order_and_names_of_yesterday_last(model: SegmentModel) -> None:
    names = ["Renamed away", "One Purchase", "Seasonal Shoppers", "High-Value Customers"]
    evaluation = evaluate(evidence(model, profiles=[profile(name) for name in names]))
    assert list(evaluation["segments"]) == ["High-Value Customers", "Seasonal Shoppers", "One Purchase", "Renamed away"]
    assert evaluation["segments"]["Renamed away"]["action"] == ""


def test_a_persona_has_the_mix_of_those_of_whom_it_is_known(model: SegmentModel) -> None:
    rows: list[tuple[str, str | None, str | None, int]]
    rows = [("High-Value Customers", "Female", "18-24", 30), ("High-Value Customers", "Male", "18-24", 10)]
    rows += [("High-Value Customers", "Female", None, 20), ("High-Value Customers", None, "65+", 10)]
    mix = [dict(zip(("persona", "gender", "age_group", "customers"), row, strict=True)) for row in rows]
    names = ["High-Value Customers", "One Purchase"]
    evaluation = evaluate(evidence(model, profiles=[profile(name) for name in names]), mix=mix)["segments"]
    assert evaluation["High-Value Customers"]["gender_mix"] == {"Female": 0.8333, "Male": 0.1667}
    assert evaluation["High-Value Customers"]["age_mix"] == {"18-24": 0.8, "65+": 0.2}
    assert [evaluation["High-Value Customers"][key] for key in ("gender_known", "age_known")] == [60, 50]
    assert evaluation["One Purchase"]["gender_mix"] == evaluation["One Purchase"]["age_mix"] == {}


def test_the_ages_of_a_few_are_not_those_of_a_persona(model: SegmentModel) -> None:
    mix = [{"persona": "High-Value Customers", "gender": None, "age_group": "25-34", "customers": 3}]
    few = evaluate(evidence(model, profiles=[profile("High-Value Customers")]), mix=mix)["segments"]
    assert few["High-Value Customers"]["age_mix"] == {}
    assert few["High-Value Customers"]["age_known"] == 3


def test_an_action_text_can_use_every_number_and_no_other() -> None:
    assert tuple(action_numbers(profile())) == ACTION_NUMBERS
    for persona in DEFAULT.display_order:
        assert "{" not in action_text(persona, profile(), "USD")


@pytest.mark.parametrize(
    "odd",
    [
        {"revenue": Decimal("-5"), "revenue_share": None},
        {"median_top_month_share": None},
        {"customers": 1},
        {"revenue": "0.00", "median_average_basket": 0.0},
    ],
)
def test_texts_survive_odd_profiles(odd: dict[str, Any]) -> None:
    for persona in DEFAULT.display_order:
        text = action_text(persona, profile(**odd))
        assert "nan" not in text
        assert "None" not in text


def test_money_has_its_currency_in_front_and_cents_below_a_hundred_only() -> None:
    assert money(Decimal("99.5"), "USD") == "USD 99.50"
    assert money(Decimal("-1234.56"), "USD") == "\u2212USD 1,235"
    assert money(1234.56) == "1,235"
    assert money(-0.5) == "\u22120.50"


def test_the_verdict_says_what_the_best_segment_brought_and_of_how_few_customers(model: SegmentModel) -> None:
    verdict = evaluate(evidence(model))["verdict"]
    assert verdict.endswith(
        "Of the customers who had bought by 31 Dec 2023, 25.0 % were in High-Value Customers; they brought 55.0 % of "
        "what all these customers spent after that, until 31 Dec 2023 (as many customers who had spent most: 56.0 %)."
    )
    few = evaluate(evidence(model, quarter=NextQuarter(DAY, DAY, 40, {}, 0.25, 0.55, 0.56, 0.54)))["verdict"]
    assert "High-Value Customers (10 customers only); they brought" in few


@pytest.mark.parametrize(
    ("share", "customers", "ari", "words"),
    [
        (0.26, 400, 0.95, "found again in resamples, yet High-Value Customers predicts little or nothing: per "
         "customer, its members spent 1.04 times as much"),
        (0.26, 400, 0.5, "Besides, High-Value Customers predicts little or nothing"),
        (0.55, 400, 0.95, None),
        (0.26, 100, 0.95, None),  # 25 customers: one large order decides
    ],
)  # fmt: skip
def test_stable_segments_that_predict_nothing_are_said_to(
    model: SegmentModel, share: float, customers: int, ari: float, words: str | None
) -> None:
    evaluation = evaluate(
        evidence(
            model,
            fit=Fit(customers, 0.33, 1.0, ari, 0.9),
            quarter=NextQuarter(DAY, DAY, customers, {}, 0.25, share, 0.56, 0.54),
        )
    )
    assert words is None or words in evaluation["verdict"]
    assert ("predicts little" in evaluation["verdict"]) == (words is not None)
    assert evaluation["high_value"]["predicts"] == (None if customers < 200 else share > 0.3)


@pytest.mark.slow
def test_planted_shoppers_are_apart_and_come_back_in_every_resample() -> None:
    features, _ = planted(THREE_KINDS, 80)
    trained = train(features).model
    assert trained is not None
    fit = measure(trained, features)
    assert fit.customers == 240
    assert fit.silhouette is not None
    assert fit.silhouette > 0.5
    assert fit.davies_bouldin is not None
    assert fit.davies_bouldin < 0.8
    assert fit.bootstrap_ari is not None
    assert fit.bootstrap_ari > 0.95
    assert fit.bootstrap_names is not None
    assert fit.bootstrap_names > 0.95
    assert measure(trained, features) == fit


def test_a_model_has_one_bootstrap_ari_in_the_training_and_in_every_report() -> None:
    """The card of the demo's model said 0.92, and its report 0.87."""
    features, _ = planted(tuple(PLANTED), 40)
    training = train(features)
    assert training.model is not None
    assert training.chosen is not None
    assert measure(training.model, features).bootstrap_ari == training.chosen.bootstrap_ari
    recorded = record.facts(training, features, DEFAULT, renamed=None, trained_at=dt.datetime(2024, 1, 1))["metrics"]
    later, _ = planted(tuple(PLANTED), 50, seed=3)
    for day in (features, later):
        fit = measure(training.model, day, recorded=recorded)
        assert (fit.bootstrap_ari, fit.silhouette) == (recorded["bootstrap_ari"], recorded["silhouette"])


def test_a_model_is_not_judged_on_customers_it_cannot_cluster(model: SegmentModel) -> None:
    nobody = planted(("High-Value Customers",), 1)[0]
    assert measure(model, nobody) == Fit(1)
