"""A landed file without some of its rows: written beside it, and put in its place whole."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from typing import IO, cast

from retail_assets.lake.profile import FileProfile
from retail_assets.landing.inspection.text_stream import READ_BYTES, uncompressed
from retail_assets.landing.parquet_rows import without_rows
from retail_assets.landing.text_lines import compressing, emptied
from retail_assets.landing.workbook import one_sheet
from retail_assets.storage import Store

_IN_MEMORY = 32 << 20


def rewrite(store: Store, profile: FileProfile, lines: Sequence[int]) -> tuple[str, int]:
    """Take the rows on some lines out of a landed file. Returns hash and size of the file in its place.

    Text files are read and written as a stream. Every byte that is not of these rows stays; of a gzip file this
    concerns the text in it.
    """
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as spooled:
        new = cast(IO[bytes], spooled)
        with store.open(profile.key) as handle:
            if profile.format == "parquet":
                without_rows(handle, new, lines)
            elif profile.format == "xlsx":
                one_sheet.without_rows(handle, new, profile.sheet, lines, profile.key)
            else:
                with compressing(new, profile.compression) as sink:
                    source = uncompressed(handle, profile.compression)
                    emptied(source, sink, lines, profile.encoding, profile.line_end)
        size = new.tell()
        new.seek(0)
        digest = hashlib.sha256()
        while chunk := new.read(READ_BYTES):
            digest.update(chunk)
        new.seek(0)
        with store.writing(profile.key) as target:
            shutil.copyfileobj(new, target, READ_BYTES)
    return digest.hexdigest(), size
