"""The Spark session: what it is configured with, how it is started, and how it ends without leaving anything behind.

Only this module knows whether Spark runs in this process tree (`local[..]`), on a cluster (`spark://`) or behind Spark
Connect (`sc://`). What does not belong here: any job. pyspark is imported when a session is asked for, not before.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import re
import site
import socket
import sys
import tempfile
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psutil

from retail_assets.errors import EngineError
from retail_assets.spark import class_archive, java
from retail_assets.storage.deadline import within

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from retail_assets.settings import Settings

_GIB = 1024**3

#: Starting takes about 7 s on two quiet cores; what takes longer than this will not come.
START_SECONDS = 180
_END_SECONDS = 20

_LOG_CONFIG = Path(__file__).with_name("log4j2.properties")

_FOLDER = Path(__file__).resolve().parents[2]

#: Where Python workers find this package when it is not installed among all others, else None.
_CHECKOUT = None if _FOLDER in {Path(p).resolve() for p in site.getsitepackages()} else str(_FOLDER)

_WHERE_S3_IS = ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3")

#: ParallelGC starts and cleans faster than G1 on few cores; no hsperfdata file in /tmp. The driver moves packed rows
#: and computes nothing, so the second compiler would cost more CPU (5 s in a job of a minute) than its code saves.
_JAVA_OPTIONS = (
    "-XX:+UseParallelGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    f"-Dlog4j2.configurationFile={_LOG_CONFIG.as_uri()}",
)

#: What every start says and nobody can act on.
_CHATTER = re.compile(
    r"WARNING: Using incubator modules|WARNING: package sun\.security\.action|Picked up \w*JAVA\w*OPTIONS"
    r"|Using Spark's default log4j profile|Setting default log level to|To adjust logging level use"
    r"|AOT ?[Cc]onfiguration|to assemble AOT cache|AOTCache creation is complete"
)

#: What the JVM or Spark says -> what to do about it.
_MENDS = (
    (
        r"heap|memory|OutOfMemory|Could not reserve",
        "Set RETAIL_SPARK_MEMORY to what this machine can spare, such as 1g; Spark needs at least 512m.",
    ),
    (
        r"BindException|could not bind|UnknownHost",
        "Spark needs to open ports on 127.0.0.1: check the local firewall and hosts file.",
    ),
    (
        r"No space left|Read-only file system|Permission denied",
        "Set TMPDIR to a folder that can be written and has space.",
    ),
    (
        r"masters are unresponsive",
        "Check that the master runs and has the same Spark version as this client.",
    ),
)


def is_local(master: str) -> bool:
    """Whether Spark runs on this machine as part of this process tree."""
    return master.startswith("local[")


def is_connect(master: str) -> bool:
    """Whether the session is a Spark Connect client, which needs no Java here."""
    return master.startswith("sc://")


def default_memory(physical: int) -> str:
    """Heap of a local Spark as Java writes it: a quarter of `physical` bytes, at least 1 GiB and at most 4 GiB."""
    return f"{min(max(physical // 4, _GIB), 4 * _GIB) // 1024**2}m"


def session_config(settings: Settings) -> dict[str, str]:
    """Every Spark setting of the session, ready for `SparkSession.builder`.

    A session behind `sc://` gets only what a client may set. Nothing here touches the machine but for a look at its
    cores, its memory and where its environment says S3 is.
    """
    master = settings.spark_master
    runtime = {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "true",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        # Five times the default: fewer hand-overs to Python; a batch of wide sales rows stays below some 30 MB.
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
        # Several tasks a core keep both busy to the end; adaptive execution merges them when there is little data.
        config["spark.sql.shuffle.partitions"] = str(4 * _cores(master))
        config["spark.driver.memory"] = settings.spark_memory or default_memory(_physical_memory())
    elif settings.spark_memory:
        config["spark.driver.memory"] = settings.spark_memory
    if not is_local(master):
        # Where S3 is, for tasks that read it. Not who asks: a configuration is shown and logged; machines have roles.
        config |= {f"spark.executorEnv.{name}": os.environ[name] for name in _WHERE_S3_IS if name in os.environ}
    if is_local(master) or all(_is_loopback(host) for host, _ in _addresses(master)):
        config["spark.driver.host"] = "127.0.0.1"
        config["spark.driver.bindAddress"] = "127.0.0.1"
    return config


class Session:
    """A running Spark session.

    `spark` is the pyspark session, `java` the Java that was chosen for it (None where no JVM was started). `stop` ends
    what this object has started, and nothing else: a session that was there before goes on.
    """

    def __init__(
        self, spark: SparkSession, java_home: java.JavaHome | None, cleanup: contextlib.ExitStack | None
    ) -> None:
        self.spark = spark
        self.java = java_home
        self._cleanup = cleanup

    @property
    def owned(self) -> bool:
        """Whether `stop` will end the session."""
        return self._cleanup is not None

    def stop(self) -> None:
        """End the session and its JVM, and remove its temporary files. Doing it twice is no error."""
        cleanup, self._cleanup = self._cleanup, None
        if cleanup is not None:
            cleanup.close()


def start(
    settings: Settings,
    build: Callable[[dict[str, str]], SparkSession] | None = None,
    seconds: float = START_SECONDS,
    *,
    java_options: Callable[[java.JavaHome], tuple[str, ...]] | None = None,
    end_seconds: float = _END_SECONDS,
) -> Session:
    """Start Spark as the settings say, or join the session that this process already has.

    `build` makes the session from a configuration (`SparkSession.builder…getOrCreate()` by default). A JVM that is
    started here gets `java_options` of its Java (by default those that use the archive of Spark's classes, if there is
    one), and at its end so many seconds to finish. Raises EngineError, within about `seconds`, if there is no Java,
    the cluster cannot be reached, or Spark does not come up.
    """
    make = build or _get_or_create
    config = session_config(settings)
    # pyspark 4.3 says so of pandas 3 at every start and every Python task; what we use of both is covered by tests.
    warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas", category=FutureWarning)
    if is_connect(settings.spark_master):
        return _start_connect(settings, config, make, seconds)
    return _start_classic(settings, config, make, seconds, java_options, end_seconds)


def answers(session: SparkSession, seconds: float = 60) -> None:
    """Run a tiny job with a Python task. Raises EngineError if it fails or is not done within `seconds`.

    A cluster without free workers accepts a session and never runs a job: only a job tells.
    """

    def job() -> int:
        return session.range(0, 4, 1, 2).mapInArrow(lambda batches: batches, "id long").count()

    try:
        counted = within(seconds, job)
    except TimeoutError:
        raise EngineError(
            f"Spark has accepted a job and not run it within {seconds:.0f} s. "
            "On a cluster, check that it has free workers; here, that the machine is not overloaded."
        ) from None
    except Exception as e:
        raise EngineError(
            f"Spark runs no Python task: {_reason(e)}. Check that its workers have this Python and packages."
        ) from e
    if counted != 4:
        raise EngineError(f"Spark counted {counted} rows of 4.")


def _get_or_create(config: dict[str, str]) -> SparkSession:
    from pyspark.sql import SparkSession

    builder = SparkSession.builder
    for key, value in config.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def _start_classic(
    settings: Settings,
    config: dict[str, str],
    build: Callable[[dict[str, str]], SparkSession],
    seconds: float,
    java_options: Callable[[java.JavaHome], tuple[str, ...]] | None,
    end_seconds: float,
) -> Session:
    from pyspark import SparkContext

    # pyspark has no public way to ask; `getActiveSession` answers for the calling thread only.
    if SparkContext._active_spark_context is not None:
        return Session(build({}), None, None)
    master = settings.spark_master
    if not is_local(master):
        _reach(master)
    # Below spark-submit, as on EMR, the JVM is there already: the launch environment is not ours to choose.
    launch = SparkContext._gateway is None and "PYSPARK_GATEWAY_PORT" not in os.environ
    java_home = java.find(settings.home / "java") if launch else None
    of_java = java_options or functools.partial(class_archive.options, settings)
    options = of_java(java_home) if java_home else ()
    with contextlib.ExitStack() as stack:
        scratch = stack.enter_context(_scratch_folder())
        if not is_local(master) and _CHECKOUT and "spark.driver.bindAddress" in config:
            # The workers of a cluster on this machine do not inherit our environment.
            config = {**config, "spark.executorEnv.PYTHONPATH": _CHECKOUT}
        config = {**config, "spark.local.dir": scratch, "spark.sql.warehouse.dir": f"{scratch}/spark-warehouse"}
        config["spark.driver.defaultJavaOptions"] += (
            f" -Djava.io.tmpdir={scratch}"
            # A crash report belongs neither into the working folder nor into what is about to be removed.
            f" -XX:ErrorFile={tempfile.gettempdir()}/retail-spark-crash-%p.log"
            + "".join(f" {option}" for option in options)
        )
        with _environment(_launch_environment(config, java_home)):
            said: deque[str] = deque(maxlen=40)
            up = threading.Event()
            with _killing_java_after(seconds) as watch:
                try:
                    if launch:
                        _launch(config, said, up)
                        stack.callback(_end_java, end_seconds)
                    session = build(config)
                except Exception as e:
                    why = f"it was not ready within {seconds:.0f} s" if watch.is_set() else _reason(e, said)
                    raise EngineError(_did_not_start(master, why)) from e
        up.set()
        stack.callback(_stop, session)
        cleanup = stack.pop_all()
    atexit.register(cleanup.close)
    cleanup.callback(atexit.unregister, cleanup.close)
    return Session(session, java_home, cleanup)


def _start_connect(
    settings: Settings, config: dict[str, str], build: Callable[[dict[str, str]], SparkSession], seconds: float
) -> Session:
    try:
        from pyspark.sql.connect.session import SparkSession as ConnectSession
    except ImportError as e:
        raise EngineError(
            f"RETAIL_SPARK is a Spark Connect address, which needs packages that are not installed ({e}). "
            "Install them with: pip install 'pyspark[connect]'"
        ) from e
    except Exception as e:
        # pyspark raises its own error where a package of Connect is missing or too old.
        raise EngineError(
            f"Spark Connect cannot be used: {_reason(e)} Install it with: pip install 'pyspark[connect]'"
        ) from e
    existing = ConnectSession.getActiveSession()
    if existing is not None:
        return Session(existing, None, None)  # type: ignore[arg-type]  # the same interface by duck typing
    master = settings.spark_master
    _reach(master)

    def connect() -> SparkSession:
        session = build(config)
        # The client connects at its first question.
        _ = session.version
        return session

    with contextlib.ExitStack() as stack:
        # pyspark marks the process as a client for good; a later local session must not be refused for it.
        stack.callback(os.environ.pop, "SPARK_CONNECT_MODE_ENABLED", None)
        try:
            session = within(seconds, connect)
        except TimeoutError:
            why = f"no answer within {seconds:.0f} s; is it a Spark Connect server?"
            raise EngineError(_did_not_start(master, why)) from None
        except Exception as e:
            raise EngineError(_did_not_start(master, _reason(e))) from e
        stack.callback(_stop, session)
        return Session(session, None, stack.pop_all())


def _launch(config: dict[str, str], said: deque[str], up: threading.Event) -> None:
    """Start the JVM as pyspark does, but with what it prints in our hands, and make it the one pyspark uses.

    Its stdout is read as well: a JVM that cannot start says why there, and our own stdout is for results.
    """
    from pyspark import SparkConf, SparkContext
    from pyspark.java_gateway import launch_gateway

    conf = SparkConf(loadDefaults=False)
    conf.setAll(list(config.items()))
    read_end, write_end = os.pipe()
    reader = threading.Thread(target=_relay, args=(read_end, said, up), name="spark-output", daemon=True)
    reader.start()
    try:
        gateway = launch_gateway(conf, popen_kwargs={"stdout": write_end, "stderr": write_end})
    except BaseException:
        os.close(write_end)
        reader.join(timeout=5)  # what it said last is the reason
        raise
    os.close(write_end)
    SparkContext._ensure_initialized(gateway=gateway)


def _relay(read_end: int, said: deque[str], up: threading.Event) -> None:
    """Remember the last lines that the JVM prints, less the chatter of every start; once it is up, pass them on.

    What is said before belongs to a start that fails, whose error tells it, or was of no consequence.
    """
    with os.fdopen(read_end, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if not _CHATTER.search(line):
                said.append(line.rstrip())
                if up.is_set():
                    with contextlib.suppress(OSError, ValueError):  # stderr may be closed while we end
                        sys.stderr.write(line)


def _stop(session: SparkSession) -> None:
    """Stop a session. One whose JVM or server is gone cannot say goodbye; that is no error of the run that used it."""
    with warnings.catch_warnings(), contextlib.suppress(Exception):
        warnings.simplefilter("ignore", RuntimeWarning)
        session.stop()


def _end_java(seconds: float) -> None:
    """End the JVM, by force after so many seconds.

    pyspark keeps it until the process ends, with its heap, and would reuse it with the old settings.
    """
    from pyspark import SparkContext

    gateway = SparkContext._gateway
    SparkContext._gateway = SparkContext._jvm = None
    if gateway is None:
        return
    process = getattr(gateway, "proc", None)
    with contextlib.suppress(Exception):  # it may be gone already
        gateway.shutdown()
    if process is None:
        return
    with contextlib.suppress(OSError):
        process.stdin.close()  # its signal to exit
    try:
        process.wait(timeout=seconds)
    except Exception:
        process.kill()
        process.wait()


@contextlib.contextmanager
def _killing_java_after(seconds: float) -> Iterator[threading.Event]:
    """Kill the Spark JVM if the block takes longer; the event then is set. Every wait on it ends with an error."""
    expired = threading.Event()
    began = time.time() - 1  # process creation times are coarse

    def kill() -> None:
        expired.set()
        for child in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if child.create_time() >= began and "spark" in " ".join(child.cmdline()):
                    child.kill()

    timer = threading.Timer(seconds, kill)
    timer.daemon = True
    timer.start()
    try:
        yield expired
    finally:
        timer.cancel()


@contextlib.contextmanager
def _scratch_folder() -> Iterator[str]:
    try:
        folder = tempfile.TemporaryDirectory(prefix="retail-spark-", ignore_cleanup_errors=True)
    except OSError as e:
        raise EngineError(f"Spark has nowhere to put its temporary files: {e}. Set TMPDIR to a writable folder.") from e
    with folder as path:
        yield path


def _launch_environment(config: dict[str, str], java_home: java.JavaHome | None) -> dict[str, str | None]:
    """What the JVM and through it the Python workers inherit. None removes a variable."""
    changes: dict[str, str | None] = {"SPARK_REMOTE": None}
    if java_home is not None:
        changes["JAVA_HOME"] = str(java_home.path)
    if "spark.driver.bindAddress" in config:
        changes["PYSPARK_PYTHON"] = sys.executable  # the workers are on this machine and need our packages
        changes["SPARK_LOCAL_IP"] = "127.0.0.1"  # else Spark looks up the host's name, which not every container has
        if _CHECKOUT:
            changes["PYTHONPATH"] = os.pathsep.join(filter(None, [_CHECKOUT, os.environ.get("PYTHONPATH")]))
    return changes


@contextlib.contextmanager
def _environment(changes: dict[str, str | None]) -> Iterator[None]:
    """Change the environment for the block. pyspark takes these from nowhere else."""
    before = {name: os.environ.get(name) for name in changes}
    try:
        _apply(changes)
        yield
    finally:
        _apply(before)


def _apply(changes: dict[str, str | None]) -> None:
    for name, value in changes.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _addresses(master: str) -> list[tuple[str, int]]:
    """Hosts and ports of `spark://a:7077,b:7077` or `sc://host:15002/;token=…`."""
    scheme, _, rest = master.partition("://")
    found = []
    for part in rest.split("/")[0].split(","):
        parts = urlsplit(f"//{part}")
        found.append((parts.hostname or "", parts.port or (15002 if scheme == "sc" else 7077)))
    return found


def _is_loopback(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")


def public(master: str) -> str:
    """The master without what follows the address: a Spark Connect URL may carry a token."""
    return re.sub(r"(://[^/]+)/.*", r"\1", master)


def _reach(master: str, seconds: float = 10) -> None:
    """Fail at once where nothing listens; Spark's own clients try for one to ten minutes."""
    failures = []
    for host, port in _addresses(master):
        try:
            socket.create_connection((host, port), timeout=seconds).close()
            return
        except (OSError, UnicodeError) as e:
            failures.append(f"{host}:{port}: {e}")
    raise EngineError(
        f"RETAIL_SPARK={public(master)} cannot be reached ({'; '.join(failures)}).\n"
        "Check the address and that Spark runs there, or unset RETAIL_SPARK to use this machine."
    )


