"""`retail-assets prepare`: starts Spark once and keeps its classes in an archive, for faster starts afterwards."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from retail_assets.errors import EngineError
from retail_assets.settings import Settings
from retail_assets.spark import class_archive, config, session

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

#: Writing an archive takes about 30 s on two idle cores.
_SECONDS = 300


def make_archive(settings: Settings) -> Path:
    """Start Spark, run a small job, and keep its classes. Replaces the archive of this Java; returns its path.

    Raises EngineError if Spark does not run in a JVM that is started here, or if Java cannot write an archive.
    """
    if not config.is_local(settings.spark_master):
        raise EngineError(
            f"RETAIL_SPARK is {config.public(settings.spark_master)}: only a local Spark starts its Java here."
        )
    folder = class_archive.writable_folder(settings)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".archive-") as scratch:
        written = Path(scratch, "spark")
        spark = session.start(
            settings,
            java_options=lambda java: class_archive.writing_options(java, written),
            end_seconds=_SECONDS,
        )
        java = spark.java
        try:
            session.answers(spark.spark)
            _run_exchange(spark.spark)
        finally:
            spark.stop()
        if java is None or not written.is_file():
            raise EngineError(
                f"Java {java.version if java else ''} has not written an archive of Spark's classes: either Spark "
                "was already running in this process, or this Java cannot write one (its own archive is missing). "
                "Spark works without it."
            )
        archive = folder / class_archive.name_of(java, written.stat().st_size)
        os.replace(written, archive)
    for old in class_archive.outdated(settings, java, archive):
        old.unlink(missing_ok=True)
    return archive


def _run_exchange(spark: SparkSession) -> None:
    """Run what cleaning asks of Spark: pass rows to Python, shuffle them, pass them to Python again."""
    rows = spark.range(0, 4, 1, 2).mapInArrow(lambda batches: batches, "id long")
    spread = rows.selectExpr("CAST(id % 2 AS INT) AS part", "id").repartitionById(2, "part")
    spread.unionAll(spread).mapInArrow(lambda batches: batches, "part int, id long").collect()
