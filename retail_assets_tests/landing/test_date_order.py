"""A file proves the order of its dates, or contradicts the one that is declared: then it is refused, with the fix."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retail_assets.cleaning.parse import Parser
from retail_assets.cleaning.readers.read import read_records
from retail_assets.contracts import loading
from retail_assets.contracts.model import Contract
from retail_assets.errors import LandingError
from retail_assets.lake.profile import FileProfile
from retail_assets.landing.inspection.inspect import inspect_file
from retail_assets.storage import Entry, Store
from retail_assets_tests.trials import trials

LANDED = dt.date(2026, 11, 29)


def shop(dates: str = "{}", more: str = "", *, timezone: str = "America/New_York") -> Contract:
    return loading.parse(
        f"name: shop\ntimezone: {timezone}\ncountry: US\ncurrency: USD\nstart_date: 2025-01-01\ndates: {dates}\n"
        "columns:\n  transaction_id: {header: ID, required: true}\n  sold_at: {header: Date}\n"
        "  product_category: {header: Category}\n  quantity: {header: Qty}\n  total_amount: {header: Total}\n" + more,
        "test",
    )


def read(folder: Path, contract: Contract, texts: Sequence[str], landed_on: dt.date | None = LANDED) -> list[str]:
    """Return the moments that cleaning reads from a file with these dates, as text; `invalid` for a rejected one."""
    rows = "".join(f'{i},"{text}",Toys,1,10.00\n' for i, text in enumerate(texts))
    data = f"ID,Date,Category,Qty,Total\n{rows}".encode(contract.file.encoding)
    (folder / "s.csv").write_bytes(data)
    profile = inspect_file(Store(str(folder)), Entry("s.csv", len(data), None), contract, landed_on)
    read: list[dt.datetime | None] = []
    with (folder / "s.csv").open("rb") as handle, Parser(profile, contract, LANDED) as parser:
        for records in read_records(handle, profile):
            read += parser.parse(records.table)["sold_at"].to_pylist()
    return [str(moment).removesuffix(" 00:00:00") if moment else "invalid" for moment in read]


def refusal(folder: Path, contract: Contract, texts: Sequence[str], landed_on: dt.date | None = LANDED) -> str:
    with pytest.raises(LandingError) as refused:
        read(folder, contract, texts, landed_on)
    return str(refused.value)


YEAR_DAY_MONTH = ["2026-31-01", "2026-15-02", "2026-05-03", "2026-07-01"]
SHORT_YEAR_FIRST = ["25/01/05", "25/02/15", "25/03/20", "25/12/24"]
DAY_FIRST = ["01/12/2010 08:26", "02/12/2010 08:26", "13/12/2010 08:26", "20/12/2010 16:11"]
ENCODINGS = pytest.mark.parametrize("more", ["", "file: {encoding: cp1252}\n"])  # by DuckDB, and line by line


def test_a_declared_format_wins_over_iso(tmp_path: Path) -> None:
    """Case 03: 3 May and 1 July were read from a file whose contract says year, day, month."""
    expected = ["2026-01-31", "2026-02-15", "2026-03-05", "2026-01-07"]
    assert read(tmp_path, shop("{formats: ['%Y-%d-%m']}"), YEAR_DAY_MONTH) == expected
    with_times = [f"{text} 10:30" for text in YEAR_DAY_MONTH]
    assert read(tmp_path, shop("{formats: ['%Y-%d-%m']}"), with_times) == [f"{day} 10:30:00" for day in expected]
    instants = [f"{text}T10:30:00Z" for text in YEAR_DAY_MONTH]
    assert read(tmp_path, shop("{formats: ['%Y-%d-%m']}"), instants)[1:] == [
        "2026-02-15 05:30:00",
        "2026-03-05 05:30:00",
        "2026-01-07 05:30:00",
    ]
    with_slashes = [text.replace("-", "/") for text in YEAR_DAY_MONTH]
    assert read(tmp_path, shop("{formats: ['%Y/%d/%m']}"), with_slashes) == expected


@ENCODINGS
def test_iso_dates_with_the_day_before_the_month_are_refused(tmp_path: Path, more: str) -> None:
    message = refusal(tmp_path, shop(more=more), YEAR_DAY_MONTH)
    assert "2 dates fit only year, day, month" in message
    assert "'2026-15-02' is no date as ISO 8601; the other way it is 15 Feb 2026" in message
    assert "'2026-05-03' would be 3 May 2026, the other way it is 5 Mar 2026" in message
    assert "`dates: {formats: ['%Y-%d-%m']}`" in message


@pytest.mark.parametrize("mark", ["/", ".", "-"])
@ENCODINGS
def test_a_short_year_in_front_is_read_as_declared_or_refused(tmp_path: Path, mark: str, more: str) -> None:
    """Case 04: 25/01/05 was read as 25 January 2005, whatever the contract said."""
    texts = [text.replace("/", mark) for text in SHORT_YEAR_FIRST]
    expected = ["2025-01-05", "2025-02-15", "2025-03-20", "2025-12-24"]
    for declared in (f"{{formats: ['%y{mark}%m{mark}%d']}}", "{order: ymd}"):
        assert read(tmp_path, shop(declared, more), texts) == expected
    message = refusal(tmp_path, shop(more=more), texts)
    assert f"{texts[0]} is 25 Jan 2005 or 5 Jan 2025" in message
    assert "dates: {order: ymd}" in message


def test_a_short_year_at_the_end_is_proven_by_a_day_that_has_not_come(tmp_path: Path) -> None:
    texts = ["05/01/25", "31/01/25"]  # nothing was sold in 2031
    assert read(tmp_path, shop(), texts) == ["2025-01-05", "2025-01-31"]
    assert "at the beginning" in refusal(tmp_path, shop(), texts, dt.date(2032, 1, 1))
    assert read(tmp_path, shop(), ["5/1/25", "13/1/25"]) == ["2025-01-05", "2025-01-13"]
    assert read(tmp_path, shop(), ["01/05/25", "01/31/25"]) == ["2025-01-05", "2025-01-31"]
    assert read(tmp_path, shop(), ["99/01/05", "98/12/24"]) == ["1999-01-05", "1998-12-24"]
    assert "the year comes first in '98/12/24'" in refusal(tmp_path, shop(), ["98/12/24", "31/01/98"])


@pytest.mark.parametrize(
    ("declared", "texts", "fix"),
    [
        ("{order: mdy}", DAY_FIRST, "`dates: {order: dmy}`"),
        ("{order: dmy}", ["01/31/2025", "02/03/2025"], "`dates: {order: mdy}`"),
        ("{formats: ['%m/%d/%Y %H:%M']}", DAY_FIRST, "`dates: {formats: ['%d/%m/%Y %H:%M']}`"),
        ("{formats: ['%m/%d/%Y %H:%M', '%d %b %Y']}", DAY_FIRST, "`dates: {formats: ['%d/%m/%Y %H:%M', '%d %b %Y']}`"),
        (
            "{order: mdy, formats: ['%m/%d/%Y %H:%M']}",
            DAY_FIRST,
            "`dates: {order: dmy, formats: ['%d/%m/%Y %H:%M']}`",
        ),
        ("{formats: ['%Y-%d-%m']}", ["2026-01-31", "2026-05-03"], "`dates: {formats: ['%Y-%m-%d']}`"),
        ("{formats: ['%y/%m/%d']}", ["31/01/25", "05/02/25"], "`dates: {formats: ['%d/%m/%y']}`"),
        ("{order: dmy}", ["25/01/05", "25/01/31"], "`dates: {order: ymd}`"),
        ("{order: ymd}", ["31/01/25", "05/02/25"], "`dates: {order: dmy}`"),
        ("{formats: ['%Y%m%d']}", ["20263101", "20260503"], "`dates: {formats: ['%Y%d%m']}`"),
        ("{formats: ['%a %d/%m/%Y']}", ["Mon 03/31/2025", "Tue 04/01/2025"], "`dates: {formats: ['%a %m/%d/%Y']}`"),
        ("{formats: ['%H:%M %d-%m-%Y']}", ["10:00 03-31-2025"], "`dates: {formats: ['%H:%M %m-%d-%Y']}`"),
        ("{formats: ['%d%m%y']}", ["260131", "260214"], "`dates: {formats: ['%y%m%d']}`"),
    ],
)
@ENCODINGS
def test_a_file_that_contradicts_the_contract_is_refused_with_the_fix(
    tmp_path: Path, declared: str, texts: list[str], fix: str, more: str
) -> None:
    """Case 05: day and month were exchanged, because a declared order was never compared with the file."""
    message = refusal(tmp_path, shop(declared, more), texts)
    assert fix in message
    fixed = re.search(r"`dates: ({.*?})`", message)
    assert fixed
    assert "invalid" not in read(tmp_path, shop(fixed[1], more), texts)


@ENCODINGS
def test_a_few_broken_dates_go_to_quarantine(tmp_path: Path, more: str) -> None:
    good = [f"{day:02}/{month:02}/2025" for month in range(1, 11) for day in range(1, 29)]
    days = read(tmp_path, shop("{order: dmy}", more), [*good, "05/13/2025", "12/31/2025", "2025-31-01"])
    assert days.count("invalid") == 3
    iso = [f"2025-{month:02}-{day:02}" for month in range(1, 11) for day in range(1, 29)]
    assert read(tmp_path, shop(more=more), [*iso, "2025-31-01"])[-1] == "invalid"
    many = [f"{month:02}/{day:02}/2025" for month in range(1, 7) for day in range(13, 29)]
    assert "96 dates fit only month first" in refusal(tmp_path, shop("{order: dmy}", more), [*good, *many])


def test_separators_tell_formats_apart(tmp_path: Path) -> None:
    contract = shop("{formats: ['%d.%m.%Y', '%m/%d/%Y']}")
    texts = ["05.01.2025", "31.01.2025", "01/05/2025 10:00", "01/31/2025"]
    assert "`dates: {formats: ['%d.%m.%Y', '%m/%d/%Y']}`" in refusal(tmp_path, shop(), texts)
    assert read(tmp_path, contract, texts) == ["2025-01-05", "2025-01-31", "2025-01-05 10:00:00", "2025-01-31"]


def test_the_shipped_online_retail_contract_detects_the_order_of_each_file(tmp_path: Path) -> None:
    """Case 05: most public copies are day first."""
    contract = loading.load("online_retail")
    header = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
    for texts, order in (
        (DAY_FIRST, "dmy"),
        (["12/1/10 8:26", "12/13/10 9:00"], "mdy"),
        (["2010-12-01 08:26:00"], None),
    ):
        rows = "".join(f"{i},A1,LANTERN,6,{text},2.55,17000,United Kingdom\n" for i, text in enumerate(texts))
        data = f"{header}\n{rows}".encode()
        (tmp_path / "s.csv").write_bytes(data)
        assert inspect_file(Store(str(tmp_path)), Entry("s.csv", len(data), None), contract).date_order == order


def test_typed_dates_of_parquet_need_no_format(tmp_path: Path) -> None:
    contract = shop("{formats: ['%Y-%d-%m'], zone: UTC}")
    day, time = dt.date(2026, 5, 3), dt.datetime(2026, 5, 3, 12)
    for value, expected in ((day, dt.datetime(2026, 5, 3)), (time, dt.datetime(2026, 5, 3, 8))):
        table = pa.table({"ID": ["1"], "Date": [value], "Category": ["Toys"], "Qty": [1], "Total": [10]})
        pq.write_table(table, tmp_path / "s.parquet")
        size = (tmp_path / "s.parquet").stat().st_size
        profile = inspect_file(Store(str(tmp_path)), Entry("s.parquet", size, None), contract)
        with (tmp_path / "s.parquet").open("rb") as handle, Parser(profile, contract, LANDED) as parser:
            [records] = read_records(handle, profile)
            assert parser.parse(records.table)["sold_at"].to_pylist() == [expected]


def test_days_written_as_moments_of_another_zone_are_refused(tmp_path: Path) -> None:
    days = ["2026-03-01 00:00:00", "2026-03-02 00:00:00", "2026-03-03 00:00", "2026-03-03 00:00:00"]
    with pytest.raises(LandingError, match=r"every time stamp is midnight.* on 3 different days.*Remove `zone`"):
        read(tmp_path, shop("{zone: UTC}"), days)
    assert read(tmp_path, shop("{zone: America/New_York}"), days)[:2] == ["2026-03-01", "2026-03-02"]
    for sold in ([*days, "2026-03-03 04:00:01"], days[:2], [day[:10] for day in days]):
        assert len(read(tmp_path, shop("{zone: UTC}"), sold)) == len(sold)


@settings(max_examples=trials(60), deadline=None)
@given(
    days=st.lists(st.dates(dt.date(2001, 1, 1), LANDED), min_size=1, max_size=30),
    written=st.sampled_from(
        [
            "%Y-%m-%d",
            "%Y-%d-%m",
            "%d/%m/%Y",
            "%m/%d/%Y",
            "%y/%m/%d",
            "%d.%m.%y",
            "%m-%d-%y",
            "%Y%m%d",
            "%d%m%y",
            "%j.%Y",
        ]
    ),
)
def test_dates_are_never_silently_another_day(
    tmp_path_factory: pytest.TempPathFactory, days: list[dt.date], written: str
) -> None:
    """What the contract declares comes back exactly. What it leaves open is read right, rejected or refused."""
    folder = tmp_path_factory.mktemp("dates")
    texts, expected = [day.strftime(written) for day in days], list(map(str, days))
    assert read(folder, shop(f"{{formats: ['{written}']}}"), texts) == expected
    if written == "%Y-%d-%m":  # four digits in front are ISO 8601, as long as the file does not show another order
        texts.append("2026-31-01")
        expected.append("2026-01-31")
    try:
        moments = read(folder, shop(), texts)
    except LandingError:
        return
    assert all(moment in ("invalid", day) for moment, day in zip(moments, expected, strict=True))


@pytest.mark.parametrize(
    ("dates", "texts", "skipped", "repeated"),
    [
        ("{}", ["2026-03-08 02:30:00", "2026-03-08 03:00:00", "2026-03-08 01:59:59"], (1, "2026-03-08 02:30:00"), 0),
        ("{}", ["2026-11-01 01:00:00", "2026-11-01 01:59", "2026-11-01 02:00:00"], (0, None), 2),
        ("{}", ["2026-03-08", "2026-03-08T02:30:00Z", "2026-03-08 02:30 -0500", "2026-03-09 02:30"], (0, None), 0),
        ("{order: mdy}", ["3/8/2026 2:30 AM", "3/8/2026 2:30 PM"], (1, "3/8/2026 2:30 AM"), 0),
        ("{formats: ['%d %b %Y %H%M']}", ["08 Mar 2026 0230"], (1, "08 Mar 2026 0230"), 0),
        ("{zone: Europe/Berlin}", ["2026-03-29 02:30:00", "2026-03-08 02:30:00"], (1, "2026-03-29 02:30:00"), 0),
        ("{zone: UTC}", ["2026-03-08 02:30:00"], (0, None), 0),
        ("{serial: excel_1900}", ["46089.104166666664", "46089"], (1, "46089.104166666664"), 0),
        ("{serial: unix_seconds}", ["1772937000"], (0, None), 0),  # an instant
    ],
)
def test_times_in_hours_that_the_clock_skipped_or_repeated_are_counted(
    tmp_path: Path, dates: str, texts: list[str], skipped: tuple[int, str | None], repeated: int
) -> None:
    read(tmp_path, shop(dates), texts)
    entry = Entry("s.csv", (tmp_path / "s.csv").stat().st_size, None)
    profile = inspect_file(Store(str(tmp_path)), entry, shop(dates))
    changes = profile.clock_changes
    assert ((changes.skipped, changes.skipped_example), changes.repeated) == (skipped, repeated)
    assert FileProfile.from_json(profile.to_json()) == profile
    old = {k: v for k, v in profile.to_json().items() if k != "clock_changes"}
    assert FileProfile.from_json(old).clock_changes.skipped == 0
