"""What has landed, been cleaned and been loaded, and when: read from the stores and the warehouse, changing nothing."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from retail_assets.cleaning.reference_changes import Unaffected, is_outdated
from retail_assets.errors import NotReadyError
from retail_assets.landing.partitions import landed_partitions, partition_folder
from retail_assets.landing.references import LandedReferences
from retail_assets.platform import Platform
from retail_assets.tables import ALL


@dataclass(frozen=True)
class LandingStatus:
    """One landing partition: its files in the raw store, the rows cleaned from them, its rows in `sales_clean`.

    `state` is `landed` (not cleaned), `cleaned` (not loaded), `loaded`, or `changed` (its files, or the reference files
    it is joined with, are no longer those that were cleaned).
    """

    landed_on: dt.date
    files: int
    bytes: int
    landed_at: dt.datetime | None
    cleaned_at: dt.datetime | None
    rows_clean: int | None
    rows_quarantined: int | None
    rows_superseded: int | None
    rows_excluded: int | None
    rows_loaded: int | None
    state: str


@dataclass(frozen=True)
class Status:
    """Every landing, the rows of every table (None if it does not exist yet), and when outputs were written."""

    source: str
    warehouse: str
    landings: tuple[LandingStatus, ...]
    tables: dict[str, int | None]
    output: str
    outputs: dict[str, dt.datetime]

    def to_json(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "warehouse": self.warehouse,
            "landings": [
                {k: v.isoformat() if isinstance(v, (dt.date, dt.datetime)) else v for k, v in vars(item).items()}
                for item in self.landings
            ],
            "tables": self.tables,
            "output": self.output,
            "outputs": {k: v.isoformat() for k, v in self.outputs.items()},
        }


def read_status(platform: Platform) -> Status:
    """Read the status. Raises StorageError or WarehouseError if a store or the warehouse cannot be read."""
    lake = platform.lake
    cleaned = set(lake.landings("clean"))
    tables = {table.name: _rows(platform, table.name) for table in ALL}
    loaded = _loaded(platform) if tables["sales_clean"] is not None else {}
    days = sorted(set(landed_partitions(platform.raw, platform.source)) | cleaned | set(loaded))
    landed = LandedReferences(platform.raw, platform.source, platform.settings.contract)
    unaffected = Unaffected.read(lake) if platform.settings.contract.references else Unaffected({})
    landings = tuple(_landing(platform, day, day in cleaned, loaded.get(day), landed, unaffected) for day in days)
    return Status(
        platform.source, platform.warehouse.location(), landings, tables, platform.output.uri, _outputs(platform)
    )


def _landing(
    platform: Platform,
    day: dt.date,
    is_cleaned: bool,
    rows_loaded: int | None,
    landed: LandedReferences,
    unaffected: Unaffected,
) -> LandingStatus:
    files = platform.raw.list(partition_folder(platform.source, day))
    times = [f.modified for f in files if f.modified is not None]
    common = (day, len(files), sum(f.size for f in files), _moment(max(times)) if times else None)
    if not is_cleaned:
        return LandingStatus(*common, None, None, None, None, None, rows_loaded, "landed")
    raw, clean = platform.lake.raw(day), platform.lake.clean(day)
    folder = f"{platform.source}/clean/dt={day.isoformat()}"
    manifests = [e for e in platform.lake.store.list(folder) if e.key == f"{folder}/manifest.json"]
    cleaned_at = _moment(manifests[0].modified) if manifests and manifests[0].modified is not None else None
    state = "loaded" if (rows_loaded or 0) == clean.rows("clean") else "cleaned"
    if {(f.key, f.size) for f in files} != {(f.key, f.size) for f in raw.files} or raw.digest != clean.raw_digest:
        state = "changed"
    if is_outdated(raw, platform.settings.contract, landed, unaffected):
        state = "changed"
    return LandingStatus(
        *common,
        cleaned_at,
        clean.rows("clean"),
        clean.rows("quarantine"),
        clean.rows("superseded"),
        clean.rows("excluded"),
        rows_loaded,
        state,
    )


def _loaded(platform: Platform) -> dict[dt.date, int]:
    rows = platform.warehouse.query("SELECT landed_on, count(*) AS n FROM sales_clean GROUP BY landed_on").to_pylist()
    return {row["landed_on"]: int(row["n"]) for row in rows}


def _rows(platform: Platform, table: str) -> int | None:
    try:
        [row] = platform.warehouse.query(f"SELECT count(*) AS n FROM {table}").to_pylist()
    except NotReadyError:
        return None
    return int(row["n"])


def _outputs(platform: Platform) -> dict[str, dt.datetime]:
    """When each output was last written. The folder of figures counts as one."""
    written: dict[str, dt.datetime] = {}
    for entry in platform.output.list(""):
        name = "figures/" if entry.key.startswith("figures/") else entry.key
        if entry.modified is not None:
            written[name] = max(_moment(entry.modified), written.get(name, _moment(0)))
    return dict(sorted(written.items()))


def _moment(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).replace(microsecond=0)
