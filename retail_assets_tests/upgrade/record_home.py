"""Record a home as version 0.1.0 of retail-assets leaves it: the fixture of the upgrade test.

    git worktree add --detach /tmp/retail-assets-0.1.0 ae4f2eb     # any commit whose version is 0.1.0
    python -m retail_assets_tests.upgrade.record_home --checkout /tmp/retail-assets-0.1.0

This writes `home-0.1.0.tar.xz` and `home-0.1.0.json` beside this file in about five minutes. Only commands of the old
version touch the home, each in a process of its own:

1. Generated sales of 100 days land as one file, the history, on 9 April 2024. All assets are materialized: the first
   version of both models, the first forecast.
2. The landing of 10 April, an ordinary day, with corrections of old transactions: the models are kept, the first
   forecast is scored, the second one is issued.
3. The landings of 11 to 17 April as one range. Seven days of new sales are enough to train the forecast again; the
   second version of its model is promoted.
4. The job `retrain_segments` trains and promotes the second version of the segments' model.
5. Both models are rolled back and promoted again by hand, so that both histories hold every kind of promotion.
6. In a copy, `retrain_segments` with other personas: its version is held until somebody promotes it.

The archive holds:

- `home/`: raw files, lake, warehouse, models, Dagster's storage
- `output/`, without pictures: every run draws them again
- `held/`: the segments' models of step 6, as they would be below `home/models/retail_sales/segments/`
- `next/`: the file of the next day's landing, which again corrects and returns old transactions

It can be unpacked anywhere: version 0.1.0 keeps relative keys in lake and models. Only Dagster's storage names folders
of the recording: the home (`FOLDER`), the checkout and its Python. SQLite files are vacuumed; nothing else is changed
after the last command. Sales and tables are the same at every recording; times, run ids and the names of Parquet files
are not, nor the last digits of a model on another processor.

The JSON is what the test expects, independent of any version's code but the old one's: rows and digest of each table,
read from the DuckDB file, and what the old commands print as JSON.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import datetime as dt
import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path
from typing import Any

from retail_assets_tests.upgrade.table_contents import digest, rows_by_table

VERSION = "0.1.0"
FOLDER = Path("/tmp/retail-assets-0.1.0-home")
SOURCE = "retail_sales"
RECIPE = {"rows": 2600, "days": 110, "seed": 3, "dirt": 0.06}
HISTORY_DAYS = 100
#: Positions of the landings after the history: one alone, seven as a range, one for the test.
ORDINARY, RANGE, NEXT = HISTORY_DAYS, slice(HISTORY_DAYS + 1, HISTORY_DAYS + 8), HISTORY_DAYS + 8
#: Modification time of all files in the archive: one for all, and old enough that nothing looks unfinished.
MODIFIED = dt.datetime(2024, 4, 18, 12, tzinfo=dt.UTC)

_HEADER = "Transaction ID,Date,Customer ID,Gender,Age,Product Category,Quantity,Price per Unit,Total Amount"
_OTHER_PERSONAS = """\
personas:
  - {name: Big Spenders, prototype: {average_basket: 1, monetary: 1.5}}
  - {name: Regulars, prototype: {frequency: 1, average_basket: -1}}
