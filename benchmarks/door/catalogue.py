"""The catalogue of the door: files with their exact rows, and the tests' bad files with their results."""

from __future__ import annotations

from benchmarks.door import (
    country_cases,
    date_cases,
    export_cases,
    hidden_cases,
    layout_cases,
    money_cases,
    reference_cases,
    row_cases,
)
from benchmarks.door.case import COLUMNS, SHOP, Case, Sale
from retail_assets_tests.cleaning.bad_files import CATALOG, BadFile

#: Files that are read exactly, or of which single rows are rejected for a stated reason.
CASES: tuple[Case, ...] = (
    *layout_cases.CASES,
    *date_cases.CASES,
    *money_cases.CASES,
    *row_cases.CASES,
    *export_cases.CASES,
    *reference_cases.CASES,
    *country_cases.CASES,
    *hidden_cases.CASES,
)

INTRODUCTION = """\
# Files that work

Every kind of file below is read exactly as stated. The tables are written from the catalogue
`benchmarks/door/catalogue.py`; `make bench-door` and a test run each file through inspection, typing and judging, and
compare every value with what a person wrote down. [bad_files.md](bad_files.md) lists what is refused or quarantined.

The contract is that of a corner shop in New York with the columns `ID, Date, Customer, Category, Qty, Total`; a row
names what its contract says besides. `retail-assets contract draft FILE` writes most of it for you
([contracts.md](contracts.md)). A sale is shown with its day (and time), quantity and amount.
"""


def bad_case(file: BadFile) -> Case:
    """Return a bad file of the tests as a case."""
    sales: tuple[Sale, ...] = tuple({k: values[i] for k, values in file.reads.items()} for i in range(file.clean))
    return Case(
        file.group,
        file.what,
        file.contract,
        file.data,
        sales,
        file.rejected,
        file.superseded,
        refused=file.refused,
        name=file.name,
    )


def all_cases() -> list[tuple[Case, dict[str, bytes]]]:
    """Return every case with the files of its landing."""
    bad = [(bad_case(file), {file.name: file.data(), **file.other_files}) for file in CATALOG]
    return [(case, case.files) for case in CASES] + bad


def document() -> str:
    """Return the text of `docs/files_that_work.md`."""
    parts = [INTRODUCTION]
    for group in dict.fromkeys(case.group for case in CASES):
        parts.append(f"## {group}\n\n| what | the contract says | sales | note |\n| --- | --- | --- | --- |")
        parts += [_row(case) for case in CASES if case.group == group]
        parts.append("")
    return "\n".join(parts).rstrip("\n") + "\n"


def _row(case: Case) -> str:
    usual = {*SHOP.splitlines(), *COLUMNS.splitlines()}
    said = [line.strip() for line in case.contract.splitlines() if line not in usual]
    result = f"Refused: `{case.refused}`" if case.refused else ", ".join(map(_shown, case.sales))
    others = [f"{n} rejected: `{name}`" for name, n in case.rejected.items()]
    others += [f"{n} {status}" for status, n in (("superseded", case.superseded), ("excluded", case.excluded)) if n]
    cells = (case.what, "<br>".join(f"`{text}`" for text in said), "; ".join([result, *others]), case.note)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _shown(sale: Sale) -> str:
    day = str(sale.get("sold_at", "")).removesuffix(" 00:00:00")
    named = [v for v in (day, sale.get("quantity"), sale.get("total_amount")) if v not in ("", None)]
    return f"`{' '.join(map(str, named))}`"


if __name__ == "__main__":
    from pathlib import Path

    Path(__file__).parents[2].joinpath("docs", "files_that_work.md").write_text(document(), encoding="utf-8")
