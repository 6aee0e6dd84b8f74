"""Erasing a customer from serving bundles: the one in use is published again without them, all others are removed.

A bundle is immutable and named by its content, so one without the customer is another bundle.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

from retail_assets.erasure.mentions import Mentions
from retail_assets.erasure.scratch import scratch
from retail_assets.erasure.sqlite_rows import erase_from_sqlite
from retail_assets.errors import RetailError
from retail_assets.exports.bundle.publish import publish_files
from retail_assets.serving.errors import BadBundleError
from retail_assets.serving.manifest import BUNDLES, DATABASE, FILES, MANIFEST, POINTER, key, read_manifest, read_pointer
from retail_assets.storage import Store

_CHUNK = 1 << 20


def erase_from_bundles(
    serving: Store, source: str, mentions: Mentions, now: dt.datetime, *, dry_run: bool = False
) -> dict[str, int]:
    """Erase a customer from every bundle of a source. Returns how many bundles had them."""
    versions = sorted({e.key.split("/")[-2] for e in serving.list(f"{source}/{BUNDLES}")})
    if not versions:
        return {"bundles": 0}
    in_use = _in_use(serving, source)
    having = 0
    with scratch() as copies:
        for version in versions:
            folder = copies / version
            folder.mkdir()
            rows = _without(serving, source, version, folder, mentions)
            if rows == 0:
                continue
            having += 1
            if dry_run:
                continue
            # What cannot be read may hold the customer. The one in use is then made again by the next run.
            if version == in_use and rows is not None:
                _publish_again(serving, source, version, folder, now)
            _remove(serving, source, version)
    return {"bundles": having}


def _in_use(serving: Store, source: str) -> str | None:
    data = serving.read_if_exists(f"{source}/{POINTER}")
    with contextlib.suppress(BadBundleError):
        return read_pointer(data, POINTER).version if data else None
    return None


def _without(serving: Store, source: str, version: str, folder: Path, mentions: Mentions) -> int | None:
    """Copy the files of a bundle, without the customer. Returns rows erased; None if the bundle is damaged."""
    try:
        for name in FILES:
            with serving.open(f"{source}/{key(version, name)}") as data, (folder / name).open("wb") as target:
                shutil.copyfileobj(data, target, _CHUNK)
        return erase_from_sqlite(folder / DATABASE, mentions)
    except (RetailError, sqlite3.Error):
        return None


def _publish_again(serving: Store, source: str, version: str, folder: Path, now: dt.datetime) -> None:
    manifest = read_manifest(serving.read(f"{source}/{key(version, MANIFEST)}"), version, version)
    with contextlib.closing(sqlite3.connect(folder / DATABASE)) as database:
        counts = {name: database.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in manifest.counts}
    publish_files(serving, replace(manifest, counts=counts), folder, now)


def _remove(serving: Store, source: str, version: str) -> None:
    prefix = f"{source}/{BUNDLES}/{version}"
    # The manifest first: what is half removed is no bundle.
    keys = sorted((e.key for e in serving.list(prefix)), key=lambda name: not name.endswith(MANIFEST))
    serving.delete(keys)
    if serving.is_local:
        shutil.rmtree(serving.local_path(prefix), ignore_errors=True)