"""


class OldVersion:
    """The commands of a checkout of the old version, with all state below `folder`."""

    def __init__(self, checkout: Path, folder: Path) -> None:
        self._checkout, self.folder = checkout.resolve(), folder
        project = tomllib.loads((self._checkout / "pyproject.toml").read_text())["project"]
        if project["version"] != VERSION:
            raise SystemExit(f"{checkout} is version {project['version']}, not {VERSION}")
        module, function = project["scripts"]["retail-assets"].split(":")
        self._command = f"import sys; from {module} import {function}; sys.exit({function}())"
        env = {k: v for k, v in os.environ.items() if not k.startswith(("RETAIL_", "DAGSTER_"))}
        self._env = env | {
            "RETAIL_HOME": str(folder / "home"),
            "RETAIL_OUTPUT": str(folder / "output"),
            "RETAIL_SPARK": "local[2]",
            "DAGSTER_HOME": str(folder / "home" / "dagster"),
            "DAGSTER_DISABLE_TELEMETRY": "1",
            "PYTHONPATH": str(self._checkout),
            "MPLBACKEND": "Agg",
        }
        (folder / "home" / "dagster").mkdir(parents=True, exist_ok=True)
        shutil.copy(self._checkout / "dagster.yaml", folder / "home" / "dagster")

    def _run(self, *command: str, may_fail: bool = False, **environ: str) -> str:
        done = subprocess.run(
            [sys.executable, *command],
            cwd=self._checkout,
            env=self._env | environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=900,
        )
        if done.returncode and not may_fail:
            raise SystemExit(f"{command}: exit {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}")
        for line in done.stderr.splitlines():
            if " - INFO - " in line:
                print(line, file=sys.stderr)
        return done.stdout

    def python(self, code: str) -> str:
        return self._run("-c", code)

    def retail_assets(self, *arguments: str) -> str:
        return self._run("-c", self._command, *arguments)

    def retail_assets_json(self, *arguments: str) -> Any:
        return json.loads(self.retail_assets(*arguments, "--json"))

    def dagster(self, *arguments: str, may_fail: bool = False, **environ: str) -> str:
        program = str(Path(sys.executable).with_name("dagster"))
        return self._run(program, *arguments, "-m", "retail_assets.definitions", may_fail=may_fail, **environ)

    def materialize_all(self, *which: str) -> None:
        self.dagster("asset", "materialize", "--select", "*", *which)

    def land(self, day: dt.date, name: str, lines: list[str]) -> None:
        path = _write(self.folder / "incoming" / name, lines)
        self.retail_assets("land", str(path), "--date", str(day))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkout", type=Path, required=True, help="a checkout of version 0.1.0")
    parser.add_argument("--into", type=Path, default=Path(__file__).parent, help="where to write archive and JSON")
    options = parser.parse_args()
    shutil.rmtree(FOLDER, ignore_errors=True)
    old = OldVersion(options.checkout, FOLDER)

    lines = _generated(old)
    days = sorted(lines)
    history, ordinary, following, next_day = days[HISTORY_DAYS - 1], days[ORDINARY], days[RANGE], days[NEXT]
    old.land(history, "history.csv", [line for day in days[:HISTORY_DAYS] for line in lines[day]])
    old.materialize_all("--partition", str(history))
    old.land(ordinary, f"sales_{ordinary}.csv", [*lines[ordinary], *_corrections(lines[days[5]])])
    old.materialize_all("--partition", str(ordinary))
    for day in following:
        old.land(day, f"sales_{day}.csv", lines[day])
    old.materialize_all("--partition-range", f"{following[0]}...{following[-1]}")
    old.dagster("job", "execute", "-j", "retrain_segments")
    for kind in ("forecast", "segments"):
        [in_use] = [m["version"] for m in old.retail_assets_json("models", "list", "--kind", kind) if m["in_use"]]
        old.retail_assets("models", "rollback", "--kind", kind, "--reason", "the new one looked odd")
        old.retail_assets("models", "promote", in_use, "--kind", kind, "--reason", "it was right after all")
    _write(FOLDER / "next" / f"sales_{next_day}.csv", [*lines[next_day], *_corrections(lines[days[6]])])
    _vacuum(FOLDER / "home" / "dagster")
    held = _held(options.checkout)

    _pack(options.into / f"home-{VERSION}.tar.xz", held)
    expected = _expected(old, next_day)
    (options.into / f"home-{VERSION}.json").write_text(json.dumps(expected, indent=1, sort_keys=True) + "\n")


def _generated(old: OldVersion) -> dict[dt.date, list[str]]:
    """Lines by landing day, without headers, from the old version's generator."""
    arguments = ", ".join(f"{name}={value}" for name, value in RECIPE.items())
    code = (
        "import json; from retail_assets.landing.synthetic import generate; "
        f"print(json.dumps([[str(day), data.decode()] for day, _, data in generate({arguments})]))"
    )
    return {dt.date.fromisoformat(day): text.splitlines()[1:] for day, text in json.loads(old.python(code))}


