"""Sends what waits in the outbox: in order, at most so many messages per hour, again after a failed attempt."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from retail_assets.alerts.channels import Channel, DeliveryError, attempt
from retail_assets.alerts.message import Message
from retail_assets.alerts.outbox import Outbox

#: A round ends after so many seconds; the next one goes on.
ROUND_SECONDS = 30.0
#: Messages that come together in one at most: Slack's limit of blocks has room for so many titles.
_TOGETHER = 500


@dataclass
class Delivered:
    """What a round did: messages received per channel, and why channels did not get the rest."""

    sent: dict[str, int] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    busy: bool = False

    def __str__(self) -> str:
        if self.busy:
            return "another process is sending"
        parts = [f"{n} to {name}" for name, n in self.sent.items()] + [f"{n}: {e}" for n, e in self.errors.items()]
        return "; ".join(parts) or "nothing to send"


def deliver(
    outbox: Outbox, channels: Sequence[Channel], per_hour: int, clock: Callable[[], float] = time.time
) -> Delivered:
    """Send to every channel what it is to get now. Never raises DeliveryError: what was not received stays and waits.

    The last message that the limit per hour allows has all that waits. Raises StorageError for the outbox.
    """
    result = Delivered()
    if not outbox.path.exists():
        return result
    began = time.monotonic()
    with outbox.turn() as is_ours:
        if not is_ours:
            result.busy = True
            return result
        # Those that work first: the time of a round is short, and some may hang.
        failing = outbox.failing()
        for channel in sorted(channels, key=lambda channel: failing.get(channel.name, 0.0)):
            due = outbox.due(channel.name, clock())
            if not due:
                continue
            for group in _groups(due, outbox.allowed(channel.name, clock(), per_hour)):
                if time.monotonic() - began > ROUND_SECONDS:
                    return result
                try:
                    attempt(channel, group)
                except DeliveryError as e:
                    result.errors[channel.name] = str(e)
                    # Together they may be refused for one of them; alone the others get through.
                    outbox.failed(group, channel.name, str(e), clock(),
                                  of_message=e.of_message, wait_seconds=e.wait_seconds)  # fmt: skip
                    if not e.of_message:
                        break
                else:
                    outbox.delivered(group, channel.name, clock())
                    result.sent[channel.name] = result.sent.get(channel.name, 0) + len(group)
    return result


def _groups(due: Sequence[Message], allowed: int) -> Iterator[Sequence[Message]]:
    """Each message by itself while the limit allows; the last one that it allows has the rest."""
    alone = len(due) if len(due) <= allowed else max(0, allowed - 1)
    for message in due[:alone]:
        yield [message]
    if (rest := due[alone:]) and allowed:
        yield rest[:_TOGETHER]
