"""An id is what the source wrote, or the row has a reason: no two sales share one because something rewrote it."""

from __future__ import annotations

import io
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retail_assets.cleaning import rules
from retail_assets.cleaning.parse import Parser
from retail_assets.cleaning.readers.read import read_records
from retail_assets.contracts.typing_sql.identifiers import composed
from retail_assets.contracts.typing_sql.literals import literal
from retail_assets.errors import ContractError
from retail_assets.lake.profile import FileProfile
from retail_assets_tests.cleaning.test_parse import LANDED, PLAIN, contract, one, parsed
from retail_assets_tests.trials import trials

BY_LINE = contract(transaction_id="{compose: [receipt, line]}")


@pytest.mark.parametrize(
    "text",
    [
        "5.36365E+11",
        "5,77087E+17",
        "5.77087e+17",
        "6E+17",
        "1e+05",
        "57,7087E+16",
        "5.77087E17",
        "5.770865123456788e17",
        "-1.5E+11",
        "1.2E-05",
        "577086512345678848.0",
        "9007199254740994.0",
        '="5,77087E+17"',
    ],
)
def test_an_id_that_something_read_as_a_number_is_rejected(text: str) -> None:
    """Case 10: as Excel writes it in any country, and pandas, R, JavaScript and Java."""
    assert one(PLAIN, id=text)["reasons"] == ["rounded_id"]
    with_customer = contract(customer_id="{header: customer}")
    assert one(with_customer, customer=text)["reasons"] == ["rounded_id"]
    assert one(BY_LINE, receipt=text, line="1")["reasons"] == ["rounded_id"]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("1E5", "1E5"),
        ("12E3", "12E3"),
        ("6e17", "6e17"),
        ("A1E+5", "A1E+5"),
        ("E+11", "E+11"),
        ("1,2", "1,2"),
        ("1.5.E+3", "1.5.E+3"),
        ("12-E+3", "12-E+3"),
        ("577086512345678848", "577086512345678848"),
        ("900719925474099.0", "900719925474099"),
        ("8007199254740993.0", "8007199254740993"),
        ('="00123"', "00123"),
        ('=" 00123 "', "00123"),
        ('="A"B"', '="A"B"'),
        ("=00123", "=00123"),
    ],
)
def test_codes_that_only_look_like_rounded_ids_stay_as_they_are(text: str, read: str) -> None:
    row = one(PLAIN, id=text)
    assert (row["transaction_id"], row["reasons"]) == (read, [])


def test_numbers_dates_and_missing_values_may_be_written_as_formulas_of_text() -> None:
    row = one(PLAIN, amount='="5.00"', date='="2024-01-05"', price='=""', category='="Toys"')
    assert (str(row["total_amount"]), str(row["sold_at"]), row["product_category"], row["reasons"]) == (
        "5.00",
        "2024-01-05 00:00:00",
        "Toys",
        [],
    )
    assert one(PLAIN, id='="NULL"')["judged"] == ["missing_transaction_id"]


@pytest.mark.parametrize(
    ("ids", "kind", "expected"),
    [
        ([577086512345678848.0, 9007199254740994.0, 17850.0], pa.float64(), ["rounded_id", "rounded_id", "17850"]),
        ([16777220.0, 123456792.0, 17850.0], pa.float32(), ["rounded_id", "rounded_id", "17850"]),
        ([577086512345678848, 17850, 1], pa.int64(), ["577086512345678848", "17850", "1"]),
    ],
)
def test_ids_of_parquet_columns_of_floats_are_rejected_above_what_the_type_holds_exactly(
    ids: list[Any], kind: pa.DataType, expected: list[str]
) -> None:
    table = pa.table({"id": pa.array(ids, kind), "date": ["2024-01-05"] * 3, "category": ["Toys"] * 3})
    table = table.append_column("quantity", pa.array([1, 1, 1])).append_column("amount", pa.array([16777220.5] * 3))
    file = io.BytesIO()
    pq.write_table(table, file)
    source = contract(unit_price="")
    header = table.column_names
    profile = FileProfile(
        key="s.parquet",
        size=file.tell(),
        sha256="",
        format="parquet",
        compression=None,
        encoding="utf-8",
        delimiter="",
        line_end="lf",
        header=header,
        header_lines=0,
        positions={name: i for i, name in enumerate(header)},
        unknown_columns=[],
        missing_columns=[],
        lines=3,
        types=[str(t) for t in table.schema.types],
    )
    file.seek(0)
    with Parser(profile, source, LANDED) as parser:
        rows = [row for records in read_records(file, profile) for row in parser.parse(records.table).to_pylist()]
    assert [(rules.names_of(row["reasons"]) or [row["transaction_id"]])[0] for row in rows] == expected


def test_parts_that_contain_the_dash_do_not_make_one_id_of_two() -> None:
    """Case 24: A-1 with line 1, and A with line 1-1."""
    rows = parsed(BY_LINE, {"receipt": "A-1", "line": "1"}, {"receipt": "A", "line": "1-1"})
    assert [row["transaction_id"] for row in rows] == ["A-1-1", "A-1~-1"]


@pytest.mark.parametrize(("receipt", "line"), [("R1", "2"), ("CA-2016-152156", "3"), ("17850.0", "1.0")])
def test_a_composed_id_is_as_it_was_in_0_1_0_if_no_part_after_the_first_has_a_dash(receipt: str, line: str) -> None:
    row = one(BY_LINE, receipt=receipt, line=line)
    assert row["transaction_id"] == f"{receipt.removesuffix('.0')}-{line.removesuffix('.0')}"


PARTS = st.text(alphabet="-~A1", max_size=4)


@given(st.integers(2, 3).flatmap(lambda n: st.tuples(*[st.lists(PARTS, min_size=n, max_size=n)] * 2)))
@settings(max_examples=trials(300), deadline=None)
def test_different_parts_never_compose_one_id(pair: tuple[list[str], list[str]]) -> None:
    one_id, other_id = duckdb.execute(
        f"SELECT {', '.join(composed([literal(p) for p in parts]) for parts in pair)}"
    ).fetchall()[0]
    assert (one_id == other_id) == (pair[0] == pair[1])


def test_a_part_may_have_a_default() -> None:
    source = contract(transaction_id='{compose: [receipt, {header: line, default: "1"}]}')
    rows = parsed(source, {"receipt": "R1", "line": ""}, {"receipt": "R1", "line": "2"}, {"receipt": "", "line": "2"})
    assert [row["transaction_id"] for row in rows] == ["R1-1", "R1-2", None]
    assert rows[2]["judged"] == ["missing_transaction_id"]


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ("{compose: [receipt, line], default: x}", "belongs to its parts"),
        ("{compose: [receipt, {header: line}]}", "default: is missing"),
        ("{compose: [receipt, {header: line, fallback: x}]}", "unknown key. Known: header, default"),
    ],
)
def test_a_wrong_part_is_refused(rule: str, problem: str) -> None:
    with pytest.raises(ContractError, match=problem):
        contract(transaction_id=rule)


def test_a_contract_without_the_new_forms_keeps_its_digest() -> None:
    assert '"compose":["receipt","line"]' in BY_LINE.model_dump_json()
