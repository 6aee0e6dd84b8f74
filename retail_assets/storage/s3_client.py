"""The boto3 client that every S3 request goes through: time limits, retries, and one client per process.

The address of S3 and the credentials are botocore's business: AWS_PROFILE, AWS_ACCESS_KEY_ID…, AWS_REGION,
AWS_ENDPOINT_URL_S3, a role.
"""

from __future__ import annotations

import functools
import os
import threading
from typing import Any

import boto3
import botocore.session
from botocore import exceptions as aws
from botocore.config import Config

from retail_assets.errors import StorageError
from retail_assets.storage.s3_errors import unanswered

#: Attempts by botocore, with back-off and jitter, for 500, 502, 503 (SlowDown), 504, resets and time-outs.
_ATTEMPTS = 6
_CONNECT_SECONDS = 10
_READ_SECONDS = 60
_CONNECTIONS = 32

_client_lock = threading.Lock()


def client() -> Any:
    """Return the boto3 S3 client of this process for its current AWS settings; safe to share between threads.

    Raises StorageError if the profile is unknown or incomplete.
    """
    settings = tuple(sorted((k, v) for k, v in os.environ.items() if k.startswith("AWS_")))
    with _client_lock:
        try:
            return _client(os.getpid(), hash(settings))  # a forked process must not share its parent's connections
        except aws.BotoCoreError as e:
            raise StorageError(f"S3 cannot be used: {unanswered(e)}") from None
        except ValueError:  # botocore: Invalid endpoint
            raise StorageError(
                "S3 cannot be used: AWS_ENDPOINT_URL or AWS_ENDPOINT_URL_S3 is not a URL. Set it to https://host, or "
                "unset it."
            ) from None


@functools.lru_cache(maxsize=4)
def _client(_process: int, _settings: int) -> Any:
    core = botocore.session.get_session()
    profile = core.get_scoped_config()
    retries: dict[str, Any] = {}
    if "AWS_RETRY_MODE" not in os.environ and "retry_mode" not in profile:
        retries["mode"] = "standard"
    if "AWS_MAX_ATTEMPTS" not in os.environ and "max_attempts" not in profile:
        retries["total_max_attempts"] = _ATTEMPTS
    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        max_pool_connections=_CONNECTIONS,
        tcp_keepalive=True,
        retries=retries,
        user_agent_appid="retail-assets",
    )
    return boto3.Session(botocore_session=core).client("s3", config=config)
