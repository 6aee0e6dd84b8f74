"""Files whose dates are written in every way that shops write them."""

from __future__ import annotations

from benchmarks.door.case import COLUMNS, Case, Sale, lines, sale, shop

GROUP = "Dates and times"
HEADER = "ID,Date,Customer,Category,Qty,Total"


def _dated(*dates: str) -> tuple[str, ...]:
    return (HEADER, *(f'{i},"{date}",C7,Toys,1,5.00' for i, date in enumerate(dates, 1)))


def _sales(*moments: str) -> tuple[Sale, ...]:
    return tuple(sale(str(i), moment, "Toys", "1", "5.00") for i, moment in enumerate(moments, 1))


def _case(what: str, dates: tuple[str, ...], moments: tuple[str, ...], contract: str = "", note: str = "") -> Case:
    return Case(GROUP, what, contract or shop(), lines(*_dated(*dates)), _sales(*moments), note=note)


CASES: tuple[Case, ...] = (
    _case(
        "ISO 8601 days and times",
        ("2026-03-01", "2026-03-01T14:05:00", "2026-03-01 14:05"),
        ("2026-03-01", "2026-03-01 14:05:00", "2026-03-01 14:05:00"),
    ),
    _case("day first, proved by one day above 12", ("03/04/2026", "25/04/2026"), ("2026-04-03", "2026-04-25")),
    _case("month first, proved by one day above 12", ("3/4/2026", "4/25/2026"), ("2026-03-04", "2026-04-25")),
    _case(
        "points between day, month and a short year",
        ("03.04.26", "25.04.26"),
        ("2026-04-03", "2026-04-25"),
        shop("dates: {order: dmy}"),
        "A short year may also come first, so the order is declared.",
    ),
    Case(
        GROUP,
        "numeric dates of which none proves the order",
        shop(),
        lines(*_dated("03/04/2026", "05/06/2026")),
        refused="no day is above 12",
        note="Declare `dates: {order: dmy}` or `mdy`.",
    ),
    _case(
        "the same, declared", ("03/04/2026", "05/06/2026"), ("2026-04-03", "2026-06-05"), shop("dates: {order: dmy}")
    ),
    Case(
        GROUP,
        "a declared order that the file contradicts",
        shop("dates: {order: mdy}"),
        lines(*_dated("01/12/2025", "13/12/2025", "20/12/2025")),
        refused="a.csv",
        note="Case 05: both readings are shown.",
    ),
    _case(
        "year, day, month, declared by a format",
        ("2026-31-01", "2026-15-02", "2026-05-03", "2026-07-01"),
        ("2026-01-31", "2026-02-15", "2026-03-05", "2026-01-07"),
        shop('dates: {formats: ["%Y-%d-%m"]}'),
        "Case 03: a declared format wins over ISO 8601.",
    ),
    Case(
        GROUP,
        "year, day, month, not declared",
        shop(),
        lines(*_dated("2026-31-01", "2026-15-02", "2026-05-03")),
        refused="a.csv",
        note="Case 03: rows of the file fit another order only.",
    ),
    Case(
        GROUP,
        "a year of two digits in front, with slashes",
        shop(),
        lines(*_dated("25/01/05", "25/02/15", "25/03/20", "25/12/24")),
        refused="a.csv",
        note="Case 04: as with `25-01-05`, the year may stand at either end.",
    ),
    _case(
        "the same, declared as `%y/%m/%d`",
        ("25/01/05", "25/02/15", "25/12/24"),
        ("2025-01-05", "2025-02-15", "2025-12-24"),
        shop('dates: {formats: ["%y/%m/%d"]}'),
        "Case 04.",
    ),
    _case(
        "the same, declared as `order: ymd`",
        ("25.01.05", "25.12.24"),
        ("2025-01-05", "2025-12-24"),
        shop("dates: {order: ymd}"),
    ),
    _case(
        "offsets from UTC, after a space or a T",
        (
            "2026-04-01 12:39:28 -0400",
            "2026-04-02 02:57:37 +0000",
            "2026-04-02T22:57:37-04:00",
            "2026-04-03 03:00:00 UTC",
        ),
        ("2026-04-01 12:39:28", "2026-04-01 22:57:37", "2026-04-02 22:57:37", "2026-04-02 23:00:00"),
        note="Case 02: an instant, in shop time (New York).",
    ),
    _case(
        "time stamps in UTC and plain days",
        ("2026-06-01", "2026-06-01 03:00:00", "2026-06-02"),
        ("2026-06-01", "2026-05-31 23:00:00", "2026-06-02"),
        shop("dates: {zone: UTC}"),
        "Case 15: a day without a time does not move.",
    ),
    _case(
        "names of months",
        ("5 Mar 2026", "17 Dec 2025"),
        ("2026-03-05", "2025-12-17"),
        shop('dates: {formats: ["%d %b %Y"]}'),
    ),
    _case(
        "weekday and month names in English",
        ("Thu, 05 Mar 2026 10:15",),
        ("2026-03-05 10:15:00",),
        shop('dates: {formats: ["%a, %d %b %Y %H:%M"]}'),
    ),
    _case(
        "names of months in German",
        ("5. März 2026", "17. Dezember 2025"),
        ("2026-03-05", "2025-12-17"),
        shop('dates: {language: de, formats: ["%d. %B %Y"]}'),
    ),
    _case(
        "names of months in French",
        ("5 août 2026", "17 févr. 2026"),
        ("2026-08-05", "2026-02-17"),
        shop('dates: {language: fr, formats: ["%d %B %Y", "%d %b %Y"]}'),
    ),
    _case(
        "names of months in Spanish",
        ("5 de enero de 2026",),
        ("2026-01-05",),
        shop('dates: {language: es, formats: ["%d de %B de %Y"]}'),
    ),
    _case(
        "days as numbers of a spreadsheet",
        ("45992", "46082.5"),
        ("2025-12-01", "2026-03-01 12:00:00"),
        shop("dates: {serial: excel_1900}"),
        "45992 days after 30 December 1899.",
    ),
    _case(
        "seconds since 1970",
        ("1767225600",),
        ("2025-12-31 19:00:00",),
        shop("dates: {serial: unix_seconds}"),
        "2026-01-01 00:00 UTC, in shop time.",
    ),
    _case(
        "morning and afternoon with AM and PM",
        ("1/31/2026 1:05 PM", "1/31/2026 12:10 AM"),
        ("2026-01-31 13:05:00", "2026-01-31 00:10:00"),
    ),
    Case(
        GROUP,
        "a year of two digits in front, with dots",
        shop(),
        lines(*_dated("25.01.05", "25.02.15", "25.03.20", "25.12.24")),
        refused="a.csv",
        note="Case 04: as with slashes.",
    ),
    Case(
        GROUP,
        "a declared format that only some rows fit, while ISO 8601 fits them all",
        shop('dates: {formats: ["%Y-%d-%m"]}'),
        lines(*_dated("2026-01-31", "2026-02-15", "2026-03-20", "2026-12-24")),
        refused="a.csv",
        note="Case 03: both readings are shown.",
    ),
    _case(
        "offsets by a declared format with `%z`",
        ("05/03/2026 10:00:00 +0100", "25/03/2026 23:30:00 Z"),
        ("2026-03-05 04:00:00", "2026-03-25 19:30:00"),
        shop('dates: {formats: ["%d/%m/%Y %H:%M:%S %z"]}'),
    ),
    _case(
        "an hour that daylight saving skips",
        ("2026-03-08 01:59:59", "2026-03-08 02:30:00", "2026-03-08 03:00:00"),
        ("2026-03-08 01:59:59", "2026-03-08 02:30:00", "2026-03-08 03:00:00"),
        note="Shop time as written; the check `local_times_exist` warns.",
    ),
    _case(
        "hours that daylight saving skips and repeats, in another zone",
        ("2026-03-29 02:30:00", "2026-10-25 02:30:00"),
        ("2026-03-28 21:30:00", "2026-10-24 21:30:00"),
        shop("dates: {zone: Europe/Berlin}"),
        "A skipped hour counts as the hour after it, a repeated one as its second time; the check warns.",
    ),
    _case(
        "an instant in the hour that daylight saving repeats",
        ("2026-11-01 05:30:00Z", "2026-11-01 06:30:00Z"),
        ("2026-11-01 01:30:00", "2026-11-01 01:30:00"),
        note="Both hours are 01:30 in New York.",
    ),
    _case(
        "names of months in Polish, Portuguese, Russian and Italian",
        ("5 marca 2026", "17 de dezembro de 2025", "3 мая 2026", "9 agosto 2026"),
        ("2026-03-05", "2025-12-17", "2026-05-03", "2026-08-09"),
        shop('dates: {language: [pl, pt, ru, it], formats: ["%d %B %Y", "%d de %B de %Y"]}'),
    ),
    _case(
        "names of months in Dutch, Swedish and Turkish, abbreviated",
        ("5 mrt 2026", "17 okt. 2025", "3 Ağu 2026"),
        ("2026-03-05", "2025-10-17", "2026-08-03"),
        shop('dates: {language: [nl, sv, tr], formats: ["%d %b %Y"]}'),
    ),
    _case(
        "days as numbers of a spreadsheet of old Macs",
        ("44530", "44620.25"),
        ("2025-12-01", "2026-03-01 06:00:00"),
        shop("dates: {serial: excel_1904}"),
        "Days after 1 January 1904.",
    ),
    _case(
        "milliseconds since 1970",
        ("1767225600000",),
        ("2025-12-31 19:00:00",),
        shop("dates: {serial: unix_milliseconds}"),
    ),
    Case(
        GROUP,
        "days as numbers of a spreadsheet, not declared",
        shop(),
        lines(*_dated("45992", "46082", "2026-03-02")),
        _sales("x", "x", "2026-03-02")[2:],
        rejected={"invalid_date": 2},
        note="What counts days could count anything, so `serial` must say it.",
    ),
    Case(
        GROUP,
        "date and time in two columns",
        shop(columns=COLUMNS.replace("{header: Date}", "{header: Date, time: Time}")),
        lines(
            "ID,Date,Time,Customer,Category,Qty,Total",
            "1,1/5/2026,13:08,C7,Toys,1,5.00",
            "2,1/25/2026,9:30 PM,C7,Toys,1,5.00",
        ),
        (sale("1", "2026-01-05 13:08:00", "Toys", "1", "5.00"), sale("2", "2026-01-25 21:30:00", "Toys", "1", "5.00")),
    ),
    Case(
        GROUP,
        "days that do not exist",
        shop(),
        lines(*_dated("2026-02-30", "2026-02-28")),
        (sale("2", "2026-02-28", "Toys", "1", "5.00"),),
        {"invalid_date": 1},
    ),
)
