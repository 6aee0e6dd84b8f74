"""Dagster's GraphQL: the queries, how answers are read, and what each error says to do."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gzip
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_bridge.client import DagsterClient
from airflow_bridge.partitions import check_partition, nearest
from airflow_bridge.problems import DagsterError, RefusedError, RunGoneError, UnreachableError
from retail_assets_tests.airflow_bridge.fake_dagster import (
    DAYS,
    URL,
    FakeAsset,
    FakeDagster,
    checked,
    log_line,
    materialized,
    python_error,
    run_failed,
    step_failed,
)
from retail_assets_tests.services.redshift.certificate import server_context

SECRET = "tok-3141592653589793"


@pytest.fixture
def client(dagster: FakeDagster) -> DagsterClient:
    return asked_by(dagster)


def asked_by(dagster: FakeDagster, **arguments: Any) -> DagsterClient:
    return DagsterClient(URL, transport=dagster.transport(), async_transport=dagster.transport(), **arguments)


# Assets


def test_an_asset_is_read_with_everything_that_a_selection_can_name() -> None:
    asset = FakeAsset(
        "marts/kpis", "eda", [DAYS], ["clean_sales"], ["duckdb"], {"domain": "retail"}, ["team:data", "a@shop.example"]
    )
    node = asked_by(FakeDagster([asset])).nodes()["marts/kpis"]
    assert (node.group, node.partitioned, node.location) == ("eda", True, ("shop", "__repository__"))
    assert node.upstream == {"clean_sales"}
    assert node.kinds == {"duckdb"}
    assert node.tags == {"domain": "retail"}
    assert node.owners == {"team:data", "a@shop.example"}


def test_a_source_that_dagster_cannot_make_is_no_asset() -> None:
    assert asked_by(FakeDagster([FakeAsset("raw_files", materializable=False)])).nodes() == {}


def test_the_partitions_of_an_asset_are_read_by_dimension() -> None:
    client = asked_by(FakeDagster([FakeAsset("a/b", days=[DAYS, ("north", "south")])]))
    assert client.partition_keys(["a/b"]) == {"a/b": [list(DAYS), ["north", "south"]]}


def test_an_unknown_asset_is_answered_with_the_nearest(client: DagsterClient) -> None:
    error = client.missing("asset", ["clean_sale"], ["clean_sales", "quarantine"])
    assert "no asset 'clean_sale'" in str(error)
    assert "Did you mean 'clean_sales'?" in str(error)


def test_where_nothing_is_near_everything_that_exists_is_listed(client: DagsterClient) -> None:
    error = client.missing("asset group", ["zzz"], ["ingest", "eda"])
    assert str(error).endswith("Available: eda, ingest.")


def test_assets_of_a_code_location_that_failed_to_load_are_not_called_unknown_without_its_error() -> None:
    dagster = FakeDagster(
        broken={
            "shop": [
                "DagsterUserCodeLoadError: Error occurred during the loading of Dagster definitions in a.py\n",
                "Traceback\n  File x\nModuleNotFoundError: No module named 'retail_assets'\n",
            ]
        }
    )
    client = asked_by(dagster)
    error = str(client.missing("asset", ["clean_sales"], client.nodes()))
    assert "code location 'shop' failed to load" in error
    assert "Fix it first" in error
    assert "No module named 'retail_assets'" in error, "what it says itself is that it did not load"


def test_a_workspace_that_cannot_be_read_hides_no_other_error(client: DagsterClient, dagster: FakeDagster) -> None:
    dagster.fail("workspaceOrError", httpx.Response(200, json={"data": {"workspaceOrError": python_error("no")}}))
    assert client.load_errors() == {}


# Launching


def test_a_launch_names_assets_tags_and_config(client: DagsterClient, dagster: FakeDagster) -> None:
    nodes = client.nodes()
    run_id = client.launch([nodes["sales"], nodes["marts/insights"]], {"who": "airflow"}, {"ops": {"a": {"n": 1}}})
    run = dagster.runs[run_id]
    assert run.assets == ["sales", "marts/insights"]
    assert run.tags == {"who": "airflow"}
    assert run.config == {"ops": {"a": {"n": 1}}}


def test_one_run_cannot_span_code_locations() -> None:
    client = asked_by(FakeDagster([FakeAsset("a"), FakeAsset("b", location="stock")]))
    with pytest.raises(RefusedError, match="code locations shop, stock: use one task per"):
        client.launch(list(client.nodes().values()), {})


@pytest.mark.parametrize(
    ("refusal", "message"),
    [
        (
            {
                "__typename": "RunConfigValidationInvalid",
                "pipelineName": "j",
                "errors": [{"__typename": "FieldNotDefinedConfigError", "message": "Received unexpected entry retain"}],
            },
            r"RunConfigValidationInvalid\): Received unexpected entry retain",
        ),
        ({"__typename": "UnauthorizedError", "message": "may not launch"}, r"UnauthorizedError\): may not launch"),
        (python_error("the code server is gone"), r"PythonError\): the code server is gone"),
    ],
)
def test_a_launch_that_dagster_refuses_says_why(refusal: dict[str, Any], message: str) -> None:
    dagster = FakeDagster(refusal=refusal)
    client = asked_by(dagster)
    with pytest.raises(RefusedError, match=message):
        client.launch([client.nodes()["sales"]], {})
    assert dagster.runs == {}


def test_a_resumed_run_has_the_tags_of_its_parent_and_those_given(client: DagsterClient, dagster: FakeDagster) -> None:
    parent = dagster.add("FAILURE", {"dagster/partition": "2024-01-02", "airflow/try_number": "1"})
    resumed = dagster.runs[client.resume(parent.id, {"airflow/try_number": "2"})]
    assert resumed.tags["dagster/partition"] == "2024-01-02"
    assert resumed.tags["airflow/try_number"] == "2"
    assert resumed.tags["dagster/parent_run_id"] == parent.id


# Watching


def test_runs_are_found_by_all_of_the_tags_the_newest_first(client: DagsterClient, dagster: FakeDagster) -> None:
    first = dagster.add("FAILURE", {"a": "1", "b": "2"})
    dagster.add("STARTED", {"a": "1", "b": "3"})
    last = dagster.add("SUCCESS", {"a": "1", "b": "2", "c": "4"})
    assert [run.id for run in client.find({"a": "1", "b": "2"})] == [last.id, first.id]


def test_runs_that_cannot_be_listed_are_an_error_and_not_none(client: DagsterClient, dagster: FakeDagster) -> None:
    """If that were taken for no runs, a second run would be launched next to the first."""
    dagster.fail("runsOrError", httpx.Response(200, json={"data": {"runsOrError": python_error("disk full")}}))
    with pytest.raises(RefusedError, match="cannot list runs: disk full"):
        client.find({"a": "1"})


@pytest.mark.parametrize(
    ("status", "tags", "ended", "retried_by", "will_be_retried"),
    [
        ("STARTED", {}, False, None, False),
        ("CANCELING", {}, False, None, False),
        ("SUCCESS", {}, True, None, False),
        ("CANCELED", {}, True, None, False),
        ("FAILURE", {}, True, None, False),
        ("FAILURE", {"dagster/will_retry": "true"}, True, None, True),
        ("FAILURE", {"dagster/will_retry": "false"}, True, None, False),
        ("FAILURE", {"dagster/will_retry": "true", "dagster/auto_retry_run_id": "r"}, True, "r", True),
        ("STARTED", {"dagster/will_retry": "true"}, False, None, False),
    ],
)
def test_what_a_status_means(
    client: DagsterClient,
    dagster: FakeDagster,
    status: str,
    tags: dict[str, str],
    ended: bool,
    retried_by: str | None,
    will_be_retried: bool,
) -> None:
    run = client.run(dagster.add(status, tags).id)
    assert (run.ended, run.retried_by, run.will_be_retried) == (ended, retried_by, will_be_retried)


def test_the_triggerer_sees_what_a_worker_sees(client: DagsterClient, dagster: FakeDagster) -> None:
    run = dagster.add("STARTED", {"a": "1"})
    assert asyncio.run(client.arun(run.id)) == client.run(run.id)


def test_a_run_that_was_deleted_is_distinguished_from_one_that_cannot_be_shown(
    client: DagsterClient, dagster: FakeDagster
) -> None:
    for ask in (client.run, client.report, lambda run_id: asyncio.run(client.arun(run_id))):
        with pytest.raises(RunGoneError, match=r"no run gone: it was deleted.*Clear the task"):
            ask("gone")
    run = dagster.add("SUCCESS")
    for what, ask in (("runOrError", client.run), ("events", client.report)):
        dagster.fail(what, httpx.Response(500, json={"data": {"runOrError": python_error("database is locked")}}))
        with pytest.raises(RefusedError, match="database is locked") as refused:
            ask(run.id)
        assert not isinstance(refused.value, RunGoneError)


def test_a_run_is_stopped_and_one_that_has_ended_says_so(client: DagsterClient, dagster: FakeDagster) -> None:
    run, ended = dagster.add("STARTED"), dagster.add("SUCCESS")
    assert client.terminate(run.id) is None
    assert run.status == "CANCELING"
    assert "having status SUCCESS" in (client.terminate(ended.id) or "")
    assert "could not be found" in (asyncio.run(client.aterminate("gone")) or "")


# Reports


def test_a_report_reads_every_page_of_the_log(client: DagsterClient, dagster: FakeDagster) -> None:
    dagster.page = 2
    run = dagster.add("SUCCESS")
    run.events = [log_line("a"), *(materialized(f"asset_{n}") for n in range(5)), log_line("b")]
    assert client.report(run.id).materialized == tuple(f"asset_{n}" for n in range(5))
    assert dagster.times_asked("events") == 4


@pytest.mark.parametrize(
    ("numbers", "rows"),
    [
        ({"dagster__partition_row_count": 7, "dagster__row_count": 100}, {"sales": 7}),
        ({"dagster__row_count": 100}, {"sales": 100}),
        ({"rows_in_range": 31, "dagster__row_count": 100}, {"sales": 31}),
        ({"dagster__row_count": 5_000_000_000}, {"sales": 5_000_000_000}),
        ({"dagster__row_count": "many"}, {}),
        ({"seconds": 3}, {}),
    ],
)
def test_rows_are_those_of_the_partition_else_of_the_table(
    client: DagsterClient, dagster: FakeDagster, numbers: dict[str, Any], rows: dict[str, int]
) -> None:
    run = dagster.add("SUCCESS")
    run.events = [materialized("sales", **numbers)]
    assert client.report(run.id).rows == rows


def test_rows_of_several_partitions_add_up_and_a_partition_that_was_made_again_counts_once(
    client: DagsterClient, dagster: FakeDagster
) -> None:
    run = dagster.add("SUCCESS")
    made = [("2024-01-01", 5), ("2024-01-02", 7), ("2024-01-02", 8)]
    run.events = [materialized("sales", day, dagster__partition_row_count=n) for day, n in made]
    assert client.report(run.id).rows == {"sales": 13}


def test_rows_of_a_range_are_repeated_for_each_partition_and_count_once(
    client: DagsterClient, dagster: FakeDagster
) -> None:
    run = dagster.add("SUCCESS")
    run.events = [materialized("sales", day, rows_in_range=31) for day in DAYS]
    assert client.report(run.id).rows == {"sales": 31}


def test_a_materialization_without_an_asset_is_no_asset(client: DagsterClient, dagster: FakeDagster) -> None:
    run = dagster.add("SUCCESS")
    run.events = [materialized("x") | {"assetKey": None}]
    assert client.report(run.id).materialized == ()


def test_checks_are_read_with_severity_and_description(client: DagsterClient, dagster: FakeDagster) -> None:
    run = dagster.add("SUCCESS")
    run.events = [
        checked("money_agrees", passed=False, description="12.52 are missing"),
        checked("fresh", passed=True, severity="WARN", asset="marts/insights"),
    ]
    first, second = client.report(run.id).checks
    assert str(first) == "money_agrees on sales: 12.52 are missing"
    assert (first.passed, first.severity) == (False, "ERROR")
    assert str(second) == "fresh on marts/insights: no description"


def test_a_report_goes_back_over_resumed_runs_as_far_as_they_are_there(
    client: DagsterClient, dagster: FakeDagster
) -> None:
    first = dagster.add("FAILURE", {"dagster/parent_run_id": "deleted"})
    second = dagster.add("FAILURE", {"dagster/parent_run_id": first.id})
    last = dagster.add("SUCCESS", {"dagster/parent_run_id": second.id})
    first.events, second.events = [materialized("a"), step_failed("b", "disk full")], [materialized("b")]
    report = client.report(last.id)
    assert report.materialized == ("a", "b")
    assert report.failures == (), "what failed before it was resumed no longer counts"


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (step_failed("load", "Error occurred", "in between", "no such file: a.csv"), "step load: no such file: a.csv"),
        (step_failed("load", "dagster.Failure", described="the till is on fire"), "step load: the till is on fire"),
        (step_failed("load", "only this"), "step load: only this"),
        (step_failed("load", None), "step load: ExecutionStepFailureEvent"),
        (run_failed("out of memory"), "out of memory"),
        (run_failed(None, "The run worker died"), "The run worker died"),
    ],
)
def test_a_failure_is_reported_with_its_innermost_reason(
    client: DagsterClient, dagster: FakeDagster, event: dict[str, Any], message: str
) -> None:
    run = dagster.add("FAILURE")
    run.events = [event]
    assert client.report(run.id).failures == (message,)


def test_a_failed_run_is_reported_with_its_failed_steps_if_there_are_any(
    client: DagsterClient, dagster: FakeDagster
) -> None:
    run = dagster.add("FAILURE")
    run.events = [step_failed("load", "no file"), run_failed("Steps failed: load")]
    assert client.report(run.id).failures == ("step load: no file",)


# Network errors


@pytest.mark.parametrize(
    ("trouble", "sent", "message"),
    [
        (httpx.ConnectError("[Errno 111] Connection refused"), False, "Is dagster-webserver running"),
        (httpx.ConnectTimeout(""), False, "Nothing answers at .*ConnectTimeout"),
        (httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed"), False, "`verify` in the extra"),
        (httpx.ReadTimeout("slow"), True, "did not answer within 30 s.*`timeout` in the extra"),
        (httpx.RemoteProtocolError("Server disconnected"), True, "The connection to Dagster .* was lost"),
        (httpx.Response(502, html="<h1>Bad Gateway</h1>"), True, "not available .HTTP 502"),
        (httpx.Response(503, json={"error": "busy"}), True, "not available .HTTP 503"),
        (httpx.Response(500, text="Internal Server Error"), True, "not available .HTTP 500"),
        (httpx.Response(500, json={"data": None, "errors": [{"message": "db is locked"}]}), True, "500.: db is locked"),
    ],
)
def test_a_temporary_error_says_whether_the_request_can_have_arrived(
    client: DagsterClient, dagster: FakeDagster, trouble: httpx.Response | Exception, sent: bool, message: str
) -> None:
    for ask in (lambda: client.run("r"), lambda: asyncio.run(client.arun("r"))):
        dagster.fail("runOrError", trouble)
        with pytest.raises(UnreachableError, match=message) as unreachable:
            ask()
        assert unreachable.value.sent is sent


@pytest.mark.parametrize(
    ("trouble", "message"),
    [
        (httpx.Response(401, html="login"), r"refuses Airflow's login \(HTTP 401\). Set the password"),
        (httpx.Response(403, json={"detail": "no"}), r"refuses Airflow's login \(HTTP 403\)"),
        (
            httpx.Response(200, html="<html>Airflow</html>"),
            r"not Dagster's GraphQL: it answered with HTML \(HTTP 200\)",
        ),
        (httpx.Response(302, headers={"location": "/login"}), r"answered with something else \(HTTP 302\)"),
        (httpx.Response(404, json={"detail": "Not Found"}), r"HTTP 404.*with its path prefix"),
        (httpx.Response(200, json=[1]), "answered with something else"),
        (httpx.Response(200, json={"data": {"runOrError": None}}), "answered with something else"),
        (httpx.Response(400, json={"errors": ["Cannot query field x"]}), r"HTTP 400\): Cannot query field x"),
    ],
)
def test_an_answer_from_something_else_says_what_to_set(
    client: DagsterClient, dagster: FakeDagster, trouble: httpx.Response, message: str
) -> None:
    dagster.fail("runOrError", trouble)
    with pytest.raises(RefusedError, match=message):
        client.run("r")


@pytest.mark.parametrize("url", ["ftp://dagster:3000", "dagster:3000", "http://", ""])
def test_an_invalid_address_is_refused(url: str) -> None:
    with pytest.raises(RefusedError, match=r"is not an address of Dagster.*for example to http://127.0.0.1:3000"):
        DagsterClient(url).run("r")


def test_a_port_on_which_nobody_listens_is_reported_with_the_address() -> None:
    """With the real transport: nothing listens on port 9 of the loopback."""
    with pytest.raises(UnreachableError, match=r"Nothing answers at http://127.0.0.1:9 .*refused"):
        DagsterClient("http://127.0.0.1:9").run("r")


@pytest.mark.parametrize(
    "trouble",
    [
        httpx.Response(400, json={"errors": [{"message": f"bad token {SECRET} of Bearer {SECRET}"}]}),
        httpx.Response(500, json={"errors": [{"message": f"bad token {SECRET}"}]}),
        httpx.Response(401, text=SECRET),
        httpx.Response(200, html=SECRET),
        httpx.RemoteProtocolError(f"illegal header value {SECRET}"),
    ],
)
@pytest.mark.parametrize(
    "login", [{"headers": {"Authorization": f"Bearer {SECRET}"}}, {"headers": {"T": SECRET}}, {"auth": ("bob", SECRET)}]
)
def test_a_secret_that_was_echoed_is_in_no_message(trouble: httpx.Response | Exception, login: dict[str, Any]) -> None:
    dagster = FakeDagster()
    client = asked_by(dagster, **login)
    dagster.fail("runOrError", trouble)
    with pytest.raises((RefusedError, UnreachableError)) as error:
        client.run("r")
    assert SECRET not in str(error.value)
    assert SECRET not in repr(client)


@pytest.mark.parametrize("auth", [("airflow", "pw-2718281828"), ("airflow", "pw"), ("airflow", 'quo"te\\d pass')])
@pytest.mark.parametrize("how", ["header", "json", "launch"])
def test_basic_authentication_that_was_echoed_is_in_no_message(auth: tuple[str, str], how: str) -> None:
    sent = "Basic " + base64.b64encode(":".join(auth).encode()).decode()
    trouble = {
        "header": httpx.Response(500, json={"errors": [{"message": f"bad header Authorization: {sent}"}]}),
        "json": httpx.Response(400, json={"errors": [{"message": f"login {':'.join(auth)} {json.dumps(auth)}"}]}),
        "launch": httpx.Response(200, json={"data": {"launchRun": {"__typename": "PythonError", "message": sent}}}),
    }[how]
    client = DagsterClient(URL, auth=auth, transport=httpx.MockTransport(lambda _: trouble))
    ask = client.nodes if how != "launch" else lambda: client._launched(client.ask("", "launchRun"))
    with pytest.raises(DagsterError) as refused:
        ask()
    assert sent.partition(" ")[2] not in str(refused.value)
    assert ":".join(auth) not in str(refused.value)
    assert len(auth[1]) < 5 or json.dumps(auth[1]) not in str(refused.value)


Say = Callable[[socket.socket], None]


@contextlib.contextmanager
def speaking(say: Say) -> Iterator[str]:
    """A server that reads a request and then does what `say` does with the connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        ended = threading.Event()

        def serve() -> None:
            with contextlib.suppress(OSError):
                while not ended.is_set():
                    connection, _ = server.accept()
                    with connection, contextlib.suppress(OSError):
                        connection.recv(65536)
                        say(connection)
                        connection.shutdown(socket.SHUT_WR)
                        while connection.recv(65536):  # closing with unread bytes would reset the connection
                            pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        ended.set()
        server.shutdown(socket.SHUT_RDWR)


