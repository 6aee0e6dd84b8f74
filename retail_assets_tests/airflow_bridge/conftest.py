"""Airflow for the tests: a home of its own, nothing set up at import, no example DAGs, none of the user's settings.

Airflow reads its configuration when it is imported. So this file, which pytest imports before any test module of the
folder, sets the environment first; what needs a whole Airflow (a database, a DAG processor) is a process of its own.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

for _name in [n for n in os.environ if n.startswith(("AIRFLOW", "_AIRFLOW"))]:
    del os.environ[_name]
# As a library Airflow opens no database, writes no file, and leaves logging and time zones of this process alone: the
# folder is not created.
os.environ["_AIRFLOW__AS_LIBRARY"] = "1"
os.environ["AIRFLOW_HOME"] = str(Path(tempfile.gettempdir()) / f"retail-tests-without-airflow-home-{os.getpid()}")

pytest.importorskip("airflow", reason="the bridge needs Airflow: pip install 'retail-assets[airflow]'")

from retail_assets_tests.airflow_bridge.fake_dagster import FakeDagster  # noqa: E402 - not before Airflow knows its home
from retail_assets_tests.airflow_bridge.fake_task import Airflow  # noqa: E402


@pytest.fixture
def dagster() -> FakeDagster:
    return FakeDagster()


@pytest.fixture
def airflow(dagster: FakeDagster, monkeypatch: pytest.MonkeyPatch) -> Airflow:
    return Airflow.beside(dagster, monkeypatch)
