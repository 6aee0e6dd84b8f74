"""Dates with an offset, a zone or a declared format mean one moment in shop time, or the row has a reason."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retail_assets_tests.cleaning.test_parse import PLAIN, contract, one, parsed
from retail_assets_tests.trials import trials

SHOP = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-04-01 12:39:28 -0400", dt.datetime(2026, 4, 1, 12, 39, 28)),
        ("2026-04-01 22:57:37 -0700", dt.datetime(2026, 4, 2, 1, 57, 37)),
        ("2026-04-01T22:57:37-04:00", dt.datetime(2026, 4, 1, 22, 57, 37)),
        ("2026-04-01 12:39:28 +0000", dt.datetime(2026, 4, 1, 8, 39, 28)),
        ("2026-04-01 12:39:28 UTC", dt.datetime(2026, 4, 1, 8, 39, 28)),
        ("2026-04-01 12:39:28 utc", dt.datetime(2026, 4, 1, 8, 39, 28)),
        ("2026-04-01 12:39:28 GMT", dt.datetime(2026, 4, 1, 8, 39, 28)),
        ("2026-04-01 12:39:28 Z", dt.datetime(2026, 4, 1, 8, 39, 28)),
        ("2026-04-01 12:39z", dt.datetime(2026, 4, 1, 8, 39)),
        ("2026-04-01 12:39 -04", dt.datetime(2026, 4, 1, 12, 39)),
        ("2026/4/1 12:39:28.5 +05:30", dt.datetime(2026, 4, 1, 3, 9, 28, 500_000)),
        ("2026-04-01 12:39:28 +99:00", None),
        ("2026-04-01 12:39:28 +02:75", None),
        ("2026-04-01 12:39:28 EST", None),
        ("2026-04-01 +02:00", None),
        ("2026-04-31 12:39:28 UTC", None),
    ],
)
def test_an_offset_may_stand_behind_a_space(text: str, expected: dt.datetime | None) -> None:
    """Case 02: every date of Shopify's order export was invalid_date."""
    row = one(PLAIN, date=text)
    assert row["sold_at"] == expected
    assert ("invalid_date" in row["reasons"]) == (expected is None)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("%a, %d %b %Y %H:%M:%S %z", "Sun, 07 Jan 2024 12:00:00 +0200", dt.datetime(2024, 1, 7, 5)),
        ("%a, %d %b %Y %H:%M:%S %z", "Sun, 7 Jan 2024 12:00:00 GMT", dt.datetime(2024, 1, 7, 7)),
        ("%a, %d %b %Y %H:%M:%S %z", "Sun, 07 Jan 2024 12:00:00 +0200 (EET)", dt.datetime(2024, 1, 7, 5)),
        (
            "%a %b %d %Y %H:%M:%S GMT%z",
            "Sun Jan 07 2024 12:00:00 GMT+0200 (Eastern European Time)",
            dt.datetime(2024, 1, 7, 5),
        ),
        ("%d/%m/%Y %H:%M %z", "07/01/2024 12:00 -05:00", dt.datetime(2024, 1, 7, 12)),
        ("%d/%m/%Y %H:%M %z", "07/01/2024 12:00 UTC", dt.datetime(2024, 1, 7, 7)),
        ("%m/%d/%y %I:%M %p %z", "1/7/24 1:00 pm -04", dt.datetime(2024, 1, 7, 12)),
        ("%Y%m%dT%H%M%S%z", "20240107T120000Z", dt.datetime(2024, 1, 7, 7)),
        ("%d/%m/%Y %H:%M %z", "07/01/2024 12:00 +99:00", None),
        ("%d/%m/%Y %H:%M %z", "07/01/2024 12:00 EST", None),
    ],
)
def test_a_format_may_have_an_offset(pattern: str, text: str, expected: dt.datetime | None) -> None:
    source = contract(f"dates: {{formats: ['{pattern}'], zone: Asia/Tokyo}}")  # an offset needs no zone
    assert one(source, date=text)["sold_at"] == expected


