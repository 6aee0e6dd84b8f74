"""Look at what is published: download each data source, and compare its rows and last day with the warehouse."""

from __future__ import annotations

import re
import shutil
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from retail_assets.errors import PublishingError
from retail_assets.exports.tableau import hyper
from retail_assets.exports.tableau.contents import CONTENTS, DATA_SOURCES, LINES, DataSource
from retail_assets.exports.tableau.publish import is_ours, name_of
from retail_assets.exports.tableau.server import Published, Session, patiently
from retail_assets.exports.tableau.write import folder
from retail_assets.settings.tableau import TableauServer
from retail_assets.warehouse.protocol import Warehouse


@dataclass(frozen=True)
class Seen:
    """Rows and last day of a data source: what it should have, and what it has. None where there is no such thing."""

    name: str
    expected_rows: int | None
    expected_day: str | None
    rows: int | None
    day: str | None

    @property
    def problem(self) -> str | None:
        """What is wrong, in words."""
        if self.expected_rows is None:
            return None if self.rows is None else f"{self.name!r} is of an earlier run: the extract leaves it out now"
        if self.rows is None:
            return f"{self.name!r} is not there"
        if (self.rows, self.day) == (self.expected_rows, self.expected_day):
            return None
        return (
            f"{self.name!r} has {self.rows:,} rows up to {self.day}, the warehouse {self.expected_rows:,} up to "
            f"{self.expected_day}"
        )


def look(
    warehouse: Warehouse,
    settings: TableauServer,
    shop: str,
    most_lines: int,
    pause: Callable[[float], None] = time.sleep,
) -> list[Seen]:
    """Return what each data source of the shop has, and what it should have.

    Raises PublishingError if the server refuses, or cannot be reached.
    """
    with folder() as into:

        def work(session: Session) -> list[Seen]:
            return [_look(session, source, warehouse, settings, shop, most_lines, into) for source in DATA_SOURCES]

        return patiently(settings, work, pause)


def _look(
    session: Session,
    source: DataSource,
    warehouse: Warehouse,
    settings: TableauServer,
    shop: str,
    most_lines: int,
    into: Path,
) -> Seen:
    name = name_of(source, settings, shop)
    [content] = [content for content in CONTENTS if content.table == source.fact]
    expected: tuple[int | None, str | None] = (None, None)
    if warehouse.exists(content.origin):
        [row] = warehouse.query(
            f"SELECT count(*) AS n, CAST(max({source.day}) AS VARCHAR(10)) AS day FROM {content.origin.name}"
        ).to_pylist()
        if source.fact != LINES or row["n"] <= most_lines:
            expected = (row["n"], row["day"])
    published = session.find(name)
    if published is None or not is_ours(published, shop):
        return Seen(name, *expected, None, None)
    return Seen(name, *expected, *_contents(session, published, source, into))


def _contents(session: Session, published: Published, source: DataSource, into: Path) -> tuple[int, str | None]:
    """Rows and last day of a published data source."""
    place = into / source.name.replace(" ", "_")
    shutil.rmtree(place, ignore_errors=True)  # of an earlier attempt
    place.mkdir()
    path = _hyper_file(session.download(published, place), published)
    for schema, table in hyper.names_in(path):
        # A server that packed the file may have added an id to the names.
        if re.match(rf"{source.fact.name}(_[0-9A-Fa-f]{{32}})?\Z", table) or table == "Extract":
            return hyper.rows_and_last_day(path, schema, table, source.day)
    raise PublishingError(
        f"{published.name!r} on {published.page or 'the server'} has no table {source.fact.name}. Materialize "
        "tableau_published again."
    )


def _hyper_file(downloaded: Path, published: Published) -> Path:
    """The Hyper file in what was downloaded: itself, or the one in a .tdsx."""
    if not zipfile.is_zipfile(downloaded):
        return downloaded
    with zipfile.ZipFile(downloaded) as packed:
        members = [name for name in packed.namelist() if name.endswith(".hyper")]
        if len(members) != 1:
            raise PublishingError(
                f"{published.name!r} was downloaded with {len(members)} extracts instead of one: it may have been made "
                "live. Delete it on the server, and materialize tableau_published again."
            )
        path = downloaded.with_name("inner.hyper")
        with packed.open(members[0]) as packed_file, path.open("wb") as here:
            shutil.copyfileobj(packed_file, here, 8 << 20)
    return path
