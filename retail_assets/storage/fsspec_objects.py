"""Stores that fsspec opens, behind `storage.Store`: Azure Blob through adlfs, and others in tests.

The account and the credentials come from adlfs's own variables: AZURE_STORAGE_CONNECTION_STRING, or
AZURE_STORAGE_ACCOUNT_NAME with a key, a SAS token, `az login` or a managed identity.
"""

from __future__ import annotations

import builtins
import contextlib
import datetime as dt
import hashlib
import re
import time
from collections.abc import Iterator
from typing import IO, Any, cast

import fsspec

from retail_assets.errors import StorageBusyError, StorageError
from retail_assets.storage.objects import Entry, Page, RemoteObjects


class FsspecObjects(RemoteObjects):
    """The objects below a URI that fsspec can open. Listings never come from its cache: others write, too."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        fs, path = fsspec.core.url_to_fs(uri, use_listings_cache=False)
        self._fs: Any = fs
        self._root: str = path.rstrip("/")

    def list(self, prefix: str) -> Iterator[Entry]:
        self._fs.invalidate_cache()
        for path, info in self._fs.find(self._path(prefix), detail=True).items():
            if info["type"] != "directory":
                yield Entry(path[len(self._root) + 1 :], int(info["size"]), _timestamp(info), info.get("etag"))

    def pages(self, prefix: str, named: str, after: str) -> Iterator[Page]:
        # fsspec itself lists only as a whole.
        yield Page(builtins.list(self.list(prefix)), time.time())

    def folders(self, prefix: str, since: str = "") -> Iterator[str]:
        self._fs.invalidate_cache()
        try:
            listed = self._fs.ls(self._path(prefix), detail=True)
        except FileNotFoundError:
            return
        for info in listed:
            if info["type"] == "directory":
                yield info["name"].rstrip("/").rsplit("/", 1)[-1]

    def exists(self, key: str) -> bool:
        return bool(self._fs.isfile(self._path(key)))

    def open(self, key: str) -> IO[bytes]:
        return cast(IO[bytes], self._fs.open(self._path(key), "rb"))

    def read_tagged(self, key: str) -> tuple[bytes, str] | None:
        try:
            data: bytes = self._fs.cat_file(self._path(key))
        except FileNotFoundError:
            return None
        return data, hashlib.sha256(data).hexdigest()

    def put(self, key: str, data: bytes) -> None:
        self._fs.pipe_file(self._path(key), data)

    def upload(self, key: str, path: str) -> None:
        self._fs.put_file(path, self._path(key))

    def swap(self, key: str, data: bytes, tag: str | None) -> bool:
        # Compared, then written: fsspec itself has no conditional write.
        current = self.read_tagged(key)
        if (current[1] if current else None) != tag:
            return False
        self.put(key, data)
        return True

    def delete(self, keys: builtins.list[str]) -> None:
        for key in keys:
            with contextlib.suppress(FileNotFoundError):
                self._fs.rm_file(self._path(key))

    def filesystem(self) -> Any:
        return self._fs

    def explain(self, error: Exception) -> StorageError | None:
        return None

    def _path(self, key: str) -> str:
        return f"{self._root}/{key}" if key else self._root


class AzureObjects(FsspecObjects):
    """The objects below `abfs://container/prefix`, with Azure's conditional writes and errors explained."""

    def __init__(self, uri: str) -> None:
        import adlfs  # noqa: F401 - without it, fsspec would report an unknown protocol

        with self.explaining(f"open {uri}"):
            super().__init__(uri)

    def pages(self, prefix: str, named: str, after: str) -> Iterator[Page]:
        from azure.core.exceptions import ResourceNotFoundError

        container, _, folder = self._path(prefix).partition("/")
        skipped = len(self._root.partition("/")[2]) + 1 if "/" in self._root else 0
        # "0" is the character after "/": after every blob of that folder. A server that does not know this parameter,
        # such as an emulator, lists from the beginning; the store leaves out what was not asked for.
        start = {"start_from": f"{folder}/{after}0"} if after else {}

        async def listed(token: str | None) -> tuple[Page, str | None]:
            async with self._fs.service_client.get_container_client(container) as client:
                blobs = client.list_blobs(name_starts_with=f"{folder}/{named}", include=["metadata"], **start)
                pages = blobs.by_page(continuation_token=token)
                try:
                    page = [blob async for blob in await anext(pages)]
                except (StopAsyncIteration, ResourceNotFoundError) as e:
                    if isinstance(e, ResourceNotFoundError) and _code(e) != "BlobNotFound":
                        raise
                    return Page([], time.time()), None
                entries = [
                    Entry(blob.name[skipped:], blob.size, blob.last_modified.timestamp(), blob.etag)
                    for blob in page
                    if not (blob.metadata or {}).get("hdi_isfolder")
                ]
                return Page(entries, time.time()), pages.continuation_token or None

        token: str | None = None
        while True:
            page, token = fsspec.asyn.sync(self._fs.loop, listed, token)
            yield page
            if token is None:
                return

    def read_tagged(self, key: str) -> tuple[bytes, str] | None:
        from azure.core.exceptions import ResourceNotFoundError

        async def read() -> tuple[bytes, str] | None:
            async with self._blob(key) as blob:
                try:
                    download = await blob.download_blob()
                except ResourceNotFoundError as e:
                    if _code(e) == "BlobNotFound":
                        return None
                    raise
                return await download.readall(), download.properties.etag

        return cast("tuple[bytes, str] | None", fsspec.asyn.sync(self._fs.loop, read))

    def swap(self, key: str, data: bytes, tag: str | None) -> bool:
        from azure.core import MatchConditions
        from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError

        condition: dict[str, Any] = {"overwrite": False}
        if tag is not None:
            condition = {"overwrite": True, "etag": tag, "match_condition": MatchConditions.IfNotModified}

        async def write() -> bool:
            async with self._blob(key) as blob:
                try:
                    await blob.upload_blob(data, **condition)
                except (ResourceExistsError, ResourceModifiedError):
                    return False
                except ResourceNotFoundError as e:
                    if tag is not None and _code(e) == "BlobNotFound":
                        return False
                    raise
                return True

        return bool(fsspec.asyn.sync(self._fs.loop, write))

    def _blob(self, key: str) -> Any:
        container, _, name = self._path(key).partition("/")
        return self._fs.service_client.get_blob_client(container, name)

    def explain(self, error: Exception) -> StorageError | None:
        from azure.core import exceptions as azure

        if isinstance(error, ValueError) and "connection" in str(error).lower():
            return StorageError(
                "no Azure account is configured. Set AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_ACCOUNT_NAME "
                "with AZURE_STORAGE_ACCOUNT_KEY or a login."
            )
        if isinstance(error, azure.ClientAuthenticationError):
            return StorageError("the Azure credentials are not accepted. Check AZURE_STORAGE_* or log in: `az login`.")
        if isinstance(error, azure.ServiceRequestError | azure.ServiceResponseError):
            return StorageBusyError("the Azure endpoint does not answer. Check the network and the account name.")
        if isinstance(error, azure.HttpResponseError):
            code = _code(error)
            if code == "ContainerNotFound":
                return StorageError("there is no such container. Check its name, or create it.")
            if error.status_code == 403:
                return StorageError("permission denied. The role Storage Blob Data Contributor is needed there.")
            if error.status_code in (429, 500, 502, 503, 504):
                return StorageBusyError(f"Azure is overloaded or asks to slow down ({code}). Try again later.")
            return StorageError(
                f"Azure refused the request with {code} (HTTP {error.status_code}). Check the account's settings."
            )
        return None


def _code(error: Exception) -> str:
    """Azure's code of an error. Its text is not shown: it names the account and what was signed."""
    return re.sub(r"\W", "", str(getattr(error, "error_code", None) or type(error).__name__))


def _timestamp(info: dict[str, Any]) -> float | None:
    moment: Any = info.get("LastModified") or info.get("last_modified") or info.get("mtime")
    return moment.timestamp() if isinstance(moment, dt.datetime) else moment
