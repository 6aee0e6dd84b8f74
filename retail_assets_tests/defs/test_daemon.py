"""The sensors under a real daemon, which is killed in between: each changed landing is loaded once, none is missed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import psutil
import pytest

from retail_assets_tests.waiting import until

ROOT = Path(__file__).parents[2]
MODULE = "retail_assets_tests.defs.daemon_shop"
D1, D2, D3, D4 = "2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04"
_SECONDS = 240


class Shop:
    """A raw folder, a Dagster home with the project's own dagster.yaml, and what the runs have noted."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home, self.notes = folder, folder / "dagster", folder / "notes"
        for place in (self.home, self.notes):
            place.mkdir()
        queue = "class: QueuedRunCoordinator"
        configured = (ROOT / "dagster.yaml").read_text()
        assert queue in configured
        seldom = "poll_interval_seconds: 60"
        assert seldom in configured
        (self.home / "dagster.yaml").write_text(
            configured.replace(queue, f"{queue}\n  config: {{dequeue_interval_seconds: 1}}").replace(
                seldom, "poll_interval_seconds: 1"
            )
        )
        # As `make instance` does: the daemon and `dagster sensor` would both create the tables, and one of them fail.
        with dg.DagsterInstance.from_config(str(self.home)) as instance:
            instance.get_runs_count()
        assert (self.home / "history" / "runs.db").exists()
        assert (self.home / "schedules" / "schedules.db").exists()
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("RETAIL_", "DAGSTER_"))},
            "DAGSTER_HOME": str(self.home),
            "DAGSTER_DISABLE_TELEMETRY": "1",
            "RETAIL_HOME": str(folder / "home"),
            "RETAIL_OUTPUT": str(folder / "output"),
            "RETAIL_START_DATE": D1,
            "NOTES": str(self.notes),
            "PYTHONPATH": str(ROOT),
        }

    def land(self, day: str, data: str) -> None:
        place = self.folder / "home" / "raw" / "retail_sales" / f"dt={day}"
        place.mkdir(parents=True, exist_ok=True)
        (place / ".part").write_text(data)
        (place / ".part").rename(place / "a.csv")

    def start_sensors(self) -> None:
        self.switch("start", "--start-all")

    def switch(self, *words: str) -> None:
        """Switch sensors by hand."""
        command = [_program("dagster"), "sensor", *words, "-m", MODULE]
        ended = subprocess.run(command, env=self.env, cwd=self.folder, capture_output=True, text=True, timeout=_SECONDS)
        assert ended.returncode == 0, (ended.stdout + ended.stderr)[-3000:]

    @contextlib.contextmanager
    def daemon(self) -> Iterator[subprocess.Popen[bytes]]:
        """Run a daemon, in a process group of its own that is killed at the end."""
        with (self.folder / "daemon.log").open("ab") as log:
            command = [_program("dagster-daemon"), "run", "-m", MODULE]
            process = subprocess.Popen(
                command, env=self.env, cwd=self.folder, stdout=log, stderr=log, start_new_session=True
            )
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(30)

    def runs(self) -> list[list[str]]:
        """Asset, day and company of what has run."""
        noted = self.notes / "runs"
        return [line.split()[:3] for line in noted.read_text().splitlines()] if noted.exists() else []

    def loaded(self) -> Counter[str]:
        return Counter(day for asset, day, _ in self.runs() if asset == "sales")

    def wait_for_rounds(self) -> None:
        """Wait until the daemon has asked its sensors three times more."""
        noted = self.notes / "rounds"

        def rounds() -> int:
            return len(noted.read_text().splitlines()) if noted.exists() else 0

        before = rounds()
        self.wait_until(lambda: rounds() >= before + 3)

    def switched(self) -> dict[str, str]:
        """Return the sensors of which the daemon has a record, and whether they are on, and by whom."""
        with dg.DagsterInstance.from_config(str(self.home)) as instance:
            return {state.instigator_name: state.status.value for state in instance.all_instigator_state()}

    def marts(self) -> int:
        return sum(asset == "mart" for asset, *_ in self.runs())

    def is_idle(self) -> bool:
        """Whether no run waits or runs."""
        with dg.DagsterInstance.from_config(str(self.home)) as instance:
            return all(run.is_finished for run in instance.get_runs())

    def wait_until(self, reached: Callable[[], bool]) -> None:
        until(reached, _SECONDS, lambda: (self.runs(), (self.folder / "daemon.log").read_text()[-3000:]))


