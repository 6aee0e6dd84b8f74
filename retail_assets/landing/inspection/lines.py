"""Counting physical lines. Row conservation compares this count with what cleaning accounts for."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from retail_assets.errors import LandingError
from retail_assets.landing.inspection.text_stream import MAX_LINE_BYTES
from retail_assets.landing.replacement import use_instead


def count_lines(blocks: Iterator[bytes], line_end: str, key: str) -> tuple[int, bool]:
    """Count the physical lines that are not blank, and report whether text was lost.

    A line is blank if it holds only white space and control characters. Text is lost where there is NUL, or U+FFFD, the
    mark of bytes that could not be decoded, here or by the program that wrote the file.

    Raises LandingError for a line of more than MAX_LINE_BYTES.
    """
    total, open_line, open_bytes, lost = 0, False, 0, False
    for raw in blocks:
        block = raw.replace(b"\r", b"\n") if line_end == "cr" else raw
        if not block:
            continue
        lost = lost or b"\x00" in block or b"\xef\xbf\xbd" in block
        at = np.frombuffer(block, dtype=np.uint8)
        starts = np.concatenate((np.zeros(1, np.int64), np.flatnonzero(at == 10) + 1))
        sizes = np.diff(np.append(starts, len(at)))
        sizes[0] += open_bytes
        if int(sizes.max()) > MAX_LINE_BYTES:
            raise LandingError(
                f"{key} has a line of more than {MAX_LINE_BYTES >> 20} MB: line ends are missing, or it is not a text "
                f"file. {use_instead(key, 'a copy with one record per line')}"
            )
        open_bytes = int(sizes[-1])
        ended_with_newline = starts[-1] == len(at)
        if ended_with_newline:
            starts = starts[:-1]
        filled = np.add.reduceat(at > 32, starts, dtype=np.int64) > 0
        total += int(filled.sum())
        if open_line and filled[0]:
            total -= 1  # the first piece continues a line that was counted with the last block
        whole_block_is_one_piece = len(starts) == 1 and not ended_with_newline
        open_line = not ended_with_newline and bool(filled[-1] or (whole_block_is_one_piece and open_line))
    return total, lost


def count_lines_with_text(text: str, lines: int) -> int:
    """Count those of the first `lines` lines of a text that are not blank."""
    return sum(1 for line in text.split("\n", lines)[:lines] if has_text(line))


def has_text(line: str) -> bool:
    """Return whether a line holds anything but white space and control characters."""
    return any(c > " " for c in line)
