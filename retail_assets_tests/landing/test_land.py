"""Landing copies bytes and keeps what is there: idempotence, refusals, atomicity, names."""

from __future__ import annotations

import datetime as dt
import errno
import gzip
import hashlib
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retail_assets.errors import LandingError, StorageError
from retail_assets.landing import land as landing
from retail_assets.landing.formats import format_of
from retail_assets.landing.land import land_file
from retail_assets.landing.partitions import landed_partitions, refuse_dates_outside
from retail_assets.samples.sample_landing import workplace
from retail_assets.storage import Store
from retail_assets_tests.trials import trials

DAY = dt.date(2024, 3, 1)
NEXT_DAY = dt.date(2024, 3, 2)
LATER = dt.date(2024, 3, 3)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "raw"))


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def given_file(inbox: Path, name: str, data: bytes) -> Path:
    path = inbox / name
    path.write_bytes(data)
    return path


def state(store: Store) -> dict[str, bytes]:
    return {e.key: store.read(e.key) for e in store.list("")}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("sales.csv", b"a,b\r\n1,\x00\xff\r\n"),
        ("sales.tsv", b"a\tb\n"),
        ("sales.txt", "a;b\n".encode("utf-16")),
        ("sales.csv.gz", gzip.compress(b"a,b\n1,2\n", mtime=0)),
        ("sales.parquet", b"PAR1 not really PAR1"),
        ("sales.jsonl", b'{"a": 1}\n'),
        ("sales.ndjson.gz", gzip.compress(b'{"a": 1}\n', mtime=0)),
    ],
)
def test_every_allowed_kind_lands_byte_for_byte(store: Store, inbox: Path, name: str, data: bytes) -> None:
    landed = land_file(given_file(inbox, name, data), store, "retail_sales", DAY)
    assert landed.status == "landed"
    assert landed.key == f"retail_sales/dt=2024-03-01/{name}"
    assert landed.sha256 == hashlib.sha256(data).hexdigest()
    assert landed.size == len(data)
    assert state(store) == {landed.key: data}
    format_of(landed.key)  # what lands can be read later


def test_the_same_bytes_twice_change_nothing_and_say_where_they_are(store: Store, inbox: Path) -> None:
    path = given_file(inbox, "a.csv", b"x,y\n1,2\n")
    land_file(path, store, "retail_sales", DAY)
    before = store.local_path("retail_sales/dt=2024-03-01/a.csv").stat()
    second = land_file(path, store, "retail_sales", DAY)
    assert second.status == "already landed"
    assert "nothing changed" in second.message
    assert store.local_path(second.key).stat() == before


def test_the_same_bytes_under_another_name_and_day_change_nothing_unless_again(store: Store, inbox: Path) -> None:
    """The sales of a file that is sent twice under two names must not count twice."""
    first = land_file(given_file(inbox, "a.csv", b"x,y\n1,2\n"), store, "retail_sales", DAY)
    copy = given_file(inbox, "copy of a.csv", b"x,y\n1,2\n")
    assert land_file(copy, store, "retail_sales", NEXT_DAY).key == first.key
    assert len(state(store)) == 1
    again = land_file(copy, store, "retail_sales", NEXT_DAY, again=True)
    assert again.status == "landed"
    assert len(state(store)) == 2
    assert land_file(copy, store, "retail_sales", NEXT_DAY, again=True).status == "already landed"


def test_other_bytes_of_the_same_size_are_another_file(store: Store, inbox: Path) -> None:
    land_file(given_file(inbox, "a.csv", b"x\n1\n"), store, "retail_sales", DAY)
    assert land_file(given_file(inbox, "b.csv", b"x\n2\n"), store, "retail_sales", DAY).status == "landed"


def test_another_source_does_not_count_as_landed(store: Store, inbox: Path) -> None:
    path = given_file(inbox, "a.csv", b"x\n1\n")
    land_file(path, store, "retail_sales", DAY)
    assert land_file(path, store, "retail_sales_2", DAY).status == "landed"


def test_other_content_under_the_same_key_is_refused_with_both_ways_out(store: Store, inbox: Path) -> None:
    land_file(given_file(inbox, "a.csv", b"x\n1\n"), store, "retail_sales", DAY)
    before = state(store)
    changed = given_file(inbox, "a.csv", b"x\n1\n2\n")
    with pytest.raises(LandingError, match=r"(?s)other content.*--replace.*--date"):
        land_file(changed, store, "retail_sales", DAY)
    assert state(store) == before


