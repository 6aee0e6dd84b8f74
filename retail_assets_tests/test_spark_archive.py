"""`retail-assets prepare`: Spark's classes are kept once, used by every start after it, and never in the way."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from retail_assets import settings as settings_module
from retail_assets import spark_archive
from retail_assets.errors import EngineError
from retail_assets.java import JavaHome
from retail_assets.settings import Settings

_START = """
import sys, psutil
from retail_assets import settings, spark
session = spark.start(settings.load({"RETAIL_HOME": sys.argv[1], "RETAIL_SPARK": "local[1]"}))
spark.answers(session.spark)
[java] = [c for c in psutil.Process().children(recursive=True) if c.name() == "java"]
print(any(m.path.endswith(".jsa") and sys.argv[1] in m.path for m in java.memory_maps()))
session.stop()
"""


def start(home: Path) -> str:
    """Start a Spark in a process of its own; whether its Java has mapped the archive of this home."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("RETAIL_")}
    done = subprocess.run(
        [sys.executable, "-c", _START, str(home)], env=env, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "SharedArchive" not in done.stderr
    return done.stdout.strip().splitlines()[-1]


@pytest.mark.spark
@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux which files a process has mapped")
def test_prepare_keeps_the_classes_and_later_starts_use_them_even_a_damaged_archive_does_no_harm(
    tmp_path: Path,
) -> None:
    env = {k: v for k, v in os.environ.items() if not k.startswith("RETAIL_")}
    program = str(Path(sys.executable).with_name("retail-assets"))
    prepared = subprocess.run(
        [program, "prepare"],
        env=env | {"RETAIL_HOME": str(tmp_path), "RETAIL_SPARK": "local[1]"},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert prepared.returncode == 0, prepared.stderr[-3000:]
    [archive] = (tmp_path / "java").glob("*.jsa")
    assert prepared.stdout.startswith(str(archive))
    assert start(tmp_path) == "True"

    with archive.open("r+b") as f:
        f.truncate(1 << 20)  # Java would map it all the same, and crash
    assert start(tmp_path) == "False"


def test_without_an_archive_java_gets_no_option(settings: Settings) -> None:
    java = JavaHome(Path("/java"), "17.0.1", "PATH", ())
    assert spark_archive.options(settings, java) == ()
    path = settings.home / "java" / f"spark-{metadata.version('pyspark')}_java-17.0.1_7.jsa"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"half")
    assert spark_archive.options(settings, java) == ()
    path.write_bytes(b"classes")
    assert f"-XX:SharedArchiveFile={path}" in spark_archive.options(settings, java)
    assert spark_archive.options(settings, JavaHome(Path("/java"), "21.0.2", "PATH", ())) == ()


def test_an_archive_is_for_a_spark_of_this_machine(environ: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="only a local Spark"):
        spark_archive.make(settings_module.load({**environ, "RETAIL_SPARK": "spark://127.0.0.1:7077"}))
    spaced = settings_module.load({**environ, "RETAIL_HOME": str(tmp_path / "a folder")})
    with pytest.raises(EngineError, match="with a space"):
        spark_archive.make(spaced)
