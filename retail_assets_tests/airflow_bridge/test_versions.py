"""The oldest Airflow that the bridge runs in keeps some names elsewhere."""

from __future__ import annotations

import runpy
import sys
import types
import warnings

import pytest
from airflow.sdk.exceptions import AirflowException

from retail_assets_tests.services.airflow.stacks import ROOT


def test_where_the_names_are_not_in_the_sdk_those_of_airflow_3_1_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    import airflow.timetables.interval

    monkeypatch.setitem(sys.modules, "airflow.sdk", types.ModuleType("airflow.sdk"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of later versions, on the old places
        names = runpy.run_path(str(ROOT / "airflow_bridge" / "versions.py"))
        assert names["CronDataIntervalTimetable"] is airflow.timetables.interval.CronDataIntervalTimetable
    assert all(issubclass(names[name], AirflowException) for name in names["__all__"] if name.startswith("Airflow"))
