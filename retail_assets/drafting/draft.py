"""A contract drafted from files: what they show, with the evidence; what they do not, as a question.

Every guess is a comment in the draft. What a file cannot show has an answer of the caller, a default that is safe, or
none, and then the draft does not load before it is answered.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from retail_assets.contracts import open_questions
from retail_assets.contracts.currency_signs import signs_of
from retail_assets.contracts.header_names import normalize_header
from retail_assets.contracts.loading import parse
from retail_assets.contracts.model import Contract
from retail_assets.contracts.sections import FieldRule
from retail_assets.drafting.dry_run import DryRun, dry_run
from retail_assets.drafting.evidence import Column, Dates, Numbers, is_missing, numbers_in
from retail_assets.drafting.identity import Identity, identity_of
from retail_assets.drafting.money_columns import MoneyColumns, money_columns
from retail_assets.drafting.raw_table import RawTable, read_table
from retail_assets.drafting.roles import is_no_sale, is_perhaps_no_sale, roles_of
from retail_assets.errors import ContractError, LandingError, RetailError

ANSWER = open_questions.MARK
PROBLEM = "# PROBLEM:"
_TODAY_ZONE = "UTC"
_MOST_COLUMNS = 1000  # that are looked at
_MOST_IGNORED = 200  # that are listed by name
_COUNTRY_OF = {
    "USD": ("US", "America/New_York"), "GBP": ("GB", "Europe/London"), "INR": ("IN", "Asia/Kolkata"),
    "JPY": ("JP", "Asia/Tokyo"), "CNY": ("CN", "Asia/Shanghai"), "BRL": ("BR", "America/Sao_Paulo"),
    "CAD": ("CA", "America/Toronto"), "AUD": ("AU", "Australia/Sydney"), "CHF": ("CH", "Europe/Zurich"),
    "PLN": ("PL", "Europe/Warsaw"), "TRY": ("TR", "Europe/Istanbul"), "MXN": ("MX", "America/Mexico_City"),
    "SEK": ("SE", "Europe/Stockholm"), "NOK": ("NO", "Europe/Oslo"), "DKK": ("DK", "Europe/Copenhagen"),
    "KRW": ("KR", "Asia/Seoul"), "THB": ("TH", "Asia/Bangkok"), "IDR": ("ID", "Asia/Jakarta"),
    "EUR": ("DE", "Europe/Berlin"), "ZAR": ("ZA", "Africa/Johannesburg"), "CZK": ("CZ", "Europe/Prague"),
    "HUF": ("HU", "Europe/Budapest"), "RON": ("RO", "Europe/Bucharest"), "RUB": ("RU", "Europe/Moscow"),
    "UAH": ("UA", "Europe/Kyiv"), "ILS": ("IL", "Asia/Jerusalem"), "PHP": ("PH", "Asia/Manila"),
    "MYR": ("MY", "Asia/Kuala_Lumpur"), "VND": ("VN", "Asia/Ho_Chi_Minh"), "NGN": ("NG", "Africa/Lagos"),
    "AED": ("AE", "Asia/Dubai"), "SAR": ("SA", "Asia/Riyadh"), "PKR": ("PK", "Asia/Karachi"),
    "TWD": ("TW", "Asia/Taipei"),
}  # fmt: skip
_LONGEST_EXAMPLE = 40
#: The name of a time zone behind the time of day in a format, where it is only text.
_ZONE_NAME = re.compile(r"%[MSfp][^%]*?\b([A-Z]{2,5}(?:[+-]\d+)?|[A-Z][a-z]+/[A-Z]\w+)\b")
_SINCE = {unit: " since 1970 in UTC" for unit in ("seconds", "milliseconds", "microseconds")}
_OPTIONAL = ("customer_id", "product_id", "store_id", "gender", "age", "age_group")


@dataclass(frozen=True)
class Question:
    """What a file does not show. `key` names the answer; `default` is used until then, None if there is no safe one."""

    key: str
    text: str
    default: str | None


@dataclass(frozen=True)
class Draft:
    """A drafted contract as YAML, the open questions, and the dry run of its files; None if it could not be checked.

    `columns` says what each canonical column is read from, with an example; `evidence` is what the file shows.
    `problems` are why the files do not load with it, in words.
    """

    text: str
    questions: tuple[Question, ...]
    checked: DryRun | None
    columns: tuple[tuple[str, str], ...] = ()
    evidence: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass
class _Writer:
    """Collects the lines of the YAML and the questions."""

    answers: Mapping[str, str]
    lines: list[str] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    columns: list[tuple[str, str]] = field(default_factory=list)
    evidence: list[str] = field(default_factory=list)

    def note(self, text: str, indent: str = "") -> None:
        text = _one_line(text)
        self.lines.append(f"{indent}# {text}.")
        self.evidence.append(text)

    def ask(self, text: str, indent: str = "") -> None:
        """Mark something that has a safe default, in words."""
        text = _one_line(text)
        self.lines.append(f"{indent}{ANSWER} {text}")
        self.questions.append(Question("", text, ""))

    def answered(self, key: str, text: str, default: str | None) -> str:
        """Return the answer to a question or its default, `ANSWER` without either."""
        if key in self.answers:
            return self.answers[key]
        text = _one_line(text)
        self.questions.append(Question(key, text, default))
        self.lines.append(f"{ANSWER} {text}")
        return "ANSWER" if default is None else default


def draft(files: Sequence[Path], answers: Mapping[str, str], landed_on: dt.date) -> Draft:
    """Draft a contract from files of one kind, and check it with a dry run.

    `answers` may have `name`, `currency`, `country`, `timezone` and `order` (of day and month).

    Raises LandingError for a file in which no table of sales is found, or files of different columns.
    """
    table = _read(files)
    first = _written(table, files, answers, dt.date(2000, 1, 1))
    checked, problem = _checked(first.text(), files, landed_on)
    begin = min(checked.first_day or landed_on, landed_on) if checked else dt.date(2000, 1, 1)
    page = _written(table, files, answers, begin)
    if problem:
        page.writer.lines += ["", f"{PROBLEM} the file does not load with this draft:", *(f"#   {t}" for t in problem)]
    elif checked:
        checked, _ = _checked(page.text(), files, landed_on)
        page.writer.lines += _verdict(checked) if checked else []
        problem = [checked.refused] if checked and checked.refused else []
    w = page.writer
    return Draft(page.text(), tuple(w.questions), checked, tuple(w.columns), tuple(w.evidence), tuple(problem))


def _read(files: Sequence[Path]) -> RawTable:
    tables = [read_table(file) for file in files]
    table = tables[0]
    for other, path in zip(tables[1:], files[1:], strict=True):
        if list(map(normalize_header, other.header)) != list(map(normalize_header, table.header)):
            raise LandingError(f"{path} has other columns than {files[0]}. Draft one contract per kind of file.")
        table.rows.extend(other.rows)
    return table


def _checked(text: str, files: Sequence[Path], landed_on: dt.date) -> tuple[DryRun | None, list[str]]:
    """Return the dry run of the files with a draft, or the lines of what is wrong with it."""
    try:
        return dry_run(files, parse(text, "the draft"), landed_on), []
    except ContractError as e:
        if ": ANSWER" in text:  # waits for an answer
            return None, []
        return None, str(e).splitlines()
    except RetailError as e:
        return None, str(e).splitlines()


def _verdict(checked: DryRun) -> list[str]:
    counts = ", ".join(f"{number:,} {status}" for status, number in checked.rows.items() if number)
    lines = ["", f"# Checked with the drafted file: {counts}; sold from {checked.first_day} to {checked.last_day}."]
    for why in checked.rejected:
        lines.append(f"#   {why.reason}: {why.rows:,} rows, the first on line {why.line}")
    if checked.refused:
        lines.append(f"{PROBLEM} the file would not be loaded: {_one_line(checked.refused)}")
    return lines


@dataclass
class _Page:
    writer: _Writer

    def text(self) -> str:
        return "\n".join(self.writer.lines) + "\n"


def _written(table: RawTable, files: Sequence[Path], answers: Mapping[str, str], begin: dt.date) -> _Page:
    counts = Counter(normalize_header(h) for h in table.header)
    columns = [
        Column(name.strip(), i, tuple(table.column(i)))
        for i, name in enumerate(table.header[:_MOST_COLUMNS])
        if normalize_header(name) and counts[normalize_header(name)] == 1
    ]
    repeated = [name for name in dict.fromkeys(h.strip() for h in table.header) if counts[normalize_header(name)] > 1]
    roles = roles_of(columns)
    if "sold_at" not in roles:
        raise LandingError(
            f"{table.name}: no column looks like a date of sale. Headers: "
            f"{', '.join(h for h in table.header if h)[:500]}. Write the contract by hand (docs/contracts.md)."
        )
    filled = _fill_down(columns, roles)
    roles = {role: filled.get(column.index, column) for role, column in roles.items()}
    numeric = [roles[r] for r in ("quantity", "unit_price", "total_amount", "discount", "tax") if r in roles]
    marks = numbers_in(sum((Counter(c.counts) for c in numeric), Counter()))
    money_marks = numbers_in(
        sum((Counter(roles[r].counts) for r in ("unit_price", "total_amount") if r in roles), Counter())
    )
    money = money_columns(roles, marks, roles.get("order_id"))
    w = _Writer(answers)
    rows = f"{len(table.rows):,} rows" + (" (the file has more)" if table.cut else "")
    w.lines += [
        f"# Drafted from {', '.join(f.name for f in files)}, {rows}. Read it, answer what is marked `{ANSWER}`",
        "# and delete the mark, then:",
        "#   retail-assets contract check FILE --contract THIS_FILE",
        f"name: {answers.get('name') or _name(files[0])}",
    ]
    if named := [name for name in repeated if name]:
        w.ask(f"the header {', '.join(named[:5])} stands more than once, so none of these columns is read: rename them")
    currency = _place(w, table, roles, money_marks)
    w.lines.append(f"start_date: {begin}  # the first day that may have a landing")
    _file(w, table, filled)
    _dates(w, roles["sold_at"])
    _numbers(w, marks, money_marks, money, currency)
    used = _columns(w, roles, money)
    _rows(w, roles)
    if "currency" in roles:
        w.note(f"{roles['currency'].name}: rows in another currency are rejected; with a rate they are converted")
        w.lines.append(f"currencies: {{column: {_q(roles['currency'].name)}}}")
        used.add(roles["currency"].index)
    if money.refunds:
        w.note("Amounts below zero with a quantity above zero: they are refunds")
        w.lines.append("refunds: negative_amount")
    left = [h.strip() for i, h in enumerate(table.header) if i not in used and normalize_header(h)]
    if len(left) > _MOST_IGNORED:
        w.note(f"{len(left):,} columns are not read")
        w.lines.append("unknown_columns: ignore")
    elif left:
        w.lines.append("# Columns that are not read.")
        w.lines.append(f"ignore_columns: [{', '.join(map(_q, dict.fromkeys(left)))}]")
    return _Page(w)


def _one_line(text: str) -> str:
    """Return a text without line breaks: in a comment, a header of two lines would become YAML."""
    return " ".join(text.split())


def _name(file: Path) -> str:
    name = re.sub(r"[^a-z0-9]+", "_", file.name.split(".")[0].lower()).strip("_")[:40]
    return name if re.match(r"[a-z]", name) else f"shop_{name}".rstrip("_")


def _q(text: str) -> str:
    """Return a text as YAML reads it back, in quotes where needed."""
    plain = re.fullmatch(r"[A-Za-z][\w /()+.-]*[\w)]|[A-Za-z]", text)
    words = text.lower() in ("y", "n", "yes", "no", "on", "off", "true", "false", "null")
    return text if plain and not words else json.dumps(text, ensure_ascii=False)


def _by_language(currencies: Sequence[str], table: RawTable) -> str | None:
    """Return the one of some currencies that the script of the headers or the encoding suggests; None if none."""
    text = "".join(table.header) + "".join("".join(row) for row in table.rows[:100])
    kana = any("\u3040" <= letter <= "\u30ff" for letter in text) or table.encoding == "shift_jis"
    chinese = any("\u4e00" <= letter <= "\u9fff" for letter in text) and not kana
    swedish = any(letter in text for letter in "äÄöÖ")
    spoken = "JPY" if kana else "CNY" if chinese else "SEK" if swedish else ""
    return spoken if spoken in currencies else None


def _place(w: _Writer, table: RawTable, roles: dict[str, Column], marks: Numbers) -> str:
    """Write currency, country and time zone; return the currency."""
    currency = None
    if "currency" in roles:
        codes = Counter(t.upper() for t in roles["currency"].given)
        currency = codes.most_common(1)[0][0]
        w.note(f"{roles['currency'].name} is {', '.join(f'{c} in {n:,} rows' for c, n in codes.most_common(5))}")
    elif marks.signs:
        sign = marks.signs.most_common(1)[0][0]
        fitting = [c for c in ("USD", "EUR", "GBP", *sorted(_COUNTRY_OF)) if sign.upper() == c or sign in signs_of(c)]
        currency = fitting[0] if fitting else None
        others = [code for code in _COUNTRY_OF if sign in signs_of(code) and code != currency]
        if currency and sign == "$":
            currency = w.answered("currency", "is $ the US dollar? Other dollars have the same sign", "USD")
        elif currency and others:
            spoken = _by_language(fitting, table) or currency
            others = [code for code in (currency, *others) if code != spoken]
            currency = w.answered("currency", f"is {sign} {spoken}? {', '.join(others)} has the same sign", spoken)
        elif currency:
            w.note(f"Amounts have the sign {sign}")
    else:
        money = [roles[r].name for r in ("total_amount", "unit_price") if r in roles]
        named = [c for c in _COUNTRY_OF for m in money if re.search(rf"\b{c}\b", m.upper())]
        currency = named[0] if named else None
        if currency:
            w.note(f"The header names {currency}")
    country = _country(roles)
    if currency is None:
        likely = next((c for c, (code, _) in _COUNTRY_OF.items() if code == country), None)
        likely = likely or _by_language(("JPY",), table) or "XXX"
        asked = "which currency is the money in? No column, sign or header names it"
        currency = w.answered("currency", asked, likely)
    currency = w.answers.get("currency", currency)
    w.lines.append(f"currency: {currency}")
    usual, zone = _COUNTRY_OF.get(currency, ("US", _TODAY_ZONE))
    if country and country != usual:
        zone = next((z for code, z in _COUNTRY_OF.values() if code == country), _TODAY_ZONE)
    if country and "country" not in w.answers:
        w.note(f"{roles['country'].name} is nearly always {roles['country'].counts.most_common(1)[0][0]}")
    else:
        country = w.answered("country", "which country's holidays are those of the shop?", usual)
    w.lines.append(f"country: {country}")
    zone = w.answered("timezone", "what is the shop's time zone?", zone)
    w.lines.append(f"timezone: {zone}")
    return currency


def _country(roles: dict[str, Column]) -> str | None:
    """Return the country that a column names in nearly all rows (ISO 3166); None if there is none."""
    from babel import Locale

    column = roles.get("country")
    if column is None or not column.given:
        return None
    name, rows = column.counts.most_common(1)[0]
    if rows < 0.9 * len(column.texts):
        return None
    if re.fullmatch(r"[A-Z]{2}", name):
        return name
    usual = {"usa": "US", "uk": "GB", "u.s.a.": "US", "england": "GB"}
    names = {text.lower(): code for code, text in Locale("en").territories.items() if re.fullmatch(r"[A-Z]{2}", code)}
    return (names | usual).get(name.lower())


def _file(w: _Writer, table: RawTable, filled: dict[int, Column]) -> None:
    parts = []
    if table.encoding:
        if not table.certain:
            w.ask(f"the bytes fit {table.encoding}, but not only that: are the names in `contract check` right?")
        parts.append(f"encoding: {table.encoding}")
    if table.skipped and table.format in ("csv", "xlsx"):
        w.note(f"{table.skipped} line(s) above the header")
        parts.append(f"skip_top: {table.skipped}")
    if table.totals:
        w.note(f"{table.totals} line(s) of totals at the end")
        parts.append(f"skip_bottom: {table.totals}")
    if len(table.sheets) > 1:
        w.ask(f"the sheet with most rows is read; sheets with rows: {', '.join(table.sheets)}")
        parts.append(f"sheet: {_q(table.sheet or '')}")
    if filled:
        w.note("Later lines of an order leave its columns blank, which means the value of the line above")
        parts.append(f"fill_down: [{', '.join(_q(c.name) for c in filled.values())}]")
    if parts:
        w.lines.append(f"file: {{{', '.join(parts)}}}")


def _fill_down(columns: list[Column], roles: dict[str, Column]) -> dict[int, Column]:
    """Return the columns that only the first line of an order has, filled, with the order's own column first."""
    order = roles.get("order_id")
    if order is None or len(order.counts) == len(order.given):
        return {}
    names = ["sold_at", "customer_id", "currency", "store_id", *(["status"] if "rows" in Contract.model_fields else [])]
    fillable = [roles[r] for r in names if r in roles]
    starts = [i for i, text in enumerate(order.texts) if i == 0 or (text and text != order.texts[i - 1])]
    first = set(starts)
    later = [i for i in range(len(order.texts)) if i not in first]
    blank = [
        c
        for c in fillable
        if c is not order and later and sum(not c.texts[i] for i in later) >= 0.9 * len(later) and c.given
    ]
    if roles["sold_at"] not in blank:
        return {}
    chosen = [order, *blank]
    filled = {}
    for column in chosen:
        texts, last = [], ""
        for i, text in enumerate(column.texts):
            last = text if text or i in first else last
            texts.append(last)
        filled[column.index] = Column(column.name, column.index, tuple(texts))
    return filled


