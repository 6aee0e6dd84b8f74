"""TLS and logins: the broker's certificate is verified, and what refuses says so without the password.

Tansu keeps users only in PostgreSQL, with tables that its wheel does not bring, so nobody can log in here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from retail_assets.errors import StreamError
from retail_assets_tests.services.brokers import broker, create_topic, produce
from retail_assets_tests.services.redshift.certificate import server_context
from retail_assets_tests.services.server import free_port
from retail_assets_tests.services.tls_door import tls_door
from retail_assets_tests.streaming.topics import environment, land, landed_ids, sales

#: An answer that does not come is waited for as long as this; refusals are seen between answers.
BROKER = "retail_assets.streaming.broker._ANSWER_SECONDS"
pytestmark = pytest.mark.services


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Settings for a topic of ten sales on a broker behind TLS."""
    context, authority = server_context(tmp_path)
    address = f"localhost:{free_port()}"
    port = int(address.partition(":")[2])
    with broker("tansu", tmp_path, advertised=address) as running, tls_door(context, port, running.port):
        tls = {"security.protocol": "SSL", "ssl.ca.location": str(authority)}
        create_topic(address, "sales", client=tls)
        produce(address, "sales", sales(range(10)), settings=tls)
        yield {
            **environment(tmp_path / "home", address, "sales"),
            "RETAIL_STREAM_SECURITY": "SSL",
            "RETAIL_STREAM_CA": str(authority),
        }


def test_records_land_over_tls(secured: dict[str, str]) -> None:
    assert land(secured).records == 10
    assert landed_ids(secured) == list(range(10))


def test_a_certificate_of_another_authority_is_refused(
    secured: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BROKER, 1.0)
    (tmp_path / "other").mkdir()
    _, other = server_context(tmp_path / "other")
    with pytest.raises(StreamError, match=r"refuses: _SSL.*RETAIL_STREAM_SECURITY"):
        land({**secured, "RETAIL_STREAM_CA": str(other)})


def test_a_login_that_the_broker_does_not_take_is_refused_without_the_password(
    secured: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BROKER, 1.0)
    login = {
        "RETAIL_STREAM_SECURITY": "SASL_SSL",
        "RETAIL_STREAM_SASL": "SCRAM-SHA-512",
        "RETAIL_STREAM_USER": "retail",
        "RETAIL_STREAM_PASSWORD": "pl4nted-s3cret",
    }
    said: list[str] = []
    with pytest.raises(StreamError) as refused:
        land({**secured, **login}, said=said)
    assert "pl4nted-s3cret" not in f"{refused.value} {said}"
    assert "RETAIL_STREAM_SECURITY" in str(refused.value)


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_a_user_whom_the_broker_does_not_know_is_refused_without_the_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mechanism: str
) -> None:
    monkeypatch.setattr(BROKER, 1.0)
    login = {
        "RETAIL_STREAM_SECURITY": "SASL_PLAINTEXT",
        "RETAIL_STREAM_SASL": mechanism,
        "RETAIL_STREAM_USER": "retail",
        "RETAIL_STREAM_PASSWORD": "pl4nted-s3cret",
    }
    said: list[str] = []
    with broker("tansu", tmp_path, logins=True) as running, pytest.raises(StreamError) as refused:
        land({**environment(tmp_path / "home", running.address, "sales"), **login}, said=said)
    assert "refuses: _AUTHENTICATION. Check RETAIL_STREAM_SECURITY, the login" in str(refused.value)
    assert "pl4nted-s3cret" not in f"{refused.value} {said}"
