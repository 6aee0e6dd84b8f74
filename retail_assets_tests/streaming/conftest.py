"""A broker of each kind, for all tests of a process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from retail_assets_tests.services.brokers import NAMES, RunningBroker, broker


@pytest.fixture(scope="session", params=NAMES)
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBroker]:
    """A running broker; each test has topics of its own there."""
    with broker(request.param, tmp_path_factory.mktemp(request.param)) as running:
        yield running


@pytest.fixture(scope="session")
def noida(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBroker]:
    """The broker that hides aborted records."""
    with broker("noida", tmp_path_factory.mktemp("noida")) as running:
        yield running


@pytest.fixture(scope="session")
def tansu(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBroker]:
    """The broker that has ids of topics."""
    with broker("tansu", tmp_path_factory.mktemp("tansu")) as running:
        yield running
