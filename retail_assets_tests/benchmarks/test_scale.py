"""The scale benchmark on a few thousand rows: it measures a run that has loaded what it was given."""

from __future__ import annotations

import pytest

from benchmarks.operations import scale


@pytest.mark.spark
@pytest.mark.slow
def test_each_size_is_measured_with_its_rows_cpu_and_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scale, "ASSETS", "raw_sales_files,clean_sales,quarantined_sales,sales,sales_quarantine")
    [entry] = scale.measure([2_000])["scale"]
    assert entry["rows"] == 2_000
    assert set(entry) == {"rows", "cpu_s", "peak_mb", "wall_s"}
    assert entry["cpu_s"] > 0
    assert entry["peak_mb"] > 100


def test_the_sizes_are_those_of_the_scale_note() -> None:
    assert (min(scale.SIZES), max(scale.SIZES)) == (1_000_000, 30_000_000)
