"""The JVM of a classic Spark session: launched with its output captured, killed if it hangs, ended by force if needed.

pyspark has no public interface for any of this, so its private names are used in this module and in no other.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator

import psutil

#: Lines that every start prints and nobody can act on.
_CHATTER = re.compile(
    r"WARNING: Using incubator modules|WARNING: package sun\.security\.action|Picked up \w*JAVA\w*OPTIONS"
    r"|Using Spark's default log4j profile|Setting default log level to|To adjust logging level use"
    r"|AOT ?[Cc]onfiguration|to assemble AOT cache|AOTCache creation is complete"
)


class Output:
    """The last lines that a JVM printed, without the chatter of every start.

    `passed_on` decides whether further lines go to stderr. Lines printed before that belong to a start that failed,
    whose error repeats them, or did not matter.
    """

    def __init__(self) -> None:
        self.lines: deque[str] = deque(maxlen=40)
        self.passed_on = threading.Event()

    def relay(self, read_end: int) -> None:
        """Read a pipe to its end."""
        with os.fdopen(read_end, encoding="utf-8", errors="replace") as pipe:
            for line in pipe:
                if not _CHATTER.search(line):
                    self.lines.append(line.rstrip())
                    if self.passed_on.is_set():
                        with contextlib.suppress(OSError, ValueError):  # stderr may already be closed at our end
                            sys.stderr.write(line)


def has_session() -> bool:
    """Return whether this process already has a Spark session."""
    from pyspark import SparkContext

    # pyspark has no public way to ask; `getActiveSession` answers for the calling thread only.
    return SparkContext._active_spark_context is not None


def is_launched() -> bool:
    """Return whether this process already has a JVM, as it does below spark-submit (on EMR)."""
    from pyspark import SparkContext

    return SparkContext._gateway is not None or "PYSPARK_GATEWAY_PORT" in os.environ


def launch(config: dict[str, str], output: Output) -> None:
    """Start the JVM as pyspark does, but capture its output, and make it the JVM that pyspark uses.

    Its stdout is captured as well: a JVM that cannot start says why there, and our own stdout is for results.
    """
    from pyspark import SparkConf, SparkContext
    from pyspark.java_gateway import launch_gateway

    conf = SparkConf(loadDefaults=False)
    conf.setAll(list(config.items()))
    read_end, write_end = os.pipe()
    reader = threading.Thread(target=output.relay, args=(read_end,), name="spark-output", daemon=True)
    reader.start()
    try:
        gateway = launch_gateway(conf, popen_kwargs={"stdout": write_end, "stderr": write_end})
    except BaseException:
        os.close(write_end)
        reader.join(timeout=5)  # the last lines hold the reason
        raise
    os.close(write_end)
    SparkContext._ensure_initialized(gateway=gateway)


def end(seconds: float) -> None:
    """End the JVM, by force after `seconds`.

    pyspark would keep it, with its heap, until the process ends, and reuse it with the old settings.
    """
    from pyspark import SparkContext

    gateway = SparkContext._gateway
    SparkContext._gateway = SparkContext._jvm = None
    if gateway is None:
        return
    process = getattr(gateway, "proc", None)
    with contextlib.suppress(Exception):  # it may already be gone
        gateway.shutdown()
    if process is None:
        return
    with contextlib.suppress(OSError):
        process.stdin.close()  # the JVM exits when its stdin closes
    try:
        process.wait(timeout=seconds)
    except Exception:
        process.kill()
        process.wait()


@contextlib.contextmanager
def killed_after(seconds: float) -> Iterator[threading.Event]:
    """Kill the JVM, and set the event, if the block takes longer than `seconds`.

    Every wait on the JVM then ends in an error.
    """
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