def drips(head: bytes) -> Say:
    def say(connection: socket.socket) -> None:
        connection.sendall(head)
        for _ in range(200):
            connection.sendall(b"x")
            time.sleep(0.05)

    return say


def sends(head: bytes, body: bytes) -> Say:
    return lambda connection: connection.sendall(
        b"HTTP/1.1 200 OK\r\n" + head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    )


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nX-", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"])
@pytest.mark.parametrize("asynchronous", [False, True])
def test_an_answer_that_trickles_in_is_given_up(head: bytes, asynchronous: bool) -> None:
    with speaking(drips(head)) as url:
        client = DagsterClient(url, timeout=0.25)
        with pytest.raises(UnreachableError, match=r"did not finish its answer within 1 s"):
            asyncio.run(client.arun("1")) if asynchronous else client.run("1")


@pytest.mark.parametrize(
    ("say", "why"),
    [
        (sends(b"Content-Encoding: gzip\r\n", gzip.compress(bytes(80 * 1024 * 1024))), "more than 64 MiB"),
        (sends(b"", bytes(65 * 1024 * 1024)), "more than 64 MiB"),
        (sends(b"Content-Encoding: br\r\n", b"x"), "the encoding 'br'"),
        (sends(b"Content-Encoding: gzip, gzip\r\n", b"x"), "the encoding 'gzip, gzip'"),
        (sends(b"Content-Encoding: gzip\r\n", b"nothing packed"), "damaged"),
        (sends(b"", b"[" * 100_000), "is not Dagster's GraphQL"),
    ],
)
@pytest.mark.parametrize("asynchronous", [False, True])
def test_an_answer_beyond_bounds_is_refused(say: Say, why: str, asynchronous: bool) -> None:
    with speaking(say) as url:
        client = DagsterClient(url)
        with pytest.raises(RefusedError, match=why):
            asyncio.run(client.arun("1")) if asynchronous else client.run("1")


