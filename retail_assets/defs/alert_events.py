"""What the events of Dagster's runs mean for alerts: failed steps, failed checks, and what has ended since.

A failed blocking check fails its step, and the run, and keeps others from running: that is one cause. How a cause reads
and where it goes is decided in `retail_assets/alerts/`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
from dagster import DagsterEventType as Event
from dagster import DagsterRunStatus as Status

from retail_assets import errors
from retail_assets.alerts.causes import (
    Cause,
    Subject,
    cut,
    is_within,
    key_of_error,
    kind_of_check,
    landings_named,
    rest_of_span,
    title_of_check,
)
from retail_assets.alerts.concerned import of_landings, of_table
from retail_assets.alerts.redact import redacted, secrets_of
from retail_assets.defs.checks.results import CHANGED, LANDINGS_FOUND
from retail_assets.defs.failures import failed_step
from retail_assets.defs.jobs import jobs
from retail_assets.defs.partitions import landing_days_of
from retail_assets.defs.run_source import is_of
from retail_assets.platform import Platform
from retail_assets.wording.formats import listed, plural

#: A run that has started and written nothing for so long is stuck, or its process is gone.
_STUCK_SECONDS = 3 * 3600.0
_EVENTS = 1000
#: Days that a title names, and landings whose size is looked up one by one.
_DAYS_IN_TITLE, _MOST_SIZED = 3, 31
ENDED = [Status.SUCCESS, Status.FAILURE, Status.CANCELED]
UNDERWAY = [Status.STARTING, Status.STARTED, Status.CANCELING]
_TYPES = {Event.STEP_FAILURE, Event.STEP_SUCCESS, Event.ASSET_CHECK_EVALUATION, Event.RUN_FAILURE}
Days = tuple[dt.date, dt.date]
#: Kinds whose checks quote rows, in which people may be named: the message goes without the examples.
_QUOTING = ("ids", "table-shape")
#: Errors whose message says what to do; a step that has used up its retries has the class of Dagster.
_OURS = {n for n, each in vars(errors).items() if isinstance(each, type) and issubclass(each, errors.RetailError)}
_OURS |= {"Failure"}
_OUR_JOBS = {"__ASSET_JOB", *(job.name for job in jobs())}
_EXPLAINED = "!"
#: Dagster's tag of a failed run that it launches again (`run_retries` in dagster.yaml).
_WILL_RETRY = "dagster/will_retry"


@dataclass
class Found:
    """What was read: causes, and what has ended, as member and subject, before or after a cause of the same reading."""

    causes: list[Cause] = field(default_factory=list)
    ended: list[tuple[str, str]] = field(default_factory=list)
    ended_after: list[tuple[str, str]] = field(default_factory=list)

    @property
    def all_ended(self) -> list[tuple[str, str]]:
        """What has ended, whenever that was."""
        return [*self.ended, *self.ended_after]

    def add(self, cause: Cause) -> None:
        self.causes.append(cause)
        for subject in cause.subjects:
            self.ended_after = [
                (member, rest)
                for member, ended in self.ended_after
                for rest in (rest_of_span(ended, subject.name) if member == cause.member else [ended])
            ]

    def end(self, member: str, subject: str) -> None:
        known = any(c.member == member and any(is_within(s.name, subject) for s in c.subjects) for c in self.causes)
        (self.ended_after if known else self.ended).append((member, subject))


class RunReader:
    """Reads the new events of runs into causes, with the code location if it is known.

    `graph` gives the assets that wait for a failed one.
    """

    def __init__(
        self,
        platform: Platform,
        instance: dg.DagsterInstance,
        graph: dg.AssetGraph | None,
        location: str | None = None,
    ) -> None:
        self._location = location
        self._platform, self._instance, self._graph = platform, instance, graph
        self._secrets = secrets_of(platform.settings)
        self._planned_of: dict[str, dict[str, list[dg.AssetKey]]] = {}
        self._can_ask = True
        self.found = Found()

    def is_ours(self, run: dg.DagsterRun) -> bool:
        """Return whether a run is one of this source with assets of ours: an instance may have other code locations."""
        if not is_of(run, self._platform.source, self._location):
            return False
        chosen = set(run.asset_selection or ()) | {key.asset_key for key in run.asset_check_selection or ()}
        if self._graph is None or not chosen:
            return run.job_name in _OUR_JOBS
        return bool(chosen & set(self._graph.get_all_asset_keys()))

    def read(self, record: dg.RunRecord, before: str, now: float) -> str:
        """Read what is new of a run since `before`, which an earlier reading returned; return how far it came."""
        run = record.dagster_run
        explained, cursor = before.startswith(_EXPLAINED), before.removeprefix(_EXPLAINED) or None
        more = True
        while more:
            page = self._instance.get_records_for_run(run.run_id, cursor=cursor, of_type=_TYPES, limit=_EVENTS)
            for each in page.records:
                event = each.event_log_entry.dagster_event
                if event is not None:
                    explained |= self._read_event(run, event, explained)
            cursor, more = page.cursor or cursor, page.has_more
        if run.status in UNDERWAY:
            self._look_whether_stuck(run, record.start_time, now)
        else:
            self.found.end(f"stuck:{run.run_id}", "")
        if run.status is Status.SUCCESS:
            self._end(run, f"run:{run.job_name}")
        return f"{_EXPLAINED if explained else ''}{cursor or ''}"

    def _read_event(self, run: dg.DagsterRun, event: dg.DagsterEvent, explained: bool) -> bool:
        """Add what an event means; return whether it explains that its run fails."""
        if event.event_type is Event.STEP_SUCCESS:
            self._end(run, str(event.step_key))
        elif event.event_type is Event.ASSET_CHECK_EVALUATION:
            check = event.asset_check_evaluation_data
            if check.passed:
                self._end(run, _name(check))
            else:
                self._add_check(run, check)
                return bool(check.blocking)
        elif failed := failed_step(event):
            self.found.add(self._of_step(run, str(event.step_key), *failed))
            return True
        elif event.event_type is Event.RUN_FAILURE and not explained:
            self.found.add(self._of_death(run, event))
            return True
        return False

    def _end(self, run: dg.DagsterRun, member: str) -> None:
        """A check or a step has passed: for the landings of the run, and for what has no landings."""
        if days := landing_days_of(run.tags):
            self.found.end(member, landings_named(*days))
        self.found.end(member, "")

    def _days(self, run: dg.DagsterRun, assets: Collection[dg.AssetKey]) -> Days | None:
        """The landings of a run, as far as these assets have any: the next run of another landing makes those again."""
        known = [self._graph.get(key) for key in assets if self._graph.has(key)] if self._graph is not None else []
        if known and not any(node.is_partitioned for node in known):
            return None
        return landing_days_of(run.tags)

    def _add_check(self, run: dg.DagsterRun, check: dg.AssetCheckEvaluation) -> None:
        """Add the cause that a failed check is; it ends for the landings of the run that the check did not find."""
        days = self._days(run, [check.asset_key])
        found = _landings_found(check) if days else []
        self.found.add(self._of_check(run, check, days, found))
        if days and found:
            range_days = [days[0] + dt.timedelta(n) for n in range((days[1] - days[0]).days + 1)]
            for day in sorted({*range_days} - {*found}):
                self.found.end(_name(check), str(day))

    def _of_check(
        self, run: dg.DagsterRun, check: dg.AssetCheckEvaluation, days: Days | None, found: Sequence[dt.date]
    ) -> Cause:
        asset = check.asset_key.to_user_string()
        kind = kind_of_check(check.check_name, asset)
        text = redacted(str(check.description or "The check says nothing more."), self._secrets)
        if kind in _QUOTING:
            text = f"{text.partition(': ')[0].rstrip('.')}. The page of the check has examples."
        changed: Any = check.metadata.get(CHANGED)
        title = title_of_check(check.check_name, kind, changed.value if changed is not None else ())
        is_error = check.severity is dg.AssetCheckSeverity.ERROR
        # Several checks find one and the same trouble of a landing; of other kinds each check has its own.
        is_one = kind in ("drift", "landing-late") or (days and kind in ("quarantine", "not-reconciled"))
        return Cause(
            kind=kind,
            key=kind if is_one else f"{kind}:{_name(check)}",
            title=f"{title}{_on_each(found) or _on(days) or f': {asset}'}",
            reason=cut(text),
            todo="Look at the examples, then at the files they come from." if kind in _QUOTING else "",
            subjects=self._concerned_each(found, asset, kind) or (self._concerned(days, asset, kind),),
            found_by=f"check {check.check_name} of {asset}",
            member=_name(check),
            consequence=self._waiting(run, [check.asset_key]) if check.blocking else "",
            severity="error" if is_error else "warning",
            link=self._link(f"assets/{asset}?view=checks&checkDetail={check.check_name}"),
        )

    def _of_step(self, run: dg.DagsterRun, step: str, error: str, message: str) -> Cause:
        text = redacted(message, self._secrets) or "no message"
        assets = self._planned(run).get(step, [])
        days = self._days(run, assets)
        return Cause(
            kind="run-failed",
            key=key_of_error("run-failed", error, text),
            title=f"Run failed in {step}{_on(days)}",
            reason=cut(text if error in _OURS else f"{error}: {text}"),
            todo="Do what the message says, then launch the run again."
            if error in _OURS
            else "Its page has the traceback. Launch the run again; if it fails again in the same way, report it.",
            subjects=(self._concerned(days, assets[0].to_user_string() if assets else ""),),
            member=step,
            consequence=self._waiting(run, assets),
            link=self._link(f"runs/{run.run_id}"),
        )

    def _of_death(self, run: dg.DagsterRun, event: dg.DagsterEvent) -> Cause:
        error: Any = getattr(event.event_specific_data, "error", None)
        repeats = run.tags.get(_WILL_RETRY) == "true"
        text = redacted((error.message if error is not None else event.message or "").strip(), self._secrets)
        return Cause(
            kind="run-died",
            key=key_of_error("run-died", (error.cls_name if error is not None else None) or "", text),
            title=f"Run of {run.job_name} ended without a failed step{_on(landing_days_of(run.tags))}",
            reason=cut(text or "Its process ended: it was killed, or ran out of memory, or the machine went away."),
            todo="Nothing yet: Dagster launches it again by itself."
            if repeats
            else "Launch it again: it repeats what is missing. If it ends so again, look at the memory of the machine.",
            subjects=(self._concerned(landing_days_of(run.tags), ""),),
            member=f"run:{run.job_name}",
            severity="warning" if repeats else "error",
            link=self._link(f"runs/{run.run_id}"),
        )

    def _look_whether_stuck(self, run: dg.DagsterRun, started: float | None, now: float) -> None:
        """Add a cause for a run that has been silent for hours."""
        if started is None or started > now - _STUCK_SECONDS:
            return
        last = self._instance.get_records_for_run(run.run_id, limit=1, ascending=False).records
        silent_since = last[0].timestamp if last else started
        if silent_since > now - _STUCK_SECONDS:
            return
        at = dt.datetime.fromtimestamp(silent_since, dt.UTC)
        self.found.add(
            Cause(
                kind="run-stuck",
                key=f"run-stuck:{run.run_id}",
                title=f"Run of {run.job_name} has written nothing since {at:%Y-%m-%d %H:%M} UTC",
                reason="Dagster counts it as running. It works on something very large, or its process is gone.",
                todo="If no process of it is there, terminate the run on its page, and launch it again.",
                subjects=(Subject("", self._concerned(landing_days_of(run.tags), "").concerned),),
                member=f"stuck:{run.run_id}",
                severity="warning",
                link=self._link(f"runs/{run.run_id}"),
            )
        )

    def _concerned(self, days: Days | None, asset: str, kind: str = "") -> Subject:
        if days is not None:
            platform = self._platform
            raw = None if kind else platform.raw  # a check is about what was registered
            return of_landings(platform.lake, *days, platform.settings.contract.currency, kind, raw, asset)
        found = of_table(self._platform, asset) if self._can_ask else None
        self._can_ask = found is not None  # while it is busy, the other causes do not wait for it, too
        return found or Subject("")

    def _concerned_each(self, found: Sequence[dt.date], asset: str, kind: str) -> tuple[Subject, ...]:
        sized = tuple(self._concerned((day, day), asset, kind) for day in found[:_MOST_SIZED])
        return (*sized, *(Subject(str(day)) for day in found[_MOST_SIZED:]))

    def _waiting(self, run: dg.DagsterRun, assets: Collection[dg.AssetKey]) -> str:
        """How many assets of the run wait for these and stay as they were."""
        if self._graph is None:
            return ""
        below: set[Any] = set()
        waiting = [key for key in assets if self._graph.has(key)]
        while waiting:
            children = {key for key in self._graph.get(waiting.pop()).child_keys if key not in below}
            below |= children
            waiting += children
        count = len(below & {key for keys in self._planned(run).values() for key in keys})
        return (
            f"{plural(count, 'asset')} after it {'stays as it was' if count == 1 else 'stay as they were'}."
            if count
            else ""
        )

    def _planned(self, run: dg.DagsterRun) -> dict[str, list[dg.AssetKey]]:
        """The assets that a run is to make, by step."""
        if run.run_id not in self._planned_of:
            found: dict[str, list[dg.AssetKey]] = {}
            page = self._instance.get_records_for_run(run.run_id, of_type=Event.ASSET_MATERIALIZATION_PLANNED)
            for record in page.records:
                event = record.event_log_entry.dagster_event
                if event is not None and event.asset_key is not None:
                    found.setdefault(str(event.step_key), []).append(event.asset_key)
            self._planned_of[run.run_id] = found
        return self._planned_of[run.run_id]

    def _link(self, page: str) -> str | None:
        url = self._platform.settings.dagster_url
        return f"{url}/{page}" if url else None


def _name(check: dg.AssetCheckEvaluation) -> str:
    return f"{check.asset_key.to_user_string()}.{check.check_name}"


def _landings_found(check: dg.AssetCheckEvaluation) -> list[dt.date]:
    """The landings that a check names as those that it found."""
    found: Any = check.metadata.get(LANDINGS_FOUND)
    return [dt.date.fromisoformat(day) for day in found.value] if found is not None else []


def _on_each(found: Sequence[dt.date]) -> str:
    if len(found) <= _DAYS_IN_TITLE:
        return f" ({listed(map(str, found))})" if found else ""
    return f" ({len(found)} landings, {landings_named(found[0], found[-1])})"


def _on(days: Days | None) -> str:
    return f" ({landings_named(*days)})" if days else ""