@pytest.mark.parametrize(
    ("dates", "text", "expected"),
    [
        ("{zone: UTC}", "2024-06-01", dt.datetime(2024, 6, 1)),
        ("{zone: UTC}", "2024-6-1", dt.datetime(2024, 6, 1)),
        ("{zone: UTC}", "2024-06-01 03:00:00", dt.datetime(2024, 5, 31, 23)),
        ("{zone: UTC}", "2024-06-01 00:00:00", dt.datetime(2024, 5, 31, 20)),
        ("{zone: UTC, order: dmy}", "1/6/2024", dt.datetime(2024, 6, 1)),
        ("{zone: UTC, order: dmy}", "1/6/24 3:00", dt.datetime(2024, 5, 31, 23)),
        ("{zone: UTC, formats: ['%d %b %Y', '%d %b %Y %H.%M']}", "01 Jun 2024", dt.datetime(2024, 6, 1)),
        ("{zone: UTC, formats: ['%d %b %Y', '%d %b %Y %H.%M']}", "01 Jun 2024 03.00", dt.datetime(2024, 5, 31, 23)),
        ("{zone: UTC, formats: ['%Y-%d-%m']}", "2024-01-06", dt.datetime(2024, 6, 1)),
        ("{zone: UTC, formats: ['%Y-%d-%m']}", "2024-01-06 03:00", dt.datetime(2024, 5, 31, 23)),
        ("{zone: UTC, formats: ['%Y%m%d', '%Y%m%d%H']}", "20240601", dt.datetime(2024, 6, 1)),
    ],
)
def test_a_date_without_a_time_is_a_day_of_sale_and_does_not_move(dates: str, text: str, expected: dt.datetime) -> None:
    """Case 15: 1 June was sold on 31 May, in files of plain dates and in those that mix dates and time stamps."""
    assert one(contract(f"dates: {dates}"), date=text)["sold_at"] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2023-03-26 02:30:00", dt.datetime(2023, 3, 25, 21, 30)),  # skipped in Berlin: 03:30 there
        ("2023-10-29 02:30:00", dt.datetime(2023, 10, 28, 21, 30)),  # twice in Berlin: the second, 01:30 UTC
    ],
)
def test_hours_that_a_change_of_the_clock_skips_or_repeats_are_defined(text: str, expected: dt.datetime) -> None:
    assert one(contract("dates: {zone: Europe/Berlin}"), date=text)["sold_at"] == expected


FORMATS = [
    "%Y-%d-%m",
    "%Y-%d-%m %H:%M:%S",
    "%y/%m/%d %H:%M:%S",
    "%y.%d.%m",
    "%Y.%m.%d %I:%M:%S %p",
    "%d.%m.%y %H:%M:%S",
    "%d %B %Y %H.%M.%S",
    "%b %d, %Y",
    "%Y%m%d%H%M%S",
    "%m-%d-%Y",
    "%a, %d %b %Y %H:%M:%S",
    "%j/%Y",
]


@settings(max_examples=trials(80), deadline=None)
@given(
    moments=st.lists(st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(2068, 1, 1)), min_size=1, max_size=10),
    style=st.sampled_from(FORMATS),
)
def test_what_was_written_in_a_declared_format_comes_back(moments: list[dt.datetime], style: str) -> None:
    texts = [m.strftime(style) for m in moments]
    rows = parsed(contract(f"dates: {{formats: ['{style}']}}"), *({"date": t} for t in texts))
    assert [r["sold_at"] for r in rows] == [dt.datetime.strptime(t, style) for t in texts]


@settings(max_examples=trials(40), deadline=None)
@given(
    moments=st.lists(
        st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(2037, 1, 1), timezones=st.just(dt.UTC)),
        min_size=1,
        max_size=10,
    ),
    offset=st.integers(-14 * 4, 14 * 4).map(lambda quarters: dt.timezone(dt.timedelta(minutes=15 * quarters))),
    style=st.sampled_from(
        ["%Y-%m-%d %H:%M:%S %z", "%Y-%d-%m %H:%M:%S %z", "%d/%m/%Y %H:%M:%S%z", "%a, %d %b %Y %H:%M:%S %z"]
    ),
)
def test_an_instant_in_a_declared_format_comes_back(
    moments: list[dt.datetime], offset: dt.timezone, style: str
) -> None:
    seconds = [m.replace(microsecond=0) for m in moments]
    source = contract(f"dates: {{formats: ['{style}']}}")
    rows = parsed(source, *({"date": m.astimezone(offset).strftime(style)} for m in seconds))
    assert [r["sold_at"] for r in rows] == [m.astimezone(SHOP).replace(tzinfo=None) for m in seconds]