def test_a_packed_answer_is_read() -> None:
    body = gzip.compress(json.dumps({"data": {"runOrError": {"__typename": "RunNotFoundError"}}}).encode())
    with speaking(sends(b"Content-Encoding: gzip\r\n", body)) as url, pytest.raises(RunGoneError):
        DagsterClient(url).run("1")


def test_headers_and_basic_login_are_sent_and_a_path_prefix_is_kept(dagster: FakeDagster) -> None:
    client = asked_by(dagster, headers={"Dagster-Cloud-Api-Token": SECRET}, auth=("bob", "builder"))
    client.url = f"{URL}/prefix"
    client.nodes()
    assert dagster.headers[0]["dagster-cloud-api-token"] == SECRET
    assert dagster.headers[0]["authorization"].startswith("Basic ")
    assert dagster.urls == [f"{URL}/prefix/graphql"]
    assert client.run_url("r1") == f"{URL}/prefix/runs/r1"


# TLS, with a real handshake


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Start a server with a self-signed certificate; give its address and the file that makes it trusted."""
    context, authority = server_context(tmp_path_factory.mktemp("tls"))

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            answer = b'{"data": {"assetNodes": []}}'
            self.send_response(200)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args: Any) -> None:
            pass

    class Quiet(HTTPServer):
        def handle_error(self, *args: Any) -> None:
            """Ignore the client that does not trust it and closes the connection, as it should."""

    server = Quiet(("127.0.0.1", 0), Answers)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"https://localhost:{server.server_port}", authority
    server.shutdown()
    server.server_close()
    thread.join()


def test_an_untrusted_certificate_is_refused(secure: tuple[str, Path]) -> None:
    with pytest.raises(UnreachableError, match="Set `verify` in the extra of the Airflow connection to the file"):
        DagsterClient(secure[0]).nodes()


@pytest.mark.parametrize("trust", [lambda authority: str(authority), lambda _: False])
def test_the_file_of_an_authority_or_no_verification_lets_it_in(
    secure: tuple[str, Path], trust: Callable[[Path], bool | str]
) -> None:
    assert DagsterClient(secure[0], verify=trust(secure[1])).nodes() == {}


def test_a_file_that_is_not_a_certificate_is_refused(secure: tuple[str, Path], tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("no certificate")
    for file in (tmp_path / "missing.pem", empty):
        with pytest.raises(
            RefusedError, match=rf"`verify` in the Airflow connection is '{file}', which is not a certificate file"
        ):
            DagsterClient(secure[0], verify=str(file)).nodes()
    assert issubclass(ssl.SSLError, OSError)


# Partitions


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("2024-01-00", "The nearest: 2024-01-01, 2024-01-02. The first is 2024-01-01, the last 2024-01-31."),
        ("2024-01-151", "The nearest: 2024-01-14, 2024-01-15, 2024-01-16, 2024-01-17."),
        ("2099-01-01", "The nearest: 2024-01-30, 2024-01-31. The first is 2024-01-01, the last 2024-01-31."),
    ],
)
def test_an_unknown_partition_is_answered_with_those_around_it(key: str, message: str) -> None:
    with pytest.raises(RefusedError, match=rf"clean_sales has no partition '{key}'. {message}"):
        check_partition({"clean_sales": [list(DAYS)]}, key)


def test_an_asset_without_any_partition_says_so() -> None:
    with pytest.raises(RefusedError, match="It has no partitions yet"):
        check_partition({"a": [[]]}, "2024-01-01")


def test_a_partition_of_two_dimensions_has_both() -> None:
    assets = {"a": [list(DAYS), ["north", "south"]]}
    check_partition(assets, "2024-01-05|north")
    with pytest.raises(RefusedError, match=r"a has no partition 'nort'. The nearest: north, south"):
        check_partition(assets, "2024-01-05|nort")
    with pytest.raises(RefusedError, match=r"2 partition dimensions: write the partition as a\|b"):
        check_partition(assets, "2024-01-05")


@given(st.sets(st.text(min_size=1), min_size=1), st.text())
def test_the_nearest_are_always_existing_partitions(keys: set[str], key: str) -> None:
    ordered = sorted(keys)
    message = nearest(key, list(keys))
    assert message.endswith(f" The first is {ordered[0]}, the last {ordered[-1]}.")
    below, above = [k for k in ordered if k <= key], [k for k in ordered if k > key]
    assert message.startswith(f"The nearest: {', '.join(below[-2:] + above[:2])}.")
