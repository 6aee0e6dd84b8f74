"""A receiver, an outbox, and a clock that tests move."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from retail_assets.alerts.outbox import Outbox
from retail_assets_tests.alerts.receivers import WebReceiver


@pytest.fixture
def receiver() -> Iterator[WebReceiver]:
    receiver = WebReceiver()
    yield receiver
    receiver.go_away()


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox(tmp_path / "alerts" / "shop.sqlite", "shop")


class Clock:
    """Seconds since 1970, as a test sets them."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> float:
        self.now += seconds
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()
