"""The Spark session: started or joined, asked whether it works, and ended without leaving anything behind.

Only `spark/` knows whether Spark runs in this process tree (`local[..]`), on a cluster (`spark://`) or behind Spark
Connect (`sc://`). What does not belong here: any job. pyspark is imported when a session is asked for, not before.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import socket
import tempfile
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from retail_assets.errors import EngineError
from retail_assets.spark import class_archive, config, failures, java, jvm
from retail_assets.storage.deadline import within

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from retail_assets.settings import Settings

#: A start takes about 7 s on two idle cores. What takes longer than this is not going to start.
START_SECONDS = 180
_END_SECONDS = 20

Build = Callable[[dict[str, str]], "SparkSession"]
JavaOptions = Callable[[java.JavaHome], tuple[str, ...]]


class Session:
    """A running Spark session.

    `spark` is the pyspark session, `java` the Java that was chosen for it (None if no JVM was started). `stop` ends
    only what this object started: a session that this process had before goes on.
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
        """End the session and its JVM, and remove its temporary files. A second call does nothing."""
        cleanup, self._cleanup = self._cleanup, None
        if cleanup is not None:
            cleanup.close()


def start(
    settings: Settings,
    build: Build | None = None,
    seconds: float = START_SECONDS,
    *,
    java_options: JavaOptions | None = None,
    end_seconds: float = _END_SECONDS,
) -> Session:
    """Start Spark as the settings say, or join the session that this process already has.

    Parameters
    ----------
    build
        Makes the session from a configuration; by default `SparkSession.builder…getOrCreate()`.
    seconds
        How long the start may take, roughly.
    java_options
        Options for a JVM that is started here, given its Java; by default those that use the archive of Spark's
        classes if there is one.
    end_seconds
        How long the JVM may take to end.

    Raises EngineError if there is no Java, the cluster cannot be reached, or Spark does not come up.
    """
    make = build or _get_or_create
    # pyspark 4.3 warns of pandas 3 at every start and in every Python task; tests cover what we use of both.
    warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas", category=FutureWarning)
    if config.is_connect(settings.spark_master):
        return _start_connect(settings, make, seconds)
    options = java_options or functools.partial(class_archive.options, settings)
    return _start_classic(settings, make, seconds, options, end_seconds)


def answers(session: SparkSession, seconds: float = 60) -> None:
    """Run a tiny job with a Python task. Raises EngineError if it fails or is not done within `seconds`.

    A cluster without free workers accepts a session and never runs a job, so only a job is proof.
    """

    def job() -> int:
        # Collected, not counted: without an aggregate Spark loads a fifth fewer classes for its answer.
        return len(session.range(0, 4, 1, 2).mapInArrow(lambda batches: batches, "id long").collect())

    try:
        count = within(seconds, job)
    except TimeoutError:
        raise EngineError(
            f"Spark accepted a job and did not run it within {seconds:.0f} s. "
            "On a cluster, check that it has free workers; on this machine, that it is not overloaded."
        ) from None
    except Exception as e:
        raise EngineError(
            f"Spark cannot run a Python task: {failures.reason(e)}. Check that its workers have this Python and its "
            "packages."
        ) from e
    if count != 4:
        raise EngineError(f"Spark counted {count} rows instead of 4.")


def _get_or_create(settings: dict[str, str]) -> SparkSession:
    from pyspark.sql import SparkSession

    builder = SparkSession.builder
    for key, value in settings.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def _start_classic(
    settings: Settings, build: Build, seconds: float, java_options: JavaOptions, end_seconds: float
) -> Session:
    if jvm.has_session():
        return Session(build({}), None, None)
    master = settings.spark_master
    if not config.is_local(master):
        _reach(master)
    # Below spark-submit, as on EMR, the JVM is already running: its environment is not ours to choose.
    launches = not jvm.is_launched()
    java_home = java.find(settings.home / "java") if launches else None
    options = java_options(java_home) if java_home else ()
    with contextlib.ExitStack() as stack:
        scratch = stack.enter_context(_scratch_folder())
        spark_settings = _with_folders(config.session_config(settings), master, scratch, options)
        with _environment(config.launch_environment(spark_settings, java_home)):
            output = jvm.Output()
            with jvm.killed_after(seconds) as expired:
                try:
                    if launches:
                        jvm.launch(spark_settings, output)
                        stack.callback(jvm.end, end_seconds)
                    session = build(spark_settings)
                except Exception as e:
                    late = f"it was not ready within {seconds:.0f} s"
                    why = late if expired.is_set() else failures.reason(e, output.lines)
                    raise failures.did_not_start(master, why) from e
        output.passed_on.set()
        stack.callback(_stop, session)
        cleanup = stack.pop_all()
    atexit.register(cleanup.close)
    cleanup.callback(atexit.unregister, cleanup.close)
    return Session(session, java_home, cleanup)


