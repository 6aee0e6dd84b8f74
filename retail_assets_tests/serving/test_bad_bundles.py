"""Bundles that are damaged, incomplete or hostile: refused with a sentence, and the old one stays in use.

Each is published as an attacker who can write to the store would: with a manifest whose hashes are right.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import errno
import hashlib
import json
import os
import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from retail_assets.errors import RetailError, StorageError
from retail_assets.exports.bundle.publish import sweep
from retail_assets.serving import BadBundleError, BadRequestError, Predictor, answers, schema
from retail_assets.serving.manifest import (
    DATABASE,
    FILES,
    MANIFEST,
    MODEL,
    POINTER,
    File,
    Manifest,
    Pointer,
    Publication,
    read_manifest,
    read_pointer,
    version_of,
)
from retail_assets.storage import Store
from retail_assets_tests.serving.shop import NOW, SOURCE, Shop, shop_at

GB = 1024**3


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    made = shop_at(tmp_path_factory.mktemp("shop"), each=15)
    made.publish()
    return made


@dataclasses.dataclass
class Place:
    """A copy of the published bundles, with a predictor on it, and what an attacker can do there."""

    root: Path
    predictor: Predictor

    @property
    def in_use(self) -> Path:
        return self.root / "bundles" / self.predictor._refresher.bundle().manifest.version

    def put(self, files: dict[str, bytes | Path], change: Callable[[dict[str, Any]], None] | None = None) -> str:
        """Publish a bundle of these files, of the old one where one is left out, with right hashes."""
        old = read_manifest((self.in_use / MANIFEST).read_bytes(), self.in_use.name, "")
        scratch = self.root / "bundles" / "scratch"
        shutil.copytree(self.in_use, scratch)
        for name, content in files.items():
            if isinstance(content, Path):
                shutil.copyfile(content, scratch / name)
            else:
                (scratch / name).write_bytes(content)
        counts = dict(old.counts)
        new = dataclasses.replace(old, counts=counts, files={name: _file(scratch / name) for name in FILES})
        content = json.loads(dataclasses.replace(new, version=version_of(new)).dumps())
        if change is not None:
            change(content)
        version = str(content["version"])
        scratch.rename(self.root / "bundles" / version)
        (self.root / "bundles" / version / MANIFEST).write_bytes(json.dumps(content).encode())
        self.point(version)
        return version

    def point(self, version: str) -> None:
        (self.root / POINTER).write_bytes(Pointer((Publication(version, NOW.isoformat()),)).dumps())

    def refused(self, message: str) -> None:
        """The old bundle answers, and health says what is wrong with the new one."""
        before = self.in_use.name
        assert self.predictor.forecast().provenance.bundle == before
        health = self.predictor.health()
        assert health.ready
        assert health.problem is not None
        assert message in health.problem
        assert len(health.problem) < 500
        with pytest.raises(RetailError):
            Predictor.from_uri(str(self.root))


@pytest.fixture
def place(published: Shop, tmp_path: Path) -> Iterator[Place]:
    root = tmp_path / SOURCE
    shutil.copytree(published.uri, root)
    with Predictor.from_uri(str(root), check_seconds=0) as predictor:
        yield Place(root, predictor)


def _file(path: Path) -> File:
    return File(hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size)


def changed_database(place: Place, *statements: str) -> bytes:
    copy = place.root / "copy.sqlite"
    shutil.copyfile(place.in_use / DATABASE, copy)
    with contextlib.closing(sqlite3.connect(copy, isolation_level=None)) as database:
        for statement in statements:
            database.execute(statement)
    return copy.read_bytes()


def test_a_right_bundle_of_this_kind_is_accepted(place: Place) -> None:
    """Else every refusal below might be for another reason."""
    before = place.in_use.name
    version = place.put({DATABASE: changed_database(place, "UPDATE forecast SET mean = 1 WHERE category = 'Toys'")})
    assert place.predictor.forecast("Toys", days=2).revenue == 2
    assert place.predictor.health().provenance.bundle == version != before


# --- files ---


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "damage", ["gone", "empty", "cut off", "longer", "one byte", "zeros", "a folder", "a link to nothing"]
)
def test_files_that_are_not_as_the_manifest_says(place: Place, name: str, damage: str) -> None:
    version = place.put({DATABASE: changed_database(place, "UPDATE forecast SET mean = 1")})
    path = place.root / "bundles" / version / name
    whole = path.read_bytes()
    path.unlink()
    if damage == "a folder":
        path.mkdir()
    elif damage == "a link to nothing":
        path.symlink_to(place.root / "nothing")
    elif damage != "gone":
        at = len(whole) // 2
        path.write_bytes({
            "empty": b"",
            "cut off": whole[:-1],
            "longer": whole + b"\0",
            "one byte": whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :],
            "zeros": bytes(len(whole)),
        }[damage])  # fmt: skip
    place.refused("Materialize serving_bundle again.")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a SQLite file"),
        (bytes(1_000_000), "not a SQLite file"),
        (b"\x80\x04\x95cos\nsystem\n", "not a SQLite file"),
        (b"SQLite format 3\0" + bytes(8192), "is damaged"),
        (b"SQLite format 3\0" + bytes(range(64)), "is damaged"),
    ],
    ids=["empty", "zeros", "pickle", "zeros after the head", "bytes after the head"],
)
def test_what_is_no_sqlite_file(place: Place, data: bytes, message: str) -> None:
    place.put({DATABASE: data})
    place.refused(message)


@pytest.mark.parametrize(
    "statements",
    [
        ["CREATE VIEW v AS SELECT * FROM customer"],
        ["DROP TABLE note", "CREATE VIEW note AS SELECT 1 AS place, load_extension('/tmp/x.so') AS text"],
        ["CREATE TRIGGER t AFTER INSERT ON note BEGIN DELETE FROM customer; END"],
        ["CREATE TABLE extra (a)"],
        ["CREATE INDEX i ON forecast (mean)"],
        ["DROP TABLE note"],
        ["DROP TABLE note", "CREATE TABLE note (place, text)"],
        ["ALTER TABLE note ADD COLUMN more TEXT"],
        ["CREATE VIRTUAL TABLE f USING fts5(a)"],
        ["DROP TABLE note", "CREATE TABLE note (place INTEGER, text TEXT GENERATED ALWAYS AS (zeroblob(1e9)))"],
    ],
    ids=lambda statements: statements[-1][:40],
)
def test_a_schema_that_is_not_a_bundles_is_refused_before_anything_of_it_is_read(
    place: Place, statements: list[str]
) -> None:
    place.put({DATABASE: changed_database(place, *statements)})
    place.refused("its tables are not those of a bundle")


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("DELETE FROM customer WHERE customer_id = 'Once'", "customer has"),
        ("UPDATE forecast SET day = 'today' WHERE day = '2024-01-01'", "day is damaged"),
        ("UPDATE forecast SET mean = 9e999", "mean is no number"),
        ("UPDATE category SET revenue = 'NaN'", "money is damaged"),
        ("UPDATE category SET revenue = 'much'", "money is damaged"),
        ("UPDATE category SET first_day = '2024-13-01'", "day is damaged"),
    ],
)
def test_rows_that_cannot_be_are_refused_when_the_bundle_is_opened(place: Place, statement: str, message: str) -> None:
    place.put({DATABASE: changed_database(place, statement)})
    place.refused(message)


def test_a_customer_who_cannot_be_is_an_error_of_the_bundle_and_not_of_the_question(place: Place) -> None:
    place.put({DATABASE: changed_database(place, "UPDATE customer SET monetary = 'x' WHERE customer_id = 'Once'")})
    with pytest.raises(BadBundleError) as caught:
        place.predictor.segment("Once")
    assert answers.problem(caught.value)["status"] == 503
    assert place.predictor.segment("Hig-0001").persona


@pytest.mark.parametrize(
    ("table", "statement", "question"),
    [
        ("forecast", "UPDATE forecast SET method = 7", None),
        ("forecast", "UPDATE forecast SET p10 = 'low'", None),
        ("forecast", "UPDATE forecast SET day = x'00' WHERE horizon_day = 1", None),
        ("category", "UPDATE category SET first_day = 20240101", None),
        ("customer", "UPDATE customer SET tags = 7", lambda p: p.segment("Once")),
        ("customer", "UPDATE customer SET confidence = 'much'", lambda p: p.segment("Once")),
        ("customer", "UPDATE customer SET persona = x'ff'", lambda p: p.segment("Once")),
        ("persona", "UPDATE persona SET numbers = '[]'", lambda p: p.personas()),
        ("persona", "UPDATE persona SET recommendation = '{'", lambda p: p.personas()),
        ("persona", "UPDATE persona SET customers = 'many'", lambda p: p.personas()),
        ("stock", "UPDATE stock SET document = 'null'", lambda p: p.stock()),
        ("daily_sales", "UPDATE daily_sales SET units = 'some'", lambda p: p.daily_sales()),
    ],
)
def test_values_of_types_that_the_schema_forbids_are_errors_of_the_bundle(
    place: Place, table: str, statement: str, question: Callable[[Predictor], object] | None
) -> None:
    """Whoever writes the schema into the file by hand can store anything below it."""
    [ddl] = [t.ddl for t in schema.ALL if t.name == table]
    loose = ddl.replace("STRICT, ", "").replace(" TEXT", "").replace(" REAL", "").replace(" INTEGER", "")
    swap = "UPDATE sqlite_schema SET sql = '{}' WHERE name = '{}'"
    place.put({
        DATABASE: changed_database(
            place,
            f"CREATE TABLE kept AS SELECT * FROM {table}",
            f"DROP TABLE {table}",
            loose,
            f"INSERT INTO {table} SELECT * FROM kept",
            "DROP TABLE kept",
            statement,
            "PRAGMA writable_schema=ON",
            swap.format(ddl, table),
        )
    })  # fmt: skip
    if question is None:
        place.refused("Materialize serving_bundle again.")
    else:
        place.predictor.forecast()
        assert place.predictor.health().problem is None
        with pytest.raises(BadBundleError):
            question(place.predictor)


def test_pages_of_the_file_that_are_overwritten_are_an_error_and_no_crash(place: Place) -> None:
    data = bytearray((place.in_use / DATABASE).read_bytes())
    for page in range(8, len(data) // 4096):
        data[page * 4096 : page * 4096 + 64] = b"\xff" * 64
    place.put({DATABASE: bytes(data)})
    place.refused("is damaged")


def test_a_text_of_megabytes_is_an_error(place: Place) -> None:
    place.put({DATABASE: changed_database(place, "UPDATE customer SET tags = hex(zeroblob(4000000))")})
    place.predictor.forecast()
    with pytest.raises(BadBundleError, match="too big"):
        place.predictor.segment("Once")


@pytest.mark.parametrize("data", [b"{}", b"null", b"\xff", b'{"format": 99}', b"[" * 100_000])
def test_a_model_that_is_none(place: Place, data: bytes) -> None:
    place.put({MODEL: data})
    place.refused("model.json is damaged")


def test_a_model_of_another_version_than_the_manifest_says(place: Place) -> None:
    content = json.loads((place.in_use / MODEL).read_bytes())
    place.put({MODEL: json.dumps({**content, "model_version": "20200101-ffffffffff"}).encode()})
    place.refused("model.json is of another version")


# --- manifests ---


def _rehashed(content: dict[str, Any]) -> None:
    files = {name: File(**facts) for name, facts in content["files"].items()}
    content["version"] = version_of(Manifest(**{**content, "files": files}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m["files"]["retail.sqlite"].update(bytes=10 * GB), "promises 10,7"),
        (lambda m: m["files"]["model.json"].update(bytes=GB), "promises 1,07"),
        (lambda m: m.update(schema_version=2), "has schema version 2, and this program reads 1"),
        (lambda m: m.update(cutoff="2023-12-30"), ""),
    ],
)
def test_promises_that_are_not_accepted(place: Place, change: Callable[[dict[str, Any]], None], message: str) -> None:
    def apply(content: dict[str, Any]) -> None:
        change(content)
        _rehashed(content)

    place.put({}, apply)
    if message:
        place.refused(message)
    else:  # right hashes, another cut-off: a bundle like any other
        assert place.predictor.forecast().provenance.cutoff == dt.date(2023, 12, 30)


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.update(version="20231231-000000000000"),
        lambda m: m.update(currency="EUR"),
        lambda m: m.update(counts={}),
        lambda m: m["files"].update({"../../../etc/passwd": m["files"]["model.json"]}),
        lambda m: m.update(files={"../x": m["files"]["model.json"], "retail.sqlite": m["files"]["retail.sqlite"]}),
        lambda m: m["files"]["model.json"].update(sha256="x"),
        lambda m: m["files"]["model.json"].update(bytes=-1),
        lambda m: m["files"]["model.json"].update(bytes=True),
        lambda m: m["files"]["model.json"].update(bytes=1e400),
        lambda m: m.pop("cutoff"),
        lambda m: m.update(cutoff="soon"),
        lambda m: m.update(created="2024-01-01T00:00:00"),
        lambda m: m.update(source="x" * 1000),
        lambda m: m.update(files=[]),
        lambda m: m.update(counts=[1]),
    ],
)
def test_manifests_that_were_changed(place: Place, change: Callable[[dict[str, Any]], object]) -> None:
    version = place.put({DATABASE: changed_database(place, "UPDATE forecast SET mean = 1")})
    path = place.root / "bundles" / version / MANIFEST
    content = json.loads(path.read_bytes())
    change(content)
    path.write_bytes(json.dumps(content).encode())
    place.refused("Materialize serving_bundle again.")


@pytest.mark.parametrize("data", [b"", b"{", b"null", b"[]", b"\x80\x04.", b"[" * 200_000, b" " * 300_000, b'{"a": 1}'])
@pytest.mark.parametrize("name", [MANIFEST, POINTER])
def test_what_is_no_manifest_or_pointer(place: Place, name: str, data: bytes) -> None:
    version = place.put({DATABASE: changed_database(place, "UPDATE forecast SET mean = 1")})
    (place.root / (POINTER if name == POINTER else f"bundles/{version}/{MANIFEST}")).write_bytes(data)
    place.refused("Materialize serving_bundle again.")


@pytest.mark.parametrize(
    "version", ["../../../etc", "20231231-0123456789ab/../x", "", "..", "/etc/passwd", "x" * 5000, 7]
)
def test_a_pointer_cannot_lead_out_of_the_folder(place: Place, version: Any) -> None:
    content = {"version": version, "history": [{"version": version, "at": NOW.isoformat()}]}
    (place.root / POINTER).write_bytes(json.dumps(content).encode())
    place.refused("is not a pointer to a bundle")
    with pytest.raises(BadBundleError):
        place.predictor._refresher.address.open(str(version))


def test_a_pointer_to_a_version_that_is_not_there(place: Place) -> None:
    place.point("20991231-0123456789ab")
    place.refused("manifest.json is missing")
    (place.root / POINTER).unlink()
    place.predictor.refresh()
    assert "There is no bundle at" in str(place.predictor.health().problem)
    assert place.predictor.forecast().days


@pytest.mark.parametrize("uri", ["", "  ", "http://x/y", "file://relative", "s3a://b/c", "a\0b"])
def test_addresses_that_cannot_be_read(uri: str) -> None:
    with pytest.raises(BadRequestError):
        Predictor.from_uri(uri)


# --- remote bundles ---


@pytest.fixture
def remote(bucket: str, published: Shop) -> Store:
    """The bundles in a bucket."""
    store = Store(f"s3://{bucket}/serving")
    for path in sorted(Path(published.uri).rglob("*")):
        if path.is_file():
            store.write(f"{SOURCE}/{path.relative_to(published.uri)}", path.read_bytes())
    return store


def test_a_remote_bundle_is_copied_once_and_verified_each_time(
    remote: Store, published: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    uri = remote.uri_of(SOURCE)
    with Predictor.from_uri(uri, cache=cache) as predictor, Predictor.from_uri(published.uri) as local:
        assert predictor.forecast() == local.forecast()
        assert predictor.segment("Once") == local.segment("Once")
    [copy] = cache.rglob(DATABASE)
    assert stat.S_IMODE(copy.parent.stat().st_mode) == 0o700
    whole, at = copy.read_bytes(), copy.stat().st_mtime_ns
    with Predictor.from_uri(uri, cache=cache):
        assert copy.stat().st_mtime_ns == at
    copy.write_bytes(whole[:-1] + b"x")  # somebody was there: fetched again
    with Predictor.from_uri(uri, cache=cache) as predictor:
        assert copy.read_bytes() == whole
        assert predictor.forecast().days


def test_copies_of_old_bundles_do_not_pile_up(remote: Store, published: Shop, tmp_path: Path) -> None:
    shop = dataclasses.replace(published, serving=remote)
    cache = tmp_path / "cache"
    with Predictor.from_uri(remote.uri_of(SOURCE), cache=cache, check_seconds=0) as predictor:
        for factor in (2.0, 3.0, 4.0):
            shop.forecast_times(factor)
            version = shop.publish().manifest.version
            assert predictor.forecast().provenance.bundle == version
    shop.forecast_times(1.0)
    assert len(list(cache.rglob(DATABASE))) == 2
    assert list(cache.rglob(".part-*")) == []


def test_a_full_disk_leaves_the_old_bundle_in_use_and_nothing_half_written(
    remote: Store, published: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = dataclasses.replace(published, serving=remote)
    cache = tmp_path / "cache"
    with Predictor.from_uri(remote.uri_of(SOURCE), cache=cache, check_seconds=0) as predictor:
        before = predictor.forecast().provenance.bundle
        shop.forecast_times(6.0)
        shop.publish()
        shop.forecast_times(1.0)

        def full(*places: object, **others: object) -> object:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr("retail_assets.serving.bundles.tempfile.NamedTemporaryFile", full)
        assert predictor.forecast().provenance.bundle == before
        problem = str(predictor.health().problem)
        assert "No space left on device" in problem
        assert "Make space there" in problem
        assert list(cache.rglob(".part-*")) == []


def test_a_remote_file_that_is_longer_than_promised_is_not_read_to_its_end(
    remote: Store, place: Place, tmp_path: Path
) -> None:
    """A bucket may hold ten gigabytes of zeros under a small manifest."""
    version = place.put({DATABASE: changed_database(place, "UPDATE forecast SET mean = 1")})
    for name in (MANIFEST, MODEL):
        remote.write(f"{SOURCE}/bundles/{version}/{name}", (place.root / "bundles" / version / name).read_bytes())
    remote.write(f"{SOURCE}/bundles/{version}/{DATABASE}", bytes(8 * 1024**2))
    remote.write(f"{SOURCE}/{POINTER}", (place.root / POINTER).read_bytes())
    with pytest.raises(BadBundleError, match="is not as its manifest says"):
        Predictor.from_uri(remote.uri_of(SOURCE), cache=tmp_path / "cache")
    assert [p for p in (tmp_path / "cache").rglob("*") if p.is_file() and p.stat().st_size > 4 * 1024**2] == []


def test_a_cache_that_belongs_to_somebody_else_is_refused(
    remote: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match=r"cannot be copied to|is not a folder of this user"):
        Predictor.from_uri(remote.uri_of(SOURCE), cache=tmp_path / "file")
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(StorageError, match="is not a folder of this user"):
        Predictor.from_uri(remote.uri_of(SOURCE), cache=tmp_path / "link")
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    with pytest.raises(StorageError, match="is not a folder of this user"):
        Predictor.from_uri(remote.uri_of(SOURCE), cache=tmp_path / "real")


# --- publishing ---


def test_old_bundles_are_kept_for_the_stated_time_and_then_removed(published: Shop, tmp_path: Path) -> None:
    shop = dataclasses.replace(published, serving=Store(str(tmp_path / "serving")))
    day = dt.timedelta(days=1)
    now = dt.datetime.now(dt.UTC)  # files carry the time of the machine's clock
    versions = []
    for number, factor in enumerate((1.0, 2.0, 3.0)):
        shop.forecast_times(factor)
        versions.append(shop.publish(now=now + number * day, keep_days=7).manifest.version)
    folder = tmp_path / "serving" / SOURCE / "bundles"
    (folder / "20990101-aaaaaaaaaaaa").mkdir()  # what a crash has left: no manifest
    (folder / "20990101-aaaaaaaaaaaa" / DATABASE).write_bytes(b"x")

    def there() -> set[str]:
        return {path.name for path in folder.iterdir()}

    assert set(versions) < there()
    sweep(shop.serving, SOURCE, now=now + 7 * day, keep_days=7)
    assert set(versions) < there()  # the first went out of use a day after `now`
    assert sweep(shop.serving, SOURCE, now=now + 8.5 * day, keep_days=7) == tuple(
        sorted([versions[0], "20990101-aaaaaaaaaaaa"])
    )
    assert sweep(shop.serving, SOURCE, now=now + 9.5 * day, keep_days=7) == (versions[1],)
    assert there() == {versions[2]}
    assert sweep(shop.serving, SOURCE, now=now + 4000 * day, keep_days=0) == ()
    shop.forecast_times(1.0)
    again = shop.publish(now=now + 20 * day).manifest  # the same answers as before, to the letter
    assert (again.version, again.created) == (versions[0], now.isoformat(timespec="seconds"))


def test_two_publications_at_once_leave_a_whole_bundle_in_use(
    published: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process moves the pointer between the reading and the writing of this one."""
    serving = Store(str(tmp_path / "serving"))
    shop = dataclasses.replace(published, serving=serving)
    first = shop.publish().manifest.version
    swap = Store.swap
    meanwhile: list[int] = []

    def overtaken(store: Store, key: str, data: bytes, tag: str | None) -> bool:
        if not meanwhile:
            meanwhile.append(1)
            pointer = read_pointer(store.read(key), "")
            store.write(key, pointer.moved(first, "2024-01-01T07:00:00+00:00").dumps())
        return swap(store, key, data, tag)

    monkeypatch.setattr(Store, "swap", overtaken)
    shop.forecast_times(2.0)
    second = shop.publish().manifest.version
    shop.forecast_times(1.0)
    pointer = read_pointer(serving.read(f"{SOURCE}/{POINTER}"), "")
    assert [each.version for each in pointer.history] == [first, first, second]