def _dates(w: _Writer, column: Column) -> None:
    dates: Dates = column.dates_of_sale
    parts = []
    if dates.serial:
        unit = dates.serial.replace("_", " ").replace("excel 1900", "days of a spreadsheet").replace("unix ", "")
        w.ask(f"{column.name} has numbers such as {dates.example}: they are read as {unit}{_SINCE.get(unit, '')}")
        parts.append(f"serial: {dates.serial}")
    elif dates.formats and dates.order == "either":
        first, other = (
            ", ".join(json.dumps(f, ensure_ascii=False) for f in fs) for fs in (dates.formats, dates.month_first)
        )
        order = w.answered(
            "order",
            f"is {dates.example!r} in {column.name} day/month (dmy: `formats: [{first}]`) or month/day (mdy: "
            f"`formats: [{other}]`)? No date of the file proves it",
            None,
        )
        parts += [f"language: {dates.language}"] if dates.language else []
        chosen = {"dmy": first, "mdy": other}.get(order, "ANSWER")
        parts.append(f"formats: [{chosen}]")
    elif dates.formats:
        w.note(f"{column.name}: {dates.share:.1%} of the dates are such as {dates.example}")
        if dates.language:
            w.note(f"Names of months, days or halves of the day are in the language {dates.language}")
            parts.append(f"language: {dates.language}")
        parts.append(f"formats: [{', '.join(json.dumps(f, ensure_ascii=False) for f in dates.formats)}]")
        if dates.formats[0].startswith(("%Y-%d", "%Y/%d")):
            w.note("The second number is above 12 in some dates, and the third never: year, day, month")
    elif dates.order == "either":
        order = w.answered(
            "order",
            f"is {dates.example!r} in {column.name} day/month/year (dmy), month/day/year (mdy) or year/month/day "
            "(ymd)? No date of the file proves it",
            None,
        )
        parts.append(f"order: {order}")
    elif dates.order:
        meaning = {"dmy": "the day", "mdy": "the month", "ymd": "the year"}[dates.order]
        w.note(f"{column.name}: dates such as {dates.example}; the whole file proves that {meaning} comes first")
        if not any(re.match(r"\d{4}-", text) for text in column.counts):  # beside such dates, inspection looks closer
            parts.append(f"order: {dates.order}")
    if zone := next((m for f in (*dates.formats, *dates.month_first) if (m := _ZONE_NAME.search(f))), None):
        w.ask(f"the times end in {zone[1]}, which is not read: they count as the shop's time. Is that its zone?")
    if dates.offsets:
        w.note(f"{column.name} states its offset from UTC, so it is turned into shop time")
    elif dates.timed and re.search(r"\bUTC\b", column.name):
        w.note(f"{column.name} is in UTC by its header")
        parts.append("zone: UTC")
    if parts:
        w.lines.append(f"dates: {{{', '.join(parts)}}}")


