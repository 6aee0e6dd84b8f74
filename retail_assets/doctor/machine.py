"""Checks of the machine: Python and its packages, Java, Spark, and the space on disk."""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from packaging.requirements import InvalidRequirement, Requirement

from retail_assets.doctor.finding import Finding
from retail_assets.errors import RetailError, StorageError
from retail_assets.settings import Settings
from retail_assets.spark import config, java
from retail_assets.spark import session as spark
from retail_assets.storage import Store
from retail_assets.storage.deadline import within

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import SparkSession

_DISTRIBUTION = "retail-assets"
_PYTHON = (3, 11)
_DISK_GIB = 2.0
_START_SECONDS = 60
_JOB_SECONDS = 30
_STORE_SECONDS = 60
#: A bound for `spark_runs` as a whole.
SPARK_SECONDS = _START_SECONDS + _JOB_SECONDS + _STORE_SECONDS


def python() -> Finding:
    """Compare the version of Python with the least that is needed."""
    version = ".".join(map(str, sys.version_info[:3]))
    wanted = ".".join(map(str, _PYTHON))
    if sys.version_info[:2] < _PYTHON:
        return Finding("python", False, f"{version} at {sys.executable}", f"Use Python {wanted} or later.")
    return Finding("python", True, f"{version} at {sys.executable}")


def packages() -> Finding:
    """Compare what is installed with what this package requires."""
    try:
        lines = metadata.requires(_DISTRIBUTION) or []
        own = metadata.version(_DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return Finding(
            "packages",
            False,
            f"{_DISTRIBUTION} is importable but not installed",
            "Install it: pip install -e .",
        )
    problems = []
    checked = 0
    for line in lines:
        with contextlib.suppress(InvalidRequirement):
            requirement = Requirement(line)
            if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
                continue
            checked += 1
            try:
                installed = metadata.version(requirement.name)
            except metadata.PackageNotFoundError:
                problems.append(f"{requirement.name} is missing")
                continue
            if not requirement.specifier.contains(installed, prereleases=True):
                problems.append(f"{requirement.name} is {installed}, but {requirement.specifier} is required")
    if problems:
        return Finding("packages", False, "; ".join(problems), "Reinstall: pip install -c requirements.lock -e .")
    return Finding("packages", True, f"{_DISTRIBUTION} {own}; its {checked} requirements are met")


def java_is_found(home: Path, env: Mapping[str, str]) -> Finding:
    """Ask the Java that Spark will use for its version."""
    java_home = java.find(home / "java", env)
    detail = f"Java {java_home.version} from {java_home.origin} at {java_home.path}"
    return Finding("java", True, "\n".join([detail, *java_home.skipped]))


def spark_runs(settings: Settings) -> Finding:
    """Start Spark and run a small job, and where stores are remote, list them from a task."""
    began = time.monotonic()
    session = spark.start(settings, seconds=_START_SECONDS)
    try:
        started = time.monotonic()
        version = session.spark.version
        spark.answers(session.spark, _JOB_SECONDS)
        ended = time.monotonic()
        remote = sorted({uri for uri in (settings.raw_uri, settings.lake_uri) if not Store(uri).is_local})
        access = _remote_access(session.spark, remote) if remote else None
    finally:
        session.stop()
    where = config.public(settings.spark_master)
    detail = f"Spark {version} on {where} started in {started - began:.0f} s, ran a job in {ended - started:.0f} s"
    return Finding("spark", True, "\n".join(filter(None, [detail, access])))


def _remote_access(session: SparkSession, uris: list[str]) -> str:
    """How Spark's tasks read and write remote stores. Raises StorageError if a task has no access."""

    def list_stores(_: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        refusals = []
        for uri in uris:
            try:
                Store(uri).folders("")
            except RetailError as e:  # returned as data: Spark would wrap an exception into a traceback
                refusals.append(str(e))
        yield pa.RecordBatch.from_pydict({"refusal": ["\n".join(refusals)]})

    import pyarrow as pa

    tasks = session.range(0, 1, 1, 1).mapInArrow(list_stores, "refusal string")
    [answer] = within(_STORE_SECONDS, tasks.collect)
    if answer["refusal"]:
        raise StorageError(
            f"A Spark task was refused access. {answer['refusal']}\n"
            "Spark's workers need the same access as this process: on a cluster, a role for its machines."
        )
    return (
        f"{' and '.join(uris)}: read and written inside the Python tasks, so that every row keeps its line number "
        f"and no Hadoop package is needed{_hadoop(session)}"
    )


def _hadoop(session: SparkSession) -> str:
    """Whether Hadoop's own s3a:// is installed as well; nothing if Spark cannot be asked, as behind Spark Connect."""
    try:
        session._jvm.java.lang.Class.forName("org.apache.hadoop.fs.s3a.S3AFileSystem")  # type: ignore[union-attr]
    except Exception as e:
        return " (s3a:// is not installed)" if "ClassNotFoundException" in str(e) else ""
    return " (s3a:// is installed and not used)"


def disk(home: Path) -> Finding:
    """Compare the free space with what a run needs at least."""
    places = {"RETAIL_HOME": home, "temporary files": Path(tempfile.gettempdir())}
    free = {}
    for name, path in places.items():
        existing = next(p for p in (path, *path.parents) if p.exists())
        free[name] = psutil.disk_usage(str(existing)).free / 1024**3
    detail = ", ".join(f"{gib:.1f} GiB free for {name} ({places[name]})" for name, gib in free.items())
    if min(free.values()) < _DISK_GIB:
        return Finding(
            "disk",
            False,
            detail,
            f"Free some space (at least {_DISK_GIB:.0f} GiB), or set RETAIL_HOME or TMPDIR to another disk.",
        )
    return Finding("disk", True, detail)
