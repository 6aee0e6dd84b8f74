"""How the command line behaves: what it prints, its exit codes, and messages instead of tracebacks."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retail_assets import __version__
from retail_assets.cli import app, landing
from retail_assets.errors import RetailError
from retail_assets_tests.trials import trials


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [n for n in os.environ if n.startswith("RETAIL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("RETAIL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PYTHONPATH", str(Path(app.__file__).parents[2]))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


HEADER = b"Transaction ID,Date,Customer ID,Gender,Age,Product Category,Quantity,Price per Unit,Total Amount\n"


def landed(home: Path) -> list[str]:
    return sorted(p.relative_to(home / "raw").as_posix() for p in home.rglob("*") if p.is_file())


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "retail_assets.cli", *arguments]


def test_landing_says_what_happened_and_what_comes_next(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.csv").write_bytes(b"x\n1\n")
    Path("b.csv").write_bytes(b"x\n2\n")
    assert app.main(["land", "--no-check", "a.csv", "b.csv", "--date", "2024-03-01"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out == [
        "a.csv: landed as retail_sales/dt=2024-03-01/a.csv (4 bytes).",
        "b.csv: landed as retail_sales/dt=2024-03-01/b.csv (4 bytes).",
        "Next:  retail-assets materialize --partition 2024-03-01",
    ]
    assert landed(home) == ["retail_sales/dt=2024-03-01/a.csv", "retail_sales/dt=2024-03-01/b.csv"]
    assert app.main(["land", "--no-check", "a.csv", "--date", "2024-03-01"]) == 0
    assert "already landed" in capsys.readouterr().out


def test_another_source_lands_separately_and_the_next_command_names_it(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("a.csv").write_bytes(b"x\n1\n")
    assert app.main(["land", "--no-check", "a.csv", "--date", "2024-03-01", "--source", "online_retail"]) == 0
    assert "Next:  RETAIL_SOURCE=online_retail retail-assets materialize" in capsys.readouterr().out
    assert landed(home) == ["online_retail/dt=2024-03-01/a.csv"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"x;y\n1;2\n", "does not fit contract 'retail_sales'"),
        (HEADER, "has a header and no rows"),
        (
            HEADER + b"1,03/04/2024,C1,Male,30,Beauty,1,5.00,5.00\n",
            "the file does not show which comes first, day or month",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_before_it_lands(
    home: Path, capsys: pytest.CaptureFixture[str], content: bytes, says: str
) -> None:
    Path("a.csv").write_bytes(content)
    assert app.main(["land", "a.csv", "--date", "2024-03-01"]) == 1
    assert says in capsys.readouterr().err
    assert not home.exists()


def test_what_fits_the_contract_lands(home: Path) -> None:
    Path("a.csv").write_bytes(HEADER + b"1,2024-02-29,C1,Male,30,Beauty,1,5.00,5.00\n")
    assert app.main(["land", "a.csv", "--date", "2024-03-01"]) == 0
    assert landed(home) == ["retail_sales/dt=2024-03-01/a.csv"]


def test_one_bad_file_among_good_ones_lands_none(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.csv").write_bytes(b"x\n1\n")
    assert app.main(["land", "a.csv", "gone.csv", "--date", "2024-03-01"]) == 1
    assert "gone.csv does not exist" in capsys.readouterr().err
    assert not home.exists()


def test_a_correction_needs_replace_and_a_second_copy_needs_again(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("a.csv").write_bytes(b"x\n1\n")
    assert app.main(["land", "--no-check", "a.csv", "--date", "2024-03-01"]) == 0
    assert app.main(["land", "--no-check", "a.csv", "--date", "2024-03-02", "--again"]) == 0
    Path("a.csv").write_bytes(b"x\n2\n")
    assert app.main(["land", "--no-check", "a.csv", "--date", "2024-03-01"]) == 1
    assert "--replace" in capsys.readouterr().err
    assert app.main(["land", "--no-check", "a.csv", "--date", "2024-03-01", "--replace"]) == 0
    assert (home / "raw/retail_sales/dt=2024-03-01/a.csv").read_bytes() == b"x\n2\n"


@pytest.mark.parametrize(
    ("arguments", "environment", "says"),
    [
        (["land", "nope.csv"], {}, "nope.csv does not exist"),
        (["land", "--no-check", "a.csv", "--date", "2001-01-01"], {}, "RETAIL_START_DATE=2001-01-01"),
        (["land", "--no-check", "a.csv", "--date", "2999-01-01"], {}, "in the future"),
        (["land", "--no-check", "a.csv", "--source", "retial_sales"], {}, "Did you mean 'retail_sales'?"),
        (["land", "--no-check", "a.csv"], {"RETAIL_HMOE": "x"}, "Did you mean 'RETAIL_HOME'?"),
        (["land", "--no-check", "a.csv"], {"RETAIL_RAW_URI": "a.csv/raw"}, "a.csv/raw"),
        (["land", "--no-check", "a.csv"], {"RETAIL_SOURCE": "mine.yaml"}, "mine.yaml"),
        (["sample", "complete-journey", "--daily-from", "2019-01-01"], {}, "2017-01-01 to 2018-01-01"),
        (["sample", "complete-journey", "--daily-from", "2017-06-01"], {}, "RETAIL_START_DATE=2017-05-31"),
        (["sample", "complete-journey"], {"RETAIL_END_DATE": "2017-12-10"}, "RETAIL_END_DATE=2017-12-31"),
        (["sample", "synthetic", "--rows", "0"], {}, "--rows 0"),
        (["sample", "synthetic", "--days", "3000"], {}, "in the future"),
        (["sample", "synthetic", "--start", "2022-12-31"], {}, "RETAIL_START_DATE=2022-12-31"),
    ],
)
def test_bad_input_is_one_screen_without_a_traceback_and_exit_code_1(
    arguments: list[str],
    environment: dict[str, str],
    says: str,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("a.csv").write_bytes(b"x\n1\n")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert app.main(arguments) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("Error: ")
    assert says in captured.err
    assert "Traceback" not in captured.err
    assert len(captured.err.splitlines()) <= 25
    assert captured.out == ""
    assert not home.exists()


@pytest.mark.parametrize(
    "arguments",
    [["land"], ["land", "a.csv", "--date", "1.3.2024"], ["land", "a.csv", "--date", "20240301"], ["laand"], ["--nope"]],
)
def test_wrong_use_is_exit_code_2_with_the_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert app.main(arguments) == 2
    assert "Usage: retail-assets" in capsys.readouterr().err


def test_the_journey_sample_keeps_its_own_source_whatever_is_set(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`make demo` in a shell where RETAIL_SOURCE is still set would land groceries as something else."""
    from retail_assets.samples import complete_journey as journey
    from retail_assets.samples.sample_landing import SampleLanded

    given: list[object] = []

    def land(store: object, daily_from: object, watch: object, as_landed: object) -> SampleLanded:
        given.extend([store, daily_from, watch])
        days = [landing for landing, _, _ in journey.layout(journey.DAILY_FROM).values()]
        return SampleLanded("complete_journey", journey.ROWS, 40, 1, min(days), max(days))

    monkeypatch.setattr(journey, "land", land)  # its own tests land it for real
    monkeypatch.setenv("RETAIL_SOURCE", "retail_sales")
    assert app.main(["sample", "complete-journey"]) == 0
    out = capsys.readouterr().out
    assert "Landed 1,469,307 lines of complete_journey in 40 files. 1 had already landed." in out
    assert "RETAIL_SOURCE=complete_journey RETAIL_END_DATE=2017-12-31 retail-assets materialize" in out
    assert "--partition-range 2017-11-30...2017-12-31" in out
    assert given[1:] == [journey.DAILY_FROM, None]


