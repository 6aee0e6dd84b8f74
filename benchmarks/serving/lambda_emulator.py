"""AWS's own runtime around the packaged handler: the runtime interface emulator of the AWS SAM command line.

The process sees the package, the runtime client (`awslambdaric`) and Python's standard library, nothing else: what the
package lacks is missing here as it would be on Lambda.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HANDLER = "retail_assets.serving.aws_lambda.handler"
WHEEL = "aws-sam-cli==1.170.0"
_RUNTIME = ("awslambdaric", "snapshot-restore-py", "simplejson")
_DOWNLOAD_SECONDS = 120
_ANSWER_SECONDS = 30
_START = (
    "import sys; sys.path[:0] = [sys.argv[1]]; sys.path.append(sys.argv[2]); "
    "from awslambdaric.__main__ import main; main(['', sys.argv[3]])"
)


class NoEmulatorError(Exception):
    """The emulator cannot be had here; the message says why."""


def emulator(folder: Path) -> Path:
    """Return the emulator's binary, taken from a wheel that pip downloads into a folder. Raises NoEmulatorError."""
    machine = {"x86_64": "x86_64", "aarch64": "arm64"}.get(platform.machine())
    if sys.platform != "linux" or machine is None:
        raise NoEmulatorError(f"there is no runtime interface emulator for {sys.platform} on {platform.machine()}")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--disable-pip-version-check"]
    try:
        subprocess.run(
            [*command, "--retries", "1", "-d", str(folder), WHEEL],
            check=True,
            capture_output=True,
            timeout=_DOWNLOAD_SECONDS,
        )
    except (subprocess.SubprocessError, OSError) as e:
        raise NoEmulatorError(f"the emulator could not be fetched: pip download {WHEEL} ({type(e).__name__})") from None
    [wheel] = folder.glob("aws_sam_cli-*.whl")
    binary = folder / "aws-lambda-rie"
    with zipfile.ZipFile(wheel) as archive:
        binary.write_bytes(archive.read(f"samcli/local/rapid/aws-lambda-rie-{machine}"))
    binary.chmod(0o755)
    return binary


@dataclass
class Function:
    """A running function: `invoke` sends it an event and returns its answer."""

    port: int
    started: float
    log: Path

    def invoke(self, event: Mapping[str, Any]) -> dict[str, Any]:
        data = json.dumps(event).encode()
        url = f"http://127.0.0.1:{self.port}/2015-03-31/functions/function/invocations"
        with urllib.request.urlopen(urllib.request.Request(url, data), timeout=_ANSWER_SECONDS) as answer:
            content: dict[str, Any] = json.loads(answer.read())
        if "statusCode" not in content:
            raise AssertionError(f"{content}\n{self.log.read_text()[-3000:]}")
        return content


@contextlib.contextmanager
def running(binary: Path, package: Path, environ: Mapping[str, str], scratch: Path) -> Iterator[Function]:
    """Run the handler of a package in the emulator until the block ends.

    Args:
        binary: the emulator.
        package: folder of the unzipped package.
        environ: variables of the function.
        scratch: folder for the runtime client, the log and the function's temporary files.
    """
    runtime = _runtime(scratch / "runtime")
    port, inner = _free_ports()
    temporary = scratch / "tmp"
    temporary.mkdir(exist_ok=True)
    variables = {
        "PATH": os.environ["PATH"],
        "TMPDIR": str(temporary),
        "AWS_LAMBDA_FUNCTION_NAME": "retail-predictions",
        "AWS_LAMBDA_FUNCTION_TIMEOUT": "30",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        **environ,
    }
    command = [
        str(binary),
        "--runtime-interface-emulator-address",
        f"127.0.0.1:{port}",
        "--runtime-api-address",
        f"127.0.0.1:{inner}",
        "--log-level",
        "error",
        *(sys.executable, "-I", "-S", "-c", _START, str(package), str(runtime), HANDLER),
    ]
    log = scratch / f"lambda-{port}.log"
    with log.open("wb") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=package, env=variables, stdout=output, stderr=output, start_new_session=True
        )
    try:
        _wait(port, process, log)
        yield Function(port, started, log)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _ANSWER_SECONDS
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if process.poll() is not None or time.monotonic() > end:
            raise AssertionError(f"the emulator does not listen: {log.read_text()[-2000:]}")
        time.sleep(0.005)


def _runtime(folder: Path) -> Path:
    """A folder with the runtime client alone, as Lambda's machines have it beside the package."""
    if not folder.exists():
        for name in _RUNTIME:
            for file in importlib.metadata.distribution(name).files or ():
                if "__pycache__" not in file.parts and ".." not in file.parts:
                    target = folder / file
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(str(file.locate()), target)
        subprocess.run([sys.executable, "-m", "compileall", "-q", str(folder)], check=False, timeout=120)
    return folder


def _free_ports() -> tuple[int, int]:
    with socket.socket() as first, socket.socket() as second:
        first.bind(("127.0.0.1", 0))
        second.bind(("127.0.0.1", 0))
        return int(first.getsockname()[1]), int(second.getsockname()[1])
