"""What a Spark session is configured with: the address in RETAIL_SPARK, Spark's settings, and the environment.

Pure functions of the settings and of this machine: nothing is started here, and pyspark is not imported.
"""

from __future__ import annotations

import contextlib
import os
import re
import site
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from retail_assets.settings import Settings
    from retail_assets.spark.java import JavaHome

_GIB = 1024**3

_LOG_CONFIG = Path(__file__).with_name("log4j2.properties")

_FOLDER = Path(__file__).resolve().parents[2]

#: Where Python workers find this package if it is not installed in site-packages, else None.
CHECKOUT = None if _FOLDER in {Path(p).resolve() for p in site.getsitepackages()} else str(_FOLDER)

_S3_LOCATION = ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3")

#: ParallelGC starts and collects faster than G1 on few cores; no hsperfdata file in /tmp. The driver moves packed rows
#: and computes nothing, so the second compiler would cost more CPU (5 s in a job of a minute) than its code saves.
_JAVA_OPTIONS = (
    "-XX:+UseParallelGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    f"-Dlog4j2.configurationFile={_LOG_CONFIG.as_uri()}",
)


def is_local(master: str) -> bool:
    """Return whether Spark runs on this machine as part of this process tree.

    >>> is_local("local[*]"), is_local("spark://master:7077")
    (True, False)
    """
    return master.startswith("local[")


def is_connect(master: str) -> bool:
    """Return whether the session is a Spark Connect client, which needs no Java here.

    >>> is_connect("sc://spark.example:15002")
    True
    """
    return master.startswith("sc://")


def addresses(master: str) -> list[tuple[str, int]]:
    """Return the hosts and ports of a cluster's or a Spark Connect server's address.

    >>> addresses("spark://a:7077,b:7078")
    [('a', 7077), ('b', 7078)]
    >>> addresses("sc://spark.example/;token=secret")
    [('spark.example', 15002)]
    """
    scheme, _, rest = master.partition("://")
    pairs = []
    for part in rest.split("/")[0].split(","):
        parts = urlsplit(f"//{part}")
        pairs.append((parts.hostname or "", parts.port or (15002 if scheme == "sc" else 7077)))
    return pairs


def public(master: str) -> str:
    """Return the master without what follows the address: a Spark Connect URL may carry a token.

    >>> public("sc://spark.example:15002/;token=secret")
    'sc://spark.example:15002'
    """
    return re.sub(r"(://[^/]+)/.*", r"\1", master)


def default_memory(physical: int) -> str:
    """Return the heap of a local Spark in Java's notation: a quarter of `physical` bytes, between 1 GiB and 4 GiB.

    >>> default_memory(8 * 1024**3)
    '2048m'
    """
    return f"{min(max(physical // 4, _GIB), 4 * _GIB) // 1024**2}m"


def session_config(settings: Settings) -> dict[str, str]:
    """Return every Spark setting of the session, ready for `SparkSession.builder`.

    A session behind `sc://` gets only the settings that a client may change. The function only reads the machine's
    cores and memory and the AWS variables that say where S3 is.
    """
    master = settings.spark_master
    runtime = {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "true",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        # Five times the default, for fewer round trips to Python; a batch of wide sales rows stays below some 30 MB.
        "spark.sql.execution.arrow.maxRecordsPerBatch": "50000",
    }
    if is_connect(master):
        return {"spark.remote": master, **runtime}
    config = {
        "spark.master": master,
        "spark.app.name": "retail-assets",
        "spark.api.mode": "classic",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.catalogImplementation": "in-memory",
        "spark.python.worker.faulthandler.enabled": "true",  # a crash inside DuckDB or pyarrow names its line
        "spark.driver.defaultJavaOptions": " ".join(_JAVA_OPTIONS),
        **runtime,
    }
    if is_local(master):
        # Several tasks per core keep all cores busy to the end; adaptive execution merges them if there is little data.
        config["spark.sql.shuffle.partitions"] = str(4 * _cores(master))
        config["spark.driver.memory"] = settings.spark_memory or default_memory(_physical_memory())
    elif settings.spark_memory:
        config["spark.driver.memory"] = settings.spark_memory
    if not is_local(master):
        # The location of S3, for tasks that read it. Not the credentials: a configuration is shown in Spark's pages and
        # logged, and the machines of a cluster have roles.
        config |= {f"spark.executorEnv.{name}": os.environ[name] for name in _S3_LOCATION if name in os.environ}
    if is_local(master) or all(_is_loopback(host) for host, _ in addresses(master)):
        config["spark.driver.host"] = "127.0.0.1"
        config["spark.driver.bindAddress"] = "127.0.0.1"
    return config


def launch_environment(config: dict[str, str], java_home: JavaHome | None) -> dict[str, str | None]:
    """Return the variables that the JVM, and through it the Python workers, inherit. None removes a variable."""
    changes: dict[str, str | None] = {"SPARK_REMOTE": None}
    if java_home is not None:
        changes["JAVA_HOME"] = str(java_home.path)
    if "spark.driver.bindAddress" in config:
        changes["PYSPARK_PYTHON"] = sys.executable  # the workers are on this machine and need our packages
        changes["SPARK_LOCAL_IP"] = "127.0.0.1"  # else Spark looks up the host's name, which not every container has
        if CHECKOUT:
            changes["PYTHONPATH"] = os.pathsep.join(filter(None, [CHECKOUT, os.environ.get("PYTHONPATH")]))
    return changes


def _is_loopback(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")


def _cores(master: str) -> int:
    cores = master.removeprefix("local[").removesuffix("]")
    if cores != "*":
        return int(cores)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _physical_memory() -> int:
    """Bytes this process may use: the machine's, or the container's if that is less."""
    import psutil  # here, because loading the definitions needs none of it

    total: int = psutil.virtual_memory().total
    with contextlib.suppress(OSError, ValueError):
        total = min(total, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return total
