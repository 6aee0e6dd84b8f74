"""Standard output and standard error: UTF-8 under any locale, and readers that go away, as `| head` does."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import TextIO, cast


def speak_utf8() -> None:
    """Write UTF-8 where the locale allows ASCII only, and escape what another encoding does not have.

    A file name must not break the message about it.
    """
    for stream in (sys.stdout, sys.stderr):
        if not isinstance(stream, io.TextIOWrapper):
            continue
        if codecs.lookup(stream.encoding).name == "ascii":
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
        else:
            stream.reconfigure(errors="backslashreplace")


def is_styled(stream: TextIO) -> bool:
    """Whether bold and colors may be written: on a terminal that has them, unless NO_COLOR is set."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def drop_the_rest() -> None:
    """After a BrokenPipeError: what is written from now on goes nowhere, and so does what Python flushes at its end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            with contextlib.suppress(OSError, ValueError):
                _to_nowhere(stream.fileno())


@contextlib.contextmanager
def without_readers() -> Iterator[None]:
    """For the block, a reader that goes away does not stop the work: what it would have read is dropped."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (_lasting(stream) for stream in before)
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        sys.stdout, sys.stderr = before


def _lasting(stream: TextIO) -> TextIO:
    """The stream on a file that outlasts its readers; a stream without a file, as in tests, as it is."""
    if not isinstance(stream, io.TextIOWrapper) or not isinstance(stream.buffer, io.BufferedWriter):
        return stream
    try:
        stream.flush()
        buffer = io.BufferedWriter(cast(io.RawIOBase, _Lasting(stream.fileno(), "w", closefd=False)))
    except (OSError, ValueError):
        return stream
    interactive = stream.isatty() or stream is sys.__stderr__
    return io.TextIOWrapper(buffer, encoding=stream.encoding, errors=stream.errors, line_buffering=interactive)


class _Lasting(io.FileIO):
    """A file that outlasts its readers."""

    def write(self, data: bytes | bytearray | memoryview) -> int:  # type: ignore[override]
        try:
            return super().write(data)
        except BrokenPipeError:
            _to_nowhere(self.fileno())
            return len(data)


def _to_nowhere(number: int) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)
