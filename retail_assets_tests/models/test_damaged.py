"""Whatever is in the files of a model store, the answer is a sentence that says what to do; training again repairs."""

from __future__ import annotations

import io
import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from retail_assets.errors import ModelFileError, RetailError
from retail_assets.forecasting.models import serialization as forecast
from retail_assets.models import archive, promotion
from retail_assets.models.kinds import FORECAST
from retail_assets.models.store import ModelStore
from retail_assets.segmentation.model import serialization as segments
from retail_assets.storage import Store
from retail_assets_tests.models.versions import AT, save

JUNK: dict[str, bytes] = {
    "empty": b"",
    "binary": bytes(range(256)),
    "cut off": b'{"version": "2024',
    "null": b"null",
    "a number": b"7",
    "a text": b'"version"',
    "a list": b'["version"]',
    "a list of lists": b"[[1]]",
    "an object": b"{}",
    "nested": b"[" * 100_000,
    "nested objects": b'{"version":' * 50_000,
    "wrong types": b'{"version": 7, "history": {"a": 1}, "last_day": [], "renamed": "x", "reason": null, "run_id": {}}',
    "wrong types within": b'{"version": "v", "history": [{"version": [], "at": 1, "by": {}, "reason": 0}]}',
    "records": b'[{"version": 7, "at": [], "reason": {}}]',
    "records without version": b'[{"at": "x"}]',
    "huge number": b'{"version": ' + b"9" * 10_000 + b"}",
    "nul": b"\x00" * 100,
    "utf-16": '{"version": "x"}'.encode("utf-16"),
}


@pytest.fixture
def models(tmp_path: Path) -> ModelStore:
    models = ModelStore(Store(str(tmp_path)), "shop", FORECAST)
    first, second = save(models, b"one"), save(models, b"two", day=2)
    models.promote(first, at=AT, by="contest", reason="first")
    promotion.hold(models, promotion.HeldVersion(second, "2024-01-02", 0.3, "it renames", "run"))
    return models


READ: dict[str, Callable[[ModelStore], object]] = {
    "champion": ModelStore.champion,
    "champion or none": ModelStore.champion_or_none,
    "versions": ModelStore.versions,
    "damaged": ModelStore.damaged,
    "held": promotion.held,
    "declined": promotion.declined,
    "set aside": promotion.set_aside,
    "in use": lambda models: promotion.read_in_use(models, bytes.decode),
    "card": lambda models: [models.card(m.version) for m in models.versions()],
    "publish card": lambda models: promotion.publish_card(models, models.store),
    "rollback": lambda models: promotion.rollback(models, at=AT),
    "promote": lambda models: promotion.promote_by_hand(models, "20240102", at=AT, reason="test"),
    "decline": lambda models: promotion.decline(models, "20240102", at=AT, reason="test"),
}


OF_VERSION = ("manifest.json", "card.md", "model.skops")


@pytest.mark.parametrize("junk", JUNK)
@pytest.mark.parametrize("name", ["champion.json", "waiting.json", "declined.json", *OF_VERSION])
def test_a_damaged_file_is_a_sentence_and_training_again_repairs_it(models: ModelStore, name: str, junk: str) -> None:
    version = models.versions()[0].version
    key = f"{models.root}/versions/{version}/{name}" if name in OF_VERSION else f"{models.root}/{name}"
    for read in READ.values():
        models.store.write(key, JUNK[junk])
        try:
            read(models)
        except RetailError as e:
            message = str(e)
        else:
            message = ""
        assert len(message) < 1000
    if name in OF_VERSION and not (name == "card.md" and junk not in ("empty", "binary")):
        assert save(models, b"one") == version
        assert models.load(version) == b"one"
        assert models.card(version) == "# card\n"


def test_a_damaged_pointer_is_repaired_by_the_next_promotion(models: ModelStore) -> None:
    for junk in JUNK.values():
        models.store.write(f"{models.root}/champion.json", junk)
        champion = promotion.promote_by_hand(models, "20240102", at=AT, reason="again")
        assert models.champion() == champion


def bomb(size: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("schema.json", "{}")
        with target.open("1.npy", "w", force_zip64=True) as part:
            for _ in range(size // (1 << 24)):
                part.write(bytes(1 << 24))
    return out.getvalue()


def claiming() -> bytes:
    """An archive with an array whose header says a terabyte."""
    array = io.BytesIO()
    np.lib.format.write_array_header_1_0(array, {"descr": "<f8", "fortran_order": False, "shape": (1 << 37,)})
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        target.writestr("schema.json", "{}")
        target.writestr("1.npy", array.getvalue())
    return out.getvalue()


def many_parts() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        for n in range(archive._MOST_PARTS + 1):
            target.writestr(f"{n}", b"")
    return out.getvalue()


@pytest.mark.parametrize("loads", [forecast.loads, segments.loads])
def test_an_archive_that_would_unpack_to_more_than_any_model_is_refused_unread(
    loads: Callable[[bytes], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "LARGEST", 1 << 26)
    monkeypatch.setattr(archive, "_MOST_PARTS", 1000)
    for data, why in ((bomb(1 << 27), "would unpack to 134,217,730"), (claiming(), "larger than its part"),
                      (many_parts(), "1,001 parts")):  # fmt: skip
        with pytest.raises(ModelFileError, match=why):
            loads(data)


def test_any_bytes_are_no_model_and_no_traceback() -> None:
    chance = random.Random(7)
    good = claiming()
    for _ in range(300):
        data = bytearray(good)
        for _ in range(chance.randrange(1, 20)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        for loads in (forecast.loads, segments.loads):
            with pytest.raises(ModelFileError):
                loads(bytes(data[: chance.randrange(len(data))]))


def test_a_record_with_keys_of_a_later_version_is_read(models: ModelStore) -> None:
    key = f"{models.root}/champion.json"
    content = json.loads(models.store.read(key))
    content["later"] = 1
    content["history"][0]["later"] = {"a": 1}
    models.store.write(key, json.dumps(content).encode())
    champion = models.champion()
    assert champion is not None
    assert champion.history[0].reason == "first"
