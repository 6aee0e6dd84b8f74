"""AWS for tests: one moto server per session, one bucket per test, and no AWS settings from outside."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from typing import Any

import pytest

from retail_assets_tests.services.s3 import Door, moto

#: Planted: a test greps for them in everything that a run writes.
ACCESS_KEY = "AKIAPLANTEDKEY000001"
SECRET_KEY = "planted/secret/do+not+log/0123456789abcd"
SESSION_TOKEN = "plantedSessionTokenFwoGZXIvYXdzEBYaD"
REGION = "eu-central-1"

_buckets = itertools.count(1)


def aws_environment(endpoint: str) -> dict[str, str]:
    """What a process needs to find moto, and nothing of the machine's own AWS settings."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_SESSION_TOKEN": SESSION_TOKEN,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a moto server that lives as long as the session."""
    pytest.importorskip("boto3", reason="S3 needs the extra `aws`: pip install 'retail-assets[aws]'")
    pytest.importorskip("moto", reason="the tests of AWS need moto: pip install 'retail-assets[test]'")
    with moto(tmp_path_factory.mktemp("moto")) as url:
        yield url


@pytest.fixture
def aws(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """This process speaks to moto; returns its URL."""
    for name in [n for n in os.environ if n.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in aws_environment(endpoint).items():
        monkeypatch.setenv(name, value)
    return endpoint


@pytest.fixture
def s3(aws: str) -> Any:
    """A boto3 client of moto's."""
    from retail_assets.storage import s3_client

    return s3_client.client()


@pytest.fixture
def bucket(s3: Any) -> str:
    """A new, empty bucket."""
    name = f"retail-test-{next(_buckets)}"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    return name


@pytest.fixture
def door(aws: str, bucket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    """A proxy before moto, which this process then speaks through."""
    with Door(aws) as opened:
        monkeypatch.setenv("AWS_ENDPOINT_URL", opened.url)
        yield opened
