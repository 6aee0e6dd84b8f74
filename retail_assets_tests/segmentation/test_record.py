"""When a training is due, when it takes over, and what is safe to load."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from retail_assets.models import promotion
from retail_assets.models.kinds import SEGMENTS
from retail_assets.models.store import Manifest, ModelStore
from retail_assets.segmentation.lifecycle import record
from retail_assets.segmentation.lifecycle.promotion_policy import decide, reason_to_train
from retail_assets.segmentation.model import serialization
from retail_assets.segmentation.model.scoring import score
from retail_assets.segmentation.model.training import Training, train
from retail_assets.segmentation.personas.catalog import DEFAULT, PERSONAS, Catalog
from retail_assets.storage import Store
from retail_assets_tests.segmentation.shoppers import PLANTED, customer, frame, planted

AT = dt.datetime(2024, 1, 2, 3, 4, 5, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def trained() -> tuple[pd.DataFrame, Training]:
    features, _ = planted(tuple(PLANTED), 40)
    return features, train(features)


@pytest.fixture
def models(tmp_path: Path) -> ModelStore:
    return ModelStore(Store(str(tmp_path)), "shop", SEGMENTS)


def manifest(trained: tuple[pd.DataFrame, Training], **changed: Any) -> Manifest:
    features, training = trained
    facts = record.facts(training, features, DEFAULT, renamed=None, trained_at=AT)
    version = Manifest(version="20231231-abc", sha256="0", **facts)
    data = {**version.data, **changed.pop("data", {})}
    return replace(version, data=data, **changed)


def test_a_stored_model_scores_as_the_one_that_was_trained(
    trained: tuple[pd.DataFrame, Training], models: ModelStore
) -> None:
    features, training = trained
    assert training.model is not None
    facts = record.facts(training, features, DEFAULT, renamed=None, trained_at=AT)
    saved = models.save(
        serialization.dumps(training.model), dt.date(2023, 12, 31), facts, record.model_card(training, facts)
    )
    loaded = serialization.loads(models.load(saved.version))
    pd.testing.assert_frame_equal(score(loaded, features), score(training.model, features))
    assert saved.data["first_day"] == "2023-01-01"
    assert "| High-Value Customers |" in models.card(saved.version)


def test_a_model_that_asks_to_run_code_or_is_no_model_is_refused(trained: tuple[pd.DataFrame, Training]) -> None:
    assert trained[1].model is not None
    good = serialization.dumps(trained[1].model)
    hostile = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(good)) as source, zipfile.ZipFile(hostile, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "schema.json":
                content = content.replace(b"sklearn.cluster._kmeans", b"subprocess").replace(b"KMeans", b"Popen")
            target.writestr(name, content)
    for data in (b"", b"no archive", good[:-200], hostile.getvalue()):
        with pytest.raises(serialization.SegmentModelFileError, match="Retrain"):
            serialization.loads(data)


def test_the_first_model_is_promoted_whatever_it_is_worth(trained: tuple[pd.DataFrame, Training]) -> None:
    assert decide(manifest(trained, has_skill=False), None, None).promote


@pytest.mark.parametrize(
    ("changed", "renamed", "promote", "held", "message"),
    [
        ({}, 0.03, True, False, "3.0 % of the customers"),
        ({}, 0.1, True, False, "10.0 % of the customers"),
        ({}, 0.11, False, True, "11.0 % of the customers another name (at most 10.0 %)"),
        ({"has_skill": False}, 0.0, False, True, "not stable"),
        ({"data": {"last_day": "2023-01-31"}}, 0.0, False, False, "before those of the model in use"),
        ({"version": "20231231-abc"}, 0.0, False, False, "the same model"),
    ],
)
def test_a_candidate_takes_over_unless_it_renames_too_many(
    trained: tuple[pd.DataFrame, Training],
    changed: dict[str, Any],
    renamed: float,
    promote: bool,
    held: bool,
    message: str,
) -> None:
    candidate = manifest(trained, **{"version": "20240131-def", **changed})
    decision = decide(candidate, manifest(trained), renamed)
    assert (decision.promote, decision.held) == (promote, held)
    assert message in decision.reason


def reason(trained: tuple[pd.DataFrame, Training], champion: Manifest | None, **options: Any) -> str | None:
    features, training = trained
    catalog = options.pop("catalog", DEFAULT)
    set_aside = options.pop("set_aside", [])
    sample = options.pop("sample", features)
    return reason_to_train(champion, set_aside, training.model, sample, catalog, **options)


def test_a_training_is_due_for_these_reasons_and_no_others(trained: tuple[pd.DataFrame, Training]) -> None:
    champion = manifest(trained)
    assert reason(trained, champion) is None
    assert reason(trained, champion, demanded=True) == "on demand"
    assert reason(trained, None) == "no readable model is in use"
    assert "the code is" in str(reason(trained, replace(champion, code_version="0.0.1")))
    old = manifest(trained, data={"last_day": "2023-12-03"})
    assert reason(trained, old) == "the model has not seen the last 28 days"
    assert reason(trained, manifest(trained, data={"last_day": "2023-12-04"})) is None
    assert "before the last day" in str(reason(trained, manifest(trained, data={"last_day": "2024-01-01"})))
    own = Catalog(clusters=(*PERSONAS[:3], replace(PERSONAS[3], name="Rare")))
    assert "the personas are not those" in str(reason(trained, champion, catalog=own))
    few = manifest(trained, has_skill=False, data={"customers": 50})
    assert "twice as many" in str(reason(trained, few))
    inflated = trained[0].assign(monetary=trained[0]["monetary"] * 50)
    assert "standard deviations" in str(reason(trained, champion, sample=inflated))
    assert reason(trained, champion, sample=frame([])) is None


def test_while_a_version_is_held_or_removed_no_other_is_trained_for_a_month(
    trained: tuple[pd.DataFrame, Training],
) -> None:
    old = manifest(trained, version="old", data={"last_day": "2023-10-03"})
    held = manifest(trained)
    assert reason(trained, old, set_aside=[held]) is None
    later = replace(held, data={**held.data, "last_day": "2023-12-03"})
    assert reason(trained, old, set_aside=[later]) == "the model has not seen the last 28 days"
    assert reason(trained, old, set_aside=[later, held]) is None
    assert reason(trained, old, set_aside=[held], demanded=True) == "on demand"


def test_a_version_set_aside_of_other_code_or_personas_does_not_stand_in_for_a_training_of_today(
    trained: tuple[pd.DataFrame, Training],
) -> None:
    old = manifest(trained, version="old", data={"last_day": "2023-10-03"})
    own = Catalog(clusters=(*PERSONAS[:3], replace(PERSONAS[3], name="Rare")))
    assert reason(trained, old, set_aside=[replace(manifest(trained), code_version="0.0.1")]) is not None
    assert "the personas are not those" in str(reason(trained, old, set_aside=[manifest(trained)], catalog=own))
    by_own = manifest(trained, data={"catalogue": own.digest})
    assert reason(trained, old, set_aside=[by_own], catalog=own) is None


def test_a_version_removed_long_ago_does_not_stand_in_for_the_one_in_use(
    trained: tuple[pd.DataFrame, Training],
) -> None:
    removed = manifest(trained, version="removed", data={"last_day": "2023-12-20"})
    inflated = trained[0].assign(monetary=trained[0]["monetary"] * 50)
    assert "standard deviations" in str(reason(trained, manifest(trained), set_aside=[removed], sample=inflated))


def test_a_champion_that_cannot_be_used_is_no_rival(trained: tuple[pd.DataFrame, Training]) -> None:
    decision = decide(manifest(trained, has_skill=False), None, None, unusable="another format")
    assert decision.promote
    assert "another format" in decision.reason


def test_a_version_waits_until_it_is_promoted_or_released(
    trained: tuple[pd.DataFrame, Training], models: ModelStore
) -> None:
    features, training = trained
    assert training.model is not None
    facts = record.facts(training, features, DEFAULT, renamed=0.4, trained_at=AT)
    version = models.save(serialization.dumps(training.model), dt.date(2023, 12, 31), facts, "# card").version
    assert promotion.held(models) is None
    promotion.hold(models, promotion.HeldVersion(version, "2023-12-31", 0.4, "renames", "run"))
    assert promotion.held(models) is not None
    models.promote(version, at=AT, by="user", reason="seen")
    assert promotion.held(models) is None
    promotion.hold(models, promotion.HeldVersion("another", "2023-12-31", 0.4, "renames", "run"))
    promotion.release(models)
    promotion.release(models)
    assert promotion.held(models) is None


def test_few_customers_are_said_to_be_provisional() -> None:
    """Personas of four customers: given, and not claimed to hold."""
    features = frame(customer(str(i), 2 if i < 2 else 50, ("10", "11", "5000", "5100")[i]) for i in range(4))
    training = train(features)
    facts = record.facts(training, features, DEFAULT, renamed=None, trained_at=AT)
    assert not facts["has_skill"]
    assert "provisional" in facts["verdict"]
    assert "describe these customers and no others" in facts["verdict"]
