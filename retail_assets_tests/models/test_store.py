"""Versions of models: stored once, verified when loaded, promoted and rolled back on the record."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from retail_assets.errors import NotReadyError
from retail_assets.models.kinds import FORECAST
from retail_assets.models.store import ModelStore, ModelStoreError, PromotionOvertakenError
from retail_assets.storage import Store
from retail_assets_tests.models.versions import AT, save


@pytest.fixture
def models(tmp_path: Path) -> ModelStore:
    return ModelStore(Store(str(tmp_path)), "shop", FORECAST)


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
def test_a_damaged_pointer_says_how_to_repair_it(models: ModelStore, tmp_path: Path, content: bytes) -> None:
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


def test_training_again_repairs_a_version_whose_bytes_were_changed(models: ModelStore) -> None:
    version = save(models)
    damage(models, f"versions/{version}/model.skops", b"two")
    with pytest.raises(ModelStoreError, match="has been changed"):
        models.load(version)
    assert save(models) == version
    assert models.load(version) == b"one"


def test_training_again_repairs_a_manifest_that_was_cut_short(models: ModelStore) -> None:
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


def test_a_manifest_of_a_later_program_that_has_more_can_be_read(models: ModelStore) -> None:
    version = save(models)
    key = f"versions/{version}/manifest.json"
    content = json.loads(models.store.read(f"shop/forecast/{key}"))
    damage(models, key, json.dumps(content | {"color": "blue"}).encode())
    assert models.manifest(version).version == version


def test_a_record_that_cannot_be_read_says_how_to_repair_it_and_promotion_does(models: ModelStore) -> None:
    version = save(models)
    damage(models, "champion.json", b"{garbage")
    with pytest.raises(ModelStoreError, match="promote VERSION"):
        models.champion()
    assert models.promote(version, at=AT, by="user", reason="repaired").version == version
    assert models.require_champion().version == version


def test_a_promotion_that_was_decided_against_another_version_is_refused(models: ModelStore) -> None:
    first, second, third = save(models, b"a", 1), save(models, b"b", 2), save(models, b"c", 3)
    seen = models.promote(first, at=AT, by="contest", reason="first", over=None)
    models.promote(second, at=AT, by="user", reason="meanwhile")
    with pytest.raises(PromotionOvertakenError):
        models.promote(third, at=AT, by="contest", reason="won", over=seen)
    assert models.require_champion().version == second


def test_a_promotion_that_was_overtaken_can_be_tried_again() -> None:
    assert PromotionOvertakenError.retryable


def test_a_version_that_other_code_trains_again_is_on_record_as_of_that_code(models: ModelStore) -> None:
    """Else every run after an upgrade would train: no version would be of today's code."""
    version = save(models, code_version="1", verdict="first")
    assert save(models, code_version="1", verdict="again") == version
    assert models.manifest(version).verdict == "first"
    assert save(models, code_version="2", verdict="by new code") == version
    assert (models.manifest(version).code_version, models.manifest(version).verdict) == ("2", "by new code")
    assert len(models.versions()) == 1
