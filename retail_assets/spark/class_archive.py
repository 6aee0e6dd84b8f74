"""Spark's classes as the JVM keeps them: with them, Spark starts in about half the time.

The archive is some 150 MB, made once by `retail-assets prepare` for one Java and one pyspark: a cache of compiled
classes from Java 25 on (JEP 514), class data sharing before. It stands with the Python environment, for every home;
where that cannot be written, in the home. The JVM checks it against its own jars and does without where they differ; a
file that is not whole, which would crash it, is recognised here.
"""

from __future__ import annotations

import os
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from retail_assets.errors import EngineError
from retail_assets.settings import Settings
from retail_assets.spark.java import JavaHome

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

#: Making one takes some 30 s on two quiet cores.
_SECONDS = 300
#: Why an archive is not used is nothing to act on: Spark starts all the same.
_QUIET = ("-Xshare:auto", "-Xlog:cds=off", "-Xlog:cds+dynamic=off")
_QUIET_CACHE = ("-Xlog:aot=off", "-Xlog:cds=off")
_FIRST_WITH_CACHE = 25


def options(settings: Settings, java: JavaHome) -> tuple[str, ...]:
    """JVM options that use the archive; none where none has been made for this Java and the installed pyspark."""
    for folder in _folders(settings):
        for archive in sorted(folder.glob(_name(java, "*"))):
            if _is_whole(archive):
                return _using(java, archive)
    return ()


def make(settings: Settings) -> Path:
    """Start Spark once, run a small job, and keep its classes. Replaces what was kept for this Java.

    Raises EngineError where Spark does not run in a JVM of ours, or Java cannot write an archive.
    """
    from retail_assets.spark import session as spark

    if not spark.is_local(settings.spark_master):
        raise EngineError(f"RETAIL_SPARK is {settings.spark_master}: only a local Spark starts its Java here.")
    folder = _writable(settings)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".archive-") as scratch:
        written = Path(scratch, "spark")
        session = spark.start(settings, java_options=lambda java: _writing(java, written), end_seconds=_SECONDS)
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
    spark_here = f"spark-{metadata.version('pyspark')}_"
    for other in (archive for place in _folders(settings) for archive in place.glob("spark-*_java-*_*")):
        replaced = other.match(_name(java, "*")) or not other.name.startswith(spark_here)
        if replaced and other != target:
            other.unlink(missing_ok=True)
    return target


def _folders(settings: Settings) -> list[Path]:
    """Where an archive may stand, the place for every home first. Spark splits Java's options at spaces."""
    places = (Path(sys.prefix) / "share" / "retail-assets" / "java", settings.home / "java")
    return [place for place in places if " " not in str(place)]


def _writable(settings: Settings) -> Path:
    why = f"Java options cannot name a folder with a space: {settings.home}"
    for folder in _folders(settings):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
        except OSError as e:
            why = f"{folder} cannot be written: {e.strerror or e}"
        else:
            return folder
    raise EngineError(f"{why}. Set RETAIL_HOME.")


def _name(java: JavaHome, size: int | str) -> str:
    """The size is in the name, so that an archive and what tells that it is whole cannot get apart."""
    kind = "aot" if java.major >= _FIRST_WITH_CACHE else "jsa"
    return f"spark-{metadata.version('pyspark')}_java-{java.version}_{size}.{kind}"


def _is_whole(archive: Path) -> bool:
    try:
        return archive.stat().st_size == int(archive.stem.rsplit("_", 1)[1])
    except (OSError, ValueError):
        return False


def _writing(java: JavaHome, archive: Path) -> tuple[str, ...]:
    if java.major >= _FIRST_WITH_CACHE:
        return (f"-XX:AOTCacheOutput={archive}", *_QUIET_CACHE)
    return (f"-XX:ArchiveClassesAtExit={archive}", *_QUIET)


def _using(java: JavaHome, archive: Path) -> tuple[str, ...]:
    if java.major >= _FIRST_WITH_CACHE:
        return (f"-XX:AOTCache={archive}", *_QUIET_CACHE)
    return (f"-XX:SharedArchiveFile={archive}", *_QUIET)


def _exchange(session: SparkSession) -> None:
    """What the cleaning job has Spark do: hand rows to Python, bring them together, hand them to Python again."""
    rows = session.range(0, 4, 1, 2).mapInArrow(lambda batches: batches, "id long")
    spread = rows.selectExpr("CAST(id % 2 AS INT) AS part", "id").repartitionById(2, "part")
    spread.unionAll(spread).mapInArrow(lambda batches: batches, "part int, id long").collect()
