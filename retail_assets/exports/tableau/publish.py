"""Publish the extract: one data source per table of facts, each with the tables that it is related to."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from retail_assets.errors import NotReadyError, PublishingError
from retail_assets.exports import TABLEAU_EXTRACT
from retail_assets.exports.tableau import hyper, relations
from retail_assets.exports.tableau.contents import ABOUT, CONTENTS, DATA_SOURCES, DataSource, Relation
from retail_assets.exports.tableau.server import Published, Session, patiently
from retail_assets.exports.tableau.write import folder
from retail_assets.settings.tableau import TableauServer
from retail_assets.storage import Store

_TABLES = {content.table.name: content.table for content in CONTENTS}


@dataclass
class Publication:
    """What was published, with its rows by name; and names of ours that stay on the server as they were before."""

    published: list[Published] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    stale: list[str] = field(default_factory=list)


def name_of(source: DataSource, settings: TableauServer, shop: str) -> str:
    """Return the name of a data source on the server."""
    return f"{settings.name or shop} {source.name}"


def is_ours(published: Published, shop: str) -> bool:
    """Return whether a data source on the server was published from this shop: its description says so."""
    return _mark(shop) in published.description


def _mark(shop: str) -> str:
    return f"Published by retail-assets from {shop}."


def publish(
    output: Store, settings: TableauServer, shop: str, pause: Callable[[float], None] = time.sleep
) -> Publication:
    """Publish the extract of a store. What an earlier run published is overwritten; nothing else is.

    Parameters
    ----------
    output
        Has the extract, which is only read.
    settings
        Where to publish, and how to log in.
    shop
        Name of the contract.
    pause
        Waits before another attempt.

    Raises
    ------
    NotReadyError
        There is no extract.
    PublishingError
        The server refuses, or a data source that is not ours has the name. PublishingUnreachableError if another
        attempt can help.
    """
    if not output.exists(TABLEAU_EXTRACT):
        raise NotReadyError(
            f"{output.uri_of(TABLEAU_EXTRACT)} is not there yet. Materialize the asset tableau_extract."
        )
    with folder() as made_in:
        extract = made_in / Path(TABLEAU_EXTRACT).name
        with output.open(TABLEAU_EXTRACT) as stored, extract.open("wb") as here:
            shutil.copyfileobj(stored, here, 8 << 20)
        counts = hyper.query(extract, f"SELECT table_name, row_count FROM {hyper.table_of(ABOUT)}").to_pylist()
        there = {row["table_name"]: row["row_count"] for row in counts if row["row_count"] is not None}
        related, _ = relations.holding(
            lambda sql: hyper.query(extract, sql).to_pylist()[0],
            {table: hyper.table_of(table) for name, table in _TABLES.items() if name in there},
        )
        files = {source: _cut(extract, source, related) for source in DATA_SOURCES if source.fact.name in there}
        result = Publication()

        def work(session: Session) -> None:
            result.stale = [
                name
                for source in DATA_SOURCES
                if source not in files
                and (found := session.find(name := name_of(source, settings, shop)))
                and is_ours(found, shop)
            ]
            for source in list(files)[len(result.published) :]:
                result.published.append(_publish(session, files[source], source, settings, shop))

        patiently(settings, work, pause)
        result.rows = {name_of(source, settings, shop): there[source.fact.name] for source in files}
    return result


def _publish(session: Session, path: Path, source: DataSource, settings: TableauServer, shop: str) -> Published:
    name = name_of(source, settings, shop)
    found = session.find(name)
    if found is not None and not is_ours(found, shop):
        raise PublishingError(
            f"{settings.address} has a data source {name!r} in the project {settings.project!r} that was not published "
            f"from {shop}: its description does not say {_mark(shop)!r}. It was not overwritten. Set "
            "RETAIL_TABLEAU_NAME to another beginning of names, or rename or delete it there. The extract is where it "
            "was."
        )
    return session.publish(path, name, f"{source.describes} {_mark(shop)}", overwrite=found is not None)


def _cut(extract: Path, source: DataSource, related: Collection[Relation]) -> Path:
    """Write the file of one data source, with the keys that a server makes its data model from."""
    path = extract.parent / source.name.replace(" ", "_") / extract.name
    path.parent.mkdir()
    # A table that the fact does not name would be a second one without a name, which a server refuses.
    own = [relation for relation in related if relation.table == source.fact]
    named = dict.fromkeys(relation.to for relation in own)
    hyper.write(path, {table: hyper.stream(extract, table) for table in (source.fact, *named)})
    hyper.declare_keys(path, named, own)
    return path
