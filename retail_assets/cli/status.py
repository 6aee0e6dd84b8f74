"""`retail-assets status`: what has landed, and what has become of it."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import typer

from retail_assets.cli.command_line import examples, wrapped
from retail_assets.cli.next_step import next_step
from retail_assets.cli.options import AsJson, places_to_look_up, settings_for, width
from retail_assets.cli.rejected_rows import printable
from retail_assets.cli.table_text import Column, table_text
from retail_assets.wording import formats

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from retail_assets.status import AlertStatus, LandingStatus, Status
    from retail_assets.streaming.ledger import Progress

_MOST_LANDINGS = 40


@examples("status", "status --json")
def status(as_json: AsJson = False) -> None:
    """Show what has landed, been cleaned and been loaded, and when; streams, and alerts that wait."""
    from retail_assets.status import read_status

    current = read_status(places_to_look_up(settings_for()))
    if as_json:
        typer.echo(json.dumps(current.to_json(), indent=2))
    else:
        typer.echo("\n".join(status_lines(current, width(), "" if current.landings else next_step())))


def status_lines(status: Status, width: int, next_step: str = "") -> list[str]:
    """Return landings, tables and outputs as lines; if there are many landings, the latest ones and the totals."""
    lines = [f"Landings of {status.source}", ""]
    if status.landings:
        lines += _landings(status, width)
    else:
        lines += ["None yet.", *next_step.splitlines()]
    if status.streams or status.damaged_streams:
        lines += ["", "Streams, as of the last batch", ""]
        lines += _streams(status.streams, width) if status.streams else []
        lines += [line for problem in status.damaged_streams for line in wrapped(printable(problem), width)]
    if status.alerts is not None:
        lines += ["", "Alerts", "", *_alerts(status.alerts, width)]
    rows = {name: number for name, number in status.tables.items() if number is not None}
    lines += ["", f"Tables in {printable(status.warehouse)}", ""]
    lines += _pairs([(name, f"{number:,} rows") for name, number in rows.items()], width) or ["None yet."]
    lines += ["", f"Output in {printable(status.output)}", ""]
    lines += _pairs(_outputs(status.outputs), width) or ["None yet."]
    return lines


def _landings(status: Status, width: int) -> list[str]:
    shown = status.landings[-_MOST_LANDINGS:]
    count = len(status.landings)

    def numbers(name: str) -> list[str]:
        total = sum(getattr(item, name) or 0 for item in status.landings)
        return [*(_count(getattr(item, name)) for item in shown), f"{total:,}"]

    def spare(name: str, order: int) -> int:
        """A column of zeros goes first."""
        return order if any(getattr(item, name) for item in status.landings) else order + 10

    table = table_text(
        [
            Column("landed on", [*(str(item.landed_on) for item in shown), f"all {count:,}"], number=False),
            Column("files", numbers("files"), spare=3),
            Column("clean", numbers("rows_clean")),
            Column("rejected", numbers("rows_quarantined"), spare=2),
            Column("superseded", numbers("rows_superseded"), spare=spare("rows_superseded", 5)),
            Column("excluded", numbers("rows_excluded"), spare=spare("rows_excluded", 6)),
            Column("erased", numbers("rows_erased"), spare=spare("rows_erased", 6)),
            Column("loaded", numbers("rows_loaded"), spare=1),
            Column("cleaned (UTC)", [*map(_cleaned, shown), ""], number=False, spare=7),
            Column("state", [*(item.state for item in shown), ""], number=False),
        ],
        width,
        totals=1,
    )
    lines = table.with_note(width)
    if count > len(shown):
        lines += wrapped(f"The latest {len(shown)} landings; --json shows all.", width)
    if refused := [str(item.landed_on) for item in status.landings if item.state == "refused"]:
        named = ", ".join(refused[:5]) + (f" and {len(refused) - 5:,} more" if refused[5:] else "")
        lines += wrapped(f"Refused, because most rows were rejected: {named}.", width)
        lines += [f"Next:  retail-assets quarantine summary --landing {refused[0]}"]
    if gone := [str(item.landed_on) for item in status.landings if item.state == "gone"]:
        named = ", ".join(gone[:5]) + (f" and {len(gone) - 5:,} more" if gone[5:] else "")
        lines += wrapped(f"Registered before, but no longer in the raw store, and still loaded: {named}.", width)
        lines += [f"Next:  retail-assets materialize --partition {gone[0]}     # says what is missing and what to do"]
    from retail_assets.status import SETTLED

    if waiting := sum(item.state not in SETTLED and item.files > 0 for item in status.landings):
        lines += [f"{formats.plural(waiting, 'landing')} not loaded yet.", "Next:  retail-assets materialize"]
    return lines


def _streams(streams: Sequence[Progress], width: int) -> list[str]:
    """How far each partition has landed."""
    gaps = [sum(gap.next - gap.first for gap in item.gaps) for item in streams]
    return table_text(
        [
            Column("topic", [item.topic for item in streams], number=False),
            Column("partition", [str(item.partition) for item in streams]),
            Column("next offset", [f"{item.next:,}" for item in streams]),
            Column("landed", [f"{item.records:,}" for item in streams], spare=1),
            Column("unreadable", [f"{item.rejected:,}" for item in streams], spare=3),
            Column("gaps", [f"{gap:,}" for gap in gaps], spare=4 if any(gaps) else 10),
            Column("objects", [f"{item.objects:,}" for item in streams], spare=5),
            Column("waiting", [f"{item.lag:,}" for item in streams]),
            Column("per second", [f"{item.per_second:,.0f}" for item in streams], spare=2),
            Column("landed (UTC)", [_landed_at(item) for item in streams], number=False),
        ],
        width,
    ).with_note(width)


def _alerts(alerts: AlertStatus, width: int) -> list[str]:
    """How many causes are open, and what a channel has not received, since when and why."""
    if alerts.problem:
        return wrapped(printable(alerts.problem), width)
    lines = [f"{formats.plural(alerts.open, 'cause')} open."] if alerts.open else []
    for item in alerts.waiting:
        why = f" {printable(item.error)}" if item.error else ""
        oldest = f"the oldest since {item.oldest:%Y-%m-%d %H:%M} UTC"
        waits = "waits" if item.messages == 1 else "wait"
        text = f"{formats.plural(item.messages, 'message')} {waits} for {printable(item.channel)}, {oldest}.{why}"
        lines += wrapped(text, width)
    if lines:
        return [*lines, "Next:  retail-assets alerts pending"]
    return ["None open, none waiting."]


def _landed_at(item: Progress) -> str:
    moment = item.landed_at and dt.datetime.fromtimestamp(item.landed_at, dt.UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else "-"


def _cleaned(item: LandingStatus) -> str:
    return f"{item.cleaned_at:%Y-%m-%d %H:%M}" if item.cleaned_at else "-"


def _outputs(outputs: Mapping[str, dt.datetime]) -> list[tuple[str, str]]:
    """When each file was written; the files of a folder within a folder count as one."""
    written: dict[str, dt.datetime] = {}
    for name, moment in outputs.items():
        shown = name if name.count("/") < 2 else f"{name.rpartition('/')[0]}/"
        written[shown] = max(moment, written.get(shown, moment))
    return [(printable(name), f"{moment:%Y-%m-%d %H:%M} UTC") for name, moment in written.items()]


def _pairs(pairs: Sequence[tuple[str, str]], width: int) -> list[str]:
    """Names with what belongs to them, one below the other; in two lines each where one does not fit."""
    left = max((len(name) for name, _ in pairs), default=0)
    right = max((len(text) for _, text in pairs), default=0)
    if left + right + 4 <= width:
        return [f"  {name:{left}}  {text:>{right}}" for name, text in pairs]
    return [line for name, text in pairs for line in (f"  {name}", f"      {text}")]


def _count(rows: int | None) -> str:
    return "-" if rows is None else f"{rows:,}"
