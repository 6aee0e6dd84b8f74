"""What a measured command is said to have cost."""

from __future__ import annotations

import sys

import pytest

from benchmarks import metering


def test_a_command_that_ends_before_the_first_sample_still_has_a_peak_of_memory() -> None:
    usage = metering.measured([sys.executable, "-c", "block = bytes(64 * 2**20); block = bytearray(block)"])
    assert usage.peak_mb >= 64
    assert usage.cpu_s > 0


def test_the_time_of_processes_that_the_command_started_is_counted() -> None:
    busy = "import time\nwhile time.process_time() < 0.3: pass"
    usage = metering.measured(
        [sys.executable, "-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {busy!r}])"]
    )
    assert usage.cpu_s >= 0.3


def test_a_command_that_fails_has_no_cost_but_an_error() -> None:
    with pytest.raises(metering.MeasuredCommandError, match="exit code 3"):
        metering.measured([sys.executable, "-c", "raise SystemExit(3)"])
