"""A local file with pseudonyms in place of ids, to be landed in place of the file itself."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, cast

import pyarrow as pa

from retail_assets.cleaning.contiguous import contiguous
from retail_assets.cleaning.readers.read import read_records
from retail_assets.contracts.model import Contract
from retail_assets.errors import LandingError
from retail_assets.lake.profile import FileProfile
from retail_assets.landing.inspection.text_stream import uncompressed
from retail_assets.landing.land import reason_of, shown_path
from retail_assets.landing.parquet_rows import with_columns
from retail_assets.landing.text_lines import compressing, replaced
from retail_assets.landing.workbook.one_sheet import with_one_sheet
from retail_assets.pseudonyms.clear_ids import first_clear_line
from retail_assets.pseudonyms.pseudonym import OtherKeyError, Pseudonyms
from retail_assets.pseudonyms.replaced_columns import Replaced, replaced_columns
from retail_assets.pseudonyms.text_rows import replaced_lines


@contextlib.contextmanager
def pseudonymized(path: Path, profile: FileProfile, contract: Contract, pseudonyms: Pseudonyms) -> Iterator[Path]:
    """Yield a file of sales with pseudonyms in place of ids: see `rewritten`. `profile` is that of the file."""
    profile = replace(profile, fill_down=[])  # blank cells stay blank
    with rewritten(path, profile, replaced_columns(profile, contract), pseudonyms) as target:
        yield target


@contextlib.contextmanager
def rewritten(path: Path, profile: FileProfile, columns: Sequence[Replaced], pseudonyms: Pseudonyms) -> Iterator[Path]:
    """Yield a file of the same name with pseudonyms in some columns; it is deleted at the end.

    It has the same bytes if no text is to be replaced. The result is read again: no id is left in it as it was.
    Raises LandingError if the file cannot be rewritten or changes meanwhile, and OtherKeyError.
    """
    with tempfile.TemporaryDirectory(prefix="retail-land-") as folder:
        target = Path(folder, path.name)
        try:
            with target.open("w+b") as sink:
                changed = _write(path, cast(IO[bytes], sink), profile, columns, pseudonyms)
            if not changed:
                shutil.copyfile(path, target)
            with target.open("rb") as handle:
                left = first_clear_line(handle, profile, columns, pseudonyms)
            with path.open("rb") as handle:  # with another header, ids would be in other columns than those above
                if profile.sha256 and hashlib.file_digest(handle, "sha256").hexdigest() != profile.sha256:
                    raise LandingError(
                        f"{shown_path(path)} changed while it was read, so nothing was landed. Wait until it is "
                        "completely written, then run the same again."
                    )
        except OSError as e:
            raise LandingError(
                f"{shown_path(path)} cannot be written with pseudonyms in {folder}: {reason_of(e)}. Nothing was landed."
            ) from e
        except OtherKeyError as e:
            raise OtherKeyError(f"{shown_path(path)}: {e} Nothing was landed.") from None
        if left is not None:
            raise LandingError(
                f"{shown_path(path)}, line {left}: the id cannot be replaced by a pseudonym. Nothing was landed. Save "
                "the file as CSV in UTF-8 and land that."
            )
        yield target


def _write(
    path: Path, sink: IO[bytes], profile: FileProfile, columns: Sequence[Replaced], pseudonyms: Pseudonyms
) -> bool:
    """Write the file with pseudonyms; return whether it has other content than before."""
    with path.open("rb") as source:
        if profile.format == "parquet":
            return _write_parquet(source, sink, profile, columns, pseudonyms)
        if profile.format == "xlsx":
            return _write_workbook(source, sink, profile, columns, pseudonyms)
        with compressing(sink, profile.compression) as target, path.open("rb") as rows:
            text = uncompressed(source, profile.compression)
            lines = replaced_lines(rows, profile, columns, pseudonyms)
            return replaced(text, target, lines, profile.encoding, profile.line_end) > 0


def _write_parquet(
    source: IO[bytes], sink: IO[bytes], profile: FileProfile, columns: Sequence[Replaced], pseudonyms: Pseudonyms
) -> bool:
    parts: dict[int, list[pa.Array]] = {c.position: [] for c in columns}
    changed = False
    for records in read_records(source, profile):
        for column in columns:
            texts = contiguous(records.table[f"c{column.position}"]).dictionary_encode(null_encoding="encode")
            before = texts.dictionary.to_pylist()
            other = [column.text(pseudonyms, text) for text in before]
            changed |= any(text is not None for text in other)
            new = pa.array([o if o is not None else b for o, b in zip(other, before, strict=True)], pa.string())
            parts[column.position].append(new.take(texts.indices))
    if changed:
        source.seek(0)
        with_columns(source, sink, {place: pa.concat_arrays(arrays) for place, arrays in parts.items()})
    return changed


def _write_workbook(
    source: IO[bytes], sink: IO[bytes], profile: FileProfile, columns: Sequence[Replaced], pseudonyms: Pseudonyms
) -> bool:
    cells: dict[int, dict[int, str]] = {}
    for records in read_records(source, profile):
        lines = records.table["line"].to_pylist()
        for column in columns:
            for line, text in zip(lines, records.table[f"c{column.position}"].to_pylist(), strict=True):
                if (new := column.text(pseudonyms, text)) is not None:
                    cells.setdefault(line, {})[column.position] = new
    source.seek(0)
    with_one_sheet(source, sink, profile.sheet, cells, profile.key)
    source.seek(0)
    sink.seek(0)
    kept = [f"c{n}" for n in range(len(profile.header)) if n not in {c.position for c in columns}]
    before, after = read_records(source, profile), read_records(sink, profile)
    for one, other in zip(before, after, strict=True):
        if not one.table.select(["line", *kept]).equals(other.table.select(["line", *kept])):
            raise LandingError(f"{profile.key}: its cells cannot be copied one by one. Save it as CSV and land that.")
    return True  # also where no id was replaced: other sheets may have had some
