"""The grammar of quotes in delimited text: which physical lines form one record."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from retail_assets.cleaning.readers.lines import NEWLINE, Lines
from retail_assets.cleaning.rules import MALFORMED_ROW, UNCLOSED_QUOTE
from retail_assets.landing.inspection.text_stream import MAX_LINE_BYTES

#: A quoted field that spans more lines or bytes than this counts as a quote that never closes.
MAX_LINES_IN_RECORD = 1000
MAX_RECORD_BYTES = MAX_LINE_BYTES

_QUOTE = 34


@dataclass(frozen=True)
class Layout:
    """Which lines form which record.

    Each record has its `first` line, one past its last line (`end`), and its `defects`. Records marked `careful` are
    split by hand, because Arrow would read them differently. Lines from `decided` on belong to a record that the next
    buffer may close.
    """

    first: np.ndarray
    end: np.ndarray
    defects: np.ndarray
    careful: np.ndarray
    decided: int


_State = Literal["outside", "inside", "wrong"]


class Quoting:
    """The grammar of quotes, after RFC 4180.

    A field that begins with a quote (spaces before it do not count) ends with a quote before a delimiter or the end of
    a line (spaces do not count). Between them a quote is written twice, and lines may end. A quote in a field that does
    not begin with one is a character like any other. A line that breaks this is a record of its own and malformed. A
    field that does not close (because the file ends, because the line that would close it is wrong, or because it gets
    too long) spoils only the line on which it begins.
    """

    def __init__(self, delimiter: str) -> None:
        self._delimiter = delimiter.encode()
        mark = re.escape(delimiter)
        self._opening = re.compile(b' *"')
        self._to_close = re.compile(b'[^"]*+(?:""[^"]*+)*+')
        self._after = re.compile(b" *")
        self._field = re.compile(rf' *"([^"]*+(?:""[^"]*+)*+)" *(?={mark}|\Z)|([^{mark}]*+)')
        self._may_open = _one_of(delimiter.encode() + b'\n"')
        self._may_close = _one_of(delimiter.encode() + b'\r\n"')

    def split(self, text: str) -> list[str]:
        """Return the fields of one record with correct quotes."""
        return [field for _, _, field, _ in self.places(text)]

    def places(self, text: str, most: int | None = None) -> Iterator[tuple[int, int, str, bool]]:
        """Yield where each of the fields of a record (at `most` so many) begins and ends, without quotes around it.

        With that, the field itself, and whether it has quotes around it.
        """
        place = number = 0
        while most is None or number < most:
            match = self._field.match(text, place)
            assert match is not None  # noqa: S101 - the second alternative matches anything
            quoted, bare = match.groups()
            if quoted is None:
                yield *match.span(2), bare, False
            else:
                yield *match.span(1), quoted.replace('""', '"'), True
            place, number = match.end() + 1, number + 1
            if place > len(text):
                return

    def records(self, lines: Lines, first: int, *, last: bool) -> Layout:
        """Group the lines from `first` on into records. `last` says that no line follows this buffer."""
        n = len(lines.start)
        begins = np.ones(n, dtype=bool)
        begins[:first] = False
        defects = np.zeros(n, dtype=np.int64)
        careful = np.zeros(n, dtype=bool)
        decided = n
        with_returns = lines.with_returns()
        careful[with_returns] = True
        quotes = np.flatnonzero(lines.at == _QUOTE) if b'"' in lines.data else np.zeros(0, dtype=np.int64)
        if len(quotes):
            candidates, quoted = self._suspects(lines, quotes, with_returns)
            joining = _Joining(self, lines, quoted)
            position = first
            for line in candidates.tolist():
                if line < position:
                    continue
                state, usual = self.scan(lines[line], inside=False)
                careful[line] |= not usual
                if state == "wrong":
                    defects[line] = MALFORMED_ROW.mask
                elif state == "inside":
                    closing, usual = joining.closing(line, last=last)
                    if closing is None:
                        decided = line
                        break
                    if closing == line:
                        defects[line] = UNCLOSED_QUOTE.mask
                    careful[line] |= not usual
                    begins[line + 1 : closing + 1] = False
                    position = closing + 1
        starts = np.flatnonzero(begins[:decided])
        if not len(starts):
            return Layout(starts, starts, defects[:0], careful[:0], decided)
        ends = np.append(starts[1:], decided)
        careful_records = np.logical_or.reduceat(careful[:decided], starts)
        return Layout(starts, ends, defects[starts], careful_records, decided)

    def _suspects(self, lines: Lines, quotes: np.ndarray, with_returns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the lines that may leave a field open or break the grammar, and all lines with quotes.

        In a line that does neither, quotes come in pairs. The first of a pair follows a delimiter or starts the line,
        the second precedes a delimiter or ends the line; or the pair is a quote written twice, side by side.
        """
        index = np.searchsorted(quotes, lines.start)
        count = np.diff(np.append(index, len(quotes)))
        quoted = np.flatnonzero(count)
        before = lines.at[quotes - 1]
        if quotes[0] == 0:
            before[0] = NEWLINE
        after = lines.at[quotes + 1]
        odd = (count & 1).astype(bool)
        if odd.any():
            second = ((np.arange(len(quotes)) - np.repeat(index[quoted], count[quoted])) & 1).astype(bool)
            fits = np.where(second, self._may_close[after], self._may_open[before])
        else:
            fits = np.empty(len(quotes), dtype=bool)
            fits[0::2] = self._may_open[before[0::2]]
            fits[1::2] = self._may_close[after[1::2]]
        suspect = odd
        if not fits.all():
            suspect[lines.of_bytes(quotes[~fits])] = True
        suspect[with_returns] |= count[with_returns] > 0
        return np.flatnonzero(suspect), quoted

    def scan(self, line: bytes, *, inside: bool) -> tuple[_State, bool]:
        """Return the state at the end of a line, and whether Arrow would read the line the same way.

        `inside` says that the line begins inside a quoted field.
        """
        usual = True
        place = 0
        while True:
            opening = None if inside else self._opening.match(line, place)
            if inside or opening:
                if opening:
                    usual = usual and opening.end() == place + 1
                    place = opening.end()
                place = self._to_close.match(line, place).end()  # type: ignore[union-attr]  # it matches anything
                if place == len(line):
                    return "inside", usual
                inside = False
                behind = self._after.match(line, place + 1).end()  # type: ignore[union-attr]
                usual = usual and behind == place + 1
                if behind < len(line) and not line.startswith(self._delimiter, behind):
                    return "wrong", usual
                end = behind
            else:
                end = line.find(self._delimiter, place)
            if end < 0 or end == len(line):
                return "outside", usual
            place = end + 1


