"""Text files as a stream of blocks: decompressed, in UTF-8, cut at line ends, in constant memory."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import IO

from retail_assets.errors import LandingError
from retail_assets.lake.profile import FileProfile
from retail_assets.landing.inspection.text_stream import MAX_LINE_BYTES, uncompressed
from retail_assets.landing.replacement import use_instead

BLOCK_BYTES = 16 << 20
_MOST_LINES = 1 << 20


def utf8_blocks(handle: IO[bytes], profile: FileProfile, size: int = BLOCK_BYTES) -> Iterator[bytes]:
    r"""Yield the file in blocks of about `size` bytes of UTF-8; lines end with `\n` or `\r\n`."""
    stream = uncompressed(handle, profile.compression)
    decoder = None
    if codecs.lookup(profile.encoding).name != "utf-8":
        decoder = codecs.getincrementaldecoder(profile.encoding)(errors="replace")
    while True:
        block = stream.read(size)
        last = not block
        if decoder:
            block = decoder.decode(block, final=last).encode("utf-8")
        if profile.line_end == "cr":
            block = block.replace(b"\r", b"\n")
        if block:
            yield block
        if last:
            return


def whole_lines(blocks: Iterator[bytes], key: str) -> Iterator[bytes]:
    """Cut a stream of blocks into buffers that end with a line end, without the byte-order mark.

    Where the blocks end makes no difference to the lines. Raises LandingError for a line of more than MAX_LINE_BYTES;
    `key` names the file in the message.
    """
    rest: list[bytes] = []
    waiting = 0
    first = True
    for block in blocks:
        cut = block.rfind(b"\n") + 1
        if not cut:
            rest.append(block)
            waiting += len(block)
        else:
            buffer = b"".join((*rest, block[:cut])) if rest else block[:cut]
            yield from _few_lines(buffer.removeprefix(codecs.BOM_UTF8) if first else buffer)
            first = False
            rest = [block[cut:]] if cut < len(block) else []
            waiting = len(block) - cut
        if waiting > MAX_LINE_BYTES + len(codecs.BOM_UTF8):
            raise line_too_long(key)
    if tail := b"".join(rest):
        tail = tail.removeprefix(codecs.BOM_UTF8) if first else tail
        yield tail + b"\n"


def _few_lines(buffer: bytes) -> Iterator[bytes]:
    """Cut a buffer of very short lines into smaller ones: what is kept for each line is larger than the line."""
    if buffer.count(b"\n") <= _MOST_LINES:
        yield buffer
        return
    begin = 0
    while begin < len(buffer):
        end = buffer.find(b"\n", min(begin + _MOST_LINES, len(buffer)) - 1) + 1
        yield buffer[begin:end]
        begin = end


def line_too_long(key: str) -> LandingError:
    """Return the error for a file with a line of more than MAX_LINE_BYTES."""
    return LandingError(
        f"{key} has a line of more than {MAX_LINE_BYTES >> 20} MB: line ends are missing, or it is not a text file. "
        f"{use_instead(key, 'a copy with one record per line')}"
    )