def _numbers(w: _Writer, marks: Numbers, money_marks: Numbers, money: MoneyColumns, currency: str) -> None:
    parts = []
    decimal, thousands = marks.decimal, marks.thousands
    if marks.either and decimal is None:
        other = "," if marks.either == "." else "."
        decimal, thousands = other, marks.either
        w.ask(f"is the mark {marks.either!r} in numbers between thousands? It is taken so; no number proves it")
    if decimal == ",":
        w.note("Numbers have a decimal comma")
        parts.append('decimal: ","')
    if thousands and thousands != (decimal or "."):
        parts.append(f"thousands: {json.dumps(thousands)}")
    if marks.indian:
        parts.append("grouping: indian")
    usual = signs_of(currency)
    unknown = [sign for sign in money_marks.signs if sign not in usual and sign.upper() != currency]
    foreign = [sign for sign in unknown if sign.upper() in _COUNTRY_OF or any(sign in signs_of(c) for c in _COUNTRY_OF)]
    own = [sign for sign in unknown if sign not in foreign]
    if foreign:
        w.ask(f"amounts with the sign {', '.join(foreign)} are in another currency than {currency}: they are rejected")
    if own:
        w.ask(f"does the sign {', '.join(own)} stand for {currency}? It is taken so")
        signs = [*(sign for sign in money_marks.signs if sign in usual), *own]
        parts.append(f"currency_symbols: [{', '.join(json.dumps(sign, ensure_ascii=False) for sign in signs)}]")
    negatives = [n for n, there in (("brackets", marks.brackets), ("trailing", marks.trailing)) if there]
    if negatives:
        w.note("Some amounts below zero are written in brackets or with the minus behind")
        parts.append(f"negatives: [{', '.join(negatives)}]")
    if money.rounds:
        w.note("Some amounts have fractions of a cent; they are rounded")
        parts.append("round: cents")
    if parts:
        w.lines.append(f"numbers: {{{', '.join(parts)}}}")


