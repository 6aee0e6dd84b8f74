"""Erasing a customer from what was written for people: lists lose the row, and what cannot be edited is deleted.

Deleted pages, workbooks and extracts are made again, without the customer, by the next run.
"""

from __future__ import annotations

import contextlib
import io
import zipfile
from collections.abc import Iterator

from retail_assets.erasure.mentions import Mentions
from retail_assets.storage import Store

_TEXTS = (".csv", ".json", ".md", ".txt")
#: Extracts are compressed, so their bytes do not show who is in them; they hold every sale.
_OPAQUE = (".hyper", ".tdsx", ".twbx")
_PICTURES = (".png", ".svg")


def erase_from_outputs(
    output: Store, mentions: Mentions, *, had_sales: bool = True, dry_run: bool = False
) -> dict[str, int]:
    """Erase a customer from every output. Returns how many files were edited and deleted.

    Without sales (`had_sales`), nobody is in an extract, which stays.
    """
    edited = deleted = 0
    for entry in output.list(""):
        name = entry.key.lower()
        if name.endswith(_OPAQUE):
            if had_sales:
                deleted += 1
                if not dry_run:
                    output.delete([entry.key])
            continue
        data = output.read(entry.key)
        if not any(mentions.may_be_in(part) for part in parts_of(data)):
            continue
        if name.endswith(_TEXTS):
            text = data.decode("utf-8", "surrogateescape")
            new = mentions.without_rows(text) if name.endswith(".csv") else mentions.without(text)
            if new != text:
                edited += 1
                if not dry_run:
                    output.write(entry.key, new.encode("utf-8", "surrogateescape"))
        elif not name.endswith(_PICTURES) and any(map(mentions.is_in, parts_of(data))):
            deleted += 1
            if not dry_run:
                output.delete([entry.key])
    return {"output_files_edited": edited, "output_files_deleted": deleted}


def parts_of(data: bytes) -> Iterator[bytes]:
    """Yield the bytes of a file, or those of each part of an archive."""
    if data[:2] == b"PK":
        with (
            contextlib.suppress(zipfile.BadZipFile, NotImplementedError, OSError),
            zipfile.ZipFile(io.BytesIO(data)) as archive,
        ):
            for name in archive.namelist():
                yield archive.read(name)
            return
    yield data
