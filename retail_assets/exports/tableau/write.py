"""Write the extract and the starter workbook from a warehouse to a store: each appears whole, or not at all."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from retail_assets.errors import StorageError
from retail_assets.exports import TABLEAU_EXTRACT, TABLEAU_WORKBOOK
from retail_assets.exports.tableau import hyper
from retail_assets.exports.tableau.extract import Extract, make_extract
from retail_assets.exports.tableau.starter import starter_workbook
from retail_assets.lake.sweep import GRACE
from retail_assets.storage import Store
from retail_assets.warehouse.protocol import Warehouse

_PREFIX = "retail-tableau-"


@dataclass(frozen=True)
class Written:
    """What was written: the extract's contents and size."""

    extract: Extract
    bytes: int


def write_tableau(warehouse: Warehouse, output: Store, source: str, currency: str, most_lines: int) -> Written:
    """Write `tableau/retail.hyper` and `tableau/retail.twb`.

    The extract is made in a temporary folder, so the disk needs its size there for a moment. Where anything fails, the
    files of an earlier run stay.

    Raises
    ------
    StorageError
        What writes Hyper files is not installed, or a disk or the store refuses.
    NotReadyError, WarehouseError
        There are no sales yet, or the warehouse refuses.
    """
    if not hyper.installed():
        raise StorageError(f"No extract can be written here. {hyper.INSTALL}")
    with folder() as made_in:
        path = made_in / Path(TABLEAU_EXTRACT).name
        extract = make_extract(warehouse, path, source, currency, most_lines)
        workbook = starter_workbook(path.name, source, extract.rows)
        with path.open("rb") as made, output.writing(TABLEAU_EXTRACT) as published:
            shutil.copyfileobj(made, published, 8 << 20)
        size = path.stat().st_size
    output.write(TABLEAU_WORKBOOK, workbook)
    return Written(extract, size)


def _sweep() -> None:
    """Remove what runs left that were killed more than `GRACE` ago."""
    oldest = time.time() - GRACE.total_seconds()
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if left.stat().st_mtime < oldest:
                shutil.rmtree(left, ignore_errors=True)


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A temporary folder for Hyper files and Hyper's log. Raises StorageError if there can be none."""
    _sweep()
    try:
        made = tempfile.mkdtemp(prefix=_PREFIX)
    except OSError as e:
        raise StorageError(f"Cannot create a folder in {tempfile.gettempdir()}: {e.strerror}. Set TMPDIR.") from e
    try:
        yield Path(made)
    finally:
        shutil.rmtree(made, ignore_errors=True)
