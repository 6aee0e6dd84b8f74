"""What the product makes of a case, and the verdict on it: inspection and the typed stage as ever, without Spark."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from benchmarks.door.case import Case, Sale
from retail_assets.contracts.loading import parse
from retail_assets.drafting.dry_run import judge
from retail_assets.errors import RetailError
from retail_assets.landing.partitions import partition_folder
from retail_assets.landing.references import LandedReferences, reference_tables
from retail_assets.landing.register import inspect_landings
from retail_assets.storage import Store

Verdict = Literal["exact", "refused_as_expected", "silently_wrong", "wrongly_refused", "crashed"]
VERDICTS: tuple[Verdict, ...] = ("exact", "refused_as_expected", "silently_wrong", "wrongly_refused", "crashed")
LANDED_ON = dt.date(2026, 11, 29)


@dataclass(frozen=True)
class Outcome:
    """What became of a file: the message that refused it, or its clean rows in order and the others counted."""

    refused: str = ""
    sales: tuple[dict[str, Any], ...] = ()
    rejected: Mapping[str, int] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    crash: str = ""


def outcome_of(contract_text: str, files: Mapping[str, bytes], landed_on: dt.date = LANDED_ON) -> Outcome:
    """Land files in a raw store of their own, inspect them, and judge their rows.

    Reference files are named `references/<name>/<file>`.
    """
    with tempfile.TemporaryDirectory() as folder:
        raw = Store(str(Path(folder)))
        try:
            contract = parse(contract_text, "the contract")
            landing = partition_folder(contract.name, landed_on)
            for name, data in files.items():
                folder_of, _, file = name.rpartition("/")
                refers = folder_of.startswith("references/")
                raw.write(f"{landing.replace('/', f'/{folder_of}/')}/{file}" if refers else f"{landing}/{name}", data)
            landed = LandedReferences(raw, contract.name, contract)
            [manifest] = inspect_landings(raw, contract.name, [landed_on], contract, landed)
            joined = reference_tables(landed, contract, {}, landed_on)
            rows = judge(raw, manifest.files, contract, landed_on, joined)
        except RetailError as e:
            return Outcome(refused=str(e))
        except Exception as e:  # a crash is what is looked for here
            return Outcome(crash=f"{type(e).__name__}: {e}"[:300])
        clean = rows.of("clean").sort_by([("file", "ascending"), ("source_line", "ascending")])
        reasons: Counter[str] = Counter()
        for why in rows.rejected():
            reasons[why.reason] += why.rows
        sales = [row | {"sale_date": row["sold_at"].date()} for row in clean.to_pylist()]
        return Outcome("", tuple(sales), reasons, rows.counts())


def verdict_on(case: Case, outcome: Outcome) -> tuple[Verdict, str]:
    """Return the verdict, and in words what is different."""
    if outcome.crash:
        return "crashed", outcome.crash
    if outcome.refused:
        if case.refused and case.refused in outcome.refused:
            return "refused_as_expected", ""
        return "wrongly_refused", f"refused: {outcome.refused[:300]}"
    if case.refused:
        return "silently_wrong", f"not refused: {dict(outcome.counts)}"
    wrong = [
        text for expected, row in zip(case.sales, outcome.sales, strict=False) for text in _differences(expected, row)
    ]
    ids = [row["transaction_id"] for row in outcome.sales]
    named = [s["transaction_id"] for s in case.sales if "transaction_id" in s]
    missing = [name for name in named if name not in ids]
    if len(outcome.sales) == len(case.sales) and wrong:
        return "silently_wrong", "; ".join(wrong[:4])
    if len(outcome.sales) > len(case.sales):
        return "silently_wrong", f"{len(outcome.sales)} clean rows instead of {len(case.sales)}: {ids[:6]}"
    if missing or len(outcome.sales) < len(case.sales):
        lost = (
            outcome.counts.get("superseded", 0) > case.superseded or outcome.counts.get("excluded", 0) > case.excluded
        )
        return "silently_wrong" if lost else "wrongly_refused", f"not clean: {missing[:6]}; {dict(outcome.rejected)}"
    rejected = {k: n for k, n in outcome.rejected.items() if k != "missing_order_id"}
    if rejected != dict(case.rejected):
        return "wrongly_refused", f"rejected {rejected} instead of {dict(case.rejected)}"
    counts = (outcome.counts.get("superseded", 0), outcome.counts.get("excluded", 0))
    if counts != (case.superseded, case.excluded):
        return "silently_wrong", f"superseded, excluded {counts} instead of {(case.superseded, case.excluded)}"
    return ("exact" if case.sales or not case.rejected else "refused_as_expected"), ""


def _differences(expected: Sale, row: Mapping[str, Any]) -> list[str]:
    texts = []
    for column, value in expected.items():
        found = row.get(column)
        same = found == value if isinstance(value, Decimal) or found is None else str(found) == value
        if not same:
            texts.append(f"{column} of {row['transaction_id']!r} is {found}, not {value}")
    return texts
