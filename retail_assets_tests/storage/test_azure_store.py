"""The store on Azure Blob, through the same door, against Azurite (Microsoft's emulator, from npm)."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from retail_assets.errors import StorageError
from retail_assets.storage import Store
from retail_assets_tests.faults.races import one_writer_goes_through
from retail_assets_tests.services.server import served

pytest.importorskip("adlfs", reason="Azure needs the extra `azure`: pip install 'retail-assets[azure]'")

_AZURITE = "3.35.0"
_INSTALL_SECONDS = 180
#: Published in Azurite's manual: the account of every emulator, and no secret.
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

_containers = itertools.count(1)


@pytest.fixture(scope="session")
def azurite(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The connection string of an Azurite; installed into pytest's own cache the first time."""
    folder = tmp_path_factory.mktemp("azurite")
    program = _installed(Path(request.config.cache.mkdir(f"azurite-{_AZURITE}")))

    def command(port: int) -> list[str]:
        where = ["--blobHost", "127.0.0.1", "--blobPort", str(port)]
        return [str(program), "--silent", "--inMemoryPersistence", "--skipApiVersionCheck", *where]

    def listens(url: str) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", urlsplit(url).port or 0), timeout=5):
            return True
        return False

    with served(command, folder / "azurite.log", listens) as url:
        yield (
            f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={_KEY};"
            f"BlobEndpoint={url}/devstoreaccount1;"
        )


def _installed(cache: Path) -> Path:
    program = cache / "node_modules" / ".bin" / "azurite-blob"
    if not program.exists():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("Azure is not tested here: Azurite comes from npm, and npm is not installed")
        once = ["--fetch-retries=0", "--fetch-timeout=60000"]  # where there is no registry, npm asks for over a minute
        command = [npm, "install", "--no-audit", "--no-fund", *once, "--prefix", str(cache), f"azurite@{_AZURITE}"]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=_INSTALL_SECONDS)
        except (subprocess.SubprocessError, OSError) as e:
            reason = getattr(e, "stderr", "") or str(e)
            pytest.skip(f"Azure is not tested here: npm could not install azurite@{_AZURITE}: {str(reason)[-300:]}")
    return program


@pytest.fixture
def container(azurite: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A new, empty container, and the environment that leads to it."""
    from azure.storage.blob import BlobServiceClient

    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", azurite)
    name = f"retail{next(_containers)}"
    with BlobServiceClient.from_connection_string(azurite) as service:
        service.create_container(name)
    return name


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
    wrong = azurite.replace(_KEY, "cGxhbnRlZHNlY3JldA==")
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", wrong)
    AzureBlobFileSystem.clear_instance_cache()  # a process reads its settings once
    with pytest.raises(StorageError, match=r"credentials are not accepted|permission denied") as refused:
        Store(f"abfs://{container}/elsewhere").write("a", b"x")
    assert "cGxhbnRlZHNlY3JldA" not in str(refused.value)
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", "nonsense")
    AzureBlobFileSystem.clear_instance_cache()
    with pytest.raises(StorageError, match="no Azure account is configured"):
        Store("abfs://c/p").list("")
