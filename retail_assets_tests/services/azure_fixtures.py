"""Azure Blob for tests: one Azurite (Microsoft's emulator, from npm) per session, one container per test."""

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

from retail_assets_tests.services.server import served

_AZURITE = "3.35.0"
_INSTALL_SECONDS = 180
#: Published in Azurite's manual: the account of every emulator, and no secret.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

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
            f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={KEY};"
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
    from adlfs import AzureBlobFileSystem
    from azure.storage.blob import BlobServiceClient

    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", azurite)
    AzureBlobFileSystem.clear_instance_cache()  # it would go on with the environment of an earlier test
    name = f"retail{next(_containers)}"
    with BlobServiceClient.from_connection_string(azurite) as service:
        service.create_container(name)
    return name
