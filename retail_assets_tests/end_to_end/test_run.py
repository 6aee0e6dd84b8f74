"""`retail-assets materialize`: the same run as Dagster's command, with one line per step and errors on one screen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from retail_assets_tests.end_to_end.conftest import LAST, Installation

pytestmark = pytest.mark.timeout(1800)


def test_assets_without_partitions_are_computed_with_one_line_per_step(
    materialized: Installation, tmp_path: Path
) -> None:
    place = materialized.copy(tmp_path)
    (place.output / "summary.json").unlink()
    done = place.run("retail-assets", "materialize", "--select", "eda_summary, eda_figures")
    assert json.loads((place.output / "summary.json").read_text())["rows"]["landed"] > 0
    assert [line.split()[1] for line in done.stderr.splitlines() if line.endswith(" s")] == [
        "eda",
        "eda_figures_names_can_be_drawn",
    ], done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--partition", "2019-01-01"), "2019-01-01 is a partition outside the range 2024-01-01 to "),
        ((), "No landing waits: all 3 are loaded. To compute one again, name its day: --partition"),
        (("--select", "sales,eda_sumary"), "there is no asset 'eda_sumary'. Did you mean 'eda_summary'?"),
        (("--select", "key:("), "--select 'key:(' cannot be read"),
        (("--select", 'key:"nothing"'), "matches no asset"),
        (("--partition-range", "2024-01-03...2024-01-01"), "The range ends on 2024-01-01, before it begins"),
    ],
)
def test_what_cannot_be_run_is_refused_with_what_to_do(
    materialized: Installation, arguments: tuple[str, ...], message: str
) -> None:
    refused = materialized.run("retail-assets", "materialize", *arguments, expect=1)
    assert message in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_failed_step_says_why_on_one_screen_and_publishes_nothing(materialized: Installation, tmp_path: Path) -> None:
    place = materialized.copy(tmp_path)
    [landed] = (place.home / "raw" / "retail_sales" / f"dt={LAST}").iterdir()
    landed.write_text(landed.read_text().splitlines()[0] + "\n")
    manifest = place.home / "lake" / "retail_sales" / "raw" / f"dt={LAST}" / "manifest.json"
    before = manifest.read_bytes()
    failed = place.run("retail-assets", "materialize", "--partition", LAST, expect=1)
    assert "has a header and no rows" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert len(failed.stderr.splitlines()) < 24
    assert manifest.read_bytes() == before


def test_an_output_that_cannot_be_written_names_what_is_in_the_way(materialized: Installation, tmp_path: Path) -> None:
    (tmp_path / "a-file").touch()
    place = Installation(
        materialized.home, tmp_path / "a-file", {**materialized.env, "RETAIL_OUTPUT": str(tmp_path / "a-file")}
    )
    failed = place.run("retail-assets", "materialize", "--select", 'key:"eda_summary"', expect=1)
    assert "a file is in the place of a folder" in failed.stderr
    assert "Traceback" not in failed.stderr
