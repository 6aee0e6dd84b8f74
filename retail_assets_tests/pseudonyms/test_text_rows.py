"""Whatever a text file looks like: nothing but ids changes, and none is left."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import IO, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retail_assets.cleaning.readers.json_lines import JsonLinesReader
from retail_assets.cleaning.readers.read import read_records
from retail_assets.lake.profile import FileProfile
from retail_assets.landing.text_lines import replaced
from retail_assets.pseudonyms import replaced_columns
from retail_assets.pseudonyms.clear_ids import first_clear_line
from retail_assets.pseudonyms.json_texts import is_plain
from retail_assets.pseudonyms.pseudonym import CUSTOMER
from retail_assets.pseudonyms.replaced_columns import Replaced
from retail_assets.pseudonyms.text_rows import replaced_lines
from retail_assets_tests.pseudonyms.test_pseudonym import OURS
from retail_assets_tests.trials import trials

COLUMN = Replaced(1, "customer", CUSTOMER)
PROFILE = FileProfile(
    *("a.csv", 0, "", "csv", None, "utf-8", ",", "lf", ["id", "customer", "note"], 1, {"customer": 1}),
    unknown_columns=[],
    missing_columns=[],
    lines=0,
)
#: Pieces of which files are made, also of broken ones.
_PIECES = [
    "C1",
    "17.0",
    "17",
    ",",
    ",",
    ",",
    "\n",
    "\n",
    "\r\n",
    '"',
    '""',
    " ",
    "x",
    "NULL",
    '="07"',
    "\u00e9",
    "\r",
    "customer",
]
_FIELD = st.sampled_from(["C1", '"C1"', ' "C ""1"""', '"C\n1"', "17.0", "", " ", '="07"', "\u00e9", '"a,b"', "NULL"])
_ROWS = st.lists(st.tuples(_FIELD, _FIELD, _FIELD).map(",".join), max_size=8).map("\n".join)
_TEXTS = st.one_of(st.lists(st.sampled_from(_PIECES), max_size=60).map("".join), _ROWS)


def rewritten(data: bytes, profile: FileProfile) -> bytes:
    sink = io.BytesIO()
    lines = replaced_lines(io.BytesIO(data), profile, [COLUMN], OURS)
    replaced(io.BytesIO(data), cast(IO[bytes], sink), lines, profile.encoding, profile.line_end)
    return sink.getvalue()


def rows(data: bytes, profile: FileProfile) -> list[tuple[int, bool, str | None, str | None, str | None]]:
    found = []
    for records in read_records(io.BytesIO(data), profile):
        columns = [records.table[name].to_pylist() for name in ("line", "defects", "c0", "c1", "c2")]
        found += [(line, bool(defects), *cells) for line, defects, *cells in zip(*columns, strict=True)]
    return found


@settings(max_examples=trials(400, 20_000), deadline=None)
@given(_TEXTS, st.sampled_from(["utf-8", "cp1252", "utf-16"]), st.booleans())
def test_every_row_stays_on_its_line_with_every_other_field(text: str, encoding: str, cr: bool) -> None:
    profile = replace(PROFILE, encoding=encoding, line_end="cr" if cr else "lf")
    whole = "id,customer,note\n" + text
    data = (whole.replace("\r", "").replace("\n", "\r") if cr else whole).encode(encoding)
    before, new = rows(data, profile), rewritten(data, profile)
    after = rows(new, profile)
    assert first_clear_line(io.BytesIO(new), profile, [COLUMN], OURS) is None
    assert [row[:3] for row in after] == [row[:3] for row in before]
    assert [row[4] for row in after] == [row[4] for row in before]
    for (*_, was, _), (*_, now, _) in zip(before, after, strict=True):
        expected = None if was is None else COLUMN.text(OURS, was)
        assert (now or "").strip() == (expected if expected is not None else was or "").strip()
    assert rewritten(new, profile) == new


_VALUE = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=5)
    ),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)


@settings(max_examples=trials(300, 10_000), deadline=None)
@given(
    st.lists(st.dictionaries(st.sampled_from(["id", "customer", "note"]), _VALUE, max_size=3), max_size=5),
    st.booleans(),
    st.sampled_from([None, " :  "]),
)
def test_objects_keep_every_other_value(items: list[dict[str, object]], ascii_only: bool, colon: str | None) -> None:
    profile = replace(PROFILE, key="a.jsonl", format="jsonl", header_lines=0)
    separators = (" , ", colon) if colon else None
    text = "\n".join(json.dumps(item, ensure_ascii=ascii_only, separators=separators) for item in items)
    data = text.encode("utf-8", "surrogatepass")
    before, new = rows(data, profile), rewritten(data, profile)
    after = rows(new, profile)
    assert first_clear_line(io.BytesIO(new), profile, [COLUMN], OURS) is None
    assert [row[:2] for row in after] == [row[:2] for row in before]
    for was, now in zip(before, after, strict=True):
        if not was[1]:
            assert (now[2], now[4]) == (was[2], was[4])
            expected = COLUMN.text(OURS, was[3])
            assert now[3] == (was[3] if expected is None else expected)
    assert rewritten(new, profile) == new


_FLAT = st.lists(
    st.sampled_from(['"a"', '"b"', '"a:"', ":", ":", ",", " ", "1", "null", "\u00e9", "\ufffd", "[", "{", "\\"])
)


@settings(max_examples=trials(500, 20_000), deadline=None)
@given(_FLAT.map("".join), _FLAT.map("".join))
def test_an_object_that_passes_for_plain_has_no_defect(one: str, other: str) -> None:
    """The shortcut for records never lets through what the reader of landed files would show in quarantine."""
    for text in (f'{{"a": {one}, "b": {other}}}', f'{{"a": "{one.replace(chr(34), "")}", {other}}}'):
        try:
            item = json.loads(text)
        except ValueError:
            continue
        if is_plain(text, len(item)):
            assert JsonLinesReader(list(item), range(len(item)), "a.jsonl").defects(text.encode()) == 0


def test_plain_objects_are_recognized() -> None:
    assert is_plain('{"a": "x: y", "b" : 1, "c": null}', 3)
    for text in ('{"a": 1, "a": 2}', '{"a": "\\u0000"}', '{"a": [1]}', '{"a": {}}', '{"a": "\ufffd"}'):
        assert not is_plain(text, 1), text


def test_more_texts_than_are_kept_have_their_pseudonyms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaced_columns, "_MOST_TEXTS", 3)
    texts = replaced_columns.NewTexts(COLUMN, OURS)
    for _ in range(2):
        assert [texts[f"C{n}"] for n in range(10)] == [OURS.of(f"C{n}") for n in range(10)]
        assert len(texts) <= 3