class _Joining:
    """Finds the line that closes a quoted field. Scans each line once, however many open fields come before it."""

    def __init__(self, quoting: Quoting, lines: Lines, quoted: np.ndarray) -> None:
        self._quoting = quoting
        self._lines = lines
        self._quoted = quoted
        self._event = -1  # the next line that does not simply stay inside
        self._outcome: _State = "inside"
        self._usual = True

    def closing(self, line: int, *, last: bool) -> tuple[int | None, bool]:
        """Return the line that closes the field that `line` leaves open, and whether Arrow reads those lines the same.

        The result is `line` itself if no line closes the field, and None if only the next buffer can tell.
        """
        self._find_event(line)
        start = self._lines.start[line]
        if self._event == len(self._lines.start):
            room = self._event - line < MAX_LINES_IN_RECORD and len(self._lines.data) - start <= MAX_RECORD_BYTES
            return (None if room and not last else line), True
        near = self._event - line < MAX_LINES_IN_RECORD and self._lines.stop[self._event] - start <= MAX_RECORD_BYTES
        return (self._event if near and self._outcome == "outside" else line), self._usual

    def _find_event(self, line: int) -> None:
        if self._event > line:
            return
        self._usual = True
        for i in range(int(np.searchsorted(self._quoted, line, side="right")), len(self._quoted)):
            self._event = int(self._quoted[i])
            self._outcome, usual = self._quoting.scan(self._lines[self._event], inside=True)
            self._usual = self._usual and usual
            if self._outcome != "inside":
                return
        self._event = len(self._lines.start)


def _one_of(characters: bytes) -> np.ndarray:
    table = np.zeros(256, dtype=bool)
    table[list(characters)] = True
    return table
