"""Versions of models: stored once, verified when loaded, promoted and rolled back on the record."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from retail_assets.errors import NotReadyError
from retail_assets.models.store import ModelStore, ModelStoreError, PromotionOvertakenError, taken_out_by_hand
from retail_assets.storage import Store

AT = dt.datetime(2024, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
KNOWN: dict[str, Any] = {
    "family": "gradient_boosting", "has_skill": True, "trained_at": "2024-01-02T03:04:05+00:00", "code_version": "1",
    "libraries": {}, "seed": 0, "horizon": 28, "features": ["step"], "data": {"last_day": "2024-01-01"},
    "metrics": {"wape": 0.1}, "scores": {"gradient_boosting": 10.0}, "verdict": "Has skill.",
}  # fmt: skip


@pytest.fixture
def models(tmp_path: Path) -> ModelStore:
    return ModelStore(Store(str(tmp_path)), "shop")


def save(models: ModelStore, data: bytes = b"one", day: int = 1) -> str:
    last = dt.date(2024, 1, day)
    return models.save(data, last, KNOWN | {"data": {"last_day": str(last)}}, "# card\n").version


def test_a_version_is_what_was_saved(models: ModelStore) -> None:
    version = save(models)
    assert version.startswith("20240101-")
    assert models.load(version) == b"one"
    assert models.card(version) == "# card\n"
    assert models.manifest(version).metrics == {"wape": 0.1}


def test_the_same_bytes_of_the_same_day_are_one_version(models: ModelStore) -> None:
    assert save(models) == save(models)
    assert len(models.versions()) == 1


def test_versions_are_listed_by_their_data(models: ModelStore) -> None:
    names = [save(models, b"c", 9), save(models, b"a", 2), save(models, b"b", 5)]
    assert [m.version for m in models.versions()] == [names[1], names[2], names[0]]


def test_nothing_is_in_use_before_the_first_promotion(models: ModelStore) -> None:
    save(models)
    assert models.champion() is None
    with pytest.raises(NotReadyError, match="forecast_backtest"):
        models.require_champion()
    with pytest.raises(ModelStoreError, match="no earlier version"):
        models.rollback(at=AT)


def test_promotion_and_rollback_are_on_record(models: ModelStore) -> None:
    one, two, three = (save(models, data, day) for data, day in ((b"1", 1), (b"2", 2), (b"3", 3)))
    for version in (one, two, three):
        models.promote(version, at=AT, by="contest", reason="better")
    assert models.rollback(at=AT).version == two
    assert models.rollback(at=AT).version == one
    with pytest.raises(ModelStoreError, match="no earlier version"):
        models.rollback(at=AT)
    champion = models.promote(three, at=AT, by="user", reason="again")
    assert [move.version for move in champion.history] == [one, two, three, two, one, three]
    assert models.rollback(at=AT).version == one


def test_promoting_what_is_in_use_changes_nothing(models: ModelStore) -> None:
    version = save(models)
    first = models.promote(version, at=AT, by="user", reason="x")
    assert models.promote(version, at=AT, by="user", reason="y") == first


def test_changed_bytes_are_refused_and_never_promoted(models: ModelStore, tmp_path: Path) -> None:
    one, two = save(models, b"1", 1), save(models, b"2", 2)
    models.promote(one, at=AT, by="user", reason="x")
    (tmp_path / "shop/forecast/versions" / two / "model.skops").write_bytes(b"evil")
    with pytest.raises(ModelStoreError, match="has been changed"):
        models.load(two)
    with pytest.raises(ModelStoreError, match="has been changed"):
        models.promote(two, at=AT, by="user", reason="x")
    assert models.require_champion().version == one


def test_a_version_may_be_named_by_any_part_that_is_its_own(models: ModelStore) -> None:
    one, two = save(models, b"1", 1), save(models, b"2", 2)
    assert models.manifest(one[-6:]).version == one
    assert models.manifest("20240102").version == two
    with pytest.raises(ModelStoreError, match="may be any of"):
        models.manifest("2024")
    for wrong in ("nothing", "", "../x"):
        with pytest.raises(ModelStoreError, match="There is no model version"):
            models.manifest(wrong)


def test_a_half_written_version_is_none(models: ModelStore, tmp_path: Path) -> None:
    version = save(models)
    (tmp_path / "shop/forecast/versions" / version / "manifest.json").unlink()
    assert models.versions() == []
    assert save(models) == version


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"version": "x", "history": [{"a": 1}]}'])
def test_a_damaged_pointer_says_how_to_mend_it(models: ModelStore, tmp_path: Path, content: bytes) -> None:
    save(models)
    (tmp_path / "shop/forecast/champion.json").write_bytes(content)
    with pytest.raises(ModelStoreError, match="models promote"):
        models.champion()


def test_a_manifest_of_another_version_is_refused(models: ModelStore, tmp_path: Path) -> None:
    version = save(models)
    file = tmp_path / "shop/forecast/versions" / version / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"version": "other"}))
    with pytest.raises(ModelStoreError, match="is that of other"):
        models.manifest(version)
    assert models.versions() == []


def damage(models: ModelStore, key: str, data: bytes) -> None:
    models.store.write(f"shop/forecast/{key}", data)


def test_training_again_mends_a_version_whose_bytes_were_changed(models: ModelStore) -> None:
    version = save(models)
    damage(models, f"versions/{version}/model.skops", b"two")
    with pytest.raises(ModelStoreError, match="has been changed"):
        models.load(version)
    assert save(models) == version
    assert models.load(version) == b"one"


def test_training_again_mends_a_manifest_that_was_cut_short(models: ModelStore) -> None:
    version = save(models)
    damage(models, f"versions/{version}/manifest.json", b'{"version": ')
    assert save(models) == version
    assert models.manifest(version).metrics == {"wape": 0.1}


def test_one_damaged_manifest_hides_no_other_version_and_is_named(models: ModelStore) -> None:
    good, bad = save(models, b"a", 1), save(models, b"b", 2)
    damage(models, f"versions/{bad}/manifest.json", b"{}")
    assert [m.version for m in models.versions()] == [good]
    assert list(models.damaged()) == [bad]
    assert "cannot be read" in models.damaged()[bad]


def test_a_manifest_of_a_later_program_that_tells_more_can_be_read(models: ModelStore) -> None:
    version = save(models)
    key = f"versions/{version}/manifest.json"
    told = json.loads(models.store.read(f"shop/forecast/{key}"))
    damage(models, key, json.dumps(told | {"colour": "blue"}).encode())
    assert models.manifest(version).version == version


def test_a_record_that_cannot_be_read_says_how_to_mend_it_and_promotion_does(models: ModelStore) -> None:
    version = save(models)
    damage(models, "champion.json", b"{garbage")
    with pytest.raises(ModelStoreError, match="promote VERSION"):
        models.champion()
    assert models.promote(version, at=AT, by="user", reason="mended").version == version
    assert models.require_champion().version == version


def test_what_a_person_put_out_of_use_is_known_until_a_person_brings_it_back(models: ModelStore) -> None:
    first, second = save(models, b"a", 1), save(models, b"b", 2)
    models.promote(first, at=AT, by="contest", reason="first")
    models.promote(second, at=AT, by="contest", reason="won")
    assert taken_out_by_hand(models.champion()) == set()
    models.rollback(at=AT)
    assert taken_out_by_hand(models.champion()) == {second}
    models.promote(second, at=AT, by="user", reason="after all")
    assert taken_out_by_hand(models.champion()) == {first}


def test_a_promotion_that_was_decided_against_another_version_is_refused(models: ModelStore) -> None:
    first, second, third = save(models, b"a", 1), save(models, b"b", 2), save(models, b"c", 3)
    seen = models.promote(first, at=AT, by="contest", reason="first", over=None)
    models.promote(second, at=AT, by="user", reason="meanwhile")
    with pytest.raises(PromotionOvertakenError):
        models.promote(third, at=AT, by="contest", reason="won", over=seen)
    assert models.require_champion().version == second
