"""Exporting rejected rows: as a table for people, or as the original lines to be fixed and landed again."""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import os
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from retail_assets.cleaning.rules import NOT_TEXT
from retail_assets.contracts.model import Contract
from retail_assets.errors import StorageError
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import CleanManifest
from retail_assets.lake.profile import FileProfile
from retail_assets.quarantine.rows import Selection, SelectionError, of_landing
from retail_assets.quarantine.texts import is_cut
from retail_assets.storage.csv_cells import safe_cell, write_pages

COLUMNS = (
    "landed_on",
    "source_file",
    "source_line",
    "reasons",
    "transaction_id",
    "total_amount",
    "contract_version",
    "raw_text",
)
_SHOWN = 5


@dataclass(frozen=True)
class Exported:
    """Rows written; places where the text is cut off (left out of `--raw`), and where it contains lost characters."""

    rows: int
    cut: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    suffix: str = ".csv"

    def remarks(self) -> list[str]:
        """Return what the user has to know about rows that are not exported as they were."""
        remarks = []
        if self.cut:
            remarks.append(
                f"Left out, because the quarantine keeps only their first 65,535 bytes: {_listed(self.cut)}. "
                "Copy them from the landed file."
            )
        if self.lost:
            remarks.append(
                f"With U+FFFD in place of bytes that were not text: {_listed(self.lost)}. Fix them from the landed "
                "file."
            )
        return remarks


@contextlib.contextmanager
def target(path: Path | None, stdout: IO[bytes]) -> Iterator[IO[bytes]]:
    """Open what to write to: a file that appears whole or not at all, or standard output. Raises StorageError."""
    if path is None:
        yield stdout
        stdout.flush()
        return
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        with temporary.open("xb") as handle:
            yield handle
        os.replace(temporary, path)
    except OSError as e:
        raise StorageError(
            f"Cannot write {path}: {e.strerror or e}. Check the folder, its permissions and free space."
        ) from e
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def as_table(
    lake: Lake, manifests: Sequence[CleanManifest], selection: Selection, sink: IO[bytes], *, marked: bool = True
) -> Exported:
    """Write place, reasons and text of the rows as CSV in UTF-8, in which no cell is a formula.

    `marked` is for spreadsheets: the file begins with a byte order mark. In a pipe it would be part of the first name.
    """
    pages = (of_landing(lake, manifest, selection).select(list(COLUMNS)).to_pylist() for manifest in manifests)
    cells = (([_cell(value) for value in row.values()] for row in page) for page in pages)
    return Exported(write_pages(sink, COLUMNS, cells, marked=marked))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return safe_cell(value) if isinstance(value, str) else str(value)


def as_landed(
    lake: Lake, manifests: Sequence[CleanManifest], selection: Selection, contract: Contract, sink: IO[bytes]
) -> Exported:
    """Write the original lines under the original header, to be fixed and landed again.

    The lines are unchanged, so nothing makes them safe for a spreadsheet. Rows of Parquet files are written as JSON
    lines. Raises SelectionError if the rows come from files with different headers.
    """
    header: FileProfile | None = None
    rows, cut, lost = 0, [], []
    for manifest in manifests:
        chosen = of_landing(lake, manifest, selection)
        if not chosen.num_rows:
            continue
        profiles = {f.key: f for f in lake.raw(manifest.landed_on).files}
        for row in chosen.to_pylist():
            place = f"{row['source_file']} line {row['source_line']}"
            profile = profiles.get(row["source_file"])
            if profile is None:
                raise SelectionError(
                    f"{row['source_file']} is no longer in the manifest of its landing, so its header is not known. "
                    f"Materialize raw_sales_files and clean_sales again for {manifest.landed_on}."
                )
            if header is None:
                header = profile
                # A byte-order mark makes the file UTF-8, whatever encoding the contract declares.
                utf8 = codecs.lookup(contract.file.encoding).name == "utf-8"
                sink.write((b"" if utf8 else codecs.BOM_UTF8) + _header(profile))
            elif _layout(profile) != _layout(header):
                raise SelectionError(
                    f"{header.key} and {profile.key} have different headers, so their lines do not fit in one file. "
                    "Choose one with --file."
                )
            if is_cut(row["raw_text"]):
                cut.append(place)
                continue
            if NOT_TEXT.name in row["reasons"].split(","):
                lost.append(place)
            sink.write(row["raw_text"].encode() + b"\n")
            rows += 1
    return Exported(rows, tuple(cut), tuple(lost), ".csv" if header is None or header.format == "csv" else ".jsonl")


def _layout(profile: FileProfile) -> tuple[Any, ...]:
    if profile.format == "csv":
        return (profile.format, profile.delimiter, *profile.header)
    return ("json",)


def _header(profile: FileProfile) -> bytes:
    if profile.format != "csv":
        return b""
    text = io.StringIO()
    csv.writer(text, delimiter=profile.delimiter, lineterminator="\n").writerow(profile.header)
    return text.getvalue().encode()


def _listed(places: Sequence[str]) -> str:
    more = f" and {len(places) - _SHOWN:,} more" if len(places) > _SHOWN else ""
    return ", ".join(places[:_SHOWN]) + more
