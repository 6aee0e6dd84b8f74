"""A landing counts as unaffected by another version of a reference file only if no row of it would be another one."""

from __future__ import annotations

import tempfile
from pathlib import Path

import hypothesis.strategies as st
import pyarrow as pa
from hypothesis import given, settings

from retail_assets.cleaning.reference_changes import Unaffected, changed_keys, changes, is_outdated, keep_unaffected
from retail_assets.cleaning.rules import REJECTING, names_of
from retail_assets.contracts.model import Contract
from retail_assets.lake.manifests import STATUSES, CleanManifest, RawManifest
from retail_assets.landing.references import LandedReferences
from retail_assets_tests.landing.test_references import COLUMNS, DAY, LATER, Place, contract
from retail_assets_tests.trials import trials
from retail_assets_tests.warehouse.landings import line, write

ONE = "references:\n  products: {on: product_id, key: SKU, columns: [Department]}\n"
PLAIN = COLUMNS.replace("  gender: {header: Sex}\n  age: {header: Age}\n", "")
DEFAULT = contract(ONE, PLAIN)
WITHOUT_DEFAULT = contract(ONE, PLAIN.replace(", default: UNKNOWN", ""))
REQUIRED = contract(ONE.replace("[Department]", "[Department], required: true"), PLAIN)


def table(rows: dict[str, str]) -> pa.Table:
    return pa.table({"key": pa.array(list(rows), pa.string()), "c0": pa.array(list(rows.values()), pa.string())})


def test_keys_change_if_they_come_go_or_say_something_else() -> None:
    before, after = table({"a": "1", "b": "2", "c": "3"}), table({"c": "3", "b": "9", "d": "4"})
    assert sorted(changed_keys(before, after).to_pylist()) == ["a", "b", "d"]
    assert changed_keys(before, before.take([2, 0, 1])).to_pylist() == []


_KEYS = st.sampled_from(["P1", "P2", "P3"])
_MASTER = st.dictionaries(_KEYS, st.sampled_from(["", "Toys", "Food"])).map(lambda m: m | {"P0": "Fixed"})
_ROWS = st.lists(st.tuples(_KEYS, st.sampled_from(["2024-03-01", "soon"])), min_size=1, max_size=3)


@given(_MASTER, _MASTER, _ROWS, st.sampled_from([DEFAULT, WITHOUT_DEFAULT, REQUIRED]))
@settings(max_examples=trials(40), deadline=None)
def test_no_landing_is_unaffected_whose_rows_change(
    first: dict[str, str], second: dict[str, str], sold: list[tuple[str, str]], source: Contract
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder))
        rows = [f"{n},{date},,{sku},1,5.00\n" for n, (sku, date) in enumerate(sold)]
        place.land("".join(["id,date,card,sku,qty,total\n", *rows]), "s.csv")
        for number, (day, master) in enumerate(((DAY, first), (LATER, second))):
            lines = "".join(f"{key},{value}\n" for key, value in master.items())
            place.land(f"SKU,Department\n{lines}", f"{number}.csv", day, "products")
            if not number:
                before = place.parsed(source)
                raw, clean = _published(place, source, before)
        landed = LandedReferences(place.raw, "shop", source)
        assert is_outdated(raw, source, landed, Unaffected.read(place.lake))
        predicted = changes(place.lake, raw, clean, source, landed)
        if not predicted:
            keep_unaffected(place.lake, [raw], landed)
        assert is_outdated(raw, source, landed, Unaffected.read(place.lake)) == predicted
        same = counted(place.parsed(source)) == counted(before)
        assert same or predicted
        if first == second:
            assert not predicted


def counted(parsed: list[dict[str, object]]) -> list[object]:
    """Return the clean rows, and the lines of those that are rejected, whatever for."""
    return [row["source_line"] if int(str(row["reasons"])) & REJECTING else row for row in parsed]


def _published(place: Place, source: Contract, parsed: list[dict[str, object]]) -> tuple[RawManifest, CleanManifest]:
    """Write the parsed rows as cleaning would: ids of the clean ones, reasons of the others."""
    sold = [(n, row["product_id"]) for n, row in enumerate(parsed) if not row["reasons"]]
    clean = [line(str(n), 500, DAY, at=n + 2, product_id=product) for n, product in sold]
    reasons: dict[str, int] = {}
    for row in parsed:
        for name in names_of(int(str(row["reasons"])) & REJECTING):
            reasons[name] = reasons.get(name, 0) + 1
    raw = place.lake.raw(DAY)
    written = vars(write(place.lake, DAY, clean))
    assert set(written["files"]) == set(STATUSES)
    return raw, CleanManifest(**{**written, "raw_digest": raw.digest, "reasons": reasons})
