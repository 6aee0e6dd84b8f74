"""A shop in operation: files and a topic land, sensors request runs, things break, and nobody is there to help.

`Operation` does what a daemon does, without its waiting: it asks the landing sensor, executes what that requests,
starts a run again whose process died, and lets the alerts be collected and sent. What is to be in the tables is counted
here, from what was delivered, without the product.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from retail_assets import settings as settings_module
from retail_assets.defs import sensors
from retail_assets.defs.alerts import Alerts
from retail_assets.defs.build import build_defs
from retail_assets.defs.jobs import jobs
from retail_assets.landing.land import land_file
from retail_assets.platform import Platform
from retail_assets.settings import Settings
from retail_assets.storage import Store
from retail_assets.streaming.ledger import read_progress
from retail_assets_tests.dagster_home import dagster_home
from retail_assets_tests.faults.child_processes import ended, start
from retail_assets_tests.faults.kills import Kill, arm
from retail_assets_tests.services.brokers import RunningBroker, produce
from retail_assets_tests.streaming import topics
from retail_assets_tests.waiting import until

SOURCE = "retail_sales"
HEADER = "Transaction ID,Date,Customer ID,Gender,Age,Product Category,Quantity,Price per Unit,Total Amount"
_WAIT_SECONDS = 180


@dataclass(frozen=True)
class Sale:
    """A transaction as the shop knows it; `day` is that of the sale."""

    number: int
    day: dt.date
    customer: str
    quantity: int
    price: int

    @property
    def line(self) -> str:
        total = self.quantity * self.price
        return f"{self.number},{self.day},{self.customer},Female,34,Beauty,{self.quantity},{self.price},{total}"

    @property
    def record(self) -> bytes:
        changes = {"Date": str(self.day), "Customer ID": self.customer, "Quantity": self.quantity}
        money = {"Price per Unit": self.price, "Total Amount": self.quantity * self.price}
        return topics.sale(self.number, **changes, **money)

    @property
    def row(self) -> tuple[str, str, int]:
        """Transaction, customer, and amount in cents, as the table `sales` is to have them."""
        return str(self.number), self.customer, self.quantity * self.price * 100


def file_of(sales: Sequence[Sale], garbage: int = 0) -> bytes:
    """Return a file with sales, and at its end lines that are to be rejected: they have no amounts."""
    bad = [f"{sales[0].number + 500_000 + n},{sales[0].day},C1,Female,34,Beauty,,," for n in range(garbage)]
    return "\n".join([HEADER, *(sale.line for sale in sales), *bad, ""]).encode()


@dataclass
class Delivered:
    """What has been delivered: files by landing day and name, and the records of the topic by day."""

    files: dict[tuple[dt.date, str], tuple[tuple[Sale, ...], int]] = field(default_factory=dict)
    streamed: dict[dt.date, list[Sale]] = field(default_factory=dict)
    unreadable: dict[dt.date, int] = field(default_factory=dict)
    erased: set[str] = field(default_factory=set)
    erased_unregistered: dict[dt.date, int] = field(default_factory=dict)

    def sales(self) -> list[tuple[str, str, int]]:
        """Return the rows of `sales`: of each transaction the version of its latest landing, without those erased."""
        current: dict[int, tuple[dt.date, Sale]] = {}
        landed = [(day, sale) for (day, _), (sales, _) in self.files.items() for sale in sales]
        landed += [(day, sale) for day, sales in self.streamed.items() for sale in sales]
        for day, sale in sorted(landed, key=lambda each: each[0]):
            current[sale.number] = (day, sale)
        return sorted(sale.row for _, sale in current.values() if sale.customer not in self.erased)

    def rows_by_day(self) -> dict[dt.date, tuple[int, int]]:
        """Return the rows that landed on each day, and how many of them are to be rejected.

        Rows that were erased before a run had registered them were never counted as landed.
        """
        counts: dict[dt.date, list[int]] = {}
        for (day, _), (sales, garbage) in self.files.items():
            both = counts.setdefault(day, [0, 0])
            both[0] += len(sales) + garbage
            both[1] += garbage
        for day, streamed in self.streamed.items():
            counts.setdefault(day, [0, 0])[0] += len(streamed)
        for day, number in self.unreadable.items():
            both = counts.setdefault(day, [0, 0])
            both[0] += number
            both[1] += number
        for day, number in self.erased_unregistered.items():
            counts[day][0] -= number
        return {day: (rows, rejected) for day, (rows, rejected) in counts.items()}


@dataclass
class Operation:
    """One source in operation, below a folder. `whole` runs the whole graph where a daemon would; else the load."""

    folder: Path
    first: dt.date
    broker: RunningBroker
    topic: str
    webhook: str
    whole: bool = False
    delivered: Delivered = field(default_factory=Delivered)
    cursor: str | None = None
    results: list[tuple[str, bool]] = field(default_factory=list)
    _lander: subprocess.Popen[bytes] | None = None
    _produced: int = 0

    def __post_init__(self) -> None:
        dagster_home(self.dagster_home)
        self.definitions = build_defs(self.settings)
        self.platform = Platform(self.settings)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def dagster_home(self) -> Path:
        return self.home / "dagster"

    @property
    def environ(self) -> dict[str, str]:
        return {
            **topics.environment(self.home, self.broker.address, self.topic, RETAIL_STREAM_SECONDS="0.5"),
            "RETAIL_SOURCE": SOURCE,
            "RETAIL_START_DATE": self.first.isoformat(),
            "RETAIL_SPARK": "local[2]",
            "RETAIL_SPARK_MEMORY": "1g",
            "RETAIL_ALERT_WEBHOOK": self.webhook,
            "RETAIL_ALERT_PER_HOUR": "1000",
        }

    @property
    def settings(self) -> Settings:
        return settings_module.load(self.environ)

    def day(self, number: int) -> dt.date:
        return self.first + dt.timedelta(number)

    # What comes from outside.

    def deliver(self, day: int, name: str, sales: Sequence[Sale], garbage: int = 0) -> None:
        """Land a file, in place of one of the same name."""
        self._land(day, name, file_of(sales, garbage))
        self.delivered.files[self.day(day), name] = (tuple(sales), garbage)

    def deliver_unreadable(self, day: int, name: str) -> None:
        """Land a file that is no file of this contract, as by a copy into the bucket, which looks at nothing."""
        self._land(day, name, b"\xff\xfe\x00PK this is no table\n", check=False)

    def _land(self, day: int, name: str, data: bytes, check: bool = True) -> None:
        path = self.folder / "deliveries" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        if check:
            land_file(path, self.platform.raw, SOURCE, self.day(day), replace=True)
        else:
            self.platform.raw.write(f"{SOURCE}/dt={self.day(day)}/{name}", data)

    def stream(self, day: int, sales: Sequence[Sale], unreadable: int = 0) -> None:
        """Send records to the topic with the time stamp of a day, and wait until they have landed."""
        noon = dt.datetime.combine(self.day(day), dt.time(12), dt.UTC)
        values = [*(sale.record for sale in sales), *([b"{ this is no record"] * unreadable)]
        produce(self.broker.address, self.topic, values, partition=0, timestamp=int(noon.timestamp() * 1000))
        self._produced += len(values)
        self.delivered.streamed.setdefault(self.day(day), []).extend(sales)
        if unreadable:
            self.delivered.unreadable[self.day(day)] = self.delivered.unreadable.get(self.day(day), 0) + unreadable
        self.wait_for_the_topic()

    def wait_for_the_topic(self) -> None:
        """Wait until every record has landed; a lander that died meanwhile is started again, as a supervisor does."""
        store = Store(self.settings.raw_uri)

        def landed() -> bool:
            if self._lander is not None and self._lander.poll() is not None:
                self.start_lander()
            return sum(p.next for p in read_progress(store, SOURCE)[0]) >= self._produced

        until(landed, _WAIT_SECONDS, lambda: self._lander_log.read_text()[-3000:])

    @property
    def _lander_log(self) -> Path:
        return self.folder / "lander.log"

    def start_lander(self) -> None:
        self._lander = topics.start(self.environ, log=self._lander_log)

    def kill_lander(self) -> None:
        assert self._lander is not None
        self._lander.kill()
        self._lander.wait()

    @contextlib.contextmanager
    def in_operation(self) -> Iterator[None]:
        """Start the lander, and set the instance that the commands use; end both with the block."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DAGSTER_HOME", str(self.dagster_home))
            self.start_lander()
            try:
                yield
            finally:
                self.kill_lander()

    # What the daemon does.

    def tick(self, killed_at: Kill | None = None) -> list[tuple[str, bool]]:
        """Ask the sensor, and execute what it requests; return the landing day and the success of each run.

        With `killed_at`, the process of the first run dies there; then the run is started again, as Dagster's
        monitoring of runs does where it sees its processes.
        """
        sensor = sensors.landing_sensor(self.platform, jobs(), settled_seconds=-60)
        with dg.DagsterInstance.get() as instance:
            context = dg.build_sensor_context(instance=instance, cursor=self.cursor, definitions=self.definitions)
            asked: Any = sensor.evaluate_tick(context)
            self.cursor = asked.cursor
            done = []
            for request in asked.run_requests:
                if killed_at is not None:
                    self._die(request, killed_at)
                    killed_at = None
                    self._report_dead(instance)
                day = str(request.partition_key)
                done.append((day, _execute(self.definitions, instance, self._job(request), day)))
            self._alert(instance)
        self.results += done
        return done

    def _job(self, request: dg.RunRequest) -> str:
        return str(request.job_name) if self.whole else sensors.INGEST

    def _die(self, request: dg.RunRequest, kill: Kill) -> None:
        child = start(_run_and_die, self.environ, self.folder, self._job(request), str(request.partition_key), kill)
        assert ended(child) == -signal.SIGKILL, (self.folder / "killed.log").read_text()[-3000:]

    def _report_dead(self, instance: dg.DagsterInstance) -> None:
        [dead] = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
        instance.report_run_failed(dead, "The process of this run is gone.")

    def _alert(self, instance: dg.DagsterInstance) -> None:
        settings = self.settings
        assert settings.alerts is not None
        alerts = Alerts(self.platform, settings.alerts)
        alerts.collect(instance, self.definitions.get_repository_def().asset_graph)
        alerts.send()

    def erase(self, customer: str) -> Mapping[str, Any]:
        """Erase a customer by the command, and return its receipt."""
        program = str(Path(sys.executable).with_name("retail-assets"))
        kept = {k: v for k, v in os.environ.items() if not k.startswith("RETAIL_")}
        done = subprocess.run(
            [program, "erase-customer", "-", "--json"],
            input=customer,
            env={**kept, **self.environ},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        assert customer not in done.stdout + done.stderr
        self.delivered.erased.add(customer)
        last = dict(self.results)
        for day, streamed in self.delivered.streamed.items():
            if not last.get(str(day), False):
                self.delivered.erased_unregistered[day] = sum(sale.customer == customer for sale in streamed)
        receipt: dict[str, Any] = json.loads(done.stdout)
        return receipt

    @contextlib.contextmanager
    def warehouse_away(self, seconds: float) -> Iterator[None]:
        """Let another process have the warehouse for a while, from before the block begins."""
        code = (
            "import sys, time, duckdb; c = duckdb.connect(sys.argv[1]); c.execute('BEGIN'); print(1, flush=True); "
            "time.sleep(float(sys.argv[2]))"
        )
        command = [sys.executable, "-c", code, str(self.settings.duckdb_path), str(seconds)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline()
            try:
                yield
            finally:
                holder.kill()

    # What is in the tables.

    def sales(self) -> list[tuple[str, str, int]]:
        rows = self.platform.warehouse.query("SELECT transaction_id, customer_id, total_amount FROM sales").to_pylist()
        return sorted((r["transaction_id"], r["customer_id"], int(r["total_amount"] * 100)) for r in rows)

    def rows_by_day(self) -> dict[dt.date, tuple[int, int]]:
        """Return what the manifests say of each landing: its rows with those erased, and those rejected."""
        found = {}
        for _, clean in self.platform.lake.cleaned():
            found[clean.landed_on] = (clean.landed_rows, clean.rows("quarantine"))
            assert clean.landed_rows == sum(clean.rows(status) for status in clean.files) + clean.erased
        return found


def _execute(definitions: dg.Definitions, instance: dg.DagsterInstance, job: str, day: str) -> bool:
    result = definitions.resolve_job_def(job).execute_in_process(
        instance=instance, partition_key=day, raise_on_error=False
    )
    return result.success


def _run_and_die(environ: Mapping[str, str], folder: Path, job: str, day: str, kill: Kill) -> None:
    """Execute a job in this process, and die on the way."""
    os.setsid()
    os.environ.update(RETAIL_TEST_HOME=environ["RETAIL_HOME"], DAGSTER_HOME=str(folder / "home" / "dagster"))
    log = os.open(folder / "killed.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(log, stream)
    arm(kill)
    with dg.DagsterInstance.get() as instance:
        _execute(build_defs(settings_module.load(environ)), instance, job, day)
