"""Re-landing and replay stay exact with excluded rows, reference files and amounts from expressions.

Random sequences (`random_steps.py`) of landings, corrections, withdrawals, new contracts, new versions of the product
master and replays are compared after each step with what the rows are by definition (`definition.py`, in plain Python
and exact fractions): every row of the lake, every control total, and every row of `sales`. Tasks run in this process;
`test_sequences.py` has sequences on Spark.
"""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest
from hypothesis import Phase, event, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from retail_assets.cleaning import job
from retail_assets.errors import LandingError
from retail_assets.lake.manifests import STATUSES, CleanManifest
from retail_assets.landing.references import LandedReferences, are_current
from retail_assets.landing.register import register_landings
from retail_assets.quarantine.plan import ReplayError
from retail_assets.warehouse.duckdb import DuckDBWarehouse
from retail_assets_tests.quarantine.definition import COLUMNS, Master, Row, Terms, judged
from retail_assets_tests.quarantine.random_steps import (
    DAYS,
    Clean,
    Land,
    Line,
    NewMaster,
    Replay,
    Step,
    Withdraw,
    random_steps,
)
from retail_assets_tests.quarantine.rejected_cases import Shop
from retail_assets_tests.quarantine.tasks_here import TasksHere
from retail_assets_tests.trials import trials

Place = tuple[str, int]
#: A version of the master: the number of its day, and its rows.
_Version = tuple[int, tuple[tuple[str, str], ...]]


class Joined(Shop):
    """A shop whose landings are registered as the asset does, with their references; nothing needs Spark."""

    @classmethod
    def here(cls, folder: Path) -> Joined:
        made = cls.at(folder, cast(SparkSession, TasksHere()))
        assert isinstance(made, Joined)
        return made

    def clean(self, with_contract: Any, *days: dt.date) -> list[CleanManifest]:
        manifests = register_landings(self.raw, self.lake, list(days), with_contract).manifests
        cleaned = job.clean(self.session, self.raw, self.lake, manifests, with_contract, "clean")
        for result in cleaned:
            self.lake.publish_clean(result)
        return cleaned


@dataclass
class Landing:
    """The lines of a landing by their place, and by which terms and version of the master each was judged last."""

    lines: dict[Place, Line] = field(default_factory=dict)
    judged_by: dict[Place, Terms] = field(default_factory=dict)
    terms: Terms | None = None
    master: Master | None = None
    master_version: _Version | None = None


