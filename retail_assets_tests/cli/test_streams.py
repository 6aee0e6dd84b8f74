"""What is printed: into pipes whose readers go away, under any locale, on a terminal; and no mark in CSV."""

from __future__ import annotations

import codecs
import datetime as dt
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from retail_assets import settings as settings_module
from retail_assets.cli import app, options
from retail_assets.cli.rejected_rows import printable
from retail_assets.exports.bundle.publish import publish_bundle
from retail_assets.models.kinds import SEGMENTS
from retail_assets.platform import Platform
from retail_assets.segmentation.personas.catalog import DEFAULT
from retail_assets.tables import (
    CUSTOMER_SEGMENTS,
    DAILY_CATEGORY_SALES,
    FORECAST_BACKTEST,
    SALES,
    SALES_CLEAN,
    SALES_FORECAST,
    SALES_QUARANTINE,
    SEGMENT_PROFILES,
)
from retail_assets.warehouse.duckdb import DuckDBWarehouse
from retail_assets_tests.cli.test_help import ALL, LEAVES, ids
from retail_assets_tests.quarantine.rejected_cases import D1, HEADER
from retail_assets_tests.quarantine.test_looking import Quarantine

SHOP = """
name: shop
timezone: Europe/Berlin
country: DE
currency: EUR
start_date: 2024-01-01
columns:
  transaction_id: {header: id, required: true}
  sold_at: {header: date, required: true}
  product_category: {header: category, required: true}
  quantity: {header: qty}
  unit_price: {header: price}
  total_amount: {header: total}
"""
CUTOFF = dt.date(2024, 3, 31)
FILE = f"shop/dt={D1}/a.csv"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a forecast of 28 days, and a landing with rejected rows."""
    folder = tmp_path / "home"
    (tmp_path / "shop.yaml").write_text(SHOP)
    monkeypatch.setenv("RETAIL_HOME", str(folder))
    monkeypatch.setenv("RETAIL_SOURCE", str(tmp_path / "shop.yaml"))
    monkeypatch.setenv("RETAIL_OUTPUT", str(tmp_path / "output"))
    monkeypatch.setenv("PYTHONPATH", str(Path(app.__file__).parents[2]))
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def forecast(home: Path) -> DuckDBWarehouse:
    """The warehouse, whose forecast is published."""
    warehouse = DuckDBWarehouse(home / "warehouse" / "retail.duckdb", "shop")
    for table in (SALES, SALES_CLEAN, SALES_QUARANTINE, CUSTOMER_SEGMENTS, SEGMENT_PROFILES, FORECAST_BACKTEST):
        warehouse.replace(table, table.arrow_schema().empty_table())
    sold = {"product_category": "茶", "sale_date": CUTOFF, "revenue": 9, "units": 1, "returned": 0}
    counts = dict.fromkeys(("orders", "customers", "lines"), 1)
    rows = pa.Table.from_pylist([{**sold, **counts}], schema=DAILY_CATEGORY_SALES.arrow_schema())
    warehouse.replace(DAILY_CATEGORY_SALES, rows)
    publish(warehouse, forecast_of(28))
    return warehouse


def publish(warehouse: DuckDBWarehouse, forecast: pa.Table) -> None:
    warehouse.replace(SALES_FORECAST, forecast)
    settings = settings_module.load()
    platform = Platform(settings)
    publish_bundle(
        warehouse, platform.output, platform.model_store(SEGMENTS), platform.serving, source=settings.source,
        contract=settings.contract, catalog=DEFAULT, checks=(), now=dt.datetime(2024, 4, 1, tzinfo=dt.UTC), keep_days=7,
    )  # fmt: skip


def forecast_of(days: int, step: int = 1) -> pa.Table:
    rows = []
    for category, units in (("TOTAL", None), ("茶", 2.5)):
        for ahead in range(step, days + 1, step):
            amounts = dict.fromkeys(("p025", "p10", "p50", "p90", "p975", "seasonal_naive"), 90.0)
            rows.append({
                **dict.fromkeys(SALES_FORECAST.names, None), **amounts, "product_category": category, "mean": 100.25,
                "forecast_date": CUTOFF + dt.timedelta(ahead), "cutoff_date": CUTOFF, "horizon_day": ahead,
                "units": units, "method": "auto_theta", "model_version": "v1", "issued_at": dt.datetime(2024, 4, 1),
            })  # fmt: skip
    return pa.Table.from_pylist(rows, schema=SALES_FORECAST.arrow_schema())


@pytest.fixture
def rejected(home: Path) -> None:
    made = Quarantine(home)
    lines = [(FILE, n, "invalid_date", f"t{n},=1+1 é,Toys,1,10,10", f"t{n}", "10.00") for n in range(2, 40)]
    made.landing(D1, {FILE: f"{HEADER}\n" + "t0,2024-03-01,Toys,1,10,10\n" * 50}, lines, clean=12)


def into_a_closed_pipe(arguments: list[str]) -> tuple[int, str]:
    """The exit code where nobody reads standard output, and what is on standard error."""
    read, write = os.pipe()
    os.close(read)
    errors = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with os.fdopen(write, "w") as closed, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", closed)
        patch.setattr(sys, "stderr", errors)
        code = app.main(arguments)
    errors.seek(0)
    return code, errors.read()


@pytest.mark.parametrize("path", ALL, ids=ids)
def test_help_into_a_closed_pipe_is_no_error(path: tuple[str, ...]) -> None:
    assert into_a_closed_pipe([*path, "--help"]) == (0, "")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--version"],
        ["status"],
        ["status", "--json"],
        ["doctor", "--no-spark"],
        ["predict", "forecast"],
        ["predict", "forecast", "--json"],
        ["quarantine", "summary"],
        ["quarantine", "list", "--limit", "40"],
        ["quarantine", "list", "--json"],
        ["quarantine", "show", "a.csv", "2"],
        ["quarantine", "export"],
        ["models", "list"],
        ["contract", "check", "sales.csv"],
        ["contract", "draft", "sales.csv", "--no-ask"],
    ],
)
@pytest.mark.usefixtures("forecast", "rejected")
def test_a_reader_that_goes_away_is_no_error(arguments: list[str]) -> None:
    Path("sales.csv").write_text(f"{HEADER}\n" + "t0,2024-03-01,Toys,1,10,10\n" * 50)
    code, errors = into_a_closed_pipe(arguments)
    assert (code, "Error" in errors, "Traceback" in errors) == (0, False, False), errors


@pytest.mark.parametrize("path", sorted(LEAVES), ids=ids)
def test_wrong_usage_keeps_its_exit_code_where_nobody_reads_it(path: tuple[str, ...]) -> None:
    code, errors = into_a_closed_pipe([*path, "--no-such-option"])
    assert code == 2
    assert "has no option '--no-such-option'" in errors


@pytest.mark.parametrize("arguments", [["status"], ["statsu"], ["predict", "forecast"], ["--help"]])
def test_a_process_ends_quietly_where_nobody_reads_anything(arguments: list[str]) -> None:
    """Python would complain at its end, and exit with 120."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "retail_assets.cli", *arguments], stdout=write, stderr=write, check=False
    )
    os.close(write)
    assert done.returncode == {"statsu": 2, "predict": 1}.get(arguments[0], 0)