def test_replace_says_when_there_was_nothing_to_replace(store: Store, inbox: Path) -> None:
    """A correction under another name lands beside the file it corrects: rows that it leaves out would stay."""
    land_file(given_file(inbox, "a.csv", b"x\n1\n"), store, "retail_sales", DAY)
    landed = land_file(given_file(inbox, "a_fixed.csv", b"x\n2\n"), store, "retail_sales", DAY, replace=True)
    assert landed.message.endswith(
        "Nothing was replaced: no file of this name had landed there. The landing keeps a.csv as well."
    )
    corrected = land_file(given_file(inbox, "a.csv", b"x\n3\n"), store, "retail_sales", DAY, replace=True)
    assert "Nothing was replaced" not in corrected.message


def test_replace_names_the_latest_day_that_has_a_file_of_this_name(store: Store, inbox: Path) -> None:
    """A correction without --date landed today, beside the broken file of yesterday, which stayed."""
    for n, day in enumerate((DAY, NEXT_DAY)):
        land_file(given_file(inbox, "till 2.csv", b"x\n1\n" * (n + 1)), store, "retail_sales", day)
    fixed = given_file(inbox, "till 2.csv", b"x\n3\n")
    landed = land_file(fixed, store, "retail_sales", LATER, replace=True)
    assert landed.status == "landed"
    assert "A file of this name is on 2024-03-02. If it was to be replaced (--date 2024-03-02):" in landed.message
    assert f"retail-assets land '{fixed}' --date 2024-03-02 --replace --again" in landed.message
    land_file(fixed, store, "retail_sales", NEXT_DAY, replace=True, again=True)
    assert state(store)["retail_sales/dt=2024-03-02/till 2.csv"] == b"x\n3\n"


def test_the_day_of_a_reference_file_of_this_name_is_that_of_the_same_reference(store: Store, inbox: Path) -> None:
    path = given_file(inbox, "p.csv", b"x\n1\n")
    land_file(path, store, "retail_sales", DAY)
    land_file(path, store, "retail_sales", DAY, reference="stores")
    first = land_file(path, store, "retail_sales", NEXT_DAY, reference="products", replace=True)
    assert "A file of this name" not in first.message
    second = land_file(path, store, "retail_sales", LATER, reference="products", replace=True)
    assert f"retail-assets land {path} --reference products --date 2024-03-02 --replace" in second.message


def test_a_replacement_whose_bytes_landed_on_another_day_is_refused_with_the_way_out(store: Store, inbox: Path) -> None:
    """It was reported as already landed, with success, and the broken file stayed."""
    land_file(given_file(inbox, "a.csv", b"broken"), store, "retail_sales", DAY)
    fixed = given_file(inbox, "a.csv", b"x\n1\n")
    land_file(fixed, store, "retail_sales", NEXT_DAY)
    before = state(store)
    with pytest.raises(LandingError) as refused:
        land_file(fixed, store, "retail_sales", DAY, replace=True, contract="my shop.yaml")
    assert state(store) == before
    message = str(refused.value)
    assert message.startswith("retail_sales/dt=2024-03-01/a.csv was not replaced: it has other content than")
    assert "whose bytes landed as retail_sales/dt=2024-03-02/a.csv." in message
    assert f"retail-assets land {fixed} --source 'my shop.yaml' --date 2024-03-01 --replace --again" in message
    assert f"delete {store.uri_of('retail_sales/dt=2024-03-02/a.csv')}" in message
    assert "`retail-assets materialize --partition 2024-03-02`" in message
    land_file(fixed, store, "retail_sales", DAY, replace=True, again=True)
    assert set(state(store).values()) == {b"x\n1\n"}


def test_a_copy_in_the_same_landing_is_to_be_deleted_first(store: Store, inbox: Path) -> None:
    land_file(given_file(inbox, "a.csv", b"broken"), store, "retail_sales", DAY)
    land_file(given_file(inbox, "b.csv", b"x\n1\n"), store, "retail_sales", DAY)
    with pytest.raises(LandingError, match=r"(?s)not replaced.*Delete .*b\.csv before that"):
        land_file(given_file(inbox, "a.csv", b"x\n1\n"), store, "retail_sales", DAY, replace=True)


