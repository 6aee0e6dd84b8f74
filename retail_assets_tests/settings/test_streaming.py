"""Where to stream from: complete or refused, and the password in no message."""

from __future__ import annotations

from pathlib import Path

import pytest

from retail_assets import settings
from retail_assets.errors import SettingsError

LEAST = {"RETAIL_STREAM_SERVERS": "a:9092, [::1]:9093", "RETAIL_STREAM_TOPICS": "sales, returns"}
LOGIN = {
    **LEAST,
    "RETAIL_STREAM_SECURITY": "SASL_SSL",
    "RETAIL_STREAM_SASL": "SCRAM-SHA-512",
    "RETAIL_STREAM_USER": "retail",
    "RETAIL_STREAM_PASSWORD": " s3cr3t ",
}


def test_nothing_is_streamed_unless_somebody_says_from_where() -> None:
    assert settings.load({}).stream is None


def test_the_least_is_servers_and_topics() -> None:
    stream = settings.load(LEAST).stream
    assert stream is not None
    assert (stream.servers, stream.topics) == ("a:9092,[::1]:9093", ("sales", "returns"))
    assert (stream.seconds, stream.records, stream.megabytes, stream.security) == (3.0, 50_000, 256, "PLAINTEXT")


def test_a_login_is_complete_and_its_password_is_shown_nowhere() -> None:
    stream = settings.load(LOGIN).stream
    assert stream is not None
    assert (stream.user, stream.password) == ("retail", " s3cr3t ")
    assert "s3cr3t" not in repr(settings.load(LOGIN))


def test_files_of_certificates_are_there_and_belong_together(tmp_path: Path) -> None:
    file = tmp_path / "pem"
    file.write_text("-")
    tls = {**LEAST, "RETAIL_STREAM_SECURITY": "SSL", "RETAIL_STREAM_CA": str(file)}
    stream = settings.load(tls).stream
    assert stream is not None
    assert stream.ca == file
    with pytest.raises(SettingsError, match="belong together"):
        settings.load({**tls, "RETAIL_STREAM_KEY": str(file)})
    with pytest.raises(SettingsError, match=r"RETAIL_STREAM_CA=.*a file that exists"):
        settings.load({**tls, "RETAIL_STREAM_CA": str(tmp_path / "nowhere")})
    with pytest.raises(SettingsError, match="does not encrypt"):
        settings.load({**LEAST, "RETAIL_STREAM_CA": str(file)})


@pytest.mark.parametrize("missing", ["RETAIL_STREAM_SERVERS", "RETAIL_STREAM_TOPICS"])
def test_half_a_setting_names_the_other_half(missing: str) -> None:
    with pytest.raises(SettingsError, match=f"{missing} is not"):
        settings.load({k: v for k, v in LEAST.items() if k != missing})


@pytest.mark.parametrize("missing", ["RETAIL_STREAM_SASL", "RETAIL_STREAM_USER", "RETAIL_STREAM_PASSWORD"])
def test_a_login_that_lacks_a_part_is_refused(missing: str) -> None:
    with pytest.raises(SettingsError, match=f"needs {missing}") as refused:
        settings.load({k: v for k, v in LOGIN.items() if k != missing})
    assert "s3cr3t" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RETAIL_STREAM_SERVERS", "broker"),
        ("RETAIL_STREAM_SERVERS", "broker:0"),
        ("RETAIL_STREAM_SERVERS", "broker:70000"),
        ("RETAIL_STREAM_SERVERS", "kafka://user:s3cr3t@broker:9092"),
        ("RETAIL_STREAM_TOPICS", "a b"),
        ("RETAIL_STREAM_TOPICS", "a,,b"),
        ("RETAIL_STREAM_TOPICS", ".."),
        ("RETAIL_STREAM_TOPICS", "a,a"),
        ("RETAIL_STREAM_GROUP", "a b"),
        ("RETAIL_STREAM_SECONDS", "0"),
        ("RETAIL_STREAM_SECONDS", "soon"),
        ("RETAIL_STREAM_RECORDS", "0"),
        ("RETAIL_STREAM_RECORDS", "1e6"),
        ("RETAIL_STREAM_MEMORY", "100m"),
        ("RETAIL_STREAM_MEMORY", "256"),
        ("RETAIL_STREAM_SECURITY", "ssl"),
        ("RETAIL_STREAM_USER", "somebody"),  # without a login it would not be used
    ],
)
def test_what_cannot_be_used_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name) as refused:
        settings.load({**LEAST, name: value})
    assert "s3cr3t" not in str(refused.value)


