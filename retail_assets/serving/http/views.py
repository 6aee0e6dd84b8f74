"""What each web page shows, from the predictor: texts, tables and drawings. How it looks is in `pages/`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from retail_assets.serving import schema
from retail_assets.serving.errors import ServingError, UnknownCustomerError
from retail_assets.serving.http.drawings import drawing
from retail_assets.serving.predictor import Predictor
from retail_assets.serving.results import Forecast, Profile, Segment
from retail_assets.wording.forecast_models import in_words
from retail_assets.wording.formats import day, money, percent, plural, span

Given = Mapping[str, str]
_ALL = "All categories"
_NONE = "–"
_MOST_LANDINGS = 60


@dataclass(frozen=True)
class Table:
    """A table: `numbers` are the places of the columns that are aligned right."""

    caption: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: frozenset[int] = frozenset()
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class View:
    """A page: the template, the title, what the template shows, and what the reader should know first."""

    template: str
    title: str
    content: Mapping[str, Any] = field(default_factory=dict)
    problem: str | None = None
    status: int = 200


def forecast(predictor: Predictor, given: Given) -> View:
    """The forecast of a category with its intervals."""
    categories = [each for each in predictor.categories() if each.has_forecast]
    choices = [(each.name, _ALL if each.name == schema.TOTAL else each.name) for each in categories]
    asked = given.get("category") or schema.TOTAL
    try:
        found = predictor.forecast(asked)
    except ServingError as e:
        nothing = {"choices": choices, "chosen": "", "numbers": (), "drawing": None, "days": None}
        return View("forecast.html.j2", "Forecast", nothing, str(e), e.status)
    currency = found.provenance.currency
    first, last = found.days[0].day, found.days[-1].day
    numbers = [
        (f"Expected revenue, {span(first, last)}", money(found.revenue, currency)),
        *([] if found.units is None else [("Expected units", f"{found.units:,.0f}")]),
        ("Made by", in_words(found.method)),
    ]
    content = {
        "choices": choices,
        "chosen": found.category,
        "numbers": numbers,
        "drawing": drawing(predictor.rows(schema.PICTURE), "forecast", found.category),
        "days": _days(found, currency),
    }
    return View("forecast.html.j2", "Forecast", content)


def _days(found: Forecast, currency: str) -> Table:
    rows = [
        (
            f"{each.day:%a} {day(each.day)}",
            money(each.revenue, None),
            money(each.low, None),
            money(each.high, None),
            money(each.as_last_week, None),
            _NONE if each.units is None else f"{each.units:,.0f}",
        )
        for each in found.days
    ]
    what = "day" if found.step_days == 1 else "week"
    return Table(
        f"Revenue by {what}, {currency}",
        ("Day" if what == "day" else "Week to", "Forecast", "Likely from", "To", "As last week", "Units"),
        rows,
        frozenset(range(1, 6)),
        (
            f"Likely from, to: the {percent(found.coverage, 0)} prediction interval. The intervals of single {what}s "
            "do not add up, so the sum has none.",
            "As last week: what the same weekdays brought in the last week of sales.",
        ),
    )


def stock(predictor: Predictor, given: Given) -> View:
    """What to have in stock."""
    currency = predictor.provenance().currency
    advice = predictor.stock()
    rows = [
        (
            str(each.get("category", _NONE)),
            "more than usual" if each.get("stock_up") else "as usual",
            _span(each.get("first_day"), each.get("last_day")),
            _money(each.get("expected_revenue"), currency),
            _count(each.get("expected_units")),
            _day(each.get("strongest_day")),
        )
        for each in advice
    ]
    heads = ("Category", "Have in stock", "Strongest week", "Expected revenue", "Expected units", "Strongest day")
    week = Table("What to have in stock", heads, rows, frozenset({3, 4}))
    content = {
        "week": week,
        "advice": [str(each["text"]) for each in advice if each.get("text")],
        "drawing": drawing(predictor.rows(schema.PICTURE), "categories", schema.TOTAL),
    }
    return View("stock.html.j2", "What to stock", content)


def customers(predictor: Predictor, given: Given) -> View:
    """The segments; or one customer's, and why."""
    asked = given.get("id", "").strip()
    if asked:
        try:
            return _customer(predictor, predictor.segment(asked))
        except ServingError as e:
            problem = (
                "No customer with a segment has this id. Ids must match exactly."
                if isinstance(e, UnknownCustomerError)
                else str(e)
            )
            view = _personas(predictor, asked)
            return View(view.template, view.title, view.content, problem, e.status)
    return _personas(predictor, "")


