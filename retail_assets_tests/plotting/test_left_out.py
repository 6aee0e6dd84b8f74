"""One list says which figures the data do not give, whichever room draws them and in whatever order."""

from __future__ import annotations

import threading
from pathlib import Path

from retail_assets.plotting.left_out import LEFT_OUT, NothingToShow, draw_each, none_of, read, record
from retail_assets.storage import Store


def _missing() -> bytes:
    raise NothingToShow("there are no sales yet")


def test_a_figure_is_drawn_or_has_a_reason_that_is_a_sentence() -> None:
    figures = draw_each({"a.png": lambda: b"a", "b.png": _missing})
    assert figures == {"a.png": b"a"}
    assert figures.left_out == {"b.png": "There are no sales yet."}
    assert none_of(["c.png"], "too few. Really.").left_out == {"c.png": "Too few. Really."}


def test_each_writer_speaks_of_its_own_figures_only(tmp_path: Path) -> None:
    output = Store(str(tmp_path))
    assert read(output) == {}
    record(output, ["a", "b"], {"a": "One.", "b": "Two."})
    record(output, ["c"], {"c": "Three."})
    record(output, ["a", "b"], {"b": "Two again."})
    assert read(output) == {"b": "Two again.", "c": "Three."}
    written = (tmp_path / LEFT_OUT).stat().st_mtime_ns
    record(output, ["a", "b"], {"b": "Two again."})
    assert (tmp_path / LEFT_OUT).stat().st_mtime_ns == written, "the same list is not written again"


def test_writers_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    output = Store(str(tmp_path))
    writers = [threading.Thread(target=record, args=(output, [n], {n: "Why."})) for n in "abcdef"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(timeout=30)
    assert list(read(output)) == list("abcdef")
