"""Spark's classes as the JVM keeps them (class data sharing): with them, Spark starts in about half the time.

The archive is some 150 MB beside the Java wrapper of this home, made once by `retail-assets prepare` for one Java and
one pyspark. The JVM checks it against its own jars and does without where they differ; a file that is not whole, which
would crash it, is recognised here.
"""

from __future__ import annotations

import os
import tempfile
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from retail_assets.errors import EngineError
from retail_assets.java import JavaHome
from retail_assets.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

#: Making one takes some 30 s on two quiet cores.
_SECONDS = 300
#: Why an archive is not used is nothing to act on: Spark starts all the same.
_QUIET = ("-Xshare:auto", "-Xlog:cds=off", "-Xlog:cds+dynamic=off")


def options(settings: Settings, java: JavaHome) -> tuple[str, ...]:
    """JVM options that use the archive; none where none has been made for this Java and the installed pyspark."""
    archives = (settings.home / "java").glob(_name(java, "*"))
    whole = sorted(path for path in archives if _is_whole(path) and " " not in str(path))  # Spark splits at spaces
    return (f"-XX:SharedArchiveFile={whole[0]}", *_QUIET) if whole else ()


def _name(java: JavaHome, size: int | str) -> str:
    """The size is in the name, so that an archive and what tells that it is whole cannot get apart."""
    return f"spark-{metadata.version('pyspark')}_java-{java.version}_{size}.jsa"


def _is_whole(archive: Path) -> bool:
    try:
        return archive.stat().st_size == int(archive.stem.rsplit("_", 1)[1])
    except (OSError, ValueError):
        return False


def _exchange(session: SparkSession) -> None:
    """What the cleaning job has Spark do: hand rows to Python, bring them together, hand them to Python again."""
    rows = session.range(0, 4, 1, 2).mapInArrow(lambda batches: batches, "id long")
    spread = rows.selectExpr("CAST(id % 2 AS INT) AS part", "id").repartitionById(2, "part")
    spread.unionAll(spread).mapInArrow(lambda batches: batches, "part int, id long").collect()


def make(settings: Settings) -> Path:
    """Start Spark once, run a small job, and keep its classes. Replaces the archives that are there.

    Raises EngineError where Spark does not run in a JVM of ours, or Java cannot write an archive.
    """
    from retail_assets import spark

    if not spark.is_local(settings.spark_master):
        raise EngineError(f"RETAIL_SPARK is {settings.spark_master}: only a local Spark starts its Java here.")
    if " " in str(settings.home):
        raise EngineError(f"Java options cannot name a folder with a space: {settings.home}. Set RETAIL_HOME.")
    folder = settings.home / "java"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".archive-") as scratch:
        written = Path(scratch, "spark.jsa")
        more = (f"-XX:ArchiveClassesAtExit={written}", *_QUIET)
        session = spark.start(settings, java_options=more, end_seconds=_SECONDS)
        java = session.java
        try:
            spark.answers(session.spark)
            _exchange(session.spark)
        finally:
            session.stop()
        if java is None or not written.is_file():
            raise EngineError(
                f"Java {java.version if java else ''} has written no archive of Spark's classes: a Spark was running "
                "in this process already, or this Java cannot (its own archive is missing). Spark works without it."
            )
        target = folder / _name(java, written.stat().st_size)
        os.replace(written, target)
    for other in folder.glob("spark-*.jsa"):
        if other != target:  # of another Java or pyspark, or of before
            other.unlink(missing_ok=True)
    return target
