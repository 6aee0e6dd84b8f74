"""The parts of the server by themselves: keys, rates, counts, options, and the message where the extra is missing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from retail_assets.errors import SettingsError, StorageError
from retail_assets.serving.http import keys
from retail_assets.serving.http.metrics import Metrics
from retail_assets.serving.http.options import ServerOptions, is_loopback
from retail_assets.serving.http.rates import RateLimit
from retail_assets.serving.results import Health

NOTHING = Health(False, "nothing yet", (), None, None, 0.5, 0)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_client_may_send_its_rate_and_twice_as_much_after_a_pause() -> None:
    clock = Clock()
    limit = RateLimit(10, clock)
    assert [limit.seconds_to_wait("a") for _ in range(21)] == [0] * 20 + [1]
    assert limit.seconds_to_wait("b") == 0
    clock.now += 0.1
    assert limit.seconds_to_wait("a") == 0
    assert limit.seconds_to_wait("a") == 1
    clock.now += 100
    assert [limit.seconds_to_wait("a") for _ in range(21)] == [0] * 20 + [1]


def test_a_slow_rate_says_how_long_to_wait_and_none_lets_all_pass() -> None:
    limit = RateLimit(0.1, Clock())
    assert limit.seconds_to_wait("a") == 0
    assert limit.seconds_to_wait("a") == 10
    assert {RateLimit(0, Clock()).seconds_to_wait("a") for _ in range(1000)} == {0}


def test_clients_are_forgotten_beyond_a_number() -> None:
    limit = RateLimit(1, Clock())
    for number in range(10_500):
        limit.seconds_to_wait(str(number))
    assert len(limit._clients) == 10_000


def test_keys_are_kept_as_hashes_and_odd_lines_are_no_keys(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    key = keys.add_key(file, "shop")
    good = file.read_text()
    file.write_text(good + "shop\nother sha256:xyz\n\x00\xff\n: sha256:" + "0" * 64 + "\n")
    assert list(keys.read_keys(file).values()) == ["shop"]
    clock = Clock()
    known = keys.KeyFile(file, clock)
    assert known.name_of(key) == "shop"
    assert known.name_of(key.upper()) is None
    assert known.name_of(keys.hashed(key)) is None
    file.write_text("")
    clock.now += 2
    assert known.name_of(key) is None
    assert keys.remove_keys(file, "shop") == 0


@pytest.mark.parametrize("name", ["", "a b", "x" * 61, "a\n", "ü", "../x", "a:b"])
def test_a_name_for_a_key_is_letters_and_digits(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="is not a name for a key"):
        keys.add_key(tmp_path / "keys", name)


def test_a_key_file_that_cannot_be_read_or_written_lets_nobody_in(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        keys.add_key(tmp_path, "shop")
    assert keys.KeyFile(tmp_path).name_of("ra_x") is None


def test_counts_of_workers_add_up_also_of_those_that_have_ended(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path)
    metrics.count("GET", "/v1/stock", 200, 0.002)
    metrics.count("BREW", "/v1/stock", 405, 9.0)
    metrics.refuse("rate")
    metrics.save()
    [written] = tmp_path.glob("*.json")
    other = {**json.loads(written.read_text()), "worker": 1, "at": 0.0}
    (tmp_path / "1.json").write_text(json.dumps(other))
    (tmp_path / "2.json").write_text("{")
    text = metrics.text(NOTHING)
    assert 'retail_serving_requests_total{method="GET",route="/v1/stock",status="200"} 2' in text
    assert 'retail_serving_requests_total{method="OTHER",route="/v1/stock",status="405"} 2' in text
    assert 'retail_serving_request_seconds_bucket{route="/v1/stock",le="0.0025"} 2' in text
    assert 'retail_serving_request_seconds_bucket{route="/v1/stock",le="+Inf"} 4' in text
    assert 'retail_serving_refused_total{reason="rate"} 2' in text
    assert text.count("retail_serving_worker_memory_bytes{") == 1
    assert "retail_serving_ready 0" in text


def test_only_this_machine_is_served_without_a_key() -> None:
    for host in ("127.0.0.1", "localhost", "::1", "127.0.0.9"):
        assert is_loopback(host)
        ServerOptions("x", host=host).refuse_what_is_unsafe()
    for host in ("0.0.0.0", "::", "192.168.0.1", "example.com", "127.0.0.1.example.com", ""):
        with pytest.raises(SettingsError, match="keys add"):
            ServerOptions("x", host=host).refuse_what_is_unsafe()
        ServerOptions("x", host=host, keys="file").refuse_what_is_unsafe()
        ServerOptions("x", host=host, without_keys=True).refuse_what_is_unsafe()


@pytest.mark.parametrize("origin", ["*", "shop.example", "https://", "https://*.example", "https://a/b", "ftp://a"])
def test_an_origin_is_one_site(origin: str) -> None:
    with pytest.raises(SettingsError, match="allow-origin"):
        ServerOptions("x", allowed_origins=(origin,)).refuse_what_is_unsafe()


def test_without_the_extra_the_command_says_what_to_install() -> None:
    program = (
        "import sys; sys.modules['fastapi'] = None; from retail_assets.cli.app import main; sys.exit(main(['serve']))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert "pip install 'retail-assets[serve]'" in ended.stderr
    assert "Traceback" not in ended.stderr
