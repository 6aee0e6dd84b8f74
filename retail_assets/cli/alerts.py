"""`retail-assets alerts` and `digest`: try the channels, see what waits, send it; the day in a few lines."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Annotated

import typer

from retail_assets.cli.command_line import App, examples, wrapped
from retail_assets.cli.options import AsJson, places_to_look_up, settings_for, width
from retail_assets.cli.rejected_rows import printable
from retail_assets.wording.formats import plural

if TYPE_CHECKING:
    from retail_assets.defs.alerts import Alerts
    from retail_assets.platform import Platform

alerts = App(
    help="Try the channels of RETAIL_ALERT_*, see what waits for them, and send it.",
    examples=("alerts test", "alerts pending", "alerts send"),
)


def _alerts(platform: Platform) -> Alerts:
    """The alerts of the settings. Raises SettingsError where no channel is set."""
    from retail_assets.defs.alerts import Alerts
    from retail_assets.errors import SettingsError

    if platform.settings.alerts is None:
        raise SettingsError(
            "No alert goes anywhere. Set RETAIL_ALERT_WEBHOOK, RETAIL_ALERT_SMTP or RETAIL_ALERT_COMMAND first; "
            "docs/alerts.md explains them."
        )
    return Alerts(platform, platform.settings.alerts)


@alerts.command("test")
@examples("alerts test", works=True)
def test() -> None:
    """Send a test message to every channel now, and say which ones received it."""
    from retail_assets.alerts.causes import test_cause
    from retail_assets.alerts.channels import DeliveryError, attempt
    from retail_assets.alerts.message import Message, new_identity

    platform = places_to_look_up(settings_for())
    message = Message(new_identity(), platform.source, test_cause())
    errors = []
    for channel in _alerts(platform).channels:
        try:
            attempt(channel, [message])
        except DeliveryError as e:
            errors.append(f"{channel.name}: {e}")
        else:
            typer.echo(f"{channel.name}: received")
    if errors:
        raise DeliveryError("\n".join(errors))


@alerts.command("pending")
@examples("alerts pending", "alerts pending --json")
def pending(as_json: AsJson = False) -> None:
    """List what is open, and the messages that a channel has not received yet."""
    outbox = _alerts(places_to_look_up(settings_for())).outbox
    causes, waiting = outbox.open_causes(), outbox.waiting()
    if as_json:
        shown = {
            "open": [
                {"kind": c.kind, "severity": c.severity, "title": c.title, "subjects": list(c.subjects),
                 "since": _moment(c.first), "last": _moment(c.last), "times": c.times}
                for c in causes
            ],
            "waiting": [
                {"id": w.message.identity, "channel": w.channel, "title": w.message.cause.title,
                 "made": _moment(w.made), "attempts": w.attempts, "next": _moment(w.next), "error": w.error}
                for w in waiting
            ],
        }  # fmt: skip
        typer.echo(json.dumps(shown, indent=2))
        return
    lines = [f"Open: {plural(len(causes), 'cause')}"]
    for cause in causes:
        lines += wrapped(f"  {cause.severity}, since {_moment(cause.first)}: {printable(cause.title)}", width())
    lines += ["", f"Not received yet: {plural(len(waiting), 'message')}"]
    for item in waiting:
        tried = (
            f"tried {plural(item.attempts, 'time')}: {item.error}" if item.attempts else f"next {_moment(item.next)}"
        )
        lines += wrapped(f"  {item.channel}: {printable(item.message.cause.title)} ({tried})", width())
    typer.echo("\n".join(lines))


@alerts.command("send")
@examples("alerts send     # every five minutes under cron, without a daemon", works=True)
def send() -> None:
    """Collect what runs have found and which landings are late, and send what waits: what the sensor does."""
    from retail_assets.alerts.channels import DeliveryError
    from retail_assets.defs.build import build_defs
    from retail_assets.defs.instance import dagster_instance

    own = _alerts(platform := places_to_look_up(settings_for()))
    graph = build_defs(platform.settings).get_repository_def().asset_graph
    with dagster_instance() as instance:
        made = own.collect(instance, graph, late_at_once=True)
    result = own.send()
    typer.echo(f"{made} new; {result}.")
    if result.errors:
        raise DeliveryError("What was not received waits; `retail-assets alerts pending` lists it.")


@examples("digest", "digest --send", works=True)
def digest(
    send_it: Annotated[bool, typer.Option("--send", help="Send it to the channels of RETAIL_ALERT_*.")] = False,
) -> None:
    """Say in a few lines what sold, what is forecast, and what needs attention."""
    from retail_assets.defs.alerts import digest_of

    platform = places_to_look_up(settings_for())
    own = _alerts(platform) if send_it else None
    cause = digest_of(platform)
    typer.echo(f"{cause.title}\n\n{printable_lines(cause.reason)}")
    if own is not None:
        own.enqueue(cause)
        typer.echo(f"\n{own.send()}.")


def printable_lines(text: str) -> str:
    """Return a text for a terminal, line by line."""
    return "\n".join(printable(line) for line in text.splitlines())


def _moment(seconds: float) -> str:
    return f"{dt.datetime.fromtimestamp(seconds, dt.UTC):%Y-%m-%d %H:%M} UTC"