def _program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


@pytest.mark.slow
def test_a_daemon_that_is_killed_misses_nothing_and_requests_nothing_twice(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.land(D1, "1")
    shop.land(D2, "1")
    with shop.daemon() as daemon:
        shop.start_sensors()
        shop.wait_until(lambda: set(shop.loaded()) == {D1, D2} and shop.is_idle())
        shop.wait_until(lambda: shop.marts() >= 1)
        daemon.kill()
    shop.land(D1, "2")  # rewritten, as long as before
    shop.land(D3, "1")
    (shop.notes / "wrong").touch()
    with shop.daemon():
        shop.wait_until(lambda: sum(shop.loaded().values()) == 4 and shop.is_idle())
        marts = shop.marts()
        shop.land(D4, "1")  # its blocking check fails as well, so nothing follows
        shop.wait_until(lambda: shop.loaded()[D4] == 1 and shop.is_idle())
        assert shop.marts() == marts
        (shop.notes / "wrong").unlink()
        shop.land(D4, "2")
        shop.wait_until(lambda: shop.loaded()[D4] == 2 and shop.marts() > marts and shop.is_idle())
    assert shop.loaded() == {D1: 2, D2: 1, D3: 1, D4: 2}
    assert {company for *_, company in shop.runs()} == {"alone"}


@pytest.mark.slow
def test_the_setting_switches_sensors_on_and_what_was_switched_by_hand_stays_so(tmp_path: Path) -> None:
    """In a deployment by a compose file nobody clicks: RETAIL_AUTOMATION=on is enough. Without it nothing starts."""
    shop = Shop(tmp_path)
    shop.land(D1, "1")
    with shop.daemon():
        shop.wait_for_rounds()
    assert shop.switched() == {"witness": "DECLARED_IN_CODE"}
    assert shop.runs() == []
    shop.env["RETAIL_AUTOMATION"] = "on"
    with shop.daemon():
        shop.wait_until(lambda: shop.loaded()[D1] == 1 and shop.marts() >= 1 and shop.is_idle())
        shop.wait_until(lambda: len(shop.switched()) == 3)
    assert set(shop.switched().values()) == {"DECLARED_IN_CODE"}
    assert set(shop.switched()) == {"landings_in_folder", "follow_sales", "witness"}
    shop.switch("stop", "landings_in_folder")
    shop.land(D2, "1")
    with shop.daemon():
        shop.wait_for_rounds()
    assert shop.switched()["landings_in_folder"] == "STOPPED"
    assert shop.loaded() == {D1: 1}
    shop.switch("start", "landings_in_folder")
    del shop.env["RETAIL_AUTOMATION"]
    with shop.daemon():
        shop.wait_until(lambda: shop.loaded()[D2] == 1 and shop.is_idle())
    assert shop.switched()["landings_in_folder"] == "RUNNING"


@pytest.mark.slow
def test_a_run_that_died_with_its_machine_is_repeated_and_frees_its_pool(tmp_path: Path) -> None:
    """Its code server died as well, so nobody reports it; it counted as started for six hours while others waited."""
    shop = Shop(tmp_path)
    shop.env["RETAIL_AUTOMATION"] = "landings"
    (shop.notes / "hang").touch()
    shop.land(D1, "1")
    with shop.daemon():
        shop.wait_until((shop.notes / "hangs").exists)
        killed = [process for process in psutil.process_iter() if _belongs(process, shop.home)]
        for process in killed:
            process.kill()
        psutil.wait_procs(killed, 30)
    (shop.notes / "hang").unlink()
    with dg.DagsterInstance.from_config(str(shop.home)) as instance:
        [run] = instance.get_runs()
        assert run.status is dg.DagsterRunStatus.STARTED
    with shop.daemon():
        shop.wait_until(lambda: shop.loaded()[D1] == 1 and shop.is_idle())
    with dg.DagsterInstance.from_config(str(shop.home)) as instance:
        repeated, first = instance.get_runs()
        assert (first.run_id, first.status) == (run.run_id, dg.DagsterRunStatus.FAILURE)
        assert (repeated.parent_run_id, repeated.status) == (run.run_id, dg.DagsterRunStatus.SUCCESS)


def _belongs(process: psutil.Process, home: Path) -> bool:
    """Whether a process has the home in its environment: the daemon, its code servers, and the processes of runs."""
    with contextlib.suppress(psutil.Error):
        return process.environ().get("DAGSTER_HOME") == str(home)
    return False