def test_the_synthetic_sample_lands_and_says_so_once(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["sample", "synthetic", "--rows", "300", "--days", "2", "--seed", "4"]
    assert app.main(arguments) == 0
    assert "Landed 300 lines of retail_sales in 2 files." in capsys.readouterr().out
    before = landed(home)
    assert app.main(arguments) == 0
    out = capsys.readouterr().out
    assert "already landed (2 files); nothing changed" in out
    assert "RETAIL_START_DATE=2024-01-01 RETAIL_END_DATE=2024-01-02 retail-assets materialize" in out
    assert "--partition-range 2024-01-01...2024-01-02" in out
    assert landed(home) == before
    assert len(before) == 2


@pytest.mark.parametrize("place", ["first", "last"])
def test_debug_shows_the_traceback_wherever_it_stands(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["land", "nope.csv"]
    assert app.main(["--debug", *arguments] if place == "first" else [*arguments, "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_bug_is_exit_code_70_with_a_hint_how_to_see_more(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("all\nlines")

    monkeypatch.setattr(landing, "settings_for", broken)
    Path("a.csv").write_bytes(b"x\n1\n")
    assert app.main(["land", "a.csv"]) == 70
    err = capsys.readouterr().err
    assert "ZeroDivisionError: all" in err
    assert "--debug" in err
    assert "Traceback" not in err
    assert app.main(["land", "a.csv", "--debug"]) == 70
    assert "Traceback" in capsys.readouterr().err


def test_a_long_message_is_cut_to_a_screen(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def long(*_: object) -> None:
        raise RetailError("\n".join(f"line {i}" for i in range(100)))

    monkeypatch.setattr(landing, "settings_for", long)
    Path("a.csv").write_bytes(b"x\n1\n")
    assert app.main(["land", "a.csv"]) == 1
    err = capsys.readouterr().err.splitlines()
    assert len(err) == 25
    assert "76 more lines; --debug" in err[-1]


def test_duckdbs_way_of_being_interrupted_is_an_interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    """DuckDB raises RuntimeError("Query interrupted") on Ctrl-C, which would look like a bug of ours."""

    def interrupted(*_: object) -> None:
        raise RuntimeError("Query interrupted")

    monkeypatch.setattr(landing, "settings_for", interrupted)
    Path("a.csv").write_bytes(b"x\n1\n")
    assert app.main(["land", "a.csv"]) == 130


@pytest.mark.slow
def test_ctrl_c_ends_with_130_and_leaves_nothing_half_written(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workplace = tmp_path / "workplace"
    workplace.mkdir()
    monkeypatch.setenv("TMPDIR", str(workplace))
    # In the background of a shell SIGINT is ignored, and so it is in every child process.
    restores = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)"
    arguments = ["sample", "synthetic", "--rows", "50000000", "--days", "1"]
    program = [
        sys.executable,
        "-c",
        f"{restores}; from retail_assets.cli.app import main; sys.exit(main())",
        *arguments,
    ]
    process = subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stderr is not None
    # A file appears once the work has begun; waiting for it needs no guess at how long a start takes.
    while process.poll() is None and not any(workplace.glob("*/*.csv")):
        os.sched_yield()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=240)
    assert process.returncode == 130
    assert b"Traceback" not in err
    assert landed(home) == []
    assert list(workplace.iterdir()) == []


def test_a_reader_that_goes_away_is_no_error_message(home: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    result = subprocess.run(command("--version"), stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert result.stderr == b""


@pytest.mark.slow
def test_a_progress_bar_is_drawn_on_a_terminal_only(home: Path) -> None:
    arguments = command("sample", "synthetic", "--rows", "1000", "--days", "2")
    quiet = subprocess.run(arguments, capture_output=True, check=True)
    assert quiet.stderr == b""
    ours, theirs = pty.openpty()
    environ = {**os.environ, "TERM": "xterm"}
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=theirs, env=environ) as process:
        os.close(theirs)
        seen = b""
        with contextlib.suppress(OSError):  # Linux: nobody holds the other end any more
            while more := os.read(ours, 65536):
                seen += more
        output = process.stdout.read()
    os.close(ours)
    assert process.returncode == 0
    assert b"Landing synthetic sales" in seen
    assert b"already landed" in output


def test_version_and_help_need_no_heavy_module() -> None:
    code = (
        "import sys\nfrom retail_assets.cli import app as cli\n"
        "assert cli.main(['--version']) == 0 and cli.main(['--help']) == 0\n"
        "heavy = {'pydantic', 'yaml', 'numpy', 'pandas', 'pyarrow', 'duckdb', 'pyspark', 'dagster', 'sklearn'}\n"
        "print('heavy:', sorted(heavy & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert f"retail-assets {__version__}" in result.stdout
    assert "complete-journey" not in result.stdout
    assert "sample" in result.stdout
    assert result.stdout.endswith("heavy: []\n")


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=4))
@settings(max_examples=trials(50), deadline=None)
def test_no_arguments_give_a_traceback(arguments: list[str]) -> None:
    assert app.main(arguments) in (0, 1, 2)