def test_work_goes_on_where_nobody_reads_what_it_says() -> None:
    """`land a.csv b.csv | head -n 1` must not leave b.csv behind, nor say 0 if it did."""
    for name in ("a.csv", "b.csv"):
        Path(name).write_text(f"{HEADER}\n{name},2024-03-01,Toys,1,10,10\n")
    landed = into_a_closed_pipe(["land", "a.csv", "b.csv", "--date", "2024-03-02"])
    assert landed == (0, "")
    names = sorted(p.name for p in Path("home/raw/shop/dt=2024-03-02").iterdir())
    assert names == ["a.csv", "b.csv"]
    code, errors = into_a_closed_pipe(["land", "gone.csv"])
    assert (code, "gone.csv does not exist" in errors) == (1, True)


@pytest.mark.usefixtures("rejected")
def test_csv_has_a_byte_order_mark_in_files_and_none_in_pipes(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    def printed(*more: str) -> bytes:
        assert app.main(["quarantine", "export", *more]) == 0
        return capfdbinary.readouterr().out

    assert printed().startswith(b"landed_on,")
    assert printed("--excel").startswith(codecs.BOM_UTF8 + b"landed_on,")
    assert printed("rejected.csv") == b""
    assert Path("rejected.csv").read_bytes().startswith(codecs.BOM_UTF8)
    assert printed("plain.csv", "--no-excel") == b""
    assert Path("plain.csv").read_bytes().startswith(b"landed_on,")


def run(*arguments: str, environ: dict[str, str], expect: int = 0) -> subprocess.CompletedProcess[bytes]:
    program = [sys.executable, "-m", "retail_assets.cli", *arguments]
    done = subprocess.run(program, env={**os.environ, **environ}, capture_output=True, check=False)
    assert done.returncode == expect, done.stderr
    return done


@pytest.mark.usefixtures("forecast")
def test_output_is_utf_8_where_the_locale_allows_ascii_only() -> None:
    """As under LANG=C in a container, where Python's own remedies are switched off."""
    ascii_only = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    said = run("predict", "forecast", "--category", "none", expect=1, environ=ascii_only).stderr.decode("utf-8")
    assert "Categories: TOTAL, 茶." in said
    assert "28 days" in run("predict", "forecast", environ=ascii_only).stdout.decode("utf-8")
    assert "–" in run("predict", "forecast", environ={"PYTHONIOENCODING": "ascii"}).stdout.decode("utf-8")


@pytest.mark.usefixtures("forecast")
def test_what_another_encoding_lacks_is_escaped() -> None:
    shown = run("predict", "forecast", "--category", "茶", environ={"PYTHONIOENCODING": "latin-1"}).stdout.decode(
        "latin-1"
    )
    assert r"Revenue of \u8336" in shown


@pytest.mark.parametrize("no_color", ["", "1"])
def test_colors_are_for_terminals_without_no_color(
    no_color: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False)
    assert app.main(["--help"]) == 0
    assert app.main(["doctor", "--no-spark"]) in (0, 1)
    assert ("\x1b[" in capsys.readouterr().out) == (not no_color)


# --- the forecast ---


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert app.main(["predict", "forecast", *arguments]) == 0
    return capsys.readouterr().out


@pytest.mark.usefixtures("forecast")
def test_the_forecast_ends_with_its_sum_which_has_no_interval(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys)
    assert "Revenue of all categories together, EUR per day, forecast from sales to 31 Mar 2024" in text
    assert "Mon 2024-04-01" in text
    [total] = [line.split() for line in text.splitlines() if line.startswith("28 days")]
    assert total == ["28", "days", "2,807.00", "–", "–", "2,520.00", "–"]
    assert "The intervals of single days do not add up, so the sum has none." in text
    [units] = [line.split()[-1] for line in shown(capsys, "--category", "茶").splitlines() if "28 days" in line]
    assert units == "70.0"
    [one] = [line.split() for line in shown(capsys, "--days", "1").splitlines() if line.startswith("1 day ")]
    assert one == ["1", "day", "100.25", "90.00", "90.00", "90.00", "–"]


def test_a_source_of_weeks_is_summed_in_weeks(forecast: DuckDBWarehouse, capsys: pytest.CaptureFixture[str]) -> None:
    publish(forecast, forecast_of(28, step=7))
    text = shown(capsys)
    assert "EUR per week" in text
    assert "week to" in text
    assert "\n4 weeks" in text


@pytest.mark.usefixtures("forecast")
def test_json_has_the_days_and_where_they_come_from(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, "--json", "--days", "3")
    assert text.count("\n") == 1
    answer = json.loads(text)
    assert [each["day"] for each in answer["days"]] == ["2024-04-01", "2024-04-02", "2024-04-03"]
    assert answer["provenance"]["cutoff"] == "2024-03-31"


@pytest.mark.usefixtures("forecast")
def test_csv_has_a_row_per_day(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, "--category", "茶", "--csv", "--start", "2024-04-02", "--days", "2").splitlines()
    assert lines[0] == "category,day,revenue,low,high,median,units,units_low,units_high,as_last_week"
    assert lines[1:] == [f"茶,2024-04-0{day},100.25,90.0,90.0,90.0,2.5,,,90.0" for day in (2, 3)]


@pytest.mark.usefixtures("forecast")
def test_days_that_no_forecast_covers_are_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert app.main(["predict", "forecast", "--start", "2024-04-20", "--days", "10"]) == 2
    assert "this one is for 2024-04-01 to 2024-04-28, 28 days." in capsys.readouterr().err
    assert app.main(["predict", "forecast", "--coverage", "0.9"]) == 2
    assert "coverage is 0.9. Possible: 0.8, 0.95." in capsys.readouterr().err


@pytest.mark.usefixtures("forecast")
def test_more_days_than_there_are_is_answered_with_what_is_possible(capsys: pytest.CaptureFixture[str]) -> None:
    assert app.main(["predict", "forecast", "--days", "60"]) == 2
    expected = (
        "Error: --days: 60 days is further than the forecast reaches: 28 days after the last sales. Give 1 to 28.\n"
    )
    assert capsys.readouterr().err.startswith(expected)


def test_more_days_than_possible_is_wrong_usage_also_before_there_is_a_forecast(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert app.main(["predict", "forecast", "--days", "60"]) == 2
    assert "28 days after the last sales. Give 1 to 28." in capsys.readouterr().err


# --- what is not there yet ---


@pytest.mark.parametrize(
    "arguments",
    [
        ["predict", "forecast"],
        ["predict", "segment", "--customer", "C1"],
        ["models", "show"],
        ["quarantine", "summary"],
        ["quarantine", "list"],
        ["quarantine", "show", "a.csv", "2"],
        ["quarantine", "export"],
        ["quarantine", "replay"],
        ["materialize"],
    ],
)
def test_in_an_empty_home_the_way_out_is_the_last_line(
    arguments: list[str], home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert app.main(arguments) == 1
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("Error: ")
    assert said[-1].startswith("Next:  retail-assets land FILE")
    assert len(said) == 2
    (home / "raw" / "other").mkdir(parents=True)
    assert app.main(arguments) == 1
    assert capsys.readouterr().err.endswith(
        "Nothing of shop has landed, but of other.\nNext:  export RETAIL_SOURCE=other\n"
    )


def test_a_question_does_not_wait_long_for_a_warehouse_in_use_and_a_prediction_not_at_all(
    forecast: DuckDBWarehouse, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(options, "LOOK_UP_SECONDS", 1.5)
    path = home / "warehouse" / "retail.duckdb"
    holding = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", holding, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert app.main(["status"]) == 1
        assert "is in use and was not free within 2 s" in capsys.readouterr().err
        assert app.main(["predict", "forecast"]) == 0
        holder.communicate("")
    assert app.main(["status"]) == 0


def test_what_a_file_contains_does_not_steer_the_terminal() -> None:
    assert printable("a\x1b[2Jb\u202e") == "a\\x1b[2Jb\\u202e"
