"""Month and weekday names of other languages, and dates that are numbers: read where the contract says so."""

from __future__ import annotations

import datetime as dt

import pytest
from babel.dates import format_date, format_datetime
from hypothesis import given, settings
from hypothesis import strategies as st

from retail_assets.contracts.date_languages import date_names
from retail_assets.errors import ContractError
from retail_assets_tests.cleaning.test_parse import PLAIN, contract, one, parsed
from retail_assets_tests.trials import trials

DAY = dt.datetime(2024, 3, 5)
LANGUAGES = [
    *("ar", "bg", "ca", "cs", "da", "de", "el", "en", "es", "et", "eu", "fa", "fi", "fr", "he", "hi", "hr", "hu", "id"),
    *("is", "it", "ja", "kk", "ko", "lt", "lv", "mk", "ms", "nb", "nl", "pl", "pt", "ro", "ru", "sk", "sl", "sr", "sv"),
    *("th", "tr", "uk", "vi", "zh"),
]


@pytest.mark.parametrize(
    ("language", "pattern", "text"),
    [
        ("de", "%d. %B %Y", "5. März 2024"),
        ("de", "%d. %B %Y", "5. MÄRZ 2024"),
        ("de", "%d. %B %Y", "05. Maerz 2024".replace("ae", "a")),
        ("de", "%d. %b %Y", "5. Mrz. 2024"),
        ("de", "%d.%b.%Y", "05.Mär.2024"),
        ("de", "%d. %b. %Y", "05. Mär 2024"),
        ("de", "%A, %d. %B %Y", "Dienstag, 5. März 2024"),
        ("de", "%a %d.%m.%Y", "Di. 05.03.2024"),
        ("de", "%a, %d.%m.%y", "Di, 05.03.24"),
        ("fr", "%d %B %Y", "5 mars 2024"),
        ("fr", "%A %d %B %Y", "mardi 5 mars 2024"),
        ("fr", "%d-%b-%y", "05-mars-24"),
        ("es", "%d de %B de %Y", "5 de marzo de 2024"),
        ("es", "%a %d %b %Y", "mar 5 mar 2024"),
        ("es", "%d/%b/%Y", "05/MAR/2024"),
        ("es", "%d %b. %Y", "5 mar. 2024"),
        ("pt_BR", "%d de %B de %Y", "5 de março de 2024"),
        ("pt-BR", "%d de %B de %Y", "5 de marco de 2024"),
        ("pl", "%d %B %Y", "5 marca 2024"),
        ("pl", "%B %Y, %d", "marzec 2024, 5"),
        ("ru", "%d %B %Y г.", "5 марта 2024 г."),
        ("ru", "%d %b %Y", "5 МАР. 2024"),
        ("tr", "%d %B %Y", "5 MART 2024"),
        ("el", "%d %B %Y", "5 ΜΑΡΤΊΟΥ 2024"),
        ("th", "%d %b %Y", "5 มี.ค. 2024"),
        ("vi", "%d %B %Y", "5 tháng 3 2024"),
        ("zh", "%Y年%B%d日", "2024年3月5日"),
        ("en", "%d %b %Y", "5 March 2024"),
        ("en", "%d-%b-%y", "05-MAR-24"),
        ("[de, fr]", "%d %B %Y", "5 mars 2024"),
    ],
)
def test_months_and_weekdays_have_names_in_the_contracts_language(language: str, pattern: str, text: str) -> None:
    source = contract(f"dates: {{language: {language}, formats: ['{pattern}']}}")
    assert one(source, date=text)["sold_at"] == DAY


@pytest.mark.parametrize(
    ("language", "pattern", "text", "expected"),
    [
        ("tr", "%d %B %Y", "5 KASIM 2023", dt.datetime(2023, 11, 5)),
        ("tr", "%d %B %Y", "5 Aralık 2023", dt.datetime(2023, 12, 5)),
        ("en", "%d %b %Y", "5 Sept 2023", dt.datetime(2023, 9, 5)),
        ("es", "%d/%b/%Y %I:%M %p", "5/mar/2024 2:05 p. m.", dt.datetime(2024, 3, 5, 14, 5)),
        ("es", "%d/%b/%Y %I:%M %p", "5/mar/2024 2:05 p.m.", dt.datetime(2024, 3, 5, 14, 5)),
        ("ko", "%Y. %m. %d. %p %I:%M", "2024. 3. 5. 오후 2:05", dt.datetime(2024, 3, 5, 14, 5)),
        ("zh", "%Y年%m月%d日 %p%I:%M", "2024年3月5日 下午2:05", dt.datetime(2024, 3, 5, 14, 5)),
        ("de", "%d. %B %Y, %H:%M Uhr", "5. März 2024, 14:05 Uhr", dt.datetime(2024, 3, 5, 14, 5)),
        ("de", "%a, %d %b %Y %H:%M %z", "Di, 05 März 2024 14:05 +0100", dt.datetime(2024, 3, 5, 8, 5)),
        ("de", "%d. %B %Y", "31. Februar 2024", None),
        ("de", "%d. %B %Y", "5. mars 2024", None),
        ("de", "%d. %B %Y", "5. Märzen 2024", None),
        ("de", "%d. %B %Y", "Dienstag, 5. März 2024", None),
    ],
)
def test_other_names(language: str, pattern: str, text: str, expected: dt.datetime | None) -> None:
    source = contract(f"dates: {{language: {language}, formats: ['{pattern}']}}")
    assert one(source, date=text)["sold_at"] == expected


