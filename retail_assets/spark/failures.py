"""Why Spark did not start or did not answer, in one line, and what to do about it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from retail_assets.errors import EngineError
from retail_assets.spark.config import public

#: A pattern in the message of the JVM or of Spark, and what to do about it.
_FIXES = (
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
_FIRST_ERROR = re.compile(r"(?!Error occurred during init).*(error|exception|fail|cannot|could not|invalid)", re.I)


def reason(error: BaseException, output: Iterable[str] = ()) -> str:
    """Return the line that says why: the first error in the JVM's output, or the first line of the exception.

    >>> reason(RuntimeError("An error occurred while calling o1.x.\\n: java.io.IOException: disk\\n\\tat a.b(c)"))
    'java.io.IOException: disk'
    """
    lines = list(output)
    if lines and "JAVA_GATEWAY_EXITED" in str(error):
        return next((line for line in lines if _FIRST_ERROR.match(line)), lines[-1]).strip()
    text = str(error)
    inner = re.search(r"^: (.+)$", text, re.MULTILINE)  # Py4JJavaError: "An error occurred…\n: the.Exception: text"
    first = next((line for line in text.splitlines() if line.strip()), type(error).__name__)
    return (inner[1] if inner else first).strip()


def did_not_start(master: str, why: str) -> EngineError:
    """Return the error for a Spark that did not start, with what to do about it."""
    fix = next(
        (fix for pattern, fix in _FIXES if re.search(pattern, why)), "`retail-assets doctor` checks Java and Spark."
    )
    lines = [f"Spark did not start on {public(master)}: {why[:500]}", fix]
    if spark_home := os.environ.get("SPARK_HOME"):
        lines.append(f"SPARK_HOME is {spark_home}; it must hold the same Spark as the installed pyspark.")
    return EngineError("\n".join(lines))
