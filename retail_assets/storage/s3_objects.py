"""S3 behind `storage.Store`: listings by page, reads by range, uploads that appear whole, conditional publishing.

Where S3 is, and who asks, is botocore's business: AWS_PROFILE, AWS_ACCESS_KEY_ID…, AWS_REGION, AWS_ENDPOINT_URL_S3, a
role. No message made here holds an endpoint, a role or a key: what S3 says of a refusal names them, so it is left out.
"""

from __future__ import annotations

import builtins
import functools
import io
import os
import random
import threading
import time
from collections.abc import Iterable, Iterator
from typing import IO, Any, cast

import boto3
import botocore.session
from boto3.exceptions import S3UploadFailedError
from boto3.s3.transfer import TransferConfig
from botocore import exceptions as aws
from botocore.config import Config

from retail_assets.errors import StorageBusyError, StorageError
from retail_assets.storage.objects import Entry, RemoteObjects

_MIB = 1 << 20
#: The first request of an open; what is smaller, as manifests and most daily files are, costs one GET.
_FIRST_READ = 4 * _MIB
#: Reading on doubles the request up to this. It bounds the memory of an open object, and no connection stays open while
#: the reader works: S3 closes those that wait.
_LONGEST_READ = 32 * _MIB
#: After a jump, as Parquet's: less would be many requests, more would be read in vain.
_RANDOM_READ = _MIB
_READ_TRIES = 5
_DELETED_AT_ONCE = 1000  # the API's own limit

_TRANSFER = TransferConfig(multipart_threshold=16 * _MIB, multipart_chunksize=16 * _MIB, max_concurrency=4)

#: Requests that are retried by botocore: 500, 502, 503 (SlowDown), 504, resets and time-outs, with back-off and jitter.
_TRIES = 6
_CONNECT_SECONDS = 10
_READ_SECONDS = 60
_CONNECTIONS = 32

_client_lock = threading.Lock()


def client() -> Any:
    """The boto3 S3 client of this process and its present AWS settings; made once, safe to share between threads.

    Raises StorageError where the profile is unknown or half set up.
    """
    settings = tuple(sorted((k, v) for k, v in os.environ.items() if k.startswith("AWS_")))
    with _client_lock:
        try:
            return _client(os.getpid(), hash(settings))  # a forked process must not share its parent's connections
        except aws.BotoCoreError as e:
            raise StorageError(f"S3 cannot be used: {_explained_botocore(e)}") from None
        except ValueError:  # botocore: Invalid endpoint
            raise StorageError(
                "S3 cannot be used: AWS_ENDPOINT_URL or AWS_ENDPOINT_URL_S3 is no URL. Give https://host, or unset it."
            ) from None


@functools.lru_cache(maxsize=4)
def _client(_process: int, _settings: int) -> Any:
    core = botocore.session.get_session()
    profile = core.get_scoped_config()
    retries: dict[str, Any] = {}
    if "AWS_RETRY_MODE" not in os.environ and "retry_mode" not in profile:
        retries["mode"] = "standard"
    if "AWS_MAX_ATTEMPTS" not in os.environ and "max_attempts" not in profile:
        retries["total_max_attempts"] = _TRIES
    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        max_pool_connections=_CONNECTIONS,
        tcp_keepalive=True,
        retries=retries,
        user_agent_appid="retail-assets",
    )
    return boto3.Session(botocore_session=core).client("s3", config=config)


