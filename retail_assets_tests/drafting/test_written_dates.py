"""Drafts find the formats of dates that are read only with one, and say so where digits or a zone are a guess."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.door.outcome import outcome_of
from retail_assets.drafting.draft import draft
from retail_assets.drafting.evidence import dates_in
from retail_assets.drafting.written_dates import digits_of, formats_of

ANSWERS = {"currency": "USD", "country": "US", "timezone": "America/New_York"}
TODAY = dt.date(2026, 11, 29)
FIRST, SECOND = dt.datetime(2026, 1, 5, 9, 7), dt.datetime(2026, 9, 25, 15, 30, 10)


def _file(*dates: str) -> str:
    rows = (f'A{i},"{date}",C7,Toys,1,12.50' for i, date in enumerate(dates, 1))
    return "\n".join(("Order ID,Order Date,Customer,Category,Quantity,Amount", *rows)) + "\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("1/5/2026, 9:07:00 AM", "9/25/2026, 3:30:10 PM"),
        ("1/5/2026, 9:07:00\u202fAM", "9/25/2026, 3:30:10\u202fPM"),
        ("5.1.2026, 09:07:00", "25.9.2026, 15:30:10"),
        ("05.01.2026 09.07.00", "25.09.2026 15.30.10"),
        ("05/01/2026 09:07:00 a. m.", "25/09/2026 03:30:10 p. m."),
        ("01/05/2026 9:07:00 a.m.", "09/25/2026 3:30:10 p.m."),
        ("2026/01/05 午前9:07:00", "2026/09/25 午後3:30:10"),
        ("2026.01.05 09:07:00", "2026.09.25 15:30:10"),
        ("20260105090700", "20260925153010"),
        ("Mon Jan 05 09:07:00 2026", "Fri Sep 25 15:30:10 2026"),
        ("Mon, 05 Jan 2026 14:07:00 +0000", "Fri, 25 Sep 2026 19:30:10 +0000"),
        ("01/05/2026 09:07:00 -0500", "09/25/2026 15:30:10 -0400"),
        ("5. Januar 2026 09:07:00", "25. September 2026 15:30:10"),
        ("5 janv. 2026 à 09:07:00", "25 sept. 2026 à 15:30:10"),
        ("05.01.2026 09:07:00 Uhr", "25.09.2026 15:30:10 Uhr"),
        ("2026-01-05 09:07:00,000", "2026-09-25 15:30:10,000"),
    ],
)
def test_a_draft_reads_times_of_many_ways_of_writing_exactly(tmp_path: Path, first: str, second: str) -> None:
    text = _file(first, second)
    path = tmp_path / "sales.csv"
    path.write_text(text, encoding="utf-8")
    outcome = outcome_of(draft([path], ANSWERS, TODAY).text, {"sales.csv": text.encode()})
    assert [row["sold_at"] for row in outcome.sales] == [FIRST, SECOND]


@pytest.mark.parametrize(
    ("texts", "formats"),
    [
        (["January 5th, 2026", "January 1st, 2026"], ("%B %dth, %Y", "%B %dst, %Y")),
        (["5 ene. 2026", "25 sept. 2026"], ("%d %B. %Y",)),
        (["05/gen/26", "25/set/26"], ("%d/%B/%y",)),
        (["2026年1月5日"], ("%Y年%m月%d日",)),
        (["5 января 2026 г."], ("%d %B %Y г.",)),
    ],
)
def test_formats_are_found_in_other_languages(texts: list[str], formats: tuple[str, ...]) -> None:
    found = formats_of(dict.fromkeys(texts, 1))
    assert found is not None
    assert found.formats == formats


def test_what_is_no_date_has_no_format() -> None:
    assert formats_of({"12 mm cable": 1, "Size 5 of 2": 1}) is None
    assert formats_of({"A-1001": 5}) is None
    assert digits_of({"1001": 1, "1002": 1}) is None


def test_digits_are_dates_only_under_a_header_that_says_so() -> None:
    assert dates_in(Counter({"20260105": 1, "20260925": 1})).share == 0
    found = digits_of({"20260105": 1, "20260925": 1})
    assert found is not None
    assert found.formats == ("%Y%m%d",)


@pytest.mark.parametrize(
    ("dates", "question"),
    [
        (("46027", "46290"), "days of a spreadsheet"),
        (("1767603600", "1790000000"), "seconds since 1970"),
        (("01/05/2026, 9:00", "02/06/2026, 9:00"), "No date of the file proves it"),
        (("01/25/2026 09:00:00 CET", "02/26/2026 09:00:00 CET"), "end in CET, which is not read"),
    ],
)
def test_a_guess_is_a_question(tmp_path: Path, dates: tuple[str, ...], question: str) -> None:
    path = tmp_path / "sales.csv"
    path.write_text(_file(*dates))
    drafted = draft([path], ANSWERS, TODAY)
    assert [q.text for q in drafted.questions if question in q.text]
    assert question in drafted.text
