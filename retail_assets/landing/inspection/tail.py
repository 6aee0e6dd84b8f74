"""The last lines of a text file, kept while the file streams by: totals stand there."""

from __future__ import annotations

from collections.abc import Iterator

from retail_assets.landing.inspection.lines import has_text

_KEPT_BYTES = 256 << 10
#: How many of the last lines can be totals.
MOST_TOTALS = 50


class Tail:
    """Passes blocks of UTF-8 through and keeps the end of the text. `line_end` is `lf` or `cr`."""

    def __init__(self, line_end: str) -> None:
        self._end = b"\r" if line_end == "cr" else b"\n"
        self._ended_lines = 0
        self._kept = b""
        self._whole = True

    def through(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """Yield the blocks unchanged."""
        for block in blocks:
            self._ended_lines += block.count(self._end)
            self._whole = self._whole and len(self._kept) + len(block) <= _KEPT_BYTES
            self._kept = (self._kept + block[-_KEPT_BYTES:])[-_KEPT_BYTES:]
            yield block

    def lines(self) -> list[tuple[int, str]]:
        """Return the last lines that are not blank, one more than can be totals, with their numbers from 1."""
        texts = self._kept.decode("utf-8", "replace").replace(self._end.decode(), "\n").split("\n")
        first = self._ended_lines + 2 - len(texts)
        found: list[tuple[int, str]] = []
        begin = 0 if self._whole else 1  # where the end begins, a line may be cut
        for i in range(len(texts) - 1, begin - 1, -1):
            if has_text(texts[i]):
                found.append((first + i, texts[i].rstrip("\r")))
                if len(found) > MOST_TOTALS:
                    break
        return found[::-1]
