"""`retail-assets predict`: the same numbers as table, JSON and CSV, from stdin to stdout, with exit codes."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from retail_assets.cli import completion
from retail_assets.cli.app import app, main
from retail_assets.serving import Predictor, answers
from retail_assets_tests.serving.shop import SOURCE, Shop, shop_at


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    made = shop_at(tmp_path_factory.mktemp("shop"))
    made.publish()
    return made


@pytest.fixture(autouse=True)
def environment(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETAIL_HOME", str(tmp_path / "home"))  # there is no warehouse: the bundle is enough
    monkeypatch.setenv("RETAIL_SERVING_URI", shop.serving.uri)


def ask(*words: str, stdin: str | None = None, code: int = 0) -> Result:
    result = CliRunner().invoke(app, ["predict", *words], input=stdin)
    assert result.exit_code == code, result.output
    return result


def test_json_is_what_every_door_sends(shop: Shop) -> None:
    with Predictor.from_uri(shop.uri) as predictor:
        persona = predictor.personas()[0].persona
        purchases = [{"customer_id": "new", "date": "2023-12-01", "amount": "12.50"}]
        expected = {
            ("forecast", "--category", "books", "--days", "7"): answers.forecast(predictor.forecast("Books", days=7)),
            ("segment", "--customer", "Hig-0001"): answers.segment(predictor.segment("Hig-0001")),
            ("recommend", "--persona", persona): answers.recommendations(predictor.recommendations(persona)),
            ("recommend", "--stock"): answers.stock(predictor.stock(), predictor.provenance()),
            ("score", "-"): answers.scores(predictor.score(purchases)),
        }
    for words, answer in expected.items():
        printed = ask(*words, "--json", stdin=json.dumps(purchases)).stdout_bytes
        assert printed == answers.encoded(answer) + b"\n"


def test_a_customer_is_printed_with_confidence_and_description() -> None:
    text = ask("segment", "--customer", "Hig-0001").output
    assert "Hig-0001: High-Value Customers" in text
    assert "confidence" in text
    assert "USD" in text


def test_customers_are_read_from_stdin_and_unknown_ones_do_not_end_the_others() -> None:
    result = ask("segment", "--customer", "-", "--json", stdin="Hig-0001\n\nnobody\nBud-0002\n", code=1)
    assert [json.loads(line)["customer_id"] for line in result.stdout.splitlines()] == ["Hig-0001", "Bud-0002"]
    assert "Customer 'nobody' has no segment" in result.stderr
    rows = list(
        csv.DictReader(io.StringIO(ask("segment", "--customer", "-", "--csv", stdin="Hig-0001\nOnce\n").stdout))
    )
    assert [row["customer_id"] for row in rows] == ["Hig-0001", "Once"]
    assert rows[1]["confidence"] == ""


@pytest.mark.parametrize("name", ["", "  ", "a\0b", "x" * 200])
def test_what_is_no_id_is_refused(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "segment", "--customer", name]) == 1
    assert "Give 1 to 128 printable characters." in capsys.readouterr().err


def test_customers_of_a_file_are_segmented_and_no_cell_becomes_a_formula(tmp_path: Path) -> None:
    file = tmp_path / "purchases.csv"
    lines = ["Customer ID,Date,Amount,Order ID", "=cmd|' /C calc'!A0,2023-12-01,20.00,n1", ",2023-12-01,7.50,n2"]
    lines += [f"good,2023-12-{day:02d},90.00,o{day}" for day in range(1, 29)]
    file.write_text("\n".join(lines))
    result = ask("score", str(file), "--csv")
    rows = {row["customer_id"]: row for row in csv.DictReader(io.StringIO(result.stdout))}
    hostile = rows["'=cmd|' /C calc'!A0"]
    assert (hostile["persona"], hostile["decided_by"]) == ("One Purchase", "rule")
    assert "Too new for a persona" in hostile["note"]
    assert (rows["good"]["frequency"], rows["good"]["monetary"]) == ("28", "2520.00")
    assert "in no segment: 1 line (USD 7.50)." in result.stderr
    assert ask("segment", "--from-csv", str(file)).stdout == result.stdout  # the name that 0.2.0 had for it
    table = ask("score", str(file)).stdout
    assert "Money in USD; as of 31 Dec 2023" in table


def test_recommendations_name_every_persona_or_the_nearest(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    text = ask("recommend").output
    with Predictor.from_uri(shop.uri) as predictor:
        assert all(each.persona in text for each in predictor.personas())
    assert "One season only." in text
    assert "Stock up on Books." in ask("recommend", "--stock").output
    assert main(["predict", "recommend", "--persona", "High-Value"]) == 1
    assert "Did you mean 'High-Value Customers'?" in capsys.readouterr().err


def test_the_address_of_the_bundles_may_be_given(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETAIL_SERVING_URI", str(shop.folder / "nowhere"))
    assert main(["predict", "forecast"]) == 1
    assert "TOTAL" in ask("forecast", "--bundle", f"file://{shop.uri}", "--json").output
    assert main(["predict", "forecast", "--bundle", "http://shop.example/x"]) == 1


def test_names_are_completed_from_the_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    assert completion.categories("B") == ["Books"]
    assert completion.personas("Hi") == ["High-Value Customers"]
    monkeypatch.setenv("RETAIL_SERVING_URI", "/nowhere")
    assert (completion.categories(""), completion.personas("")) == ([], [])


def test_an_answer_loads_neither_dagster_nor_data_frames_nor_a_warehouse(shop: Shop) -> None:
    """An answer within 0.4 seconds is possible only without them."""
    program = (
        "import sys; from retail_assets.cli.app import main; code = main(['predict', 'forecast', '--json']); "
        "heavy = {'dagster', 'pandas', 'numpy', 'pyarrow', 'duckdb', 'pyspark', 'sklearn', 'yaml', 'rich', 'boto3'}; "
        "print(sorted(heavy & set(sys.modules)), code, file=sys.stderr)"
    )
    environ = {**os.environ, "PYTHONPATH": str(Path(answers.__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environ, check=True)
    assert done.stderr.strip() == "[] 0"
    assert json.loads(done.stdout)["provenance"]["source"] == SOURCE
