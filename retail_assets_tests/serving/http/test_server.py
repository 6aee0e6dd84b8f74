"""The real server on a port of this machine: answers, refusals, limits, logs, counts, swaps and the end."""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from retail_assets.serving import Predictor
from retail_assets.serving.requests import MOST_BODY_BYTES, Api
from retail_assets_tests.serving.http.running import Running, running
from retail_assets_tests.serving.shop import Shop, shop_at

PURCHASE = {"customer_id": "N1", "date": "2023-12-01", "amount": "12.50"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    shop = shop_at(tmp_path_factory.mktemp("shop"))
    shop.publish()
    return shop


@pytest.fixture(scope="module")
def server(shop: Shop) -> Iterator[Running]:
    with running(shop.folder, shop.uri, "--rate", "0") as server:
        yield server


def raw(server: Running, data: bytes, seconds: float = 10) -> bytes:
    """What the server answers to bytes, up to the end of the connection."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=seconds) as connection:
        connection.sendall(data)
        found = b""
        try:
            while chunk := connection.recv(65536):
                found += chunk
        except (TimeoutError, ConnectionResetError):
            pass
    return found


def test_answers_are_byte_equal_to_those_of_the_shared_requests(server: Running, shop: Shop) -> None:
    with Predictor.from_uri(shop.uri) as predictor:
        api = Api(predictor)
        for path, query in (
            ("/v1/forecasts/TOTAL", ""),
            ("/v1/forecasts/books", "days=3&coverage=0.95"),
            ("/v1/forecasts/nothing", ""),
            ("/v1/categories", "limit=2"),
            ("/v1/segments", "limit=7"),
            ("/v1/segments/Once", ""),
            ("/v1/segments/nobody", ""),
            ("/v1/personas", ""),
            ("/v1/stock", ""),
            ("/v1/quality", ""),
            ("/v1/provenance", ""),
            ("/v1/other", ""),
        ):
            expected = api.respond("GET", path, query)
            got = httpx.get(f"{server.url}{path}?{query}" if query else server.url + path)
            assert (got.status_code, got.content) == (expected.status, expected.body), path
            for name, value in expected.headers:
                assert got.headers[name] == value
        body = json.dumps({"purchases": [PURCHASE]}).encode()
        sent = {"content-type": "application/json"}
        expected = api.respond("POST", "/v1/score", headers=sent, body=body)
        got = httpx.post(f"{server.url}/v1/score", content=body, headers=sent)
        assert (got.status_code, got.content) == (200, expected.body)


def test_every_response_is_marked_as_nothing_to_run_or_guess(server: Running) -> None:
    for path in ("/v1/stock", "/v1/other", "/healthz", "/metrics", "/openapi.json"):
        headers = httpx.get(server.url + path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert re.fullmatch("[0-9a-f]{16}", headers["x-request-id"])
        assert "server" not in headers
        assert "access-control-allow-origin" not in headers


def test_head_and_not_modified_have_no_body(server: Running) -> None:
    get, head = httpx.get(f"{server.url}/v1/stock"), httpx.head(f"{server.url}/v1/stock")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(get.content))
    same = httpx.get(f"{server.url}/v1/stock", headers={"if-none-match": get.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")


def test_a_body_of_10_mb_is_refused_before_it_is_sent(server: Running) -> None:
    head = b"POST /v1/score HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    head += b"Content-Length: 10000000\r\n\r\n"
    answer = raw(server, head + b"{")
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"application/problem+json" in answer
    assert httpx.post(f"{server.url}/v1/score", content=b" " * 10_000_000).status_code == 413


def test_a_body_without_a_length_is_read_up_to_the_limit(server: Running) -> None:
    sent = 0

    def chunks() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 65536
            yield b" " * 65536

    with httpx.Client() as client:
        try:
            status = client.post(
                f"{server.url}/v1/score", content=chunks(), headers={"content-type": "application/json"}
            ).status_code
        except httpx.TransportError:  # the connection ended while the client was still sending
            status = 413
    assert status == 413
    assert sent < 20 * MOST_BODY_BYTES


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET /v1/../../../etc/passwd HTTP/1.1",
        b"GET /v1/forecasts/..%2f..%2f..%2fetc%2fpasswd HTTP/1.1",
        b"GET /v1/forecasts/%00 HTTP/1.1",
        b"GET /v1/forecasts/%ff HTTP/1.1",
        b"GET /v1/forecasts/%25%30%30 HTTP/1.1",
        b"GET //v1/stock HTTP/1.1",
        b"GET /v1/stock/ HTTP/1.1",
        b"GET /v1/stock;x=1 HTTP/1.1",
        b"GET http://evil.example/v1/forecasts/x HTTP/1.1",
        b"GET /v1/forecasts/" + b"x" * 60_000 + b" HTTP/1.1",
        b"BREW /v1/stock HTTP/1.1",
        b"get /v1/stock HTTP/1.1",
        b"GET /v1/stock HTTP/9.9",
        b"\x16\x03\x01\x02\x00",
    ],
)
def test_tricks_in_the_request_line_are_a_4xx_and_name_no_file(
    server: Running, shop: Shop, request_line: bytes
) -> None:
    answer = raw(server, request_line + b"\r\nHost: localhost\r\nConnection: close\r\n\r\n", seconds=3)
    assert re.match(rb"HTTP/1.1 4\d\d ", answer) or answer == b""
    assert b"root:" not in answer
    assert str(shop.folder).encode() not in answer
    assert b"Traceback" not in answer
    assert httpx.get(f"{server.url}/healthz").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 5\r\nContent-Length: 6",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked",
        b"Content-Length: -1",
        b"Content-Length: 99999999999999999999",
        b"Transfer-Encoding: gzip, chunked",
        b"Bad Header: x",
        b"X: " + b"y" * 1_000_000,
        b"If-None-Match: " + b'"a",' * 2000,
        b"Content-Type: \xff\xfe",
    ],
)
def test_tricks_in_headers_are_no_5xx(server: Running, headers: bytes) -> None:
    answer = raw(
        server,
        b"POST /v1/score HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + headers + b"\r\n\r\n",
        seconds=2,
    )
    assert not re.match(rb"HTTP/1.1 (5|2)", answer)
    assert b"Traceback" not in answer
    assert httpx.get(f"{server.url}/healthz").status_code == 200


def test_other_host_names_are_refused_so_that_no_web_site_reads_along(server: Running) -> None:
    for host in ("evil.example", "evil.example:80", "localhost.evil.example", ""):
        answer = httpx.get(f"{server.url}/v1/stock", headers={"host": host})
        assert answer.status_code in (400, 421)
    for host in ("localhost", f"127.0.0.1:{server.port}", "LOCALHOST:1", "[::1]:80"):
        assert httpx.get(f"{server.url}/v1/stock", headers={"host": host}).status_code == 200


def test_health_readiness_and_counts(server: Running, shop: Shop) -> None:
    assert httpx.get(f"{server.url}/healthz").json() == {"alive": True}
    ready = httpx.get(f"{server.url}/readyz").json()
    assert (ready["ready"], ready["newest_in_use"]) == (True, True)
    httpx.get(f"{server.url}/v1/segments/Once")
    text = httpx.get(f"{server.url}/metrics")
    assert text.headers["content-type"].startswith("text/plain; version=0.0.4")
    counted = re.search(
        r'^retail_serving_requests_total\{method="GET",route="/v1/segments/\{customer_id\}",status="200"\} (\d+)$',
        text.text,
        re.MULTILINE,
    )
    assert counted
    assert int(counted[1]) >= 1
    assert "Once" not in text.text
    for line in text.text.splitlines():
        assert re.fullmatch(r"# (HELP|TYPE) .+|\w+(\{.*\})? [0-9.e+-]+", line), line


def test_the_log_is_json_without_customers_paths_or_addresses(server: Running) -> None:
    httpx.get(f"{server.url}/v1/segments/Secret-Customer-1?x=Secret-Query")
    body = {"purchases": [{**PURCHASE, "customer_id": "Secret-Customer-2"}]}
    httpx.post(f"{server.url}/v1/score", json=body)
    time.sleep(0.2)
    text = server.log_file.read_text()
    assert "Secret" not in text
    last = [line for line in server.log() if line["event"] == "request"][-1]
    assert (last["method"], last["route"], last["status"]) == ("POST", "/v1/score", 200)
    assert {*last} == {"time", "level", "event", "request", "method", "route", "status", "ms", "bytes"}


def test_keys_are_asked_for_and_change_without_a_restart(shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "keys"

    def keys(*arguments: str) -> str:
        command = [sys.executable, "-m", "retail_assets.cli", "keys", *arguments, "--file", str(file)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    first = keys("add", "frontend")
    assert first not in file.read_text()
    assert file.stat().st_mode & 0o077 == 0
    with running(tmp_path, shop.uri, "--keys", str(file), "--host", "127.0.0.1", "--rate", "20") as server:
        url = f"{server.url}/v1/stock"
        refused = httpx.get(url)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Bearer")
        assert refused.json()["code"] == "unauthorized"
        for headers in (
            {"authorization": f"Bearer {first}"},
            {"x-api-key": first},
            {"authorization": httpx.BasicAuth("any", first)._auth_header},
        ):
            assert httpx.get(url, headers=headers).status_code == 200
        for wrong in ("", "x" * 10_000, first[:-1], first + "x"):
            assert httpx.get(url, headers={"x-api-key": wrong}).status_code == 401
        assert httpx.get(url, headers={"authorization": "Basic !!!"}).status_code == 401
        assert httpx.get(f"{server.url}/metrics").status_code == 401
        assert httpx.get(f"{server.url}/readyz").status_code == 200
        second = keys("add", "frontend")
        keys("add", "other")
        _until(lambda: httpx.get(url, headers={"x-api-key": second}).status_code == 200)
        assert httpx.get(url, headers={"x-api-key": first}).status_code == 200
        keys("remove", "frontend")
        _until(lambda: httpx.get(url, headers={"x-api-key": first}).status_code == 401)
        file.unlink()
        _until(lambda: httpx.get(url, headers={"x-api-key": second}).status_code == 401)
        named = [line.get("key") for line in server.log() if line["event"] == "request" and line["status"] == 200]
        assert "frontend" in named
        assert first not in server.log_file.read_text()


def test_too_many_requests_are_told_when_to_come_again(shop: Shop, tmp_path: Path) -> None:
    with running(tmp_path, shop.uri, "--rate", "5") as server, httpx.Client() as client:
        answers = [client.get(f"{server.url}/v1/stock") for _ in range(40)]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert refused
        assert answers[0].status_code == 200
        assert refused[0].json()["code"] == "too-many-requests"
        assert int(refused[0].headers["retry-after"]) >= 1
        assert client.get(f"{server.url}/healthz").status_code == 200


def test_another_web_site_may_ask_only_where_it_is_allowed(shop: Shop, tmp_path: Path) -> None:
    site = "https://shop.example"
    preflight = {"origin": site, "access-control-request-method": "POST"}
    with running(tmp_path, shop.uri, "--allow-origin", site) as server:
        allowed = httpx.get(f"{server.url}/v1/stock", headers={"origin": site})
        assert allowed.headers["access-control-allow-origin"] == site
        assert httpx.options(f"{server.url}/v1/score", headers=preflight).status_code == 204
        other = httpx.get(f"{server.url}/v1/stock", headers={"origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers
        other = httpx.options(f"{server.url}/v1/score", headers={**preflight, "origin": "https://evil.example"})
        assert other.status_code == 405


def test_two_workers_share_the_port_and_add_up_their_counts(shop: Shop, tmp_path: Path) -> None:
    with running(tmp_path, shop.uri, "--workers", "2", "--rate", "0") as server:
        number = 60
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            statuses = list(pool.map(lambda _: httpx.get(f"{server.url}/v1/provenance").status_code, range(number)))
        assert statuses == [200] * number
        pattern = r'route="/v1/provenance",status="200"\} (\d+)'

        def counted() -> int:
            found = re.search(pattern, httpx.get(f"{server.url}/metrics").text)
            return int(found[1]) if found else 0

        _until(lambda: counted() == number)
        assert server.stop() == 0


def test_workers_end_with_the_process_that_started_them(shop: Shop, tmp_path: Path) -> None:
    with running(tmp_path, shop.uri, "--workers", "2") as server:
        server.process.kill()
        server.process.wait()

        def is_free() -> bool:
            with contextlib.closing(socket.socket()) as probe:
                return probe.connect_ex(("127.0.0.1", server.port)) != 0

        _until(is_free, 20)


def test_bundles_are_swapped_under_load_without_losing_a_request(tmp_path: Path) -> None:
    shop = shop_at(tmp_path / "shop")
    versions = []
    pointer = Path(shop.serving.local_path("retail_sales/current.json"))
    pointers = []
    for factor in (1.0, 2.0):
        shop.forecast_times(factor)
        versions.append(shop.publish().manifest.version)
        pointers.append(pointer.read_bytes())
    stop = threading.Event()
    seen: dict[str, set[float]] = {}
    bad: list[object] = []

    def ask(url: str) -> int:
        number = 0
        with httpx.Client() as client:
            while not stop.is_set():
                try:
                    answer = client.get(f"{url}/v1/forecasts/TOTAL")
                    content = answer.json()
                    version = content["provenance"]["bundle"]
                    seen.setdefault(version, set()).add(content["revenue"])
                    if version not in answer.headers["etag"]:
                        bad.append(answer.headers)
                except Exception as e:
                    bad.append(e)
                number += 1
        return number

    with running(tmp_path, shop.uri, "--rate", "0") as server, concurrent.futures.ThreadPoolExecutor(3) as pool:
        asking = [pool.submit(ask, server.url) for _ in range(3)]
        try:
            for swap in range(4):
                number = swap % 2
                part = pointer.with_suffix(".part")
                part.write_bytes(pointers[number])
                part.replace(pointer)
                published = time.monotonic()
                _until(lambda: httpx.get(f"{server.url}/readyz").json()["bundle"] == versions[number], 10)  # noqa: B023
                assert time.monotonic() - published < 5
        finally:
            stop.set()
        assert sum(each.result() for each in asking) > 50
    assert not bad, bad[:3]
    assert {version: len(revenues) for version, revenues in seen.items()} == dict.fromkeys(versions, 1)


def test_a_server_without_a_bundle_waits_for_one_and_names_no_folder(shop: Shop, tmp_path: Path) -> None:
    place = tmp_path / "serving" / "retail_sales"
    with running(tmp_path, str(place), ready=False) as server:
        for path, status in (("/readyz", 503), ("/v1/stock", 503)):
            answer = httpx.get(server.url + path)
            assert answer.status_code == status
            assert str(tmp_path) not in answer.text
        shutil.copytree(shop.serving.local_path("retail_sales/current.json").parent, place)
        _until(lambda: httpx.get(f"{server.url}/readyz").status_code == 200, 10)
        (place / "current.json").write_bytes(b"{")
        _until(lambda: not httpx.get(f"{server.url}/readyz").json()["newest_in_use"], 10)
        assert httpx.get(f"{server.url}/v1/stock").status_code == 200
        assert "retail_serving_bundle_problem 1" in httpx.get(f"{server.url}/metrics").text


def test_a_request_that_has_begun_is_answered_before_the_server_ends(shop: Shop, tmp_path: Path) -> None:
    body = json.dumps({"purchases": [PURCHASE]}).encode()
    head = (
        b"POST /v1/score HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
        + str(len(body)).encode()
    )
    with running(tmp_path, shop.uri) as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
            connection.sendall(head + b"\r\n\r\n" + body[:10])
            time.sleep(0.5)
            server.process.terminate()
            time.sleep(1.0)
            assert server.process.poll() is None
            connection.sendall(body[10:])
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        assert server.process.wait(20) == 0


def test_it_listens_elsewhere_only_with_a_key_or_when_told() -> None:
    command = [sys.executable, "-m", "retail_assets.cli", "serve", "--bundle", "nowhere", "--host", "0.0.0.0"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert "retail-assets keys add" in ended.stderr


def test_a_port_that_is_taken_is_said_in_a_sentence(server: Running, shop: Shop) -> None:
    command = [sys.executable, "-m", "retail_assets.cli", "serve", "--bundle", shop.uri, "--port", str(server.port)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert f"Cannot listen on 127.0.0.1:{server.port}" in ended.stderr


def _until(holds: object, seconds: float = 6) -> None:
    assert callable(holds)
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "not within the time"
        time.sleep(0.1)
