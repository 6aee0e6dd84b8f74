"""Records as lines: whatever a record is, its batch is a file that the contract's readers take, line by line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retail_assets.landing.streamed import Offsets, by_partition, offsets_of
from retail_assets.streaming.record_lines import LARGEST_RECORD
from retail_assets_tests.streaming.batches import CONTRACT, DAY, batches, landed
from retail_assets_tests.streaming.topics import SOURCE, sale
from retail_assets_tests.trials import trials


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"oops", "not JSON"),
        (b'{"a": NaN}', "not JSON"),
        (b'{"a": 1} {"a": 1}', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"", "not JSON"),
        (None, "no value (null)"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[1, 2]", "not a JSON object"),
        (b'"text"', "not a JSON object"),
        (b"\xef\xbb\xbf" + sale(1), "not JSON"),
        (b" " * (LARGEST_RECORD + 1), "too large (524,289 bytes)"),
        (sale(1, Quantity=None), "without 'Quantity'"),
        (sale(1, Qty=1), "'Quantity' and 'Qty' both mean 'Quantity'"),
        (sale(1, **{"a\x00b": 1}), "a key that cannot name a column: 'a\\x00b'"),
        (sale(1, **{"\ud800": 1}), "a key that cannot name a column: '\\ud800'"),
        (sale(1, **{f"k{n}": n for n in range(200)}), "more than 200 keys"),
    ],
)
def test_a_record_that_cannot_be_a_row_is_a_line_that_says_why_and_where(value: bytes | None, reason: str) -> None:
    [batch] = batches([(41, sale(1)), (42, value)])
    assert (batch.records, batch.rejected) == (2, 1)
    line = gzip.decompress(batch.content()).splitlines()[1]
    assert json.loads(line)[:4] == [reason, "sales", 0, 42]


def test_a_record_keeps_its_bytes_and_stays_on_one_line() -> None:
    pretty = json.dumps(json.loads(sale(2)), indent=2).replace("25", "25.10").encode()
    [batch] = batches([(0, sale(1)), (1, pretty)])
    assert gzip.decompress(batch.content()) == sale(1) + b"\n" + pretty.replace(b"\n", b" ") + b"\n"


def test_an_offset_without_a_record_is_an_empty_line_so_that_lines_are_offsets(tmp_path: Path) -> None:
    [batch] = batches([(7, sale(1)), (10, b"oops"), (11, sale(2))])
    assert (batch.first, batch.next) == (7, 12)
    profile, rows = landed(tmp_path, batch)
    assert profile.lines == 3
    assert [batch.first + line - 1 for line, _ in rows] == [7, 10, 11]


def test_a_long_gap_and_another_name_of_a_column_begin_another_batch() -> None:
    renamed = sale(3, Quantity=None, Qty=2)
    made = batches([(0, sale(1)), (50_000, sale(2)), (50_001, renamed), (50_002, sale(4, Note="x"))])
    assert [(b.first, b.next) for b in made] == [(0, 1), (50_000, 50_001), (50_001, 50_002), (50_002, 50_003)]


def test_a_batch_whose_end_is_decided_has_one_name_per_column_whatever_has_changed_since(tmp_path: Path) -> None:
    [batch] = batches([(0, sale(1))])
    assert batch.add(1, 1, sale(2, Quantity=None, Qty=2), anyway=True)
    profile, rows = landed(tmp_path, batch)
    assert (profile.lines, batch.records, batch.rejected) == (2, 2, 1)
    assert json.loads(rows[1][1])[:4] == ["keys that do not go with those before", "sales", 0, 1]


def test_a_contract_that_rejects_unknown_columns_rejects_the_record_alone() -> None:
    strict = CONTRACT.model_copy(update={"unknown_columns": "reject", "ignore_columns": ("Note",)})
    [batch] = batches([(0, sale(1)), (1, sale(2, Note="x")), (2, sale(3, Discount=1))], strict)
    assert (batch.records, batch.rejected) == (3, 1)
    assert b"a key that the contract does not know: 'Discount'" in gzip.decompress(batch.content())


def test_a_batch_of_nothing_but_poison_is_a_landing_that_can_be_registered(tmp_path: Path) -> None:
    [batch] = batches([(0, b"oops"), (1, None)])
    profile, rows = landed(tmp_path, batch)
    assert profile.lines == len(rows) == 2
    assert [json.loads(text)[0] for _, text in rows] == ["not JSON", "no value (null)"]


@pytest.mark.parametrize("day", ["03/04/2026", "31/12/2026"])
def test_a_date_of_an_order_that_a_batch_does_not_prove_stops_no_landing(tmp_path: Path, day: str) -> None:
    [batch] = batches([(0, sale(1)), (1, sale(2, Date=day)), (2, sale(3, Date="04/13/2026"))])
    profile, rows = landed(tmp_path, batch)
    assert (profile.lines, len(rows)) == (3, 3)


def test_the_same_records_give_the_same_bytes() -> None:
    records: list[tuple[int, bytes | None]] = [(n, sale(n)) for n in range(5_000)]
    [first], [second] = batches(records), batches(records)
    assert first.content() == second.content()


_VALUES = st.one_of(
    st.none(),
    st.binary(max_size=40),
    st.builds(sale, st.integers(0, 99)),
    st.builds(lambda key, value: sale(1, **{key: value}), st.text(max_size=6), st.text(max_size=6)),
    st.sampled_from(["Quantity", "Date", "Product Category"]).map(lambda key: sale(1, **{key: None})),
    st.sampled_from([b'{"Date": "\\u0000"}', sale(1, Date="\ud800"), sale(1, Qty=1, Quantity=None)]),
    st.recursive(st.none() | st.integers() | st.text(max_size=4), lambda c: st.lists(c) | st.dictionaries(st.text(), c))
    .map(json.dumps)
    .map(str.encode),
)


@settings(max_examples=trials(ordinary=30, soak=1_000))
@given(values=st.lists(st.tuples(st.integers(1, 4), _VALUES), min_size=1, max_size=12))
def test_whatever_the_records_are_every_one_is_a_row_of_a_file_that_can_be_registered(
    values: list[tuple[int, bytes | None]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    offset, records = 0, []
    for step, value in values:
        offset += step
        records.append((offset, value))
    folder = tmp_path_factory.mktemp("records")
    found = []
    for batch in batches(records):
        profile, rows = landed(folder, batch)
        assert profile.lines == len(rows) == batch.records
        found += [batch.first + line - 1 for line, _ in rows]
    assert found == [offset for offset, _ in records]


def test_keys_say_topic_partition_and_offsets_and_other_files_say_nothing() -> None:
    made = [Offsets("a.b_c-d", 12, 5, 9), Offsets("x", 0, 0, 3, generation=2), Offsets("a.b_c-d", 12, 9, 20)]
    keys = [offsets.key(SOURCE, DAY) for offsets in made]
    assert [offsets_of(key) for key in keys] == made
    assert by_partition([*keys, f"{SOURCE}/dt={DAY}/a.jsonl.gz"]) == [
        Offsets("a.b_c-d", 12, 5, 20),
        Offsets("x", 0, 0, 3, generation=2),
    ]
    assert len({*keys}) == 3
