"""Alerts from Dagster: reads what runs have found, looks for late landings, sends; a sensor, and after each run of the
command line.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Sequence
from zoneinfo import ZoneInfo

import dagster as dg

from retail_assets.alerts.causes import Cause, span_of_name
from retail_assets.alerts.channels import Channel, channels
from retail_assets.alerts.concerned import REGISTERING
from retail_assets.alerts.deliver import Delivered, deliver
from retail_assets.alerts.digest import digest
from retail_assets.alerts.late import MEMBER as LATE
from retail_assets.alerts.late import late_landings
from retail_assets.alerts.outbox import Open, Outbox, outbox_path
from retail_assets.defs.alert_events import ENDED, UNDERWAY, RunReader
from retail_assets.defs.run_source import location_of
from retail_assets.errors import RetailError, StorageError
from retail_assets.platform import Platform
from retail_assets.settings.alerts import AlertSettings

#: The daemon looks every five seconds at what is due. Five here would miss every second look by milliseconds.
_INTERVAL_SECONDS = 1
#: An alert does not wait for a warehouse that a run has open.
_WAIT_SECONDS = 2.0
#: When switched on, alerts begin with the runs of the last hour; clocks of machines differ by less than the overlap.
_FIRST_SECONDS, _OVERLAP_SECONDS = 3600.0, 120.0
_LATE_EVERY_SECONDS = 600.0
_RUNS = 100


def outbox_of(platform: Platform, settings: AlertSettings) -> Outbox:
    """Return the outbox of the source, in RETAIL_HOME."""
    path = outbox_path(platform.settings.home, platform.source)
    return Outbox(path, platform.source, settings.repeat_hours)


class Alerts:
    """The alerts of one source: `collect` what has happened, and `send` what waits."""

    def __init__(self, platform: Platform, settings: AlertSettings, clock: Callable[[], float] = time.time) -> None:
        self._platform = Platform(platform.settings, wait_seconds=_WAIT_SECONDS)
        self._settings, self._clock = settings, clock
        self.channels: Sequence[Channel] = channels(settings)
        self._names = [channel.name for channel in self.channels]
        self.outbox = outbox_of(platform, settings)

    def collect(
        self,
        instance: dg.DagsterInstance,
        graph: dg.AssetGraph | None = None,
        location: str | None = None,
        *,
        late_at_once: bool = False,
    ) -> int:
        """Record what runs have found since the last time, late landings, and the digest if it is due.

        Returns how many messages that made. `graph` gives the assets that wait for a failed one, `location` is the
        code location, where it is known. With `late_at_once`, late landings are looked for now, however recently that
        was done. Raises StorageError.
        """
        now = self._clock()
        made, has_come = self._of_runs(instance, graph, location, now)
        return made + self._late(now, at_once=late_at_once or has_come) + self._digest(now)

    def send(self) -> Delivered:
        """Send what is to be sent now; return what became of it. Raises StorageError for the outbox."""
        return deliver(self.outbox, self.channels, self._settings.per_hour, self._clock)

    def _of_runs(
        self, instance: dg.DagsterInstance, graph: dg.AssetGraph | None, location: str | None, now: float
    ) -> tuple[int, bool]:
        """Record what runs have found; return how many messages that made, and whether a late landing has come."""
        read = self.outbox.marks("run:")
        since = float(self.outbox.mark("since") or now - _FIRST_SECONDS)
        if since > now:  # the clock has been set back
            since = now - _FIRST_SECONDS
        ended = instance.get_run_records(
            dg.RunsFilter(statuses=ENDED, updated_after=dt.datetime.fromtimestamp(since - _OVERLAP_SECONDS, dt.UTC)),
            limit=_RUNS,
            order_by="update_timestamp",
            ascending=True,
        )
        # With as many as one reading takes, the next one goes on where this one ends.
        until = ended[-1].update_timestamp.timestamp() + _OVERLAP_SECONDS if len(ended) == _RUNS else now
        underway = instance.get_run_records(dg.RunsFilter(statuses=UNDERWAY), limit=_RUNS)
        reader = RunReader(self._platform, instance, graph, location)
        marks = {"since": str(until)}
        for record in [*ended, *underway]:
            run = record.dagster_run
            mark = f"run:{run.run_id}"
            before = read.get(mark, "")
            if before == "done" or not reader.is_ours(run):
                continue
            cursor = reader.read(record, before, now)
            marks[mark] = "done" if run.status in ENDED else cursor
        found = reader.found
        made = self.outbox.record(
            found.causes, self._names, now, ended=found.ended, ended_after=found.ended_after, marks=marks
        )
        late = self.outbox.open_subjects(LATE)
        registered = [span_of_name(subject) for member, subject in found.all_ended if member == REGISTERING]
        return made, any(first <= day <= last for day in late for first, last in registered)

    def _late(self, now: float, *, at_once: bool) -> int:
        """Record late landings, every ten minutes unless `at_once`, because that lists the raw store."""
        if not at_once and 0 <= now - float(self.outbox.mark("late") or 0) < _LATE_EVERY_SECONDS:
            return 0
        try:
            causes = late_landings(self._platform, dt.datetime.fromtimestamp(now, dt.UTC), self._settings.landed_by)
        except RetailError:  # the store is away, which runs report
            return 0
        late = {subject.name for cause in causes for subject in cause.subjects}
        ended = [(LATE, name) for name in self.outbox.open_subjects(LATE) if name not in late]
        return self.outbox.record(causes, self._names, now, ended=ended, marks={"late": str(now)})

    def _digest(self, now: float) -> int:
        """Record the digest of today once, when its time has come."""
        at, shop = self._settings.digest_at, self._shop_time(now)
        if at is None or shop.time() < at or self.outbox.mark("digest") == str(shop.date()):
            return 0
        try:
            cause = digest_of(self._platform, shop.date())
        except RetailError:  # the warehouse is busy; the next tick asks again
            return 0
        return self.outbox.record([cause], self._names, now, marks={"digest": str(shop.date())})

    def enqueue(self, cause: Cause) -> None:
        """Record a message that someone asked for. Raises StorageError."""
        self.outbox.record([cause], self._names, self._clock())

    def _shop_time(self, now: float) -> dt.datetime:
        return dt.datetime.fromtimestamp(now, ZoneInfo(self._platform.settings.contract.timezone))


def digest_of(platform: Platform, today: dt.date | None = None) -> Cause:
    """Return the digest as it is now. Raises WarehouseError."""
    settings = platform.settings
    contract, today = settings.contract, today or settings.today()
    causes: list[Open] | str = "Not known: without a channel (RETAIL_ALERT_*) nothing is collected."
    if settings.alerts:
        try:
            causes = outbox_of(platform, settings.alerts).open_causes()
        except StorageError as e:
            causes = f"Not known: {e}"
    return digest(
        platform.warehouse, contract.currency, today, causes, ZoneInfo(contract.timezone), _not_loaded(platform, today)
    )


def _not_loaded(platform: Platform, today: dt.date) -> list[dt.date]:
    """Return the landings before today that wait to be loaded; none where the stores cannot say."""
    from retail_assets.status import SETTLED, read_status  # with pyarrow, a tenth of the time of the definitions

    try:
        landings = read_status(platform).landings
    except RetailError:
        return []
    return [each.landed_on for each in landings if each.files and each.landed_on < today and each.state not in SETTLED]


def alert_sensors(platform: Platform) -> list[dg.SensorDefinition]:
    """Return the sensor that collects and sends alerts; none unless a channel is set (RETAIL_ALERT_*).

    The channel is the switch: the sensor runs as soon as there is one.
    """
    settings = platform.settings.alerts
    if settings is None:
        return []

    @dg.sensor(
        name="alerts",
        minimum_interval_seconds=_INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Reports failed runs, failed checks and late landings, and sends the daily digest, to the channels "
        "of RETAIL_ALERT_*. It starts no runs.",
    )
    def alerts(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        own = Alerts(platform, settings)
        repository = context.repository_def
        made = own.collect(context.instance, repository.asset_graph if repository else None, location_of(context))
        return dg.SkipReason(f"{made} new; {own.send()}.")

    return [alerts]


def after_run(platform: Platform, instance: dg.DagsterInstance, graph: dg.AssetGraph | None) -> str:
    """Collect and send at the end of a run of the command line; return what went wrong with it, "" if nothing.

    A run never fails because of its alerts: what is not received waits for the sensor, or `retail-assets alerts send`.
    """
    if platform.settings.alerts is None:
        return ""
    try:
        own = Alerts(platform, platform.settings.alerts)
        own.collect(instance, graph)
        errors = own.send().errors
    except RetailError as e:
        return f"Alerts were not sent: {e}"
    except Exception as e:  # such as Dagster's storage being locked; its text may show an address
        return f"Alerts were not sent: something unexpected happened ({type(e).__name__})."
    if not errors:
        return ""
    return f"Alerts wait: {' '.join(errors.values())} Next:  retail-assets alerts pending"