def _columns(w: _Writer, roles: dict[str, Column], money: MoneyColumns) -> set[int]:
    """Write the section `columns`; return the indexes of the columns that are read."""
    used: set[int] = set()

    def line(name: str, column: Column, *more: str) -> None:
        used.add(column.index)
        w.lines.append(f"  {name}: {{{', '.join((f'header: {_q(column.name)}', *more))}}}")
        example = f", such as {column.given[0][:_LONGEST_EXAMPLE]}" if column.given else ""
        w.columns.append((name, _one_line(f"{column.name}{example}")))

    identity = identity_of(roles)
    w.lines.append("columns:")
    if identity is None:
        raise LandingError("No column identifies a row, and none can be composed. Write the contract by hand.")
    _identity(w, identity)
    used |= {c.index for c in identity.columns}
    order = roles.get("order_id") or (roles.get("transaction_id") if len(identity.columns) > 1 else None)
    if order and [order] != list(identity.columns):
        if len(order.given) < len(order.texts):
            w.note(f"{order.name} is empty in some rows, so orders are not read", "  ")
        else:
            line("order_id", order)
    clock = roles.get("clock")
    if clock and not roles["sold_at"].dates_of_sale.timed:
        used.add(clock.index)
        line("sold_at", roles["sold_at"], f"time: {_q(clock.name)}")
    else:
        line("sold_at", roles["sold_at"])
    for name in _OPTIONAL[:2]:
        if name in roles:
            line(name, roles[name])
    if category := roles.get("product_category"):
        if len(category.given) < len(category.texts):
            line("product_category", category, "default: UNKNOWN")
        else:
            line("product_category", category)
        if len(category.counts) > 200:
            w.ask(f"{category.name} has {len(category.counts):,} values: is there a coarser category?", "  ")
    else:
        w.ask("no column looks like a category of products, so all sales have the same", "  ")
        w.lines.append('  product_category: {header: Category, default: "All products"}')
    if money.quantity:
        empty = len(money.quantity.given) < len(money.quantity.texts)
        line("quantity", money.quantity)
        if empty:
            w.ask(f"{money.quantity.name} is empty in some rows, which are rejected; `default: 1` counts one", "  ")
    else:
        w.note("The file has no quantity: each row counts as one piece", "  ")
        w.lines.append("  quantity: {header: Quantity, default: 1}")
    for note in money.notes:
        w.note(note, "  ")
    for ask in money.asks:
        w.ask(ask, "  ")
    if money.price:
        line("unit_price", money.price)
    if money.amount:
        line("total_amount", money.amount)
    elif money.expression and "expression" in FieldRule.model_fields:
        w.lines.append(f"  # With the discount: total_amount: {{expression: {json.dumps(money.expression)}}}")
    for name in _OPTIONAL[2:]:
        if name in roles:
            line(name, roles[name])
    return used


