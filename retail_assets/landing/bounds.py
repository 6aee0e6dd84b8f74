"""Bounds of a file: what no table of sales is, refused before it costs memory or time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from retail_assets.errors import LandingError

#: Columns of a file, as many as a spreadsheet has.
MOST_COLUMNS = 16_384
_LARGE = 64 << 20
_MOST_PER_BYTE = 150  # sales compress to a tenth or a thirtieth; blank lines to less than a 200th
_MANY_LINES = 1_000_000
_SHORT = 4  # bytes of a line; more are usual inside of long quoted fields


def refuse_too_many_columns(header: Sequence[str], key: str) -> None:
    """Raise LandingError for more than MOST_COLUMNS columns."""
    if len(header) > MOST_COLUMNS:
        raise LandingError(
            f"{key} has {len(header):,} columns; at most {MOST_COLUMNS:,} are read. Check that its first line is a "
            "header and its separator the right one, or export fewer columns."
        )


def refuse_bomb(packed: int, unpacked: int, key: str) -> None:
    """Raise LandingError for bytes that unpack to more than any sales do.

    >>> refuse_bomb(1 << 20, 30 << 20, "a.csv.gz")
    """
    if unpacked > _LARGE and unpacked > _MOST_PER_BYTE * packed:
        raise LandingError(
            f"{key} unpacks to more than {_MOST_PER_BYTE} times its size, as no sales do: it holds the same bytes "
            "again and again, such as blank lines. Ask its sender for the file again, or land it unpacked."
        )


def without_bomb(
    blocks: Iterator[bytes], packed: Callable[[], int], unpacked: Callable[[], int], key: str
) -> Iterator[bytes]:
    """Yield the blocks of a compressed file. Raises LandingError at the first that says that it is a bomb."""
    for block in blocks:
        refuse_bomb(packed(), unpacked(), key)
        yield block


def refuse_short_lines(lines: int, unpacked: int, width: int, key: str) -> None:
    """Raise LandingError for a large file whose lines are on average too short for a few cells."""
    if lines > _MANY_LINES and unpacked < lines * min(width, _SHORT):
        raise LandingError(
            f"{key} has {lines:,} lines, most of which are too short for its {width:,} columns. Check its separator, "
            "or ask its sender for the file again."
        )
