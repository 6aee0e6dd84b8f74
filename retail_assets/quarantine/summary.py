"""How much was rejected: rows, money and share by reason, by landing and by file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pyarrow as pa

from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import CleanManifest
from retail_assets.quarantine.rows import Selection, tables

_COLUMNS = ("source_file", "reasons", "contract_version", "total_amount")


@dataclass
class Group:
    """Rejected rows of one kind: their money where it could be read, and the number of rows where it could not.

    `of` is the base of `share`: rows landed or, for a file, its lines. None if it is not known.
    """

    name: str
    rows: int = 0
    amount: Decimal = Decimal("0.00")
    without_amount: int = 0
    of: int | None = None

    @property
    def share(self) -> float | None:
        return self.rows / self.of if self.of else None

    def add(self, rows: int, amount: Decimal, without_amount: int) -> None:
        self.rows += rows
        self.amount += amount
        self.without_amount += without_amount

    def to_json(self) -> dict[str, Any]:
        share = None if self.share is None else round(self.share, 6)
        return {
            "name": self.name,
            "rows": self.rows,
            "amount": str(self.amount),
            "rows_without_amount": self.without_amount,
            "share": share,
        }


@dataclass(frozen=True)
class Summary:
    """Rejected rows in total and by reason, landing, file and contract.

    A row with several reasons counts once for each of them in `by_reason`, and once in `total`.
    """

    source: str
    total: Group
    by_reason: tuple[Group, ...] = ()
    by_landing: tuple[Group, ...] = ()
    by_file: tuple[Group, ...] = ()
    by_contract: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "total": self.total.to_json(),
            "by_reason": [g.to_json() for g in self.by_reason],
            "by_landing": [g.to_json() for g in self.by_landing],
            "by_file": [g.to_json() for g in self.by_file],
            "by_contract": self.by_contract,
        }


def summarize(lake: Lake, manifests: Sequence[CleanManifest], selection: Selection) -> Summary:
    """Count the selected rows of the landings. Only one file of the lake is in memory at a time."""
    landed = sum(m.landed_rows for m in manifests)
    total = Group("all", of=landed)
    by_reason: dict[str, Group] = {}
    by_landing: dict[dt.date, Group] = {}
    by_file: dict[str, Group] = {}
    by_contract: dict[str, int] = {}
    for manifest in manifests:
        lines: dict[str, int] | None = None
        for _, table in tables(lake, manifest, _COLUMNS):
            for row in _counted(selection.of(table)):
                if lines is None:
                    lines = {f.key: f.lines for f in lake.raw(manifest.landed_on).files}
                day, key = manifest.landed_on, row["source_file"]
                counted = (row["rows"], row["amount"] or Decimal("0.00"), row["rows"] - row["known"])
                total.add(*counted)
                by_landing.setdefault(day, Group(str(day), of=manifest.landed_rows)).add(*counted)
                by_file.setdefault(key, Group(key, of=lines.get(key))).add(*counted)
                for name in row["reasons"].split(","):
                    by_reason.setdefault(name, Group(name, of=landed)).add(*counted)
                version = row["contract_version"]
                by_contract[version] = by_contract.get(version, 0) + row["rows"]
    return Summary(
        lake.source,
        total,
        _most_first(by_reason.values()),
        tuple(by_landing[day] for day in sorted(by_landing)),
        _most_first(by_file.values()),
        dict(sorted(by_contract.items())),
    )


def _counted(rows: pa.Table) -> list[dict[str, Any]]:
    """Count the rows by file, set of reasons and contract."""
    wide = rows.set_column(
        rows.column_names.index("total_amount"), "total_amount", rows["total_amount"].cast(pa.decimal128(38, 2))
    )
    grouped = wide.group_by(["source_file", "reasons", "contract_version"]).aggregate(
        [([], "count_all"), ("total_amount", "sum"), ("total_amount", "count")]
    )
    names = {"count_all": "rows", "total_amount_sum": "amount", "total_amount_count": "known"}
    counts: list[dict[str, Any]] = grouped.rename_columns(
        [names.get(name, name) for name in grouped.column_names]
    ).to_pylist()
    return counts


def _most_first(groups: Iterable[Group]) -> tuple[Group, ...]:
    return tuple(sorted(groups, key=lambda g: (-g.rows, g.name)))
