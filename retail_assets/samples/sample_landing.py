"""What every sample needs to land: a place to write it, and a source that holds nothing else."""

from __future__ import annotations

import contextlib
import datetime as dt
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from retail_assets.errors import LandingError
from retail_assets.landing.land import reason_of
from retail_assets.landing.partitions import REFERENCES
from retail_assets.storage import Entry, Store

#: Yields the file that lands in place of one: given its path, its landing day, and of which reference (None: sales).
AsLanded = Callable[[Path, dt.date, str | None], AbstractContextManager[Path]]


def as_it_is(path: Path, landed_on: dt.date, reference: str | None) -> AbstractContextManager[Path]:
    """Yield the file itself."""
    del landed_on, reference
    return contextlib.nullcontext(path)


@dataclass(frozen=True)
class SampleLanded:
    """The result of landing a sample: files landed and already landed, in the partitions from `first` to `last`.

    `references_landed` are the names of the reference files that have landed with it.
    """

    source: str
    rows: int
    files_landed: int
    files_already_landed: int
    first: dt.date
    last: dt.date
    references_landed: tuple[str, ...] = ()


def refuse_foreign_landings(store: Store, source: str, keys: Collection[str], sample: str) -> list[Entry]:
    """Return the files below `source`, of which all but reference files must be among `keys`.

    Raises LandingError if there are others: together with them, the sample would count sales twice, or mix invented
    sales with real ones. `sample` names it in the message.
    """
    present = store.list(source)
    foreign = [e.key for e in present if e.key not in keys and not e.key.startswith(f"{source}/{REFERENCES}/")]
    if foreign:
        raise LandingError(
            f"{store.uri}/{source} holds {len(foreign):,} other landed file{'s' if len(foreign) > 1 else ''}, such as "
            f"{foreign[0]}. Together with {sample}, sales would be mixed or counted twice, so nothing was landed.\n"
            "  To keep both, run the same again with another RETAIL_HOME (for example RETAIL_HOME=.retail-sample).\n"
            f"  To start over without them, remove {store.uri}/{source} and run the same again."
        )
    return present


@contextlib.contextmanager
def workplace() -> Iterator[str]:
    """Provide a temporary folder in which a sample is written before it lands. Raises LandingError if it fills up."""
    try:
        with tempfile.TemporaryDirectory(prefix="retail-assets-") as folder:
            yield folder
    except OSError as e:
        raise LandingError(
            f"Cannot write in the temporary folder {tempfile.gettempdir()}: {reason_of(e)}. Nothing half-written was "
            "left behind. Free some space there, or set TMPDIR to another folder, then run the same again."
        ) from e