def test_a_mechanism_that_librdkafka_would_refuse_is_refused_here() -> None:
    with pytest.raises(SettingsError, match="RETAIL_STREAM_SASL='GSSAPI'"):
        settings.load({**LOGIN, "RETAIL_STREAM_SASL": "GSSAPI"})


AVRO = {
    **LEAST,
    "RETAIL_STREAM_FORMAT": "avro",
    "RETAIL_STREAM_REGISTRY": "https://registry:8081/",
    "RETAIL_STREAM_REGISTRY_USER": "key",
    "RETAIL_STREAM_REGISTRY_PASSWORD": " s3cr3t ",
}


def test_records_are_json_unless_a_registry_has_their_schemas() -> None:
    stream = settings.load(LEAST).stream
    assert stream is not None
    assert stream.registry is None
    stream = settings.load(AVRO).stream
    assert stream is not None
    assert stream.registry is not None
    assert (stream.registry.url, stream.registry.user, stream.registry.password) == (
        "https://registry:8081",
        "key",
        " s3cr3t ",
    )
    assert "s3cr3t" not in repr(settings.load(AVRO))


def test_the_password_of_a_registry_goes_by_https_or_stays_on_this_machine() -> None:
    login = {k: v for k, v in AVRO.items() if k != "RETAIL_STREAM_REGISTRY"}
    with pytest.raises(SettingsError, match="https://host, because RETAIL_STREAM_REGISTRY_PASSWORD") as refused:
        settings.load({**login, "RETAIL_STREAM_REGISTRY": "http://registry:8081"})
    assert "s3cr3t" not in str(refused.value)
    assert settings.load({**login, "RETAIL_STREAM_REGISTRY": "http://localhost:8081"}).stream
    free = {k: v for k, v in AVRO.items() if not k.endswith(("_USER", "_PASSWORD"))}
    assert settings.load({**free, "RETAIL_STREAM_REGISTRY": "http://registry:8081"}).stream


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"RETAIL_STREAM_FORMAT": "Avro"}, "Did you mean 'avro'"),
        ({"RETAIL_STREAM_FORMAT": "protobuf"}, "Allowed: json or avro"),
        ({"RETAIL_STREAM_FORMAT": ""}, "RETAIL_STREAM_REGISTRY is set, but RETAIL_STREAM_FORMAT is json"),
        ({"RETAIL_STREAM_REGISTRY": ""}, "needs RETAIL_STREAM_REGISTRY, such as"),
        ({"RETAIL_STREAM_REGISTRY": "registry:8081"}, "RETAIL_STREAM_REGISTRY='registry:8081' is not usable"),
        ({"RETAIL_STREAM_REGISTRY": "https://registry:99999"}, "is not usable"),
        ({"RETAIL_STREAM_REGISTRY": "https://a:1,https://b:1"}, "is not usable"),
        ({"RETAIL_STREAM_REGISTRY": "https://key:s3cr3t@registry"}, "must not contain credentials"),
        ({"RETAIL_STREAM_REGISTRY_USER": ""}, "belong together"),
        ({"RETAIL_STREAM_REGISTRY_PASSWORD": ""}, "belong together"),
        ({"RETAIL_STREAM_REGISTRY_CA": "/nowhere.pem"}, "the path of a file that exists"),
        ({"RETAIL_STREAM_REGISTRY": "http://localhost:1", "RETAIL_STREAM_REGISTRY_CA": "/a"}, "does not begin with"),
        ({"RETAIL_STREAM_REGISTRI": "x"}, "is not a setting. Did you mean 'RETAIL_STREAM_REGISTRY'"),
    ],
)
def test_half_a_registry_and_one_that_would_not_be_used_are_refused(changes: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message) as refused:
        settings.load({**AVRO, **changes})
    assert "s3cr3t" not in str(refused.value)