def _write(path: Path, lines: list[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([_HEADER, *lines]) + "\n")
    return path


def _corrections(lines: list[str]) -> list[str]:
    """Four of these transactions again: two with another quantity, one as a return, one that is rejected."""
    plain = [row for row in csv.reader(lines) if len(row) == 9 and all(row) and row[6] == "1" and row[7] == row[8]]
    doubled, tripled, returned, broken = plain[:4]
    corrected = [
        [*doubled[:6], "2", doubled[7], f"{2 * float(doubled[7]):.2f}"],
        [*tripled[:6], "3", tripled[7], f"{3 * float(tripled[7]):.2f}"],
        [*returned[:6], "-1", returned[7], f"-{returned[8]}"],
        [*broken[:6], "two", *broken[7:]],
    ]
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(corrected)
    return out.getvalue().splitlines()


def _held(checkout: Path) -> Path:
    """The folder of the segments' models in a copy of the home in which a version is held."""
    folder = FOLDER.with_name(f"{FOLDER.name}-held")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(FOLDER, folder)
    personas = folder / "personas.yaml"
    personas.write_text(_OTHER_PERSONAS)
    # A blocking check ends this run: somebody has to look at the version.
    OldVersion(checkout, folder).dagster(
        "job", "execute", "-j", "retrain_segments", may_fail=True, RETAIL_PERSONAS=str(personas)
    )
    models = folder / "home" / "models" / SOURCE / "segments"
    if not (models / "waiting.json").exists():
        raise SystemExit("The version trained with other personas was not held.")
    return models


def _vacuum(folder: Path) -> None:
    for path in folder.rglob("*.db"):
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _pack(archive: Path, held: Path) -> None:
    """Write the archive: names sorted, no owners, one modification time, no pictures."""

    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
        if entry.name.endswith((".png", ".db-wal", ".db-shm", ".lock")):
            return None
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        entry.mtime = int(MODIFIED.timestamp())
        return entry

    folders = {"home": FOLDER / "home", "output": FOLDER / "output", "held": held, "next": FOLDER / "next"}
    with tarfile.open(archive, "w:xz", preset=9, format=tarfile.PAX_FORMAT) as tar:
        for name, folder in folders.items():
            for path in sorted(folder.rglob("*")):
                tar.add(path, f"{name}/{path.relative_to(folder)}", recursive=False, filter=plain)


def _expected(old: OldVersion, next_day: dt.date) -> dict[str, Any]:
    """What the old version says of the home, without what depends on the clock."""
    tables = rows_by_table(FOLDER / "home", SOURCE)
    landings = old.retail_assets_json("status")["landings"]
    # A customer with a cluster: the first three columns are customer_id, persona, cluster.
    customer = next(customer for customer, _, cluster, *_ in tables["customer_segments"] if cluster is not None)
    issued = FOLDER / "home" / "models" / SOURCE / "forecast" / "issued"
    return {
        "version": VERSION,
        "next_day": str(next_day),
        "landings": [{k: v for k, v in item.items() if k not in ("landed_at", "cleaned_at")} for item in landings],
        "tables": {name: {"rows": len(rows), "digest": digest(rows)} for name, rows in tables.items()},
        "forecast": old.retail_assets_json("predict", "forecast"),
        "segment": old.retail_assets_json("predict", "segment", "--customer", customer),
        "quarantine": old.retail_assets_json("quarantine", "summary"),
        "models": {
            kind: {
                "versions": old.retail_assets_json("models", "list", "--kind", kind),
                "promotions": old.retail_assets_json("models", "show", "--kind", kind)["promotions"],
            }
            for kind in ("forecast", "segments")
        },
        "issued": sorted(path.name for path in issued.glob("*.parquet")),
    }


if __name__ == "__main__":
    main()