def _personas(predictor: Predictor, asked: str) -> View:
    provenance = predictor.provenance()
    personas = predictor.personas()
    rows = [
        (
            each.persona,
            f"{each.customers:,}",
            _share(each.numbers.get("customers_share")),
            money(float(each.revenue), provenance.currency),
            _share(each.numbers.get("revenue_share")),
            _count(each.numbers.get("median_frequency")),
            _basket(each.numbers, provenance.currency),
        )
        for each in personas
    ]
    heads = (
        "Segment",
        "Customers",
        "Share of customers",
        "Revenue in the window",
        "Share of revenue",
        "Typical purchases",
        "Typical basket",
    )
    advice = [predictor.recommendations(each.persona) for each in personas]
    content = {
        "asked": asked,
        "customer": None,
        "drawing": drawing(predictor.rows(schema.PICTURE), "segments", schema.TOTAL),
        "personas": Table("Segments", heads, rows, frozenset(range(1, 7)), (_TYPICAL,)),
        "actions": [(each.persona, each.action) for each in advice if each.action],
        "notes": advice[0].notes if advice else (),
    }
    return View("customers.html.j2", "Customers", content)


_TYPICAL = "Typical: the median of the segment, of each number by itself."


def _customer(predictor: Predictor, found: Segment) -> View:
    currency = found.provenance.currency
    profile = next((each for each in predictor.personas() if each.persona == found.persona), None)
    numbers = [
        *([] if found.confidence is None else [("Confidence", percent(found.confidence, 0))]),
        ("Last purchase", day(found.last_sale_date)),
        *([("Focuses on", found.favorite_category)] if found.favorite_category else []),
        *([("Also", ", ".join(found.tags))] if found.tags else []),
        *(
            [(f"On {day(found.previous_snapshot)}", found.previous_persona)]
            if found.previous_persona and found.previous_snapshot
            else []
        ),
    ]
    by_cluster = (
        "Compared with all customers, their number of purchases, their money and their average basket are nearest to "
        "this segment's. The confidence is the probability that they belong to it and not to another."
    )
    by_rule = "A rule decides for customers like this one, not the grouping of customers by their purchases."
    content = {
        "asked": found.customer_id,
        "customer": found,
        "numbers": numbers,
        "why": by_cluster if found.decided_by == "cluster" else by_rule,
        "compared": _compared(found, profile, currency),
        "advice": predictor.recommendations(found.persona) if profile else None,
    }
    return View("customers.html.j2", "Customers", content)


def _compared(found: Segment, profile: Profile | None, currency: str) -> Table:
    typical = profile.numbers if profile else {}
    silent = (found.snapshot_date - found.last_sale_date).days
    rows = [
        ("Purchases in the window", f"{found.frequency:,}", _count(typical.get("median_frequency"))),
        (
            "Money in the window, net of returns",
            money(float(found.monetary), currency),
            _money(typical.get("median_monetary"), currency),
        ),
        (
            "Average basket",
            money(found.average_basket, currency) if found.frequency else _NONE,
            _basket(typical, currency),
        ),
        ("Days since the last purchase", f"{silent:,}", _count(typical.get("median_recency_days"))),
    ]
    heads = ("What", "This customer", "Typical of the segment")
    return Table("The numbers behind it", heads, rows, frozenset({1, 2}), (_TYPICAL,))


def rejected(predictor: Predictor, given: Given) -> View:
    """Rows that were rejected, by reason."""
    currency = predictor.provenance().currency
    landings = predictor.rows(schema.LANDING)
    clean, bad = sum(row["clean"] for row in landings), sum(row["rejected"] for row in landings)
    reasons = sorted(predictor.rows(schema.QUARANTINE), key=lambda row: (-row["lines"], row["reason"]))
    by_reason = [
        (
            row["reason"].replace("_", " "),
            f"{row['lines']:,}",
            _money(row["amount"], currency),
            f"{row['without_amount']:,}",
            _span(row["first_landed"], row["last_landed"]),
        )
        for row in reasons
    ]
    by_landing = [
        (_day(row["landed_on"]), f"{row['clean']:,}", f"{row['rejected']:,}", _part(row["rejected"], row["clean"]))
        for row in reversed(landings[-_MOST_LANDINGS:])
    ]
    content = {
        "numbers": [
            ("Rows accepted", f"{clean:,}"),
            ("Rows rejected", f"{bad:,}"),
            ("Share rejected", _part(bad, clean)),
        ],
        "reasons": Table(
            "Rejected rows by reason",
            ("Reason", "Rows", "Their money", "Rows without an amount", "Landed"),
            by_reason,
            frozenset({1, 2, 3}),
            ("A row that breaks several rules counts with each reason.",),
        ),
        "landings": Table(
            "Rows by landing day, the latest first",
            ("Landed on", "Accepted", "Rejected", "Share rejected"),
            by_landing,
            frozenset({1, 2, 3}),
        ),
        "drawing": drawing(predictor.rows(schema.PICTURE), "landings", schema.TOTAL),
    }
    return View("rejected.html.j2", "Rejected rows", content)