class S3Objects(RemoteObjects):
    """The objects below `s3://bucket/prefix`. Every method raises what botocore raises; `explain` puts it in words."""

    def __init__(self, uri: str) -> None:
        self._bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        self._root = f"{prefix}/" if prefix else ""

    def list(self, prefix: str) -> Iterator[Entry]:
        below = self._root + (f"{prefix}/" if prefix else "")
        for page in self._pages(Prefix=below):
            for found in page.get("Contents", ()):
                if not found["Key"].endswith("/"):  # a folder made in the console
                    key = found["Key"][len(self._root) :]
                    yield Entry(key, found["Size"], found["LastModified"].timestamp(), found["ETag"])

    def folders(self, prefix: str) -> Iterator[str]:
        below = self._root + (f"{prefix}/" if prefix else "")
        for page in self._pages(Prefix=below, Delimiter="/"):
            for found in page.get("CommonPrefixes", ()):
                yield found["Prefix"][len(below) :].rstrip("/")

    def _pages(self, **how: str) -> Iterable[dict[str, Any]]:
        pages: Iterable[dict[str, Any]] = client().get_paginator("list_objects_v2").paginate(Bucket=self._bucket, **how)
        return pages

    def exists(self, key: str) -> bool:
        # Not HEAD: its refusals have no text, so that a missing bucket would look like a missing object.
        try:
            self.get(key, Range="bytes=0-0")["Body"].close()
        except aws.ClientError as e:
            if _code(e) == "InvalidRange":  # it is empty
                return True
            if _code(e) == "NoSuchKey":
                return False
            raise
        return True

    def open(self, key: str) -> IO[bytes]:
        return cast(IO[bytes], io.BufferedReader(Reading(self, key), 64 << 10))

    def read_tagged(self, key: str) -> tuple[bytes, str] | None:
        try:
            return _with_retries(lambda: self._whole(key))
        except aws.ClientError as e:
            if _code(e) == "NoSuchKey":
                return None
            raise

    def _whole(self, key: str) -> tuple[bytes, str]:
        answer = self.get(key)
        return answer["Body"].read(), answer["ETag"]

    def get(self, key: str, **how: str) -> dict[str, Any]:
        """S3's answer to GetObject."""
        answer: dict[str, Any] = client().get_object(Bucket=self._bucket, Key=self._root + key, **how)
        return answer

    def put(self, key: str, data: bytes) -> None:
        client().put_object(Bucket=self._bucket, Key=self._root + key, Body=data)

    def upload(self, key: str, path: str) -> None:
        """In parts where it is big. They become an object at the end, or are given up, at once."""
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
            if _code(e) in ("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"):
                return False
            raise
        return True

    def delete(self, keys: builtins.list[str]) -> None:
        for begin in range(0, len(keys), _DELETED_AT_ONCE):
            batch = [{"Key": self._root + key} for key in keys[begin : begin + _DELETED_AT_ONCE]]
            answer = client().delete_objects(Bucket=self._bucket, Delete={"Objects": batch, "Quiet": True})
            if failed := answer.get("Errors"):
                raise aws.ClientError({"Error": {"Code": failed[0]["Code"], "Message": ""}}, "DeleteObjects")

    def filesystem(self) -> Any:
        from retail_assets.storage.s3_files import S3Files

        return S3Files(self, f"s3://{self._bucket}/{self._root}")

    def explain(self, error: Exception) -> StorageError | None:
        if isinstance(error, aws.ClientError):
            return _refused(error, self._bucket)
        if isinstance(error, aws.BotoCoreError):
            kind = StorageBusyError if isinstance(error, _PASSING) else StorageError
            return kind(_explained_botocore(error))
        return None


class Reading(io.RawIOBase):
    """One object, read by ranges of one and the same version of it. The first range is fetched at once.

    `size` in bytes; `modified` as seconds since 1970, or None where it is empty.
    """

    def __init__(self, objects: S3Objects, key: str) -> None:
        super().__init__()
        self._objects, self._key = objects, key
        self._position = 0
        self._block, self._begin = b"", 0
        self._ahead = _FIRST_READ
        self.size, self._tag = 0, ""
        self.modified: float | None = None
        try:
            answer, self._block = self._fetch(0, _FIRST_READ)
        except aws.ClientError as e:
            if _code(e) != "InvalidRange":  # it is empty
                raise
        else:
            self._tag = answer["ETag"]
            self.modified = answer["LastModified"].timestamp()
            self.size = int(str(answer.get("ContentRange", f"/{answer['ContentLength']}")).rpartition("/")[2])

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        if base + offset < 0:
            raise ValueError("seek before the beginning")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        if self._position >= self.size or not view:
            return 0
        end = self._begin + len(self._block)
        if not self._begin <= self._position < end:
            goes_on = self._position == end
            self._ahead = min(2 * self._ahead, _LONGEST_READ) if goes_on else _RANDOM_READ
            wanted = min(max(len(view), self._ahead), _LONGEST_READ)
            self._block = b""  # given back before as much is asked for again
            with self._objects.explaining(f"read {self._key}"):
                _, self._block = self._fetch(self._position, wanted)
            self._begin = self._position
        at = self._position - self._begin
        count = min(len(view), len(self._block) - at)
        view[:count] = memoryview(self._block)[at : at + count]
        self._position += count
        return count

    def _fetch(self, begin: int, count: int) -> tuple[dict[str, Any], bytes]:
        how = {"Range": f"bytes={begin}-{begin + count - 1}"}
        if self._tag:
            how["IfMatch"] = self._tag

        def fetch() -> tuple[dict[str, Any], bytes]:
            answer = self._objects.get(self._key, **how)
            return answer, answer["Body"].read()

        return _with_retries(fetch)


def _with_retries(fetch: Any) -> Any:
    """botocore retries a request until its answer begins; when the connection breaks after that, it is for us to."""
    for tried in range(1, _READ_TRIES + 1):
        try:
            return fetch()
        except (aws.ResponseStreamingError, aws.ReadTimeoutError, aws.IncompleteReadError):
            if tried == _READ_TRIES:
                raise
            time.sleep(random.uniform(0, 0.2 * 2**tried))  # noqa: S311 - jitter is no secret
    raise AssertionError("unreachable")