def test_a_crash_before_the_pointer_leaves_the_old_bundle(
    published: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving = Store(str(tmp_path / "serving"))
    shop = dataclasses.replace(published, serving=serving)
    old = shop.publish().manifest.version
    shop.forecast_times(2.0)
    write = Store.write

    def crash(store: Store, key: str, data: bytes) -> None:
        if key.endswith(MANIFEST):
            raise KeyboardInterrupt
        write(store, key, data)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "write", crash)
        with pytest.raises(KeyboardInterrupt):
            shop.publish()
    with Predictor.from_uri(shop.uri, check_seconds=0) as predictor:
        assert predictor.provenance().bundle == old
        new = shop.publish().manifest.version
        shop.forecast_times(1.0)
        assert predictor.provenance().bundle == new


def test_a_damaged_pointer_and_damaged_files_are_repaired_by_the_next_publication(
    published: Shop, tmp_path: Path
) -> None:
    shop = dataclasses.replace(published, serving=Store(str(tmp_path / "serving")))
    version = shop.publish().manifest.version
    folder = Path(shop.uri)
    (folder / POINTER).write_bytes(b"{")
    (folder / "bundles" / version / DATABASE).write_bytes(b"x")
    assert shop.publish().manifest.version == version
    with Predictor.from_uri(shop.uri) as predictor:
        assert predictor.forecast().days
