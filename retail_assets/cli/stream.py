"""`retail-assets stream`: the topics of a broker, landed as they come."""

from __future__ import annotations

import signal
import threading
from typing import Annotated

import typer

from retail_assets.cli.command_line import examples
from retail_assets.cli.options import settings_for


@examples(
    "stream                     # until Ctrl-C or SIGTERM",
    "stream --once              # what is there by now, as from cron",
    "stream --accept-gap        # after the broker has lost records",
)
def stream(
    once: Annotated[bool, typer.Option("--once", help="Land what the topics have by now, then end.")] = False,
    accept_gap: Annotated[
        bool,
        typer.Option("--accept-gap", help="Go on although the broker no longer has records that never landed."),
    ] = False,
) -> None:
    """Land the records of Kafka topics as they come, each exactly once. Ctrl-C lands what was read, and ends."""
    from retail_assets.errors import SettingsError
    from retail_assets.landing.partitions import refuse_dates_outside

    settings = settings_for()
    if settings.stream is None:
        raise SettingsError(
            "No broker is set. Set RETAIL_STREAM_SERVERS=host:port and RETAIL_STREAM_TOPICS. See docs/streaming.md."
        )
    today = settings.today()
    refuse_dates_outside(today, today, settings.start_date, settings.end_date, today)

    from retail_assets.streaming.lander import Lander

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    lander = Lander(settings, settings.stream, wait=stop.wait, stopping=stop.is_set, say=typer.echo)
    landed = lander.run(until_end=once, accept_gap=accept_gap)
    wrong = f" {landed.rejected:,} of them were not records of the contract." if landed.rejected else ""
    typer.echo(f"Landed {landed.records:,} records in {landed.objects:,} objects.{wrong}")
