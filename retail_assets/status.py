"""What has landed, been cleaned and been loaded, and when: read from the stores and the warehouse, changing nothing."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retail_assets.alerts.outbox import Outbox, Waiting, outbox_path
from retail_assets.cleaning.reference_changes import Unaffected, is_outdated
from retail_assets.errors import DamagedError, NotReadyError, StorageError
from retail_assets.lake.manifests import STATUSES, CleanManifest, digest_of_names
from retail_assets.landing import listing
from retail_assets.landing.partitions import is_data, partition_of
from retail_assets.landing.references import LandedReferences
from retail_assets.landing.same_content import has_content_of
from retail_assets.platform import Platform
from retail_assets.storage import Entry
from retail_assets.streaming.ledger import Progress, read_progress
from retail_assets.tables import ALL

#: States of landings for which a run would change nothing.
SETTLED = ("loaded", "refused")


@dataclass(frozen=True)
class LandingStatus:
    """One landing partition: its files in the raw store, the rows cleaned from them, its rows in `sales_clean`.

    `state` is `landed` (not cleaned), `cleaned` (not loaded), `loaded`, `changed` (its files, or the reference files
    it is joined with, are no longer those that were cleaned), `gone` (cleaned, and its files are no longer in the raw
    store), or `refused` (not loaded, because by this contract most
    of its rows are rejected: it waits for a person).
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
    rows_erased: int | None
    rows_loaded: int | None
    state: str


@dataclass(frozen=True)
class WaitingAlerts:
    """Messages that a channel has not received: since when, and why the last attempt failed ("" before the first)."""

    channel: str
    messages: int
    oldest: dt.datetime
    error: str


@dataclass(frozen=True)
class AlertStatus:
    """Causes that are still there, and what waits for a channel. `problem` says why neither is known."""

    open: int = 0
    waiting: tuple[WaitingAlerts, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Status:
    """Every landing, the rows of every table (None if it does not exist yet), and when outputs were written.

    `streams` is how far each partition of a streamed topic has landed, with lag and rate as they were then, and
    `damaged_streams` says which of these records cannot be read. `alerts` is None if no channel is set and none was.
    """

    source: str
    warehouse: str
    landings: tuple[LandingStatus, ...]
    tables: dict[str, int | None]
    output: str
    outputs: dict[str, dt.datetime]
    streams: tuple[Progress, ...] = ()
    damaged_streams: tuple[str, ...] = ()
    alerts: AlertStatus | None = None

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
            "streams": [dataclasses.asdict(progress) for progress in self.streams],
            "damaged_streams": list(self.damaged_streams),
            "alerts": self.alerts
            and {
                "open": self.alerts.open,
                "waiting": [{**vars(item), "oldest": item.oldest.isoformat()} for item in self.alerts.waiting],
                "problem": self.alerts.problem,
            },
        }


def read_status(platform: Platform) -> Status:
    """Read the status. Raises StorageError or WarehouseError if a store or the warehouse cannot be read.

    Costs a listing of the raw store, and the registers; requests per landing only where files were written after the
    landing was registered, to see whether their content changed.
    """
    lake, contract = platform.lake, platform.settings.contract
    tables = {table.name: _rows(platform, table.name) for table in ALL}
    loaded = _loaded(platform) if tables["sales_clean"] is not None else {}
    files: dict[dt.date, list[Entry]] = {}
    for entry in platform.raw.list(platform.source):
        if is_data(entry.key) and (day := partition_of(entry.key)) is not None:
            files.setdefault(day, []).append(entry)
    cleaned = lake.clean_register.published()
    registered = lake.raw_register.published() if cleaned else {}
    landed = LandedReferences(platform.raw, platform.source, contract)
    unaffected = Unaffected.read(lake) if contract.references else Unaffected({})

    changes = _last_changes(platform, files)

    def is_rewritten(day: dt.date) -> bool:
        """Whether a file is another one of the same size: only read where one was written after all were registered."""
        at = registered[day].published_at
        if at is not None and changes.get(day, 0.0) < at:
            return False
        try:
            raw = lake.raw(day)
        except (NotReadyError, DamagedError):  # the landing's run says what to do
            return True
        return not has_content_of(platform.raw, raw)

    def state_of(day: dt.date, clean: CleanManifest) -> str:
        raw = registered[day].entry.summary if day in registered else None
        if (raw is None or raw.files) and not files.get(day):
            return "gone"
        if raw is None or digest_of_names({(f.key, f.size) for f in files.get(day, ())}) != raw.names:
            return "changed"
        if raw.digest != clean.raw_digest or is_outdated(raw, contract, landed, unaffected) or is_rewritten(day):
            return "changed"
        counted = clean.kept_rows - clean.rows("excluded")
        if clean.contract == contract.digest and contract.rejects(clean.rows("quarantine"), counted):
            return "refused"
        return "loaded" if loaded.get(day, 0) == clean.rows("clean") else "cleaned"

    def landing(day: dt.date) -> LandingStatus:
        of_day = files.get(day, [])
        times = [f.modified for f in of_day if f.modified is not None]
        common = (day, len(of_day), sum(f.size for f in of_day), _moment(max(times)) if times else None)
        if day not in cleaned:
            return LandingStatus(*common, None, None, None, None, None, None, loaded.get(day), "landed")
        clean, at = cleaned[day].entry.manifest, cleaned[day].published_at
        clean_rows, quarantined, superseded, excluded = (clean.rows(status) for status in STATUSES)
        return LandingStatus(
            *common,
            None if at is None else _moment(at),
            clean_rows,
            quarantined,
            superseded,
            excluded,
            clean.erased,
            loaded.get(day),
            state_of(day, clean),
        )

    days = sorted(files.keys() | cleaned.keys() | loaded.keys())
    landings = tuple(map(landing, days))
    streams, damaged = read_progress(platform.raw, platform.source)
    return Status(
        platform.source,
        platform.warehouse.location(),
        landings,
        tables,
        platform.output.uri,
        _outputs(platform),
        tuple(streams),
        tuple(damaged),
        _alerts(platform),
    )


def _last_changes(platform: Platform, files: Mapping[dt.date, Sequence[Entry]]) -> dict[dt.date, float]:
    """Return when a file of each landing was last put in place, which may be later than the time that it bears."""
    if not platform.raw.is_local:
        return {day: max(f.modified or 0.0 for f in of_day) for day, of_day in files.items()}
    # A page has the time of the last change of any kind.
    listed = listing.landings(listing.pages(platform.raw, platform.source, None), root="")
    return {landing.day: landing.newest for landing in listed}


def _alerts(platform: Platform) -> AlertStatus | None:
    """What the outbox holds. One that cannot be read hides nothing else."""
    settings = platform.settings
    outbox = Outbox(outbox_path(settings.home, settings.source), settings.source)
    if not outbox.path.exists():
        return AlertStatus() if settings.alerts else None
    try:
        open_causes, waiting = outbox.open_causes(), outbox.waiting()
    except StorageError as e:
        return AlertStatus(problem=str(e))
    channels = dict.fromkeys(item.channel for item in waiting)
    return AlertStatus(
        len(open_causes), tuple(_waiting(name, [item for item in waiting if item.channel == name]) for name in channels)
    )


def _waiting(channel: str, items: Sequence[Waiting]) -> WaitingAlerts:
    tried = [item for item in items if item.attempts]
    error = max(tried, key=lambda item: item.next).error if tried else ""
    return WaitingAlerts(channel, len(items), _moment(min(item.made for item in items)), error)


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