def _identity(w: _Writer, identity: Identity) -> None:
    w.note(identity.why, "  ")
    w.columns.append(("transaction_id", _one_line(" + ".join(c.name for c in identity.columns))))
    if len(identity.columns) == 1 and not identity.occurrence:
        w.lines.append(f"  transaction_id: {{header: {_q(identity.columns[0].name)}, required: true}}")
        return
    parts = [
        f'{{header: {_q(c.name)}, default: "-"}}' if any(map(is_missing, c.texts)) else _q(c.name)
        for c in identity.columns
    ]
    more = ", occurrence: true" if identity.occurrence else ""
    w.lines.append(f"  transaction_id: {{compose: [{', '.join(parts)}], required: true{more}}}")


def _rows(w: _Writer, roles: dict[str, Column]) -> None:
    """Propose which rows are no sales, by their status."""
    status = roles.get("status")
    if status is None:
        return
    words = [t for t, _ in status.counts.most_common(30)]
    dropped = [t for t in words if is_no_sale(t)]
    perhaps = [t for t in words if t not in dropped and is_perhaps_no_sale(t)]
    if not dropped and not perhaps:
        return
    counted = ", ".join(f"{t} {status.counts[t]:,}" for t in words[:12])
    w.note(f"{status.name}: {counted}")
    if perhaps:
        w.ask(f"are rows with the {status.name} {', '.join(perhaps)} sales? They are counted as such")
    if dropped and "rows" in Contract.model_fields:
        values = ", ".join(map(_q, dropped))
        w.lines.append(f"rows: {{drop: {{no_sale: {{column: {_q(status.name)}, in: [{values}]}}}}}}")
    elif dropped:
        w.ask(
            f"rows with the {status.name} {', '.join(dropped)} are no sales, but are counted: remove them from the file"
        )
