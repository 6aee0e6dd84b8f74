"""Inspecting a text file in one pass: encoding, line ends, separator, header, line count and hash."""

from __future__ import annotations

import codecs
import gzip
import zlib
from typing import IO, cast

from retail_assets.contracts.model import Contract
from retail_assets.errors import LandingError
from retail_assets.landing.bounds import without_bomb
from retail_assets.landing.inspection.content import encoding_of, refuse_binary_format, refuse_other_text
from retail_assets.landing.inspection.header import Found, find_header
from retail_assets.landing.inspection.json_keys import json_keys
from retail_assets.landing.inspection.lines import count_lines, count_lines_with_text
from retail_assets.landing.inspection.other_encoding import Written
from retail_assets.landing.inspection.repeated_header import HeaderNames
from retail_assets.landing.inspection.shape import Shape
from retail_assets.landing.inspection.tail import Tail
from retail_assets.landing.inspection.text_stream import READ_BYTES, Hashing, decoded, uncompressed
from retail_assets.landing.replacement import use_instead
from retail_assets.storage import Entry

_HEAD_BYTES = 1 << 20


def inspect_text(
    handle: IO[bytes], entry: Entry, file_format: str, compression: str | None, contract: Contract
) -> Shape:
    """Read an open text file (`csv` or `jsonl`) to its end. Raises LandingError if it is not what its name says."""
    hashing = Hashing(handle)
    stream = uncompressed(cast(IO[bytes], hashing), compression)
    try:
        head = stream.read(_HEAD_BYTES)
        refuse_binary_format(head, entry.key)
        encoding = encoding_of(head, contract)
        decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
        text = decoder.decode(head).removeprefix("\ufeff")
        refuse_other_text(head, text, file_format, encoding, entry.key)
        line_end = "cr" if "\r" in text and "\n" not in text else "lf"
        first = text.replace("\r", "\n") if line_end == "cr" else text
        _refuse_without_first_line(first, len(head), entry.key)
        if file_format == "jsonl":
            found = Found("", json_keys(first, entry.key), 0, 0)
        else:
            found = find_header(first, contract, entry.key)
        tail, names = Tail(line_end), HeaderNames(found.fields if file_format == "csv" else [])
        written = Written(stream, encoding, entry.key)
        written.add(head)
        blocks = names.through(decoded(cast(IO[bytes], written), decoder, text))
        if compression:
            blocks = without_bomb(blocks, lambda: hashing.count, stream.tell, entry.key)
        lines, lost_text = count_lines(tail.through(blocks) if file_format == "csv" else blocks, line_end, entry.key)
        written.refuse_other()
        unpacked = stream.tell() if compression else entry.size
    except gzip.BadGzipFile as e:
        raise LandingError(
            f"{entry.key} is named .gz, but it is not a gzip file, or a damaged one ({e}). "
            f"{use_instead(entry.key, 'a complete copy')} If it is plain text, give it a name without .gz. Nothing "
            "from this file has been loaded."
        ) from e
    except (EOFError, zlib.error) as e:
        raise LandingError(
            f"{entry.key} is damaged: its gzip stream is truncated or corrupt ({e}). "
            f"{use_instead(entry.key, 'a complete copy')} Nothing from this file has been loaded."
        ) from e
    while hashing.read(READ_BYTES):  # bytes after the end of the gzip stream belong to the hash
        pass
    return Shape(
        sha256=hashing.sha256.hexdigest(),
        encoding=encoding,
        delimiter=found.delimiter,
        line_end=line_end,
        header=found.fields,
        header_lines=found.end,
        lines=lines - count_lines_with_text(first, found.end),
        unpacked=max(entry.size, unpacked),
        lost_text=lost_text,
        above=found.above(first),
        tail=[(number, line) for number, line in tail.lines() if number > found.end],
        header_records=found.records(first),
        header_again=names.again,
    )


def _refuse_without_first_line(text: str, head_bytes: int, key: str) -> None:
    if not text.strip():
        raise LandingError(f"{key} has no text in it. {use_instead(key, 'the complete file')}")
    if "\n" not in text and head_bytes == _HEAD_BYTES:
        raise LandingError(
            f"{key}: the first line is longer than {_HEAD_BYTES >> 20} MB, so it is not a header: line ends are "
            f"missing, or it is not a text file. {use_instead(key, 'a copy with one record per line')}"
        )