def test_replace_publishes_the_correction_in_place(store: Store, inbox: Path) -> None:
    land_file(given_file(inbox, "a.csv", b"x\n1\n"), store, "retail_sales", DAY)
    landed = land_file(given_file(inbox, "a.csv", b"x\n2\n"), store, "retail_sales", DAY, replace=True)
    assert landed.status == "landed"
    assert "replaced" in landed.message
    assert state(store) == {landed.key: b"x\n2\n"}


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("empty.csv", b"", "empty"),
        ("sales.xls", b"x", "Allowed"),
        ("sales", b"x", "Allowed"),
        ("sales.gz", b"x", "export.csv.gz"),
        ("sales.tar.gz", b"x", "Allowed"),
        ("sales.parquet.gz", b"x", "Allowed"),
        (".csv", b"x", "Allowed"),
    ],
)
def test_files_that_could_never_be_read_are_refused(
    store: Store, inbox: Path, name: str, data: bytes, says: str
) -> None:
    with pytest.raises(LandingError, match=says):
        land_file(given_file(inbox, name, data), store, "retail_sales", DAY)
    assert not Path(store.uri).exists()


def test_a_missing_file_a_folder_a_dangling_link_and_a_pipe_are_refused(store: Store, inbox: Path) -> None:
    (inbox / "dangling.csv").symlink_to(inbox / "gone.csv")
    (inbox / "folder.csv").mkdir()
    os.mkfifo(inbox / "pipe.csv")
    given_file(inbox, "file", b"x")
    for name, says in (
        ("nope.csv", "does not exist"),
        ("dangling.csv", "does not exist"),
        ("file/a.csv", "does not exist"),
        ("folder.csv", "folder"),
        ("pipe.csv", "regular file"),
        ("a\0.csv", "null"),
    ):
        with pytest.raises(LandingError, match=says):
            land_file(inbox / name, store, "retail_sales", DAY)


def test_an_unreadable_file_is_refused_by_name(store: Store, inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = given_file(inbox, "a.csv", b"x\n")

    def refused(self: Path, *args: object) -> object:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "open", refused)  # tests may run as root, whom no permission stops
    with pytest.raises(LandingError, match=r"a\.csv: permission denied"):
        land_file(path, store, "retail_sales", DAY)


def test_a_file_that_grows_while_it_is_read_is_not_landed(store: Store, inbox: Path) -> None:
    """Otherwise a half-uploaded file would land as if it were complete."""
    path = given_file(inbox, "a.csv", b"x" * 3_000_000)
    grown: list[int] = []

    def grow(copied: int) -> None:
        if not grown:
            with path.open("ab") as f:
                f.write(b"more")
        grown.append(copied)

    with pytest.raises(LandingError, match="changed while it was read"):
        land_file(path, store, "retail_sales", DAY, watch=grow)
    assert [p for p in Path(store.uri).rglob("*") if p.is_file()] == []


def test_a_full_disk_leaves_the_old_file_and_no_part_of_the_new(
    store: Store, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    land_file(given_file(inbox, "a.csv", b"x\n1\n"), store, "retail_sales", DAY)
    before = state(store)

    def full(fd: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="disk is full"):
        land_file(given_file(inbox, "a.csv", b"x\n2\n"), store, "retail_sales", DAY, replace=True)
    assert state(store) == before
    assert [p.name for p in Path(store.uri).rglob("*") if p.is_file()] == ["a.csv"]


def test_a_full_temporary_folder_says_what_to_set() -> None:
    def fill() -> None:
        with workplace():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(LandingError, match="TMPDIR"):
        fill()


def test_a_remote_store_behaves_as_a_local_one(inbox: Path) -> None:
    store = Store("memory://landing-test/raw")
    path = given_file(inbox, "a.csv", b"x\n1\n")
    assert land_file(path, store, "retail_sales", DAY).status == "landed"
    assert land_file(path, store, "retail_sales", NEXT_DAY).status == "already landed"
    path.write_bytes(b"x\n2\n")
    with pytest.raises(LandingError, match="--replace"):
        land_file(path, store, "retail_sales", DAY)
    assert land_file(path, store, "retail_sales", DAY, replace=True).status == "landed"
    assert state(store) == {"retail_sales/dt=2024-03-01/a.csv": b"x\n2\n"}
    assert landed_partitions(store, "retail_sales") == [DAY]


@pytest.mark.parametrize("source", ["", "../up", "Retail", "a/b", "x" * 64, "1a"])
def test_a_source_that_cannot_be_a_folder_is_refused(store: Store, inbox: Path, source: str) -> None:
    with pytest.raises(LandingError, match="name of a source"):
        land_file(given_file(inbox, "a.csv", b"x\n"), store, source, DAY)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("sales.csv", "sales.csv"),
        ("Umsätze März 2024 (1).CSV", "Umsätze März 2024 (1).csv"),
        ("売上.Csv.GZ", "売上.csv.gz"),
        ("..hidden.csv", "hidden.csv"),
        ("_SUCCESS.csv", "SUCCESS.csv"),
        ("* .csv", "file.csv"),
        ("a\nb\x1b[31m.csv", "a_b__31m.csv"),
        ("dt=2024*?{}.csv", "dt_2024____.csv"),
        ("50%#.csv", "50__.csv"),
    ],
)
def test_names_are_made_safe_and_stay_readable(name: str, kept: str) -> None:
    assert landing.file_name_in_store(name) == kept


