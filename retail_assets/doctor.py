"""Checks whether this machine has everything that a run needs: one finding per thing, with the fix for a problem.

The checks use the real thing (they list, write, start and open) and leave nothing behind. What does not belong here:
fixing anything, and printing.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import re
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import yaml
from packaging.requirements import InvalidRequirement, Requirement

from retail_assets import settings as settings_module
from retail_assets.contracts import yaml_text
from retail_assets.errors import ContractError, RetailError, StorageError
from retail_assets.settings import Settings
from retail_assets.spark import config, java
from retail_assets.spark import session as spark
from retail_assets.storage import Store
from retail_assets.storage.deadline import within
from retail_assets.warehouse import open_redshift

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import SparkSession

_DISTRIBUTION = "retail-assets"
_PYTHON = (3, 11)
_DISK_GIB = 2.0
_STORE_SECONDS = 60
_WAREHOUSE_SECONDS = 300  # a paused Serverless workgroup takes a while to wake


@dataclass(frozen=True)
class Finding:
    """One line of the report. `fix` says what to do; it is empty if `ok`, or if `detail` already says it."""

    name: str
    ok: bool
    detail: str
    fix: str = ""


def examine(environ: Mapping[str, str] | None = None, *, start_spark: bool = True) -> Iterator[Finding]:
    """Yield the findings one by one, as the checks are done. A problem is a finding, never an exception.

    `environ` is the process environment by default. Without `start_spark` no session is started, which saves most of
    the time.
    """
    env = dict(os.environ if environ is None else environ)
    yield _python()
    yield from _guarded("packages", _packages)
    settings, findings = _settings(env)
    yield from findings
    home = settings.home if settings else Path(env.get("RETAIL_HOME") or ".retail").absolute()
    if settings is not None and config.is_connect(settings.spark_master):
        yield Finding("java", True, "not needed: Spark runs behind Spark Connect")
    else:
        yield from _guarded("java", lambda: _java(home, env))
    if settings is not None:
        if start_spark:
            yield from _guarded("spark", partial(_spark, settings))
        for name in ("raw", "lake", "models", "output"):
            uri: str = getattr(settings, f"{name}_uri")
            yield from _guarded(f"storage: {name}", partial(_store, name, uri))
        yield from _guarded("warehouse", partial(_warehouse, settings))
        yield from _guarded("partitions", partial(_partitions, settings))
    yield from _guarded("disk", lambda: _disk(home))
    yield from _guarded("dagster", lambda: _dagster(env))


def run(environ: Mapping[str, str] | None = None, *, start_spark: bool = True) -> list[Finding]:
    """Return all findings of `examine`, in its order."""
    return list(examine(environ, start_spark=start_spark))


def _guarded(name: str, check: Callable[[], Finding]) -> Iterator[Finding]:
    """Yield the finding of a check; an error in the check is itself a finding."""
    try:
        yield check()
    except RetailError as e:
        yield Finding(name, False, str(e))
    except TimeoutError as e:
        yield Finding(name, False, str(e), "Check the network, the address and the credentials.")
    except Exception as e:
        yield Finding(name, False, f"unexpected {type(e).__name__}: {e}", "Please report this with the line above.")


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    wanted = ".".join(map(str, _PYTHON))
    if sys.version_info[:2] < _PYTHON:
        return Finding("python", False, f"{version} at {sys.executable}", f"Use Python {wanted} or later.")
    return Finding("python", True, f"{version} at {sys.executable}")


def _packages() -> Finding:
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


def _settings(env: Mapping[str, str]) -> tuple[Settings | None, list[Finding]]:
    """The settings, without the wrong ones if there are any, and a finding for each wrong one."""
    try:
        settings = settings_module.load(env)
    except RetailError as e:
        error = e
    else:
        set_by_user = sum(1 for name in settings_module.VARIABLES if env.get(name, "").strip())
        return settings, [
            Finding(
                "settings", True, f"{set_by_user} of {len(settings_module.VARIABLES)} set, the rest at their defaults"
            ),
            Finding(
                "contract",
                True,
                f"{settings.contract.name} ({settings.contract.timezone}, {settings.contract.currency})",
            ),
        ]
    findings = []
    remaining = dict(env)
    for name in sorted(n for n in env if n.startswith("RETAIL_")):
        try:
            settings_module.load(_with_related(name, env))
        except RetailError as e:
            findings.append(Finding("contract" if isinstance(e, ContractError) else "settings", False, str(e)))
            del remaining[name]
    try:
        settings = settings_module.load(remaining)
    except RetailError as e:  # each value is right by itself, but not the combination
        return None, [*findings, Finding("settings", False, str(e if findings else error))]
    ignored = ", ".join(sorted(set(env) - set(remaining)))
    findings.append(Finding("settings", True, f"the other checks ignore {ignored}"))
    return settings, findings


def _with_related(name: str, env: Mapping[str, str]) -> dict[str, str]:
    """A variable and those it depends on: RETAIL_WAREHOUSE=redshift needs REDSHIFT_* and a lake on S3."""
    if name != "RETAIL_WAREHOUSE" or env[name].strip() != "redshift":
        return {name: env[name]}
    return {n: v for n, v in env.items() if n in (name, "RETAIL_LAKE_URI") or n.startswith("REDSHIFT_")}


def _java(home: Path, env: Mapping[str, str]) -> Finding:
    with _removing_new_folders(home / "java"):
        java_home = java.find(home / "java", env)
    detail = f"Java {java_home.version} from {java_home.origin} at {java_home.path}"
    return Finding("java", True, "\n".join([detail, *java_home.skipped]))


def _spark(settings: Settings) -> Finding:
    began = time.monotonic()
    with _removing_new_folders(settings.home / "java"):
        session = spark.start(settings)
        try:
            started = time.monotonic()
            version = session.spark.version
            spark.answers(session.spark)
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


def _store(name: str, uri: str) -> Finding:
    store = Store(uri)
    key = f".doctor-{uuid.uuid4().hex}"

    def probe() -> None:
        store.folders("")
        store.write(key, b"probe")
        store.delete([key])

    if store.is_local:
        with _removing_new_folders(Path(uri)):
            probe()
    else:
        within(_STORE_SECONDS, probe)
    return Finding(f"storage: {name}", True, f"{uri} can be listed and written")


@contextlib.contextmanager
def _removing_new_folders(folder: Path) -> Iterator[None]:
    """Remove the folder and its parents after the block if the block created them and they are empty."""
    new = [p for p in (folder, *folder.parents) if not p.exists()]
    try:
        yield
    finally:
        for path in new:
            with contextlib.suppress(OSError):
                path.rmdir()


def _redshift(settings: Settings) -> Finding:
    """Log in, and let Redshift read a file in the lake's bucket with its role."""
    return Finding("warehouse", True, within(_WAREHOUSE_SECONDS, open_redshift(settings).examine))


