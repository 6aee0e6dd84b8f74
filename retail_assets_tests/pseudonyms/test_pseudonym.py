"""One customer has one pseudonym, whatever way a file writes the id; two customers never have the same."""

from __future__ import annotations

import re

import duckdb
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from retail_assets.cleaning.parse import _null_where, _plain
from retail_assets.contracts import loading
from retail_assets.contracts.typing_sql.identifiers import identifier, is_rounded
from retail_assets.contracts.typing_sql.text_columns import BLANKS
from retail_assets.errors import LandingError
from retail_assets.pseudonyms.pseudonym import ROUNDED, OtherKeyError, Pseudonyms
from retail_assets_tests.pseudonyms.landed_shop import WITH_PSEUDONYMS
from retail_assets_tests.trials import trials

CONTRACT = loading.parse(WITH_PSEUDONYMS, "shop.yaml")
OURS = Pseudonyms(b"k" * 32, CONTRACT)
_DIGITS = st.text("0179", min_size=1, max_size=19)
_PLAIN = st.one_of(
    st.text(st.characters(exclude_characters="\x00\ufffd", exclude_categories=["Cs"]), max_size=12),
    _DIGITS,
    _DIGITS.map(lambda d: f"{d}.0"),
    st.builds("{}.{}E+{}".format, st.integers(0, 9), _DIGITS, st.integers(1, 20)),
    st.sampled_from(["NULL", "n/a", "None", "nan", "C1", "c1", "C1.0", "0017", "17", "12E3", "\u00df", "\ufb01"]),
)
_WRITTEN = st.builds(
    lambda text, before, after, formula: before + (f'="{text}"' if formula else text) + after,
    _PLAIN,
    st.text(BLANKS, max_size=2),
    st.text(BLANKS, max_size=2),
    st.booleans(),
)


def as_cleaning_reads(texts: list[str]) -> list[tuple[str | None, bool]]:
    """Return each text as an id, and whether it is a rounded one, by the code of cleaning."""
    words = pa.compute.utf8_upper(pa.array(sorted(CONTRACT.missing_values), pa.string()))
    trimmed = pa.compute.utf8_trim(pa.array(texts, pa.string()), characters=BLANKS)
    plain = _null_where(_plain(trimmed), words)
    rows = pa.table({"t": plain})  # noqa: F841 - DuckDB finds it by its name
    with duckdb.connect() as con:
        sql = f"SELECT {identifier('t')}, coalesce({is_rounded('t')}, FALSE), t FROM rows"
        return [(i if t else None, r) for i, r, t in con.execute(sql).fetchall()]


@settings(max_examples=trials(300, 5_000), deadline=None)
@given(st.lists(_WRITTEN, min_size=2, max_size=20))
@example(["17", "17.0", " 17 ", '="17"', "017", "17.00", "9007199254740993.0"])
@example(["\u00a0C1\ufeff", "C1", "c1", "C1.0", "\u200bC1"])
def test_two_texts_have_one_pseudonym_exactly_if_cleaning_reads_one_id(texts: list[str]) -> None:
    read = as_cleaning_reads(texts)
    made = [OURS.replacement(text) for text in texts]
    for (identity, rounded), pseudonym in zip(read, made, strict=True):
        assert (pseudonym is None) == (identity is None)
        if identity is not None:
            assert (pseudonym == ROUNDED) == rounded
    named = [(i, p) for (i, rounded), p in zip(read, made, strict=True) if i is not None and not rounded]
    assert len({i for i, _ in named}) == len({p for _, p in named}) == len(set(named))


@settings(max_examples=trials(300, 5_000), deadline=None)
@given(_WRITTEN)
def test_a_pseudonym_has_one_shape_and_is_its_own(text: str) -> None:
    made = OURS.replacement(text)
    assert made is None or made == ROUNDED or re.fullmatch("p_[0-9a-f]{32}", made)
    assert OURS.replacement(made) == made
    assert OURS.replacement(made and f" {made} ") == made
    assert OURS.is_clear(made) is False
    if made is not None and text.strip(BLANKS) != made:
        assert OURS.is_clear(text) is True


def test_each_key_source_and_column_has_pseudonyms_of_its_own() -> None:
    other_shop = Pseudonyms(b"k" * 32, CONTRACT.model_copy(update={"name": "other"}))
    other_key = Pseudonyms(b"l" * 32, CONTRACT)
    assert len({p.of("C1") for p in (OURS, other_shop, other_key)} | {OURS.replacement("C1", "email") or ""}) == 4
    for other in (other_shop, other_key):
        with pytest.raises(OtherKeyError, match="not made with the key"):
            other.of(OURS.of("C1"))


def test_a_text_that_only_looks_like_a_pseudonym_is_never_taken_for_one() -> None:
    made = OURS.of("C1")
    forged = made[:-1] + ("0" if made[-1] != "0" else "1")
    with pytest.raises(OtherKeyError):
        OURS.of(forged)
    assert OURS.of(made.upper()) != made  # another id


@pytest.mark.parametrize("nobody", ["", "  ", "N/A", "5.36E+11"])
def test_nobody_has_no_pseudonym(nobody: str) -> None:
    with pytest.raises(LandingError, match="not the id of a customer"):
        OURS.of(nobody)
