"""The store: what is listed, what is published, and what a reader can never see."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retail_assets.errors import StorageBusyError, StorageError
from retail_assets.storage import Store
from retail_assets.storage.locks import lock_within
from retail_assets_tests.faults.races import one_writer_goes_through
from retail_assets_tests.trials import trials


@pytest.fixture(params=["local", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """The same behaviour over a folder and over an object store (fsspec's, in memory)."""
    return Store(str(tmp_path / "store") if request.param == "local" else f"memory://bucket/{tmp_path.name}")


@pytest.fixture
def local(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store"))


def test_a_store_that_is_not_there_is_empty(store: Store) -> None:
    assert store.list("") == []
    assert store.list("dt=2024-01-01") == []
    assert store.folders("") == []
    assert not store.exists("a")
    assert store.read_if_exists("a/b") is None


def test_what_is_written_is_read_and_listed(store: Store) -> None:
    store.write("a/b.csv", b"one")
    store.write("a/b.csv", b"two!")
    assert store.read("a/b.csv") == b"two!"
    with store.open("a/b.csv") as f:
        assert f.read(2) == b"tw"
    assert [(e.key, e.size) for e in store.list("")] == [("a/b.csv", 4)]
    assert store.exists("a/b.csv")


def test_a_folder_is_no_name_prefix(store: Store) -> None:
    """A listing of day 1 that also finds days 10 to 19 would load them twice."""
    for key in ("dt=2024-01-1/a", "dt=2024-01-10/a", "dt=2024-01-1/b/c"):
        store.write(key, b"x")
    assert [e.key for e in store.list("dt=2024-01-1")] == ["dt=2024-01-1/a", "dt=2024-01-1/b/c"]
    assert store.folders("") == ["dt=2024-01-1", "dt=2024-01-10"]
    assert store.folders("dt=2024-01-1") == ["b"]


def test_listings_are_sorted_and_without_unfinished_writes(store: Store) -> None:
    for key in ("b", "a/z", "a/y", ".hidden", "a/.part"):
        store.write(key, b"")
    assert [e.key for e in store.list("")] == ["a/y", "a/z", "b"]


def test_a_write_that_fails_leaves_the_old_and_no_part_of_the_new(store: Store) -> None:
    store.write("a", b"old")

    def fail() -> None:
        with store.writing("a") as f:
            f.write(b"half of the n")
            raise ValueError("the caller's own error comes through")

    with pytest.raises(ValueError, match="own error"):
        fail()
    assert store.read("a") == b"old"
    assert [e.key for e in store.list("")] == ["a"]


def test_a_reader_sees_the_old_until_the_write_is_whole(store: Store) -> None:
    store.write("a", b"old")
    with store.writing("a") as f:
        f.write(b"new")
        assert store.read("a") == b"old"
    assert store.read("a") == b"new"


def test_a_swap_goes_through_only_in_the_place_of_what_was_read(store: Store) -> None:
    assert store.swap("m", b"1", None)
    assert not store.swap("m", b"2", None)
    data, tag = store.read_tagged("m") or (b"", "")
    assert data == b"1"
    assert store.swap("m", b"2", tag)
    assert not store.swap("m", b"3", tag)
    assert store.read("m") == b"2"
    store.delete(["m"])
    assert not store.swap("m", b"4", tag)
    assert store.read_tagged("m") is None


def test_of_writers_that_read_the_same_version_one_goes_through(local: Store) -> None:
    one_writer_goes_through(local, "a/m", writers=8, attempts=5)
    assert os.listdir(local.local_path("a")) == ["m"]


def test_a_swap_does_not_wait_for_ever_for_a_process_that_stands_still(
    local: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fcntl = pytest.importorskip("fcntl")
    monkeypatch.setattr("retail_assets.storage.store._LOCK_SECONDS", 0)
    local.write("a/m", b"1")
    fd = os.open(local.local_path("a"), os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        with pytest.raises(StorageBusyError, match=r"Another process has been writing in .*/a"):
            local.swap("a/m", b"2", (local.read_tagged("a/m") or (b"", ""))[1])
    finally:
        os.close(fd)
    assert local.read("a/m") == b"1"


def test_who_waits_for_a_lock_gets_it_when_its_holder_ends(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    path = tmp_path / "lock"
    path.touch()
    program = (
        "import sys; from retail_assets.storage.locks import try_lock\n"
        "handle = open(sys.argv[1]); print(try_lock(handle.fileno()), flush=True); sys.stdin.readline()"
    )
    command = [sys.executable, "-c", program, str(path)]
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder,
        path.open() as handle,
    ):
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        assert not lock_within(handle.fileno(), 0.1)
        holder.stdin.close()
        assert lock_within(handle.fileno(), 60)


def test_a_drive_without_locks_can_be_written(local: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", no_locks)
    assert local.swap("a/m", b"1", None)
    assert not local.swap("a/m", b"2", None)


def test_deleting_what_is_gone_is_no_error(store: Store) -> None:
    store.write("a/b", b"x")
    store.delete(["a/b", "a/b", "never/there"])
    assert store.list("") == []


def test_reading_what_is_not_there_says_so(store: Store) -> None:
    with pytest.raises(StorageError, match=r"Cannot read .*a/b: it is not there"):
        store.read("a/b")


@pytest.mark.parametrize("key", ["", "/", "/a", "a/", "a//b", "..", "../a", "a/../b", "./a", "a\0b"])
def test_keys_that_could_leave_the_store_are_refused(store: Store, key: str) -> None:
    for action in (store.read, store.exists, store.uri_of, lambda k: store.write(k, b""), lambda k: store.delete([k])):
        with pytest.raises(StorageError, match="not a valid object key"):
            action(key)


def test_a_full_disk_is_explained_and_leaves_nothing(local: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    local.write("a", b"old")

    def full(fd: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StorageError, match=r"Cannot write .*a: the disk is full"):
            local.write("a", b"new")
    assert local.read("a") == b"old"
    assert [p.name for p in Path(local.uri).iterdir()] == ["a"]


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (errno.EACCES, "permission denied"),
        (errno.EROFS, "read-only"),
        (errno.EDQUOT, "disk is full"),
        (errno.EIO, os.strerror(errno.EIO)),
    ],
)
def test_what_the_system_refuses_is_explained(
    local: Store, monkeypatch: pytest.MonkeyPatch, code: int, says: str
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "replace", refused)
    with pytest.raises(StorageError, match=says):
        local.write("a", b"x")
    assert list(Path(local.uri).iterdir()) == []


def test_a_file_where_a_folder_should_be_is_explained(local: Store) -> None:
    local.write("a", b"x")
    with pytest.raises(StorageError, match=r"Cannot write .*a/b"):
        local.write("a/b", b"x")
    with pytest.raises(StorageError, match=r"Cannot list .*a"):
        local.list("a")
    below = Store(f"{local.uri}/a")
    with pytest.raises(StorageError, match="Cannot"):
        below.write("b", b"x")


def test_dangling_links_are_no_objects(local: Store) -> None:
    local.write("a", b"x")
    local.local_path("dangling").symlink_to("nowhere")
    assert [e.key for e in local.list("")] == ["a"]


def test_a_scheme_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("boto3", "retail_assets.storage.s3_objects", "adlfs"):
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(StorageError, match=r"pip install 'retail-assets\[aws\]'"):
        Store("s3://bucket/prefix").list("")
    with pytest.raises(StorageError, match=r"pip install 'retail-assets\[azure\]'"):
        Store("abfs://container/prefix").write("a", b"")


def test_only_local_stores_have_local_paths() -> None:
    with pytest.raises(StorageError, match="not a local folder"):
        Store("s3://bucket/prefix").local_path("a")


_NAME = st.text(st.characters(exclude_characters="/\0.", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)


@given(keys=st.dictionaries(st.tuples(_NAME, _NAME), st.binary(max_size=20), max_size=6))
@settings(max_examples=trials(40), deadline=None)
def test_any_objects_come_back_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, keys: dict[tuple[str, str], bytes]
) -> None:
    store = Store(str(tmp_path_factory.mktemp("any")))
    for (folder, name), data in keys.items():
        store.write(f"{folder}/{name}", data)
    assert {e.key: store.read(e.key) for e in store.list("")} == {"/".join(k): data for k, data in keys.items()}
    assert store.folders("") == sorted({folder for folder, _ in keys})


@pytest.mark.parametrize(("number", "busy"), [(errno.ESTALE, True), (errno.ETIMEDOUT, True), (errno.EINVAL, False)])
def test_a_file_system_that_is_away_is_worth_another_attempt_and_a_wrong_call_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, busy: bool
) -> None:
    def away(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "scandir", away)
    with pytest.raises(StorageError) as refused:
        Store(str(tmp_path)).list("sales")
    assert refused.value.retryable is busy


def test_pages_are_the_folders_in_order_from_the_one_after(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    for key in ("s/dt=1/b", "s/dt=1/a/c", "s/dt=2/x", "s/dt=3/.hidden", "s/dt=10/y", "s/other/z", "s/file", "t/dt=1/a"):
        store.write(key, b"x")
    (tmp_path / "s" / "dt=9").symlink_to(tmp_path / "t" / "dt=1")

    def keys(after: str = "") -> list[list[str]]:
        return [[entry.key for entry in page.entries] for page in store.pages("s", "dt=", after)]

    assert keys() == [["s/dt=1/a/c", "s/dt=1/b"], ["s/dt=10/y"], ["s/dt=2/x"], []]
    assert keys("dt=10") == [["s/dt=2/x"], []]
    assert list(store.pages("nothing")) == []
    [before] = next(iter(store.pages("s", "dt=2"))).entries
    assert (before.size, before.modified is not None) == (1, True)
    store.write("s/dt=2/x", b"y")
    [after] = next(iter(store.pages("s", "dt=2"))).entries
    assert before.tag != after.tag