def _warehouse(settings: Settings) -> Finding:
    if settings.redshift is not None:
        return _redshift(settings)
    path = settings.duckdb_path
    if not path.exists():
        return Finding("warehouse", True, f"{path} is not there yet: the first load creates it")
    import duckdb

    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            row = connection.execute("select count(*) from information_schema.tables").fetchone()
    except duckdb.Error as e:
        text = " ".join(str(e).split())
        if holder := re.search(r"PID (\d+)", text):
            return Finding(
                "warehouse",
                False,
                f"{path} is in use by {_process(int(holder[1]))}",
                "Wait for its run to end. If no run should be active, end that process.",
            )
        return Finding(
            "warehouse",
            False,
            f"{path} cannot be opened: {text[:300]}",
            "Check its owner and permissions. If it is damaged, move it away and load again: the lake has everything.",
        )
    return Finding(
        "warehouse", True, f"{path} opens, {row[0] if row else 0} tables, {path.stat().st_size / 1e6:.1f} MB"
    )


def _process(pid: int) -> str:
    try:
        process = psutil.Process(pid)
        started = dt.datetime.fromtimestamp(process.create_time()).strftime("%Y-%m-%d %H:%M:%S")
        return f"process {pid} ({process.name()}, since {started})"
    except psutil.Error:
        return f"process {pid}"


def _partitions(settings: Settings) -> Finding:
    first, last = settings.start_date, settings.end_date or settings.today()
    span = f"{first} to {settings.end_date or f'today ({last})'}"
    if first > last:
        return Finding(
            "partitions", False, f"{span}: the first day is in the future", "Set RETAIL_START_DATE to an earlier day."
        )
    store = Store(settings.raw_uri)
    names = within(_STORE_SECONDS, lambda: store.folders(settings.source))
    landed = sorted(n[3:] for n in names if re.fullmatch(r"dt=\d{4}-\d\d-\d\d", n))
    outside = [d for d in landed if not first.isoformat() <= d <= last.isoformat()]
    if outside:
        return Finding(
            "partitions",
            False,
            f"{span}; {len(outside)} of {len(landed)} landings of {settings.source} are outside this range: "
            f"{outside[0]} to {outside[-1]}",
            "Set RETAIL_START_DATE and RETAIL_END_DATE so that they include these landings; no run reads them now.",
        )
    landings = f"{len(landed)} landed, {landed[0]} to {landed[-1]}" if landed else "nothing has landed yet"
    return Finding("partitions", True, f"{span}, {(last - first).days + 1} days; {landings}")


def _disk(home: Path) -> Finding:
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


def _dagster(env: Mapping[str, str]) -> Finding:
    text = env.get("DAGSTER_HOME", "").strip()
    if not text:
        return Finding(
            "dagster",
            True,
            "DAGSTER_HOME is not set: runs are forgotten when they end; the tables stay. To keep runs, set it to a "
            "folder with a copy of dagster.yaml, as the Makefile does",
        )
    home = Path(text)
    fix = f"Create the folder and copy dagster.yaml into it: mkdir -p {text} && cp dagster.yaml {text}/"
    if not home.is_absolute():
        return Finding(
            "dagster", False, f"DAGSTER_HOME={text} is not an absolute path", "Dagster requires an absolute path."
        )
    if not home.is_dir():
        return Finding("dagster", False, f"DAGSTER_HOME={text} is not a folder", fix)
    if not os.access(home, os.W_OK):
        return Finding("dagster", False, f"DAGSTER_HOME={text} cannot be written", "Check its owner and permissions.")
    dagster_yaml = home / "dagster.yaml"
    try:
        text = yaml_text.read_text(dagster_yaml)
        yaml_text.refuse_beyond_bounds(text)
        content = yaml.safe_load(text)
    except FileNotFoundError:
        return Finding("dagster", False, f"{dagster_yaml} is not there", fix)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as e:
        return Finding(
            "dagster",
            False,
            f"{dagster_yaml} cannot be read: {' '.join(str(e).split())[:300]}",
            "Correct it, or copy it again from the project.",
        )
    if content is not None and not isinstance(content, dict):
        return Finding(
            "dagster", False, f"{dagster_yaml} is not a mapping", "Correct it, or copy it again from the project."
        )
    return Finding("dagster", True, f"{home}, with dagster.yaml")
