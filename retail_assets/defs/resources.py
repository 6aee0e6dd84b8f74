"""The resource that Dagster passes to assets: the Spark session. Settings and stores are arguments of `build_defs`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from retail_assets.settings import Settings
from retail_assets.spark import session as spark
from retail_assets.spark.java import JavaHome

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class SparkResource:
    """A Spark session that starts at its first use and ends with the run.

    It is not a `ConfigurableResource`: the UI would show its configuration, and a Spark Connect address can contain a
    token. Annotate an asset's parameter with `dg.ResourceParam[SparkResource]`.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._session: spark.Session | None = None
        self._lock = threading.Lock()

    @property
    def session(self) -> SparkSession:
        """The session, started at its first use. Raises EngineError if Spark cannot be started."""
        with self._lock:
            if self._session is None:
                self._session = spark.start(self._settings, _through_dagster_pyspark)
            return self._session.spark

    @property
    def java(self) -> JavaHome | None:
        """The Java of the session; None before it starts, on Spark Connect, and for a session that was joined."""
        return self._session.java if self._session else None

    def stop(self) -> None:
        """End the session if this resource started it. An asset may do so early, to free the heap."""
        with self._lock:
            if self._session is not None:
                self._session.stop()
                self._session = None


def spark_resource(settings: Settings) -> dg.ResourceDefinition:
    """Return the Dagster resource: one lazy session per run, which ends with the run even if the run fails."""

    @dg.resource(description="PySpark session: starts at its first use and ends with the run.")
    def spark_session(_context: dg.InitResourceContext) -> Iterator[SparkResource]:
        resource = SparkResource(settings)
        try:
            yield resource
        finally:
            resource.stop()

    return spark_session


def _through_dagster_pyspark(config: dict[str, str]) -> SparkSession:
    # Imported here because it imports pyspark, and loading the definitions must not.
    from dagster_pyspark import LazyPySparkResource

    session: SparkSession = LazyPySparkResource(spark_config=config).spark_session
    return session
