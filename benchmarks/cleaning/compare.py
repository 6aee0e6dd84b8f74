"""Whether two engines turned the same files into the same rows, in every column, in each of three places."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb

from retail_assets.lake.lake import Lake
from retail_assets.storage import Store
from retail_assets.tables import SALES_CLEAN, SALES_QUARANTINE, Table

#: Our job reads the day of sale of rejected rows, for reports; the scripts, and a peer's own solution, would not.
_OURS = ((SALES_QUARANTINE, "sale_date"),)
TABLES: dict[str, Table] = {"clean": SALES_CLEAN, "superseded": SALES_CLEAN, "quarantine": SALES_QUARANTINE}


@dataclass(frozen=True)
class Account:
    """The content of one place. `digest` depends on every value of every row, not on the order of rows or columns."""

    rows: int
    amount: Decimal
    digest: tuple[int, int]


@dataclass(frozen=True)
class Outputs:
    """The outputs of an engine: the account of each place, and rejected rows by reason."""

    places: dict[str, Account]
    reasons: dict[str, int]


def of_script(out: Path) -> Outputs:
    """Return the outputs that a script wrote below `out`, one folder per place."""
    return _outputs({place: sorted(map(str, out.glob(f"{place}/**/*.parquet"))) for place in TABLES})


def of_lake(out: Path, source: str) -> Outputs:
    """Return the outputs that the manifests of a lake below the home `out` name, and nothing else in it."""
    lake = Lake(Store(str(out / "lake")), source)
    keys = {
        "clean": [key for _, manifest in lake.cleaned() for key in manifest.keys("clean")],
        "superseded": [key for _, manifest in lake.cleaned() for key in manifest.keys("superseded")],
        "quarantine": [key for _, manifest in lake.cleaned() for key in manifest.keys("quarantine")],
    }
    return _outputs({place: [lake.store.uri_of(key) for key in named] for place, named in keys.items()})


def differences(name: str, outputs: Outputs, other: str, expected: Outputs) -> list[str]:
    """Return one sentence per difference; none if both are the same."""
    problems = []
    for place in TABLES:
        a, b = outputs.places[place], expected.places[place]
        if (a.rows, a.amount) != (b.rows, b.amount):
            problems.append(f"{place}: {name} has {a.rows:,} rows of {a.amount}, {other} {b.rows:,} of {b.amount}")
        elif a.digest != b.digest:
            problems.append(f"{place}: {name} and {other} have as many rows and as much money, but not the same values")
    if outputs.reasons != expected.reasons:
        names = sorted(
            n for n in {*outputs.reasons, *expected.reasons} if outputs.reasons.get(n) != expected.reasons.get(n)
        )
        problems += [
            f"{n}: {name} {outputs.reasons.get(n, 0):,}, {other} {expected.reasons.get(n, 0):,}" for n in names
        ]
    return problems


def against_generator(name: str, outputs: Outputs, expected: dict[str, object]) -> list[str]:
    """Return one sentence per count that differs from what the generator has planted."""
    seen: dict[str, object] = {
        "clean": outputs.places["clean"].rows,
        "quarantined": outputs.places["quarantine"].rows,
        "superseded": outputs.places["superseded"].rows,
        "clean_amount": outputs.places["clean"].amount,
        "reasons": outputs.reasons,
    }
    wanted = {**expected, "clean_amount": Decimal(str(expected["clean_amount"]))}
    return [f"{key}: {name} {seen[key]}, the generator {wanted[key]}" for key in seen if seen[key] != wanted[key]]


def _outputs(paths: dict[str, list[str]]) -> Outputs:
    with duckdb.connect(config={"threads": 2}) as con:
        places = {place: _account(con, TABLES[place], files) for place, files in paths.items()}
        reasons: dict[str, int] = {}
        if paths["quarantine"]:
            files = "read_parquet($1, hive_partitioning = false)"
            named = f"SELECT unnest(string_split(reasons, ',')) AS reason FROM {files}"
            counted = f"SELECT reason, count(*) FROM ({named}) GROUP BY reason ORDER BY reason"
            reasons = dict(con.execute(counted, [paths["quarantine"]]).fetchall())
    return Outputs(places, reasons)


def _account(con: duckdb.DuckDBPyConnection, table: Table, paths: list[str]) -> Account:
    if not paths:
        return Account(0, Decimal(0), (0, 0))
    values = ", ".join(
        f"{c.name}::{'VARCHAR' if c.type.startswith('varchar') else c.type}"
        for c in table.columns
        if (table, c.name) not in _OURS
    )
    # Two independent sums of 64-bit hashes: different rows practically never agree in both.
    row = con.execute(
        f"""SELECT count(*), coalesce(sum(total_amount), 0), bit_xor(h), sum(h)
            FROM (SELECT total_amount, hash({values}) AS h FROM read_parquet($1, hive_partitioning = false))""",
        [paths],
    ).fetchone()
    assert row is not None
    return Account(row[0], row[1], (int(row[2]), int(row[3])))