@given(
    stem=st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=300),
    suffix=st.sampled_from([".csv", ".CSV", ".csv.gz", ".Parquet", ".jsonl", ".txt.GZ"]),
)
@settings(max_examples=trials(300), deadline=None)
def test_a_name_in_the_store_is_always_a_visible_short_key_of_a_readable_kind(stem: str, suffix: str) -> None:
    name = landing.file_name_in_store(stem + suffix)
    Store("/raw").uri_of(f"retail_sales/dt=2024-01-01/{name}")  # a valid key
    assert "/" not in name
    assert name[0] not in "._"
    assert len(name.encode()) <= 200
    assert name.isprintable()
    assert name.endswith(suffix.lower())
    format_of(name)
    assert landing.file_name_in_store(name) == name


def test_long_names_stay_apart(store: Store) -> None:
    first, second = (landing.file_name_in_store("é" * 150 + end + ".csv") for end in "ab")
    assert first != second


@given(st.lists(st.tuples(st.binary(min_size=1, max_size=3), st.integers(0, 2), st.sampled_from("ab")), max_size=12))
@settings(max_examples=trials(50), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_after_any_sequence_of_landings_no_content_is_there_twice(files: list[tuple[bytes, int, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"{folder}/raw")
        for data, day, name in files:
            path = Path(folder, f"{name}.csv")
            path.write_bytes(data)
            before = state(store)
            try:
                landed = land_file(path, store, "retail_sales", DAY + dt.timedelta(days=day))
            except LandingError:
                assert state(store) == before
                continue
            assert store.read(landed.key) == data
            assert (landed.status == "already landed") == (data in before.values())
        contents = list(state(store).values())
        assert len(contents) == len(set(contents))


def test_landed_partitions_are_the_days_with_files(store: Store) -> None:
    assert landed_partitions(store, "retail_sales") == []
    for key in (
        "retail_sales/dt=2024-03-02/a.csv",
        "retail_sales/dt=2024-03-01/a.csv",
        "retail_sales/dt=2024-03-01/b.csv",
        "retail_sales/dt=2024-02-31/never.csv",
        "retail_sales/notes/readme.txt",
        "retail_sales/loose.csv",
        "other/dt=2020-01-01/a.csv",
    ):
        store.write(key, b"x")
    store.local_path("retail_sales/dt=2024-03-09").mkdir()
    assert landed_partitions(store, "retail_sales") == [DAY, NEXT_DAY]


@pytest.mark.parametrize(
    ("day", "says"),
    [
        ("2023-12-31", "RETAIL_START_DATE=2023-12-31"),
        ("2024-06-02", "RETAIL_END_DATE"),
        ("2025-01-02", "in the future"),
    ],
)
def test_a_landing_outside_the_range_names_the_variable_to_change(day: str, says: str) -> None:
    start, end, today = dt.date(2024, 1, 1), dt.date(2024, 6, 1), dt.date(2025, 1, 1)
    date = dt.date.fromisoformat(day)
    with pytest.raises(LandingError, match=says):
        refuse_dates_outside(date, date, start, end, today)
    refuse_dates_outside(start, end, start, end, today)
    refuse_dates_outside(today, today, start, None, today)