def _reason(error: BaseException, said: deque[str] | None = None) -> str:
    """The one line that says why: the JVM's first complaint, or what the exception says above its stack trace."""
    if said and "JAVA_GATEWAY_EXITED" in str(error):
        telling = re.compile(r"(?!Error occurred during init).*(error|exception|fail|cannot|could not|invalid)", re.I)
        return next((s for s in said if telling.match(s)), said[-1]).strip()
    text = str(error)
    inner = re.search(r"^: (.+)$", text, re.MULTILINE)  # Py4JJavaError: "An error occurred…\n: the.Exception: text"
    return (inner[1] if inner else next((s for s in text.splitlines() if s.strip()), type(error).__name__)).strip()


def _did_not_start(master: str, why: str) -> str:
    mend = next(
        (m for pattern, m in _MENDS if re.search(pattern, why)), "`retail-assets doctor` checks Java and Spark."
    )
    lines = [f"Spark did not start on {public(master)}: {why[:500]}", mend]
    if elsewhere := os.environ.get("SPARK_HOME"):
        lines.append(f"SPARK_HOME is {elsewhere}; it must hold the same Spark as the installed pyspark.")
    return "\n".join(lines)


def _cores(master: str) -> int:
    asked = master.removeprefix("local[").removesuffix("]")
    if asked != "*":
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _physical_memory() -> int:
    """Bytes this process may use: the machine's, or the container's where that is less."""
    total: int = psutil.virtual_memory().total
    with contextlib.suppress(OSError, ValueError):
        total = min(total, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return total
