"""Checks of the places of a source: stores, warehouse, and the landings in the raw store."""

from __future__ import annotations

import datetime as dt
import os
import re
import shlex
import stat
import uuid

import psutil

from retail_assets.doctor.finding import Finding
from retail_assets.lake.lake import Lake
from retail_assets.pseudonyms.opened import VARIABLE, key_place, pseudonyms_of, record_key
from retail_assets.settings import Settings
from retail_assets.storage import Store
from retail_assets.warehouse import open_redshift

STORE_SECONDS = 60
WAREHOUSE_SECONDS = 300  # a paused Serverless workgroup takes a while to wake


def store_works(name: str, uri: str) -> Finding:
    """List a store, and write and delete a small object."""
    store = Store(uri)
    key = f".doctor-{uuid.uuid4().hex}"
    store.folders("")
    store.write(key, b"probe")
    store.delete([key])
    return Finding(f"storage: {name}", True, f"{uri} can be listed and written")


def pseudonyms(settings: Settings) -> Finding:
    """Read the key of pseudonyms, and compare it with the one that made those of the landings."""
    lake = Lake(Store(settings.lake_uri), settings.source)
    place = key_place(settings)
    noted = lake.store.read_tagged(record_key(lake.source)) is not None
    if place.key(create=False) is None and not noted and not lake.days("raw"):
        return Finding("pseudonyms", True, f"nothing has landed yet: the first landing makes the key at {place.path}")
    pseudonyms_of(settings, lake, landing=False)
    where = VARIABLE if place.secret is not None else str(place.path)
    if place.secret is None and os.name == "posix" and (mode := stat.S_IMODE(place.path.stat().st_mode)) & 0o077:
        return Finding(
            "pseudonyms",
            False,
            f"the key {where} can be read by others than its owner (mode {mode:o})",
            f"Run: chmod 600 {shlex.quote(where)}",
        )
    use = f"is the one that made the pseudonyms of {lake.source}" if noted else "has made no pseudonyms here yet"
    return Finding("pseudonyms", True, f"the key in {where} {use}")


def warehouse(settings: Settings) -> Finding:
    """Open the warehouse; of Redshift, log in and let it read a file in the lake's bucket with its role."""
    if settings.redshift is not None:
        return Finding("warehouse", True, open_redshift(settings).examine())
    path = settings.duckdb_path
    if not path.exists():
        return Finding("warehouse", True, f"{path} is not there yet: the first load creates it")
    import duckdb

    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            row = connection.execute("select count(*) from information_schema.tables").fetchone()
    except duckdb.Error as e:
        text = " ".join(str(e).split())
        if holder := re.search(r"PID (\d+)", text):
            return Finding(
                "warehouse",
                False,
                f"{path} is in use by {_process(int(holder[1]))}",
                "Wait for its run to end. If no run should be active, end that process.",
            )
        return Finding(
            "warehouse",
            False,
            f"{path} cannot be opened: {text[:300]}",
            "Check its owner and permissions. If it is damaged, move it away and load again: the lake has everything.",
        )
    return Finding(
        "warehouse", True, f"{path} opens, {row[0] if row else 0} tables, {path.stat().st_size / 1e6:.1f} MB"
    )


def _process(pid: int) -> str:
    try:
        process = psutil.Process(pid)
        started = dt.datetime.fromtimestamp(process.create_time()).strftime("%Y-%m-%d %H:%M:%S")
        return f"process {pid} ({process.name()}, since {started})"
    except psutil.Error:
        return f"process {pid}"


def partitions(settings: Settings) -> Finding:
    """Compare the days of the landings with those that runs may read."""
    first, last = settings.start_date, settings.end_date or settings.today()
    span = f"{first} to {settings.end_date or f'today ({last})'}"
    if first > last:
        return Finding(
            "partitions", False, f"{span}: the first day is in the future", "Set RETAIL_START_DATE to an earlier day."
        )
    store = Store(settings.raw_uri)
    names = store.folders(settings.source)
    landed = sorted(n[3:] for n in names if re.fullmatch(r"dt=\d{4}-\d\d-\d\d", n))
    outside = [d for d in landed if not first.isoformat() <= d <= last.isoformat()]
    if outside:
        return Finding(
            "partitions",
            False,
            f"{span}; {len(outside)} of {len(landed)} landings of {settings.source} are outside this range: "
            f"{outside[0]} to {outside[-1]}",
            "Set RETAIL_START_DATE and RETAIL_END_DATE so that they include these landings; no run reads them now.",
        )
    landings = f"{len(landed)} landed, {landed[0]} to {landed[-1]}" if landed else "nothing has landed yet"
    return Finding("partitions", True, f"{span}, {(last - first).days + 1} days; {landings}")