def _with_folders(
    spark_settings: dict[str, str], master: str, scratch: str, java_options: tuple[str, ...]
) -> dict[str, str]:
    """Spark's settings with the folders of one start, and the Java options."""
    if not config.is_local(master) and config.CHECKOUT and "spark.driver.bindAddress" in spark_settings:
        # The workers of a cluster on this machine do not inherit our environment.
        spark_settings = {**spark_settings, "spark.executorEnv.PYTHONPATH": config.CHECKOUT}
    of_driver = (
        spark_settings["spark.driver.defaultJavaOptions"],
        f"-Djava.io.tmpdir={scratch}",
        # A crash report belongs neither in the working folder nor in one that is about to be removed.
        f"-XX:ErrorFile={tempfile.gettempdir()}/retail-spark-crash-%p.log",
        *java_options,
    )
    return {
        **spark_settings,
        "spark.local.dir": scratch,
        "spark.sql.warehouse.dir": f"{scratch}/spark-warehouse",
        "spark.driver.defaultJavaOptions": " ".join(of_driver),
    }


def _start_connect(settings: Settings, build: Build, seconds: float) -> Session:
    try:
        from pyspark.sql.connect.session import SparkSession as ConnectSession
    except ImportError as e:
        raise EngineError(
            f"RETAIL_SPARK is a Spark Connect address, which needs packages that are not installed ({e}). "
            "Install them: pip install 'pyspark[connect]'"
        ) from e
    except Exception as e:
        # pyspark raises an error of its own if a package of Connect is missing or too old.
        raise EngineError(
            f"Spark Connect cannot be used: {failures.reason(e)} Install it: pip install 'pyspark[connect]'"
        ) from e
    existing = ConnectSession.getActiveSession()
    if existing is not None:
        return Session(existing, None, None)  # type: ignore[arg-type]  # the same interface by duck typing
    master = settings.spark_master
    _reach(master)

    def connect() -> SparkSession:
        session = build(config.session_config(settings))
        # The client connects at its first request.
        _ = session.version
        return session

    with contextlib.ExitStack() as stack:
        # pyspark marks the process as a client for good; a later local session must not be refused because of it.
        stack.callback(os.environ.pop, "SPARK_CONNECT_MODE_ENABLED", None)
        try:
            session = within(seconds, connect)
        except TimeoutError:
            why = f"no answer within {seconds:.0f} s; is it a Spark Connect server?"
            raise failures.did_not_start(master, why) from None
        except Exception as e:
            raise failures.did_not_start(master, failures.reason(e)) from e
        stack.callback(_stop, session)
        return Session(session, None, stack.pop_all())


def _stop(session: SparkSession) -> None:
    """Stop a session. If its JVM or server is gone, that is no error of the run that used it."""
    with warnings.catch_warnings(), contextlib.suppress(Exception):
        warnings.simplefilter("ignore", RuntimeWarning)
        session.stop()


@contextlib.contextmanager
def _scratch_folder() -> Iterator[str]:
    try:
        folder = tempfile.TemporaryDirectory(prefix="retail-spark-", ignore_cleanup_errors=True)
    except OSError as e:
        raise EngineError(f"Spark cannot create its temporary files: {e}. Set TMPDIR to a writable folder.") from e
    with folder as path:
        yield path


@contextlib.contextmanager
def _environment(changes: dict[str, str | None]) -> Iterator[None]:
    """Change the environment for the block. pyspark takes these values from nowhere else."""
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


def _reach(master: str, seconds: float = 10) -> None:
    """Fail at once if nothing listens; Spark's own clients would try for one to ten minutes."""
    attempts = []
    for host, port in config.addresses(master):
        try:
            socket.create_connection((host, port), timeout=seconds).close()
            return
        except (OSError, UnicodeError) as e:
            attempts.append(f"{host}:{port}: {e}")
    raise EngineError(
        f"RETAIL_SPARK={config.public(master)} cannot be reached ({'; '.join(attempts)}).\n"
        "Check the address and that Spark runs there, or unset RETAIL_SPARK to use this machine."
    )
