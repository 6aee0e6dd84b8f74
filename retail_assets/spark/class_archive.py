"""The archive of Spark's classes, which halves the time that Spark takes to start: its place, and the JVM's options.

The archive is about 150 MB, for one Java and one pyspark: a cache of compiled classes from Java 25 on (JEP 514), class
data sharing before. It stands in the Python environment, for every home, or, if that cannot be written, in the home.
The JVM compares the archive with its own jars and ignores one that does not fit. A truncated file would crash the JVM,
so this module recognizes it by its size. `prepare` makes the archive.
"""

from __future__ import annotations

import sys
import tempfile
from importlib import metadata
from pathlib import Path

from retail_assets.errors import EngineError
from retail_assets.settings import Settings
from retail_assets.spark.java import JavaHome

#: Spark starts without the archive as well, so a reason for not using it is nothing to act on.
_QUIET = ("-Xshare:auto", "-Xlog:cds=off", "-Xlog:cds+dynamic=off")
_QUIET_CACHE = ("-Xlog:aot=off", "-Xlog:cds=off")
_FIRST_WITH_CACHE = 25


def options(settings: Settings, java: JavaHome) -> tuple[str, ...]:
    """Return JVM options that use the archive; none if there is no archive for this Java and the installed pyspark."""
    for folder in folders(settings):
        for archive in sorted(folder.glob(name_of(java, "*"))):
            if _is_whole(archive):
                return _using(java, archive)
    return ()


def writing_options(java: JavaHome, archive: Path) -> tuple[str, ...]:
    """Return JVM options that write an archive when the JVM ends."""
    if java.major >= _FIRST_WITH_CACHE:
        return (f"-XX:AOTCacheOutput={archive}", *_QUIET_CACHE)
    return (f"-XX:ArchiveClassesAtExit={archive}", *_QUIET)


def folders(settings: Settings) -> list[Path]:
    """Return the folders that may hold an archive, the one for every home first.

    Folders with a space are left out: Spark splits Java's options at spaces.
    """
    places = (Path(sys.prefix) / "share" / "retail-assets" / "java", settings.home / "java")
    return [place for place in places if " " not in str(place)]


def writable_folder(settings: Settings) -> Path:
    """Return the first of the folders that can be written. Raises EngineError if there is none."""
    why = f"Java options cannot name a folder with a space: {settings.home}"
    for folder in folders(settings):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
        except OSError as e:
            why = f"{folder} cannot be written: {e.strerror or e}"
        else:
            return folder
    raise EngineError(f"{why}. Set RETAIL_HOME to another folder.")


def name_of(java: JavaHome, size: int | str) -> str:
    """Return the archive's file name, which contains its size, so that a truncated file is recognized by its name."""
    kind = "aot" if java.major >= _FIRST_WITH_CACHE else "jsa"
    return f"spark-{metadata.version('pyspark')}_java-{java.version}_{size}.{kind}"


def outdated(settings: Settings, java: JavaHome, current: Path) -> list[Path]:
    """Return archives that `current` replaces: those of this Java, and those of another pyspark."""
    this_spark = f"spark-{metadata.version('pyspark')}_"
    archives = [archive for folder in folders(settings) for archive in folder.glob("spark-*_java-*_*")]
    return [
        archive
        for archive in archives
        if archive != current and (archive.match(name_of(java, "*")) or not archive.name.startswith(this_spark))
    ]


def _is_whole(archive: Path) -> bool:
    try:
        return archive.stat().st_size == int(archive.stem.rsplit("_", 1)[1])
    except (OSError, ValueError):
        return False


def _using(java: JavaHome, archive: Path) -> tuple[str, ...]:
    if java.major >= _FIRST_WITH_CACHE:
        return (f"-XX:AOTCache={archive}", *_QUIET_CACHE)
    return (f"-XX:SharedArchiveFile={archive}", *_QUIET)
