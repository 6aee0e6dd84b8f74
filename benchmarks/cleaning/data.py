"""The raw files of the benchmark: generated once per rows and seed, several landings of several files, and kept."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from retail_assets.samples import synthetic
from retail_assets.samples.expected import Expected

SOURCE = synthetic.SOURCE
LANDINGS = 4
FILES_PER_LANDING = 4
START = dt.date(2024, 3, 4)
DIRT = 0.01
_PIECES_PER_FILE = 8


@dataclass(frozen=True)
class Generated:
    """Landed files below `home/raw`, and what the generator has planted in them."""

    home: Path
    rows: int
    seed: int
    expected: dict[str, object]

    @property
    def raw(self) -> Path:
        """Return the folder that holds `dt=YYYY-MM-DD/`."""
        return self.home / "raw" / SOURCE

    @property
    def files(self) -> list[Path]:
        return sorted(self.raw.glob("dt=*/*.csv"))

    @property
    def megabytes(self) -> float:
        return sum(f.stat().st_size for f in self.files) / 1e6


def generated(scratch: Path, rows: int, seed: int) -> Generated:
    """Return the files for `rows` and `seed`: from `scratch` if they exist, else generated into it.

    A repeated or corrected line is often in another file than the line it repeats; each landing has its own latest
    line. Raises LandingError for numbers of rows or seeds that the generator does not accept.
    """
    home = scratch / f"rows-{rows}_seed-{seed}"
    account = home / "expected.json"
    if not account.exists():
        unfinished = scratch / f".{home.name}.{os.getpid()}"
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.rmtree(home, ignore_errors=True)
        expected = _generate(unfinished / "raw" / SOURCE, rows, seed)
        (unfinished / account.name).write_text(json.dumps(expected, indent=1))
        unfinished.rename(home)
    return Generated(home, rows, seed, json.loads(account.read_text()))


def _generate(raw: Path, rows: int, seed: int) -> dict[str, object]:
    counts = synthetic.rows_by_landing(rows, LANDINGS, START)
    account = Expected()
    chunk = max(1, rows // (LANDINGS * FILES_PER_LANDING * _PIECES_PER_FILE))
    pieces = synthetic.generate(rows, LANDINGS, seed, START, DIRT, expected=account, chunk=chunk)
    for day, of_the_day in itertools.groupby(pieces, key=lambda piece: piece[0]):
        folder = raw / f"dt={day}"
        folder.mkdir(parents=True)
        for number, (_, _, data) in enumerate(of_the_day):
            path = folder / f"sales-{min(number * chunk * FILES_PER_LANDING // counts[day], FILES_PER_LANDING - 1)}.csv"
            begins = not path.exists()
            with path.open("ab") as f:
                if begins and number:
                    f.write(synthetic.HEADER.encode() + b"\n")
                f.write(data)
    return {
        "rows": account.rows,
        "clean": account.clean,
        "quarantined": account.quarantined,
        "superseded": account.superseded,
        "clean_amount": str(account.clean_amount),
        "reasons": account.reasons,
    }
