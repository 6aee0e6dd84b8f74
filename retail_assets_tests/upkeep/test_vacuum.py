"""Vacuum: what nothing names goes after a day, what anything names stays, whatever runs beside it."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import os
import re
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from retail_assets.cli import app
from retail_assets.exports.bundle.publish import publish_files
from retail_assets.models import promotion
from retail_assets.models.kinds import FORECAST, KINDS, SEGMENTS, ModelKind
from retail_assets.models.store import BY_USER, Champion, ModelStore, ModelStoreError
from retail_assets.platform import Platform
from retail_assets.serving.manifest import DATABASE, MODEL, Manifest
from retail_assets.serving.schema import SCHEMA_VERSION
from retail_assets.settings import Settings, load
from retail_assets.storage import Store
from retail_assets.tables import CUSTOMER_SEGMENTS, Column
from retail_assets.upkeep.vacuum import Freed, vacuum
from retail_assets_tests.models.versions import save
from retail_assets_tests.trials import trials
from retail_assets_tests.warehouse.landings import DAY, line, publish, write

NOW = dt.datetime.now(dt.UTC)  # files carry the time of the machine's clock
LATER = NOW + dt.timedelta(days=30)


@pytest.fixture
def platform(settings: Settings) -> Platform:
    return Platform(settings, wait_seconds=5)


def freed(platform: Platform, now: dt.datetime = LATER, **options: Any) -> dict[str, Freed]:
    return {each.what: each for each in vacuum(platform, now=now, **options) if each.objects}


def bundle(platform: Platform, folder: Path, content: bytes, at: dt.datetime, forecast_model: str = "none") -> str:
    """Publish a bundle of any bytes; returns its version."""
    for name in (DATABASE, MODEL):
        (folder / name).write_bytes(content)
    manifest = Manifest(
        version="", created=at.isoformat(timespec="seconds"), source=platform.source, currency="USD",
        country="US", timezone="UTC", first_day="2024-01-01", cutoff="2024-02-01", forecast_model=forecast_model,
        segment_model="none", schema_version=SCHEMA_VERSION, code_version="1", counts={},
    )  # fmt: skip
    return publish_files(platform.serving, manifest, folder, at).version


def everything(platform: Platform) -> set[Path]:
    return {path for path in platform.settings.home.rglob("*") if path.is_file()}


def test_an_empty_home_has_nothing_to_delete(platform: Platform) -> None:
    assert freed(platform) == {}
    assert not platform.settings.home.exists()


def test_files_of_ended_runs_go_and_those_that_a_manifest_names_stay(platform: Platform) -> None:
    named = publish(platform.lake, DAY, [line("A", 1)], run="named").keys("clean")
    dead = write(platform.lake, DAY, [line("A", 1)], run="dead").keys("clean")
    size = sum(platform.lake.store.local_path(key).stat().st_size for key in dead)
    part = platform.raw.local_path(f"{platform.source}/dt={DAY}/.{'a' * 32}.part")
    part.parent.mkdir(parents=True)
    part.write_bytes(b"half")
    before = everything(platform)
    expected = {
        "files of ended runs": (len(dead), size, tuple(dead)),
        "unfinished writes": (1, 4, (str(part),)),
    }
    for dry_run in (True, False):
        found = {
            what: (each.objects, each.bytes, each.names) for what, each in freed(platform, dry_run=dry_run).items()
        }
        assert found == expected
        assert (everything(platform) == before) is dry_run
    assert everything(platform) == before - {part, *map(platform.lake.store.local_path, dead)}
    assert all(platform.lake.store.exists(key) for key in named)
    assert freed(platform) == {}


def test_nothing_that_is_younger_than_a_day_goes(platform: Platform, tmp_path: Path) -> None:
    write(platform.lake, DAY, [line("A", 1)], run="running")
    models = platform.model_store(FORECAST)
    for day in range(1, 5):
        save(models, b"model %d" % day, day)
    bundle(platform, tmp_path, b"one", NOW - dt.timedelta(days=40))
    bundle(platform, tmp_path, b"two", NOW - dt.timedelta(days=39))
    bundle(platform, tmp_path, b"three", NOW - dt.timedelta(days=38))
    assert freed(platform, NOW + dt.timedelta(hours=20), keep=1) == {}
    assert len(freed(platform, keep=1)) == 3


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_of_the_models_stays_what_was_ever_in_use_what_is_held_and_the_newest(
    platform: Platform, kind: ModelKind
) -> None:
    models = platform.model_store(kind)
    versions = [save(models, b"model %d" % day, day) for day in range(1, 9)]
    for version in (versions[1], versions[3]):
        models.promote(version, at=NOW, by=BY_USER, reason="")
    promotion.hold(models, promotion.HeldVersion(versions[4], "2024-01-05", 0.5, "renamed", "run"))
    models.store.write(f"{models.root}/versions/20240101-cut-short/model.skops", b"half")
    found = freed(platform, keep=2)[f"versions of the model of {kind.subject}"]
    gone = [versions[0], versions[2], versions[5], "20240101-cut-short"]
    assert found.names == tuple(sorted(gone))
    assert found.objects == 3 * 3 + 1
    assert sorted(models.store.folders(f"{models.root}/versions")) == sorted(set(versions) - set(gone))
    assert promotion.rollback(models, at=NOW).version == versions[1]
    assert freed(platform, keep=2) == {}


def test_a_version_that_a_table_or_a_bundle_names_stays(platform: Platform, tmp_path: Path) -> None:
    models = {kind: platform.model_store(kind) for kind in (FORECAST, SEGMENTS)}
    for kind, store in models.items():
        for day in range(1, 5):
            save(store, f"{kind.name} {day}".encode(), day)
    of_bundle, of_table = models[FORECAST].versions()[0].version, models[SEGMENTS].versions()[1].version
    bundle(platform, tmp_path, b"one", NOW, of_bundle)
    row = ", ".join(f"{_value(c, of_table)} AS {c.name}" for c in CUSTOMER_SEGMENTS.columns)
    platform.warehouse.rebuild(CUSTOMER_SEGMENTS, f"SELECT {row}")
    freed(platform, keep=1)
    assert [m.data["last_day"] for m in models[FORECAST].versions()] == ["2024-01-01", "2024-01-04"]
    assert [m.data["last_day"] for m in models[SEGMENTS].versions()] == ["2024-01-02", "2024-01-04"]


def _value(column: Column, version: str) -> str:
    """SQL of a value that fits a column."""
    if column.name == "model_version":
        return f"'{version}'"
    days = {"date": "DATE '2024-01-01'", "timestamp": "TIMESTAMP '2024-01-01'"}
    return "NULL" if column.nullable else days.get(column.type, "0")


def test_bundles_out_of_use_go_but_never_the_one_in_use_nor_the_one_before(platform: Platform, tmp_path: Path) -> None:
    versions = [bundle(platform, tmp_path, b"%d" % n, NOW + dt.timedelta(minutes=n)) for n in range(5)]
    found = freed(platform, keep=1)["bundles out of use"]
    assert (found.names, found.objects) == (tuple(sorted(versions[:3])), 9)
    assert platform.serving.folders(f"{platform.source}/bundles") == sorted(versions[3:])


def test_issued_forecasts_go_when_they_have_not_been_scored_for_long(platform: Platform) -> None:
    models = platform.model_store(FORECAST)
    days = (dt.date(2024, 1, 1), dt.date(2024, 1, 2), dt.date(2024, 12, 1), dt.date(2024, 12, 27))
    for day in days:
        models.store.write(f"{models.root}/issued/{day}.parquet", b"x")
    models.store.write(f"{models.root}/issued/notes.txt", b"mine")
    found = freed(platform)["issued forecasts, scored long ago"]
    assert found.names == (f"{models.root}/issued/2024-01-01.parquet",)
    assert models.store.exists(f"{models.root}/issued/notes.txt")


def test_the_command_says_what_goes_and_how_much_it_frees(
    platform: Platform, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    dead = platform.raw.local_path(f"{platform.source}/dt={DAY}/.{'b' * 32}.part")
    dead.parent.mkdir(parents=True)
    dead.write_bytes(b"x" * 1234)
    os.utime(dead, (1, 1))
    assert app.main(["vacuum", "--dry-run"]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"(?m)^would be deleted +files +size$", printed)
    assert re.search(r"(?m)^unfinished writes +1 +1\.2 kB$", printed)
    assert dead.exists()
    assert app.main(["vacuum", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["dry_run"] is False
    assert {each["what"]: each["bytes"] for each in content["freed"] if each["bytes"]} == {"unfinished writes": 1234}
    assert not dead.exists()
    assert app.main(["vacuum", "--keep", "0"]) == 2


@pytest.mark.parametrize("output", ["of its own", "around the home"])
def test_a_dry_run_lists_exactly_what_then_goes(
    platform: Platform, tmp_path: Path, environ: dict[str, str], output: str
) -> None:
    """Leftovers of every kind at once. With an output folder around other places, their leftovers were listed twice."""
    home = platform.settings.home
    if output == "around the home":
        platform = Platform(load({**environ, "RETAIL_OUTPUT": str(home.parent)}), wait_seconds=5)
    lake = platform.lake
    publish(lake, DAY, [line("A", 1)], run="named")
    write(lake, DAY, [line("A", 1)], run="dead")
    parts = [f"{platform.source}/dt={DAY}", f"{platform.source}/clean/dt={DAY}/dead", f"{platform.source}/references"]
    for store, folder in zip((platform.raw, lake.store, lake.store), parts, strict=True):
        part = store.local_path(f"{folder}/.{'c' * 32}.part")
        part.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(b"half")
    for kind in KINDS.values():
        models = platform.model_store(kind)
        versions = [save(models, b"model %d" % day, day) for day in range(1, 6)]
        models.promote(versions[0], at=NOW, by=BY_USER, reason="")
        models.promote(versions[2], at=NOW, by=BY_USER, reason="")
        models.store.write(f"{models.root}/versions/20240101-cut-short/model.skops", b"half")
    models = platform.model_store(FORECAST)
    for day in (dt.date(2024, 1, 1), dt.date(2024, 12, 27)):
        models.store.write(f"{models.root}/issued/{day}.parquet", b"x")
    bundles = [bundle(platform, tmp_path, b"%d" % n, NOW + dt.timedelta(minutes=n)) for n in range(4)]
    before = everything(platform)
    planned = vacuum(platform, now=LATER, keep=1, dry_run=True)
    assert everything(platform) == before
    assert vacuum(platform, now=LATER, keep=1) == planned
    gone = before - everything(platform)
    assert sum(each.objects for each in planned) == len(gone) >= 1 + 3 + 2 * 3 + 2 * (2 * 3 + 1) + 1
    assert vacuum(platform, now=LATER, keep=1, dry_run=True) == vacuum(platform, now=LATER, keep=1)
    assert everything(platform) == before - gone
    assert platform.serving.folders(f"{platform.source}/bundles") == sorted(bundles[2:])
    for kind in KINDS.values():
        assert promotion.rollback(platform.model_store(kind), at=NOW)
        platform.model_store(kind).load(platform.model_store(kind).champion().version)


class _Promoting(Store):
    """A store in which somebody promotes a version right before the n-th request of the one who vacuums."""

    def __init__(self, uri: str, at: int, promote: Any) -> None:
        super().__init__(uri)
        self.left, self.act = at, promote

    def _count(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.act()

    def read_tagged(self, key: str) -> Any:
        self._count()
        return super().read_tagged(key)

    def delete(self, keys: list[str]) -> None:
        self._count()
        super().delete(keys)


@hypothesis.settings(max_examples=trials(12))
@hypothesis.given(at=st.integers(1, 14))
def test_a_version_that_is_promoted_while_it_is_removed_stays_whole_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, at: int
) -> None:
    uri = str(tmp_path_factory.mktemp("models"))
    models = ModelStore(Store(uri), "shop", FORECAST)
    old, new = save(models, b"old", 1), save(models, b"new", 2)
    models.promote(new, at=NOW, by=BY_USER, reason="")
    outcome: list[Champion | None] = []

    def promote() -> None:
        try:
            outcome.append(models.promote(old, at=NOW, by=BY_USER, reason=""))
        except ModelStoreError:
            outcome.append(None)

    removed = ModelStore(_Promoting(uri, at, promote), "shop", FORECAST).remove(old)
    champion = models.require_champion()
    assert models.load(champion.version)
    assert models.card(champion.version)
    assert champion.version == (old if outcome and outcome[0] else new)
    assert removed is (champion.version == new)


class _Overtaken(Store):
    """A store in which another process removes a version between its verification and the move of the pointer."""

    def swap(self, key: str, data: bytes, tag: str | None) -> bool:
        for name in KINDS:
            others = ModelStore(Store(self.uri), "shop", KINDS[name])
            for version in others.files():
                others.remove(version)
        return super().swap(key, data, tag)


def test_a_version_that_is_removed_between_its_verification_and_its_promotion_is_written_again(tmp_path: Path) -> None:
    models = ModelStore(_Overtaken(str(tmp_path)), "shop", FORECAST)
    old, new = save(models, b"old", 1), save(models, b"new", 2)
    Path(tmp_path, "shop", "forecast", "champion.json").write_text(f'{{"version": "{new}", "history": []}}')
    assert models.promote(old, at=NOW, by=BY_USER, reason="").version == old
    assert models.load(old) == b"old"
    with pytest.raises(ModelStoreError, match="Training on the same sales writes it again"):
        models.card(old)


def test_every_moment_of_a_removal_was_tried(tmp_path: Path) -> None:
    """The property above covers each request: fourteen are more than one removal makes."""
    models = ModelStore(Store(str(tmp_path)), "shop", FORECAST)
    old, new = save(models, b"old", 1), save(models, b"new", 2)
    models.promote(new, at=NOW, by=BY_USER, reason="")
    counter = itertools.count()
    counting = _Promoting(str(tmp_path), -1, None)
    counting._count = lambda: next(counter)  # type: ignore[method-assign,assignment]
    assert ModelStore(counting, "shop", FORECAST).remove(old)
    assert next(counter) <= 14
