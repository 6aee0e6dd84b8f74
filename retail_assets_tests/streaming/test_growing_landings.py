"""A landing that grows while the day goes on: sensors see it once per window, and added objects are no lost files."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from retail_assets.contracts import loading
from retail_assets.errors import LandingError
from retail_assets.lake.lake import Lake
from retail_assets.landing.listing import STREAM_WINDOW_SECONDS, Landing, landings
from retail_assets.landing.register import register_landings
from retail_assets.landing.streamed import Offsets
from retail_assets.storage import Store
from retail_assets.storage.objects import Entry, Page
from retail_assets.streaming.batch import Batch
from retail_assets.streaming.record_lines import RecordLines
from retail_assets_tests.streaming.topics import SOURCE, sale

DAY = dt.date(2026, 11, 29)
CONTRACT = loading.load(SOURCE)
#: The first second of a window.
BEGIN = 1_795_900_000 - 1_795_900_000 % STREAM_WINDOW_SECONDS


def listed(at: float, *files: tuple[str, float]) -> Landing:
    """Return the landing of files, each with the second in which it was written, as it looks at a moment."""
    entries = [Entry(f"{SOURCE}/dt={DAY}/{name}", 1, written, tag="t") for name, written in files]
    [landing] = landings([Page(entries, at)], "")
    return landing


def batch(number: int) -> str:
    return Offsets("sales", 0, number, number + 1).key(SOURCE, DAY).partition(f"dt={DAY}/")[2]


def test_a_stream_that_never_rests_changes_its_landing_once_per_window() -> None:
    written = [(batch(n), BEGIN + 3.0 * n) for n in range(2 * STREAM_WINDOW_SECONDS // 3)]
    digests = []
    for at in range(1, 2 * STREAM_WINDOW_SECONDS, 60):
        now = BEGIN + at
        landing = listed(now, *((name, moment) for name, moment in written if moment <= now))
        digests.append(landing.digest if landing.quiet_seconds > 30 else "arriving")
    per_window = STREAM_WINDOW_SECONDS // 60
    assert digests[:per_window] == ["arriving"] * per_window
    assert len(set(digests)) == 2


def test_a_file_beside_a_stream_is_waited_for_as_ever() -> None:
    late = BEGIN + STREAM_WINDOW_SECONDS + 100.0
    assert listed(late, (batch(0), BEGIN), ("a.csv", late - 10)).quiet_seconds == 10
    assert listed(late, (batch(0), late - 1), ("a.csv", late - 50)).quiet_seconds == 50
    with_file = listed(late, (batch(0), late - 1), ("a.csv", late - 50))
    assert with_file.digest == listed(late, ("a.csv", late - 50)).digest
    assert len(with_file.files) == 2


def test_a_landing_that_grew_is_registered_again_and_one_that_lost_an_object_is_refused(tmp_path: Path) -> None:
    raw, lake = Store(str(tmp_path / "raw")), Lake(Store(str(tmp_path / "lake")), SOURCE)
    lines, keys = RecordLines(CONTRACT), []
    for number in range(3):
        made = Batch(lines, "sales", 0, number, None)
        made.add(number, None, sale(number))
        keys.append(Offsets("sales", 0, number, made.next).key(SOURCE, DAY))
        raw.write(keys[-1], made.content())
        [manifest] = register_landings(raw, lake, [DAY], CONTRACT).manifests
        assert [f.key for f in manifest.files] == keys
    raw.delete(keys[:1])
    with pytest.raises(LandingError, match="Registered before, but no longer in the raw store"):
        register_landings(raw, lake, [DAY], CONTRACT)