@settings(max_examples=trials(60), deadline=None)
@given(
    days=st.lists(st.dates(dt.date(1990, 1, 1), dt.date(2060, 1, 1)), min_size=1, max_size=12),
    language=st.sampled_from(LANGUAGES),
    width=st.sampled_from(["MMM", "MMMM", "LLL", "LLLL"]),
    change=st.sampled_from([str, str.upper, str.lower, str.title, lambda text: text.replace(".", "")]),
)
def test_a_day_written_in_a_language_comes_back(days: list[dt.date], language: str, width: str, change: object) -> None:
    texts = [change(format_date(day, f"d {width} y", locale=language)) for day in days]  # type: ignore[operator]
    texts = [text.translate(str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹", "01234567890123456789")) for text in texts]
    rows = parsed(contract(f"dates: {{language: {language}, formats: ['%d %B %Y']}}"), *({"date": t} for t in texts))
    assert [r["sold_at"] and r["sold_at"].date() for r in rows] == days


@pytest.mark.slow
def test_weekdays_come_back_too() -> None:
    for language in LANGUAGES:
        text = format_datetime(DAY, "EEEE d MMMM y HH:mm", locale=language)
        source = contract(f"dates: {{language: {language}, formats: ['%A %d %B %Y %H:%M']}}")
        digits = text.translate(str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹", "01234567890123456789"))
        assert one(source, date=digits)["sold_at"] == DAY, text


def test_a_name_that_means_two_months_is_refused() -> None:
    with pytest.raises(ContractError, match="is the name of two months in the languages hr, pl"):
        contract("dates: {language: [hr, pl]}")
    with pytest.raises(ContractError, match="'klingon' is not a language"):
        contract("dates: {language: klingon}")
    assert date_names(("de",)).months["marz"] == 3


@pytest.mark.parametrize(
    ("serial", "text", "expected"),
    [
        ("excel_1900", "45296", dt.datetime(2024, 1, 5)),
        ("excel_1900", "45296.0", dt.datetime(2024, 1, 5)),
        ("excel_1900", "45296.5", dt.datetime(2024, 1, 5, 12)),
        ("excel_1900", "45296,354166666667", dt.datetime(2024, 1, 5, 8, 30)),
        ("excel_1900", "45296.999988426", dt.datetime(2024, 1, 5, 23, 59, 59)),
        ("excel_1900", "59", dt.datetime(1900, 2, 28)),
        ("excel_1900", "60", None),
        ("excel_1900", "61", dt.datetime(1900, 3, 1)),
        ("excel_1900", "2024-01-05", dt.datetime(2024, 1, 5)),
        ("excel_1900", "1704450000", None),
        ("excel_1900", "-5", None),
        ("excel_1900", "9999999", None),
        ("excel_1904", "43834", dt.datetime(2024, 1, 5)),
        ("excel_1904", "43834.25", dt.datetime(2024, 1, 5, 6)),
        ("unix_seconds", "1704450000", dt.datetime(2024, 1, 5, 5, 20)),
        ("unix_seconds", "1704450000.25", dt.datetime(2024, 1, 5, 5, 20, 0, 250_000)),
        ("unix_seconds", "1704450000000", None),
        ("unix_seconds", "45296", None),
        ("unix_milliseconds", "1704450000250", dt.datetime(2024, 1, 5, 5, 20, 0, 250_000)),
        ("unix_milliseconds", "1704450000", None),
        ("unix_microseconds", "1704450000250001", dt.datetime(2024, 1, 5, 5, 20, 0, 250_001)),
    ],
)
def test_a_number_counts_what_the_contract_says(serial: str, text: str, expected: dt.datetime | None) -> None:
    assert one(contract(f"dates: {{serial: {serial}}}"), date=text)["sold_at"] == expected
    if text.replace(".", "").isdigit():
        assert one(PLAIN, date=text)["reasons"] == ["invalid_date"]  # never guessed


def test_a_whole_number_of_days_is_a_day_and_does_not_move_with_the_zone() -> None:
    source = contract("dates: {serial: excel_1900, zone: UTC}")
    assert one(source, date="45296")["sold_at"] == dt.datetime(2024, 1, 5)
    assert one(source, date="45296.125")["sold_at"] == dt.datetime(2024, 1, 4, 22)


@settings(max_examples=trials(60), deadline=None)
@given(
    moments=st.lists(st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2100, 1, 1)), min_size=1, max_size=10),
    base=st.sampled_from([("excel_1900", dt.datetime(1899, 12, 30)), ("excel_1904", dt.datetime(1904, 1, 1))]),
)
def test_a_moment_counted_in_days_comes_back(moments: list[dt.datetime], base: tuple[str, dt.datetime]) -> None:
    serial, first = base
    seconds = [m.replace(microsecond=m.microsecond // 1000 * 1000) for m in moments]
    texts = [repr((m - first) / dt.timedelta(days=1)) for m in seconds]
    rows = parsed(contract(f"dates: {{serial: {serial}}}"), *({"date": t} for t in texts))
    assert [r["sold_at"] for r in rows] == seconds
