"""The store on Azure Blob, through the same door, against Azurite (Microsoft's emulator, from npm)."""

from __future__ import annotations

import pytest

from retail_assets.errors import StorageError
from retail_assets.storage import Store
from retail_assets_tests.faults.races import one_writer_goes_through
from retail_assets_tests.services.azure_fixtures import KEY

pytest.importorskip("adlfs", reason="Azure needs the extra `azure`: pip install 'retail-assets[azure]'")


@pytest.fixture
def store(container: str) -> Store:
    return Store(f"abfs://{container}/lake")


def test_what_is_written_is_read_and_listed(store: Store, container: str) -> None:
    assert store.list("") == []
    assert store.folders("") == []
    assert store.read_if_exists("a") is None
    store.write("dt=1/b ü.csv", b"one")
    with store.writing("dt=1/b ü.csv") as sink:
        sink.write(b"two!")
    store.write("dt=10/c", b"")
    assert store.read("dt=1/b ü.csv") == b"two!"
    with store.open("dt=1/b ü.csv") as f:
        assert (f.read(2), f.seek(0, 2)) == (b"tw", 4)
    assert [(e.key, e.size) for e in store.list("dt=1")] == [("dt=1/b ü.csv", 4)]
    assert all(e.modified for e in store.list(""))
    assert store.folders("") == ["dt=1", "dt=10"]
    assert store.exists("dt=10/c")
    assert not store.exists("dt=10")
    Store(f"abfs://{container}/lake").write("dt=1/later", b"x")
    assert len(store.list("dt=1")) == 2, "a listing from a cache"
    store.delete(["dt=1/b ü.csv", "dt=1/later", "never"])
    assert [e.key for e in store.list("")] == ["dt=10/c"]


def test_of_writers_that_read_the_same_version_one_goes_through(store: Store) -> None:
    tag = one_writer_goes_through(store, "m", writers=4, attempts=2)
    store.delete(["m"])
    assert not store.swap("m", b"late", tag)
    assert store.read_tagged("m") is None


def test_what_azure_refuses_is_explained_without_secrets(
    store: Store, container: str, monkeypatch: pytest.MonkeyPatch, azurite: str
) -> None:
    from adlfs import AzureBlobFileSystem

    with pytest.raises(StorageError, match=r"Cannot read abfs://.*/none: it is not there"):
        store.read("none")
    with pytest.raises(StorageError, match="no such container"):
        Store("abfs://not-there/lake").write("a", b"x")
    wrong = azurite.replace(KEY, "cGxhbnRlZHNlY3JldA==")
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", wrong)
    AzureBlobFileSystem.clear_instance_cache()  # a process reads its settings once
    with pytest.raises(StorageError, match=r"credentials are not accepted|permission denied") as refused:
        Store(f"abfs://{container}/elsewhere").write("a", b"x")
    assert "cGxhbnRlZHNlY3JldA" not in str(refused.value)
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", "nonsense")
    AzureBlobFileSystem.clear_instance_cache()
    with pytest.raises(StorageError, match="no Azure account is configured"):
        Store("abfs://c/p").list("")