_ACTIONS = {
    "GetObject": "s3:GetObject",
    "PutObject": "s3:PutObject",
    "ListObjectsV2": "s3:ListBucket",
    "DeleteObjects": "s3:DeleteObject",
    "CreateMultipartUpload": "s3:PutObject",
    "UploadPart": "s3:PutObject",
    "CompleteMultipartUpload": "s3:PutObject",
}
_THROTTLED = {
    "SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "RequestLimitExceeded", "Throttling",
    "ThrottlingException", "RequestThrottled", "500", "502", "503", "504",
}  # fmt: skip
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
_NOT_ACCEPTED = {
    "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "InvalidClientTokenId", "AuthFailure",
    "InvalidSecurity", "UnrecognizedClientException",
}  # fmt: skip
_ELSEWHERE = {"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "301", "307"}

#: Without an answer: the next try may have one.
_PASSING = (aws.HTTPClientError, aws.ConnectionError, aws.IncompleteReadError)
_NO_CREDENTIALS = (
    aws.NoCredentialsError, aws.PartialCredentialsError, aws.CredentialRetrievalError, aws.TokenRetrievalError,
    aws.SSOError,
)  # fmt: skip

_WHO = "`aws sts get-caller-identity` says who you are; docs/aws.md lists the permissions."


def _code(error: aws.ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _refused(error: aws.ClientError, bucket: str) -> StorageError:
    """What S3's code means and what to do. Its own text is left out: it names roles and keys."""
    code = _code(error)
    told = error.response.get("Error", {})
    operation = error.operation_name
    about = error.response.get("ResponseMetadata", {})
    if code == "NoSuchKey":
        return StorageError("it is not there. Check the path and the settings.")
    if code == "NoSuchBucket":
        return StorageError(
            f"there is no bucket {bucket!r}. Check its name and the region (AWS_REGION), or create it (docs/aws.md)."
        )
    if code in ("AccessDenied", "403", "Forbidden", "AllAccessDisabled", "AccountProblem"):
        key = (
            " or the use of its encryption key (kms:Decrypt, kms:GenerateDataKey)" if "kms" in str(told).lower() else ""
        )
        action = _ACTIONS.get(operation, f"s3:{operation}")
        return StorageError(f"permission denied: whoever runs this lacks {action}{key} there. {_WHO}")
    if code in _EXPIRED:
        return StorageError(
            "the AWS session has expired. Log in again (`aws sso login`), or renew AWS_SESSION_TOKEN and its keys."
        )
    if code in _NOT_ACCEPTED:
        return StorageError(f"the AWS credentials are not accepted ({code}). Check AWS_PROFILE and the keys. {_WHO}")
    if code == "RequestTimeTooSkewed":
        return StorageError("the clock of this machine is wrong, so AWS refuses its signature. Set the clock.")
    if code in _ELSEWHERE:
        region = told.get("Region") or about.get("HTTPHeaders", {}).get("x-amz-bucket-region")
        mend = f"Set AWS_REGION={region}." if region else "Set AWS_REGION to the bucket's region."
        return StorageError(f"the bucket {bucket!r} is in another region. {mend}")
    if code == "PreconditionFailed":
        return StorageBusyError("it was replaced while it was read. Run the same again.")
    if code in _THROTTLED:
        tries = int(about.get("RetryAttempts", 0)) + 1
        return StorageBusyError(
            f"S3 is overloaded or asks to slow down ({code}), after {tries} tries as well. Run the same again later."
        )
    if code == "InvalidBucketName":
        return StorageError(f"{bucket!r} is no name that a bucket can have. Check the setting.")
    status = about.get("HTTPStatusCode", "?")
    return StorageError(
        f"S3 refused {operation} with {code or 'no code'} (HTTP {status}, request {about.get('RequestId', '?')}). "
        "Check the bucket's policy and settings."
    )


def _explained_botocore(error: aws.BotoCoreError) -> str:
    """What went wrong before S3 could answer, without the addresses that botocore puts into its texts."""
    if isinstance(error, aws.ProfileNotFound):
        return (
            "the profile that AWS_PROFILE names is not configured. `aws configure list-profiles` shows those that are."
        )
    if isinstance(error, aws.ConfigParseError):
        return "the AWS configuration file cannot be read. Check ~/.aws/config and ~/.aws/credentials."
    if isinstance(error, _NO_CREDENTIALS):
        return (
            "there are no usable AWS credentials here. Set AWS_PROFILE (and log in: `aws sso login`), or "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where a role is attached. On a Spark cluster its "
            "machines need them too."
        )
    if isinstance(error, aws.SSLError):
        return "the TLS certificate of the S3 endpoint is not trusted. Set AWS_CA_BUNDLE to your authority's file."
    if isinstance(error, aws.ProxyConnectionError):
        return "the proxy does not answer. Check HTTPS_PROXY and NO_PROXY."
    if isinstance(error, _PASSING):
        return (
            f"the S3 endpoint does not answer ({type(error).__name__}). Check the network, AWS_REGION, and "
            "AWS_ENDPOINT_URL if it is set; then run the same again."
        )
    if isinstance(error, aws.ParamValidationError):
        return "the name of the bucket or the key is not one that S3 can have. Check the settings."
    return f"{type(error).__name__}. Check the AWS settings of the environment and ~/.aws/config."
