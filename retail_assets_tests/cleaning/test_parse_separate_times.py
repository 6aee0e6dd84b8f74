"""A date, its time and its zone may be in columns of their own: together they are one moment in shop time."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retail_assets.cleaning.parse import Parser
from retail_assets.cleaning.readers.read import read_records
from retail_assets.contracts import loading
from retail_assets.contracts.model import Contract
from retail_assets.errors import ContractError, LandingError
from retail_assets.landing.inspection.inspect import inspect_file
from retail_assets.storage import Entry, Store
from retail_assets_tests.cleaning.test_parse import contract, parsed
from retail_assets_tests.trials import trials

SHOP = ZoneInfo("America/New_York")


def shop(dates: str = "{}", column: str = "{header: date, time: time, zone: zone}") -> Contract:
    return contract(f"dates: {dates}", sold_at=column)


def moment(source: Contract, date: str, time: str | None = None, zone: str | None = None) -> dt.datetime | None:
    [row] = parsed(source, {"date": date, "time": time, "zone": zone})
    assert ("invalid_date" in row["reasons"]) == (row["sold_at"] is None)
    return row["sold_at"]


DAY = dt.datetime(2024, 1, 5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dates", "date", "time", "zone", "expected"),
    [
        ("{}", "2024-01-05", "14:05:06", None, dt.datetime(2024, 1, 5, 14, 5, 6)),
        ("{}", "2024-01-05", "9:05", None, dt.datetime(2024, 1, 5, 9, 5)),
        ("{}", "2024-01-05", "1:08:00 PM", None, dt.datetime(2024, 1, 5, 13, 8)),
        ("{}", "2024-01-05", None, None, DAY),
        ("{}", "2024-01-05", "later", None, None),
        ("{}", "2024-01-05 00:00:00", "14:05", None, dt.datetime(2024, 1, 5, 14, 5)),
        ("{}", "2024-01-05", "1899-12-30 14:05:00", None, dt.datetime(2024, 1, 5, 14, 5)),
        ("{}", "2024-01-05 10:00", "14:05", None, None),
        ("{order: mdy}", "1/5/2024", "1:08 PM", None, dt.datetime(2024, 1, 5, 13, 8)),
        ("{order: dmy}", "5.1.24", "13:08", None, dt.datetime(2024, 1, 5, 13, 8)),
        ("{formats: ['%d %b %Y']}", "05 Jan 2024", "13:08", None, dt.datetime(2024, 1, 5, 13, 8)),
        ("{formats: ['%d %b %Y %H%M']}", "05 Jan 2024", "1308", None, dt.datetime(2024, 1, 5, 13, 8)),
        ("{formats: ['%Y%m%d %H.%M']}", "20240105", "13.08", None, dt.datetime(2024, 1, 5, 13, 8)),
        ("{formats: ['%Y-%d-%m']}", "2024-05-01", "13:08", None, dt.datetime(2024, 1, 5, 13, 8)),
        (
            "{formats: ['%d. %B %Y'], language: de}",
            "5. Januar 2024",
            "13:08",
            None,
            dt.datetime(2024, 1, 5, 13, 8),
        ),
        ("{serial: excel_1900}", "45296", "0.5", None, dt.datetime(2024, 1, 5, 12)),
        ("{}", "2024-01-05", "14:05", "+00:00", dt.datetime(2024, 1, 5, 9, 5)),
        ("{}", "2024-01-05", "14:05", "UTC", dt.datetime(2024, 1, 5, 9, 5)),
        ("{}", "2024-01-05", "14:05", "Z", dt.datetime(2024, 1, 5, 9, 5)),
        ("{}", "2024-01-05", "14:05", "GMT+2", dt.datetime(2024, 1, 5, 7, 5)),
        ("{}", "2024-01-05", "14:05", "-0800", dt.datetime(2024, 1, 5, 17, 5)),
        ("{}", "2024-01-05", "14:05", "+5:30", dt.datetime(2024, 1, 5, 3, 35)),
        ("{}", "2024-01-05", "14:05", "Europe/Berlin", dt.datetime(2024, 1, 5, 8, 5)),
        ("{}", "2024-01-05", "14:05", "EST", dt.datetime(2024, 1, 5, 14, 5)),
        ("{}", "2024-01-05", "14:05", "EDT", dt.datetime(2024, 1, 5, 13, 5)),
        ("{zone: Europe/Berlin}", "2024-01-05", "14:05", "CET", dt.datetime(2024, 1, 5, 8, 5)),
        ("{zone: Europe/Berlin}", "2024-01-05", "14:05", None, dt.datetime(2024, 1, 5, 8, 5)),
        ("{}", "2024-01-05", "14:05", "IST", None),  # India, Israel or Ireland
        ("{}", "2024-01-05", "14:05", "Europe/Atlantis", None),
        ("{}", "2024-01-05", "14:05", "+99:00", None),
        ("{}", "2024-01-05", None, "Asia/Tokyo", DAY),
        ("{}", "2024-01-05", "14:05 +0100", "Asia/Tokyo", dt.datetime(2024, 1, 5, 8, 5)),
    ],
)
def test_date_time_and_zone_make_one_moment(
    dates: str, date: str, time: str | None, zone: str | None, expected: dt.datetime | None
) -> None:
    assert moment(shop(dates), date, time, zone) == expected


def test_a_zone_may_stand_beside_whole_time_stamps() -> None:
    source = shop(column="{header: date, zone: zone}")
    [row] = parsed(source, {"date": "2024-01-05 14:05", "zone": "Europe/Berlin"})
    assert row["sold_at"] == dt.datetime(2024, 1, 5, 8, 5)


def test_the_columns_must_be_there_and_belong_to_the_date(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="`time` and `zone` are for sold_at only"):
        contract(quantity="{header: quantity, time: time}")
    data = b"id,date,category,quantity,price,amount\n1,2024-01-05,Toys,1,5,5\n"
    (tmp_path / "s.csv").write_bytes(data)
    with pytest.raises(LandingError, match=r"not found:.*'time'"):
        inspect_file(Store(str(tmp_path)), Entry("s.csv", len(data), None), shop())


@pytest.mark.parametrize("name", ["s.csv", "s.parquet", "s.jsonl"])
def test_dates_and_times_of_every_kind_of_file(tmp_path: Path, name: str) -> None:
    source = loading.parse(
        "name: shop\ntimezone: America/New_York\ncountry: US\ncurrency: USD\nstart_date: 2024-01-01\ncolumns:\n"
        "  transaction_id: {header: id}\n  sold_at: {header: date, time: time, zone: zone}\n"
        "  product_category: {header: category}\n  quantity: {header: quantity}\n  total_amount: {header: amount}\n",
        "test",
    )
    days, times = [dt.date(2024, 1, 5), dt.date(2024, 1, 31)], [dt.time(14, 5, 6), None]
    if name == "s.parquet":
        table = {"id": [1, 2], "date": days, "time": times, "zone": ["UTC", None], "category": ["T", "T"]}
        pq.write_table(pa.table({**table, "quantity": [1, 1], "amount": [Decimal("5.00")] * 2}), tmp_path / name)
    elif name == "s.csv":
        text = "id,date,time,zone,category,quantity,amount\n1,05/01/2024,14:05:06,UTC,T,1,5\n2,31/01/2024,,,T,1,5\n"
        (tmp_path / name).write_text(text)
    else:
        first = '{"id": 1, "date": "2024-01-05", "time": "14:05:06", "zone": "UTC", '
        rest = '"category": "T", "quantity": 1, "amount": 5}\n'
        (tmp_path / name).write_text(first + rest + '{"id": 2, "date": "2024-01-31", ' + rest)
    profile = inspect_file(Store(str(tmp_path)), Entry(name, (tmp_path / name).stat().st_size, None), source)
    assert profile.control.amount == "10.00"
    with (tmp_path / name).open("rb") as handle, Parser(profile, source, dt.date(2024, 6, 1)) as parser:
        [records] = read_records(handle, profile)
        read = parser.parse(records.table)["sold_at"].to_pylist()
    assert read == [dt.datetime(2024, 1, 5, 9, 5, 6), dt.datetime(2024, 1, 31)]


@settings(max_examples=trials(40), deadline=None)
@given(
    moments=st.lists(
        st.datetimes(dt.datetime(1991, 1, 1), dt.datetime(2037, 1, 1), timezones=st.just(dt.UTC)),
        min_size=1,
        max_size=9,
    ),
    zone=st.sampled_from(["Europe/Berlin", "Asia/Kolkata", "America/Los_Angeles", "UTC"]),
    style=st.sampled_from([("%Y-%m-%d", "%H:%M:%S"), ("%d/%m/%Y", "%I:%M:%S %p"), ("%d %b %Y", "%H:%M:%S")]),
    named=st.booleans(),
)
def test_a_moment_in_three_columns_comes_back(
    moments: list[dt.datetime], zone: str, style: tuple[str, str], named: bool
) -> None:
    local = [m.replace(microsecond=0).astimezone(ZoneInfo(zone)) for m in moments]
    rows = parsed(
        shop("{order: dmy, formats: ['%d %b %Y']}"),
        *(
            {"date": m.strftime(style[0]), "time": m.strftime(style[1]), "zone": zone if named else m.strftime("%z")}
            for m in local
        ),
    )
    for row, m in zip(rows, local, strict=True):
        later = m.replace(fold=1 if named else m.fold)  # an hour that occurs twice counts as the second
        assert row["sold_at"] == later.astimezone(SHOP).replace(tzinfo=None)
