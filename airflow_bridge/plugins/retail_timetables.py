"""Airflow plugin: registers the timetable of `retail_pipeline`, without which Airflow refuses to read the DAG.

Airflow finds it by itself where retail-assets is installed with pip. Where the bridge is only a folder, copy this file
into `$AIRFLOW_HOME/plugins` (`plugins_folder`).
"""

from airflow.plugins_manager import AirflowPlugin

from airflow_bridge.shop_days import ShopDays


class RetailTimetables(AirflowPlugin):
    """The timetables of the bridge."""

    name = "retail_timetables"
    timetables = [ShopDays]  # noqa: RUF012 - Airflow's own form