def health(predictor: Predictor, given: Given) -> View:
    """The state of the data and of the models."""
    state = predictor.health()
    provenance = predictor.provenance()
    content = {
        "good": state.problem is None,
        "state": "The newest bundle is in use."
        if state.problem is None
        else "The newest published bundle cannot be used: an older one is in use. The server's log says why.",
        "warnings": state.warnings,
        "numbers": [
            ("Sales up to", day(provenance.cutoff)),
            ("Bundle made", _moment(provenance.created)),
            ("In use since", _moment(state.published_at)),
        ],
        "checks": _checks(predictor.rows(schema.CHECK_RESULT)),
        "drawing": drawing(predictor.rows(schema.PICTURE), "backtest", schema.TOTAL),
        "backtest": _backtest(predictor.rows(schema.BACKTEST)),
        "versions": Table(
            "Versions",
            ("What", "Version"),
            [
                ("Bundle", provenance.bundle),
                ("Forecast's model", provenance.forecast_model),
                ("Segments' model", provenance.segment_model),
            ],
        ),
    }
    return View("health.html.j2", "Health", content)


def _checks(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Failed ones first; all that passed in one line."""
    failed = sorted(
        (row for row in rows if not row["passed"]), key=lambda row: (row["severity"] != "ERROR", row["name"])
    )
    lines = [
        (
            f"{row['name'].replace('_', ' ')} ({row['asset']})",
            "failed" if row["severity"] == "ERROR" else "warning",
            row["text"],
        )
        for row in failed
    ]
    if rows:
        lines.append((f"{len(rows) - len(failed)} of {plural(len(rows), 'check')}", "passed", ""))
    return Table("Checks of the data", ("Check", "Result", "What it found"), lines)


def _backtest(rows: Sequence[Mapping[str, Any]]) -> Table:
    pooled = [
        row
        for row in rows
        if (row["measure"], row["category"], row["kind_of_day"]) == ("revenue", "ALL", "all")
        and row["wape"] is not None
    ]
    longest = max((row["horizon"] for row in pooled), default=0)
    shown = sorted((row for row in pooled if row["horizon"] == longest), key=lambda row: row["wape"])
    lines = [
        (
            in_words(row["model"]) + (" (published)" if row["champion"] else ""),
            percent(row["wape"]),
            _share(row["coverage80"]),
            _share(row["coverage95"]),
        )
        for row in shown
    ]
    return Table(
        "Error of the forecast in the backtest",
        ("Model", "Error", "Inside the 80 % interval", "Inside the 95 % interval"),
        lines,
        frozenset({1, 2, 3}),
        ("Error: the sum of absolute errors by category and day / the sum of sales.",),
    )


def _part(part: int, rest: int) -> str:
    return percent(part / (part + rest), 2) if part + rest else _NONE


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _money(value: object, currency: str) -> str:
    number = _number(value)
    return _NONE if number is None else money(number, currency)


def _basket(numbers: Mapping[str, object], currency: str) -> str:
    """The typical basket; none where the typical customer bought nothing in the window."""
    return _money(numbers.get("median_average_basket"), currency) if _number(numbers.get("median_frequency")) else _NONE


def _count(value: object) -> str:
    number = _number(value)
    return _NONE if number is None else f"{number:,.0f}"


def _share(value: object) -> str:
    number = _number(value)
    return _NONE if number is None else percent(number)


def _date(value: object) -> dt.date | None:
    try:
        return dt.date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _day(value: object) -> str:
    date = _date(value)
    return _NONE if date is None else day(date)


def _span(first: object, last: object) -> str:
    begin, end = _date(first), _date(last)
    return _NONE if begin is None or end is None else span(begin, end)


def _moment(value: str | None) -> str:
    if value is None:
        return _NONE
    at = dt.datetime.fromisoformat(value).astimezone(dt.UTC)
    return f"{day(at.date())}, {at:%H:%M} UTC"
