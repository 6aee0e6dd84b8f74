"""S3 behind `storage.Store`: paged listings, reads in ranges, uploads that appear whole, conditional publishing."""

from __future__ import annotations

import builtins
import io
import time
from collections.abc import Iterable, Iterator
from email.utils import parsedate_to_datetime
from typing import IO, Any, cast

from boto3.exceptions import S3UploadFailedError
from boto3.s3.transfer import TransferConfig
from botocore import exceptions as aws

from retail_assets.errors import StorageError
from retail_assets.storage import s3_errors
from retail_assets.storage.objects import Entry, Page, RemoteObjects
from retail_assets.storage.s3_client import client
from retail_assets.storage.s3_reader import S3Reader, with_retries

_MIB = 1 << 20
_KEYS_PER_DELETE = 1000  # the limit of the API
_BUFFER = 64 << 10

_TRANSFER = TransferConfig(multipart_threshold=16 * _MIB, multipart_chunksize=16 * _MIB, max_concurrency=4)


class S3Objects(RemoteObjects):
    """The objects below `s3://bucket/prefix`. Methods raise what botocore raises; `explain` translates it."""

    def __init__(self, uri: str) -> None:
        self._bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        self._root = f"{prefix}/" if prefix else ""

    def list(self, prefix: str) -> Iterator[Entry]:
        folder = self._root + (f"{prefix}/" if prefix else "")
        for page in self._pages(Prefix=folder):
            yield from self._entries(page)

    def pages(self, prefix: str, named: str, after: str) -> Iterator[Page]:
        # "0" is the character after "/": this sorts after every key of that folder and before every key of the next.
        start = {"StartAfter": f"{self._root}{prefix}/{after}0"} if after else {}
        for page in self._pages(Prefix=f"{self._root}{prefix}/{named}", **start):
            date = page["ResponseMetadata"].get("HTTPHeaders", {}).get("date")
            yield Page(self._entries(page), parsedate_to_datetime(date).timestamp() if date else time.time())

    def _entries(self, page: dict[str, Any]) -> builtins.list[Entry]:
        return [
            Entry(item["Key"][len(self._root) :], item["Size"], item["LastModified"].timestamp(), item["ETag"])
            for item in page.get("Contents", ())
            if not item["Key"].endswith("/")  # a folder that was made in the console
        ]

    def folders(self, prefix: str, since: str = "") -> Iterator[str]:
        folder = self._root + (f"{prefix}/" if prefix else "")
        start = {"StartAfter": f"{folder}{since}"} if since else {}
        for page in self._pages(Prefix=folder, Delimiter="/", **start):
            for item in page.get("CommonPrefixes", ()):
                yield item["Prefix"][len(folder) :].rstrip("/")

    def _pages(self, **parameters: str) -> Iterable[dict[str, Any]]:
        paginator = client().get_paginator("list_objects_v2")
        pages: Iterable[dict[str, Any]] = paginator.paginate(Bucket=self._bucket, **parameters)
        return pages

    def exists(self, key: str) -> bool:
        # Not HEAD: its refusals have no body, so a missing bucket would look like a missing object.
        try:
            self._get(key, Range="bytes=0-0")["Body"].close()
        except aws.ClientError as e:
            if s3_errors.code_of(e) == "InvalidRange":  # the object is empty
                return True
            if s3_errors.code_of(e) == "NoSuchKey":
                return False
            raise
        return True

    def open(self, key: str) -> IO[bytes]:
        return cast(IO[bytes], io.BufferedReader(self._reader(key), _BUFFER))

    def read_tagged(self, key: str) -> tuple[bytes, str] | None:
        def fetch() -> tuple[bytes, str]:
            response = self._get(key)
            return response["Body"].read(), response["ETag"]

        try:
            return with_retries(fetch)
        except aws.ClientError as e:
            if s3_errors.code_of(e) == "NoSuchKey":
                return None
            raise

    def put(self, key: str, data: bytes) -> None:
        client().put_object(Bucket=self._bucket, Key=self._root + key, Body=data)

    def upload(self, key: str, path: str) -> None:
        """Upload a local file, large ones in parts: S3 shows the object at the end, whole, or never."""
        try:
            client().upload_file(path, self._bucket, self._root + key, Config=_TRANSFER)
        except S3UploadFailedError as e:
            if isinstance(e.__context__, Exception):
                raise e.__context__ from None
            raise

    def swap(self, key: str, data: bytes, tag: str | None) -> bool:
        condition = {"IfNoneMatch": "*"} if tag is None else {"IfMatch": tag}
        try:
            client().put_object(Bucket=self._bucket, Key=self._root + key, Body=data, **condition)
        except aws.ClientError as e:
            if s3_errors.code_of(e) in ("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"):
                return False
            raise
        return True

    def delete(self, keys: builtins.list[str]) -> None:
        for begin in range(0, len(keys), _KEYS_PER_DELETE):
            batch = [{"Key": self._root + key} for key in keys[begin : begin + _KEYS_PER_DELETE]]
            response = client().delete_objects(Bucket=self._bucket, Delete={"Objects": batch, "Quiet": True})
            if errors := response.get("Errors"):
                raise aws.ClientError({"Error": {"Code": errors[0]["Code"], "Message": ""}}, "DeleteObjects")

    def filesystem(self) -> Any:
        from retail_assets.storage.s3_files import S3Files  # it imports fsspec, which only DuckDB's reads need

        return S3Files(f"s3://{self._bucket}/{self._root}", self._reader_explained)

    def explain(self, error: Exception) -> StorageError | None:
        return s3_errors.explained(error, self._bucket)

    def _get(self, key: str, **parameters: str) -> dict[str, Any]:
        response: dict[str, Any] = client().get_object(Bucket=self._bucket, Key=self._root + key, **parameters)
        return response

    def _reader(self, key: str) -> S3Reader:
        return S3Reader(self._get, key, self.explaining)

    def _reader_explained(self, key: str) -> S3Reader:
        with self.explaining(f"read {key}"):
            return self._reader(key)