@dataclass
class History:
    """The shop, and the landings that it has to hold by definition."""

    shop: Joined
    warehouse: DuckDBWarehouse
    landings: dict[dt.date, Landing] = field(default_factory=dict)
    masters: list[Master] = field(default_factory=list)
    version: _Version | None = None
    master_days: int = 0

    def apply(self, step: Step) -> None:
        changed: Sequence[dt.date] = []
        if isinstance(step, NewMaster):
            self._new_master(step)
        elif isinstance(step, Land):
            changed = self._land(step)
        elif isinstance(step, Withdraw):
            changed = self._withdraw(step)
        elif isinstance(step, Clean):
            changed = self._clean_again(step)
        else:
            changed = self._replay(step)
        self.warehouse.load_landings(self.shop.lake.store, [self.shop.lake.clean(day) for day in changed])

    def _new_master(self, step: NewMaster) -> None:
        self.master_days += not step.replaces
        text = "\n".join(["SKU,Department", *(f"{sku},{name}" for sku, name in step.rows.items()), ""])
        self.shop.raw.write(f"shop/references/products/dt=2024-02-{self.master_days:02d}/p.csv", text.encode())
        # The same rows on another day are another version; instead of others on the same day they are the one before.
        self.version = (self.master_days, tuple(step.rows.items()))
        self.masters.append(step.rows)

    def _land(self, step: Land) -> list[dt.date]:
        landing = self.landings.setdefault(step.day, Landing())
        if step.files is not None:
            before = {file for file, _ in landing.lines}
            landing.lines = {}
            for letter, lines in zip("ab", step.files, strict=False):
                key = f"shop/dt={step.day}/{letter}.csv"
                self.shop.raw.write(key, "\n".join([",".join(COLUMNS), *(text for text, _ in lines), ""]).encode())
                landing.lines |= {(key, number): line for number, line in enumerate(lines, 2)}
            if gone := before - {file for file, _ in landing.lines}:
                self._withdraw_files(step.day, sorted(gone), step.terms)
        self._cleaned(step.terms, [step.day])
        return [step.day]

    def _withdraw(self, step: Withdraw) -> list[dt.date]:
        landing = self.landings[step.day]
        if landing.lines:
            self._withdraw_files(step.day, sorted({file for file, _ in landing.lines}), step.terms)
        landing.lines = {}
        self._cleaned(step.terms, [step.day])
        return [step.day]

    def _withdraw_files(self, day: dt.date, keys: list[str], terms: Terms) -> None:
        """Delete files. That is refused until the manifest is deleted as well, as the message says."""
        self.shop.raw.delete(keys)
        with pytest.raises(LandingError, match="Registered before, but no longer in the raw store"):
            self.shop.clean(terms.contract, day)
        self.shop.lake.store.delete([self.shop.lake.manifest_key("raw", day)])

    def _clean_again(self, step: Clean) -> list[dt.date]:
        days = list(self.landings)
        if step.outdated:
            latest = LandedReferences(self.shop.raw, "shop", step.terms.contract).digests(DAYS[-1])
            pairs = [(raw, self.landings[raw.landed_on]) for raw, _ in self.shop.lake.cleaned()]
            days = [raw.landed_on for raw, _ in pairs if raw.files and not are_current(raw.references, latest)]
            if step.terms.reference != "none":
                assert days == [raw.landed_on for raw, of in pairs if raw.files and of.master_version != self.version]
        self._cleaned(step.terms, days)
        return days

    def _cleaned(self, terms: Terms, days: list[dt.date]) -> None:
        """Clean landings as a whole, in the shop and by definition."""
        self.shop.clean(terms.contract, *days)
        for day in days:
            self._now_judged_by(terms, day)

    def _now_judged_by(self, terms: Terms, day: dt.date) -> None:
        landing = self.landings[day]
        joined = terms.reference != "none" and bool(landing.lines)
        landing.terms, landing.judged_by = terms, dict.fromkeys(landing.lines, terms)
        landing.master = self.masters[-1] if joined else None
        landing.master_version = self.version if joined else None

    def _replay(self, step: Replay) -> list[dt.date]:
        chosen = {day: places for day in self.landings if (places := self._chosen(step, day))}
        joined = step.terms.reference != "none"
        if joined and any(self.landings[day].master is None for day in chosen):
            event("replay refused")
            with pytest.raises(ReplayError, match="registered without the reference 'products' as this contract"):
                self.shop.replay_and_clean(step.terms.contract, step.selection)
            return []
        results = self.shop.replay_and_clean(step.terms.contract, step.selection)
        assert {r.landed_on: r.selected for r in results} == {day: len(places) for day, places in chosen.items()}
        for result in results:
            event("replay of a whole landing" if result.whole else "replay of texts")
            landing = self.landings[result.landed_on]
            if any(by.rules != step.terms.rules for by in landing.judged_by.values()):
                assert result.whole  # clean rows do not have their text, and may be excluded now
            if result.whole:
                self._now_judged_by(step.terms, result.landed_on)
            else:
                assert result.selected == result.cleaned + result.superseded + result.rejected + result.excluded
                landing.judged_by |= dict.fromkeys(chosen[result.landed_on], step.terms)
        return list(chosen)

    def _chosen(self, step: Replay, day: dt.date) -> list[Place]:
        """Return the rows that a replay has to judge: rejected, selected, and last judged by another contract."""
        rows = self.rows(day)["quarantine"] if step.selection.has_day(day) else []
        reason = step.selection.reason
        return [
            (row["source_file"], row["source_line"])
            for row in rows
            if (reason is None or reason in row["reasons"].split(","))
            and row["contract_version"] != step.terms.contract.digest
        ]

    def rows(self, day: dt.date) -> dict[str, list[Row]]:
        """Return the rows of a landing by status, as they are by definition."""
        landing = self.landings[day]
        rows: dict[str, list[Row]] = {status: [] for status in STATUSES}
        latest: dict[str, Row] = {}
        for place in sorted(landing.lines):
            text, fields = landing.lines[place]
            status, row = judged(fields, landing.judged_by[place], landing.master, day)
            row |= {"source_file": place[0], "source_line": place[1]}
            if status != "clean":
                rows[status].append(row | {"raw_text": text})
                continue
            if before := latest.get(row["transaction_id"]):
                rows["superseded"].append(before)
            latest[row["transaction_id"]] = row
        rows["clean"] = list(latest.values())
        return {status: sorted(of, key=lambda r: (r["source_file"], r["source_line"])) for status, of in rows.items()}

    def assert_exact(self) -> None:
        """Compare the lake, its control totals and the warehouse with the definition."""
        self.shop.assert_exact()
        sales: dict[str, Row] = {}
        for day in sorted(self.landings):
            expected = self.rows(day)
            for status, rows in expected.items():
                assert [_of(rows, row) for row in self.shop.rows(day, status)] == rows, (day, status)
            sales |= {row["transaction_id"]: row for row in expected["clean"]}
            self._assert_totals(day, expected)
        loaded = self.warehouse.query("SELECT * FROM sales").to_pylist()
        assert len(loaded) == len(sales)
        for row in loaded:
            expected_row = sales[row["transaction_id"]]
            assert {name: row[name] for name in row if name in expected_row} == {
                name: expected_row[name] for name in row if name in expected_row
            }
        assert self.shop.lake.store.list("shop/replay") == []

    def _assert_totals(self, day: dt.date, expected: dict[str, list[Row]]) -> None:
        landing, raw, manifest = self.landings[day], self.shop.lake.raw(day), self.shop.lake.clean(day)
        assert raw.lines == len(landing.lines)
        if landing.terms is not None:
            by_file: dict[str, Decimal] = {}
            for (key, _), (_, fields) in landing.lines.items():
                money = judged(fields, landing.terms, landing.master, day)[1]["total_amount"]
                by_file[key] = by_file.get(key, Decimal("0.00")) + (money or 0)
            assert {f.key: Decimal(str(f.control.amount)) for f in raw.files} == by_file
        assert manifest.exclusions == dict(Counter(n for r in expected["excluded"] for n in r["reasons"].split(",")))


def _of(expected: list[Row], row: Row) -> Row:
    """Return the columns of a row that the definition speaks of."""
    return {name: row[name] for name in expected[0]} if expected else row


@given(seed=st.integers(0, 2**32))
@settings(max_examples=trials(ordinary=10, soak=520), deadline=None, phases=[Phase.explicit, Phase.generate])
@pytest.mark.soak
def test_any_sequence_with_exclusions_references_and_expressions_is_exact(seed: int) -> None:
    steps = random_steps(Random(seed))
    folder = Path(tempfile.mkdtemp())
    try:
        shop = Joined.here(folder)
        history = History(shop, DuckDBWarehouse(folder / "retail.duckdb", "shop"))
        for step in steps:
            history.apply(step)
            if not isinstance(step, Land) or len(history.landings) == len(DAYS):
                history.assert_exact()
    except BaseException as e:
        e.add_note("\n".join(map(repr, steps)))
        raise
    finally:
        shutil.rmtree(folder)
