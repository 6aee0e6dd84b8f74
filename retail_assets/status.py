"""What is landed, cleaned and loaded, and when: read from the stores and the warehouse, changed by nothing."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from retail_assets.errors import NotReadyError
from retail_assets.landing.land import landed_partitions, partition_folder
from retail_assets.platform import Platform
from retail_assets.tables import ALL

if TYPE_CHECKING:
    from rich.console import Console

_MOST_LANDINGS = 40


@dataclass(frozen=True)
class LandingStatus:
    """One landing partition: files in the raw store, rows cleaned from them, rows of it in `sales_clean`.

    `state` is `landed` (not cleaned), `cleaned` (not loaded), `loaded`, or `changed` (its files are no longer
    those that were cleaned).
    """

    landed_on: dt.date
    files: int
    bytes: int
    landed_at: dt.datetime | None
    cleaned_at: dt.datetime | None
    rows_clean: int | None
    rows_quarantined: int | None
    rows_superseded: int | None
    rows_loaded: int | None
    state: str


@dataclass(frozen=True)
class Status:
    """Every landing, and the rows of every table (None where a table has not been made)."""

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
    """Look everywhere once. Raises StorageError or WarehouseError when a store or the warehouse cannot be read."""
    lake = platform.lake
    cleaned = set(lake.landings("clean"))
    tables = {table.name: _rows(platform, table.name) for table in ALL}
    loaded = _loaded(platform) if tables["sales_clean"] is not None else {}
    days = sorted(set(landed_partitions(platform.raw, platform.source)) | cleaned | set(loaded))
    landings = tuple(_landing(platform, day, day in cleaned, loaded.get(day)) for day in days)
    return Status(
        platform.source, platform.warehouse.location(), landings, tables, platform.output.uri, _outputs(platform)
    )


def render(status: Status, console: Console) -> None:
    """Print the status as tables; of many landings the latest, and the sum of all."""
    from rich import box
    from rich.table import Table

    shown = status.landings[-_MOST_LANDINGS:]
    table = Table(title=f"Landings of {status.source}", title_justify="left", box=box.SIMPLE, padding=(0, 1, 0, 0))
    for name in ("landed on", "files", "clean", "quarantined", "superseded", "loaded", "cleaned, UTC", "state"):
        table.add_column(name, justify="left" if name in ("landed on", "state") else "right", no_wrap=True)
    for item in shown:
        counts = (item.rows_clean, item.rows_quarantined, item.rows_superseded, item.rows_loaded)
        moment = item.cleaned_at.strftime("%m-%d %H:%M") if item.cleaned_at else "-"
        table.add_row(str(item.landed_on), str(item.files), *map(_count, counts), moment, item.state)
    if status.landings:
        sums = (
            sum(getattr(item, name) or 0 for item in status.landings)
            for name in ("rows_clean", "rows_quarantined", "rows_superseded", "rows_loaded")
        )
        table.add_section()
        table.add_row(
            f"all {len(status.landings)}", str(sum(i.files for i in status.landings)), *map(_count, sums), "", ""
        )
        console.print(table)
    else:
        console.print(f"Nothing of {status.source} has landed yet: retail-assets land FILE, or retail-assets sample.")
    if len(shown) < len(status.landings):
        console.print(f"The latest {len(shown)} landings; all of them with --json.")
    made = {name: rows for name, rows in status.tables.items() if rows is not None}
    console.print(f"Tables in {status.warehouse}:", markup=False)
    for name, rows in made.items():
        console.print(f"  {name:22s} {rows:>12,} rows")
    if not made:
        console.print("  none yet")
    console.print(f"Output in {status.output}:", markup=False)
    for name, written in status.outputs.items():
        console.print(f"  {name:28s} {written:%Y-%m-%d %H:%M} UTC", markup=False)
    if not status.outputs:
        console.print("  nothing yet")


def _count(rows: int | None) -> str:
    return "-" if rows is None else f"{rows:,}"


def _landing(platform: Platform, day: dt.date, is_cleaned: bool, rows_loaded: int | None) -> LandingStatus:
    files = platform.raw.list(partition_folder(platform.source, day))
    times = [f.modified for f in files if f.modified is not None]
    common = (day, len(files), sum(f.size for f in files), _moment(max(times)) if times else None)
    if not is_cleaned:
        return LandingStatus(*common, None, None, None, None, rows_loaded, "landed")
    raw, clean = platform.lake.raw(day), platform.lake.clean(day)
    folder = f"{platform.source}/clean/dt={day.isoformat()}"
    manifests = [e for e in platform.lake.store.list(folder) if e.key == f"{folder}/manifest.json"]
    cleaned_at = _moment(manifests[0].modified) if manifests and manifests[0].modified is not None else None
    state = "loaded" if (rows_loaded or 0) == clean.rows("clean") else "cleaned"
    if {(f.key, f.size) for f in files} != {(f.key, f.size) for f in raw.files} or raw.digest != clean.raw_digest:
        state = "changed"
    return LandingStatus(
        *common,
        cleaned_at,
        clean.rows("clean"),
        clean.rows("quarantine"),
        clean.rows("superseded"),
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
