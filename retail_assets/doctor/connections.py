"""Checks of what people may connect: alerts, lineage, weather, Tableau, a stream; and what Dagster starts by itself.

Each is checked only if it is set. Nothing is sent: that is `retail-assets alerts test`.
"""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Mapping, Sequence

from retail_assets.alerts.channels import DeliveryError, Mail, ReachableChannel, channels
from retail_assets.doctor.finding import Finding
from retail_assets.exports.tableau import hyper
from retail_assets.exports.tableau.server import reach
from retail_assets.lineage.spool import spool_of
from retail_assets.lineage.transport import open_transport
from retail_assets.settings import Settings
from retail_assets.settings.alerts import AlertSettings
from retail_assets.settings.lineage import LineageSettings
from retail_assets.settings.streaming import StreamSettings
from retail_assets.settings.tableau import TableauServer
from retail_assets.settings.weather import WeatherSettings
from retail_assets.weather.open_meteo import OpenMeteo
from retail_assets.wording.formats import plural

ANSWER_SECONDS = 45
_BROKER_SECONDS = 15.0
#: Of librdkafka's queue, which a question does not fill.
_QUEUE_BYTES = 1 << 20


def alerts(to: AlertSettings) -> Finding:
    """See whether every channel could be sent to: connect, log in, find the program. Nothing is sent."""
    seen, problems = [], []
    for channel in _places(channels(to)):
        name = "e-mail" if isinstance(channel, Mail) else channel.name
        try:
            seen.append(f"{name}: {channel.reach()}")
        except DeliveryError as e:
            problems.append(f"{name}: {e}")
    if problems:
        detail = "\n".join([*problems, *seen])
        return Finding("alerts", False, detail, "Alerts wait until it is corrected. See docs/alerts.md.")
    return Finding("alerts", True, f"{'; '.join(seen)}. Nothing was sent:  retail-assets alerts test  sends a message")


def _places(found: Sequence[ReachableChannel]) -> list[ReachableChannel]:
    """One channel per place: all recipients of e-mail have one server."""
    mails = [channel for channel in found if isinstance(channel, Mail)]
    return [*(channel for channel in found if not isinstance(channel, Mail)), *mails[:1]]


def automation(settings: Settings, env: Mapping[str, str]) -> Finding:
    """Report what the setting switches on, and what it takes."""
    parts = ", ".join(sorted(settings.automation))
    if not env.get("DAGSTER_HOME", "").strip():
        return Finding(
            "automation",
            False,
            f"RETAIL_AUTOMATION switches on {parts}, and DAGSTER_HOME is not set, so no daemon starts anything",
            "Set DAGSTER_HOME, and run dagster-daemon with it: docs/automation.md.",
        )
    return Finding(
        "automation",
        True,
        f"{parts}: on while dagster-daemon runs, unless somebody has switched them off in Dagster's pages",
    )


def lineage(settings: Settings, to: LineageSettings) -> Finding:
    """See whether somebody listens where lineage goes, and how many runs wait to be reported. Nothing is sent."""
    if importlib.util.find_spec("openlineage") is None:
        return Finding("lineage", False, "openlineage is not installed", "pip install 'retail-assets[lineage]'")
    spool = spool_of(settings.home, settings.source)
    if problem := open_transport(to).problem():
        waits = f"; runs that wait to be reported: {spool.waiting()}"
        return Finding("lineage", False, problem + waits, "No run fails by it. See docs/lineage.md.")
    return Finding("lineage", True, f"{to.url}; runs that wait to be reported: {spool.waiting()}")


def stream(settings: Settings, at: StreamSettings) -> Finding:
    """Log in to the brokers, find the topics, ask the schema registry. Nothing is read, and no group is joined."""
    from retail_assets.streaming.broker import Broker  # confluent-kafka is an extra

    group = at.group or f"retail-assets-{settings.source}"
    broker = Broker(at, group, threading.Event().wait, lambda _: None, queue_bytes=_QUEUE_BYTES)
    try:
        partitions = broker.partitions(at.topics, patience=_BROKER_SECONDS)
    finally:
        broker.close()
    topics = ", ".join(at.topics)
    found = f"{at.servers} answers; {topics}: {plural(len(partitions), 'partition')}"
    if at.registry is not None:
        from retail_assets.streaming.formats import avro_records

        avro_records(at.registry, threading.Event().wait, lambda _: None, _BROKER_SECONDS).ask()
        found += f"; the schema registry at {at.registry.url} answers"
    return Finding("stream", True, found)


def weather(settings: Settings, at: WeatherSettings) -> Finding:
    """Ask for the weather forecast of today."""
    days = OpenMeteo(at, settings.contract.timezone).forecast(settings.today())
    return Finding("weather", True, f"{at.latitude}, {at.longitude}: forecast for the next {plural(len(days), 'day')}")


def tableau(server: TableauServer) -> Finding:
    """Log in to the Tableau server that is published to, and find the project."""
    if not hyper.installed():
        return Finding("tableau", False, "no extract can be written to publish", hyper.INSTALL)
    reach(server)
    return Finding("tableau", True, f"{server.address}: logged in, and the project {server.project!r} is there")
