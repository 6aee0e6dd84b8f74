"""The tables of the report: cells as people read them, each with its exact value for sorting and for CSV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from retail_assets.exports.report.charts.parts import ALL
from retail_assets.exports.report.charts.trust import model_words
from retail_assets.exports.report.facts import Facts, Row
from retail_assets.forecasting.data.series import TOTAL
from retail_assets.forecasting.models.baselines import BASELINE_NAMES
from retail_assets.wording import report as sentences
from retail_assets.wording.forecast_models import in_words
from retail_assets.wording.formats import change, day, money, percent, rough_percent

_MOST_LANDINGS = 60
_MOST_REASONS = 30
#: Below, a share would be written as zero.
_SMALLEST_SHARE = 0.0005
#: Orders of 28 days below which a category's change is not shown.
_FEWEST_ORDERS = 50


@dataclass(frozen=True)
class Head:
    text: str
    is_number: bool = False


@dataclass(frozen=True)
class Cell:
    """A cell: `text` is shown, `value` is sorted by and downloaded."""

    text: str
    value: str


@dataclass(frozen=True)
class Line:
    cells: Sequence[Cell]
    best: bool = False


@dataclass(frozen=True)
class Table:
    key: str
    caption: str
    heads: Sequence[Head]
    rows: Sequence[Line]
    notes: Sequence[str] = field(default_factory=list)


def tables(facts: Facts) -> dict[str, Table]:
    """Lay out the tables for which there are rows, by key."""
    laid_out = [
        _categories(facts),
        _forecast(facts),
        _segments(facts),
        _migrations(facts),
        _actions(facts),
        _rows(facts),
        _quarantine(facts),
        _backtest(facts),
        _landings(facts),
        _versions(facts),
        _left_out(facts),
    ]
    return {table.key: table for table in laid_out if table.rows}


def words(text: Any) -> Cell:
    return Cell(str(text), str(text))


def count(value: Any) -> Cell:
    return Cell(f"{value:,}", str(value))


def money_cell(value: Any, currency: str) -> Cell:
    return Cell("–", "") if value is None else Cell(money(float(value), currency), str(value))


def share_cell(value: Any) -> Cell:
    if value is None:
        return Cell("–", "")
    share = float(value)
    return Cell(rough_percent(share) if abs(share) < _SMALLEST_SHARE else percent(share), repr(share))


def number_heads(*texts: str) -> list[Head]:
    return [Head(text, is_number=True) for text in texts]


def _categories(facts: Facts) -> Table:
    revenue = facts.overview["revenue"]
    total = float(revenue) if revenue else 0.0
    comparable = facts.days >= 56
    lines: list[Line] = []
    few = 0
    for row in facts.categories:
        enough = comparable and min(row["recent_orders"], row["before_orders"]) >= _FEWEST_ORDERS
        ratio = float(row["recent"]) / float(row["before"]) if enough and row["before"] > 0 else None
        few += comparable and not enough
        changed = Cell("–", "") if ratio is None else Cell(change(ratio), repr(ratio))
        share = float(row["revenue"]) / total if total > 0 else None
        lines.append(
            Line(
                [
                    words(row["product_category"]),
                    money_cell(row["revenue"], facts.currency),
                    share_cell(share),
                    *([money_cell(row["recent"], facts.currency), changed] if comparable else []),
                ]
            )
        )
    left = int(facts.overview["categories"]) - len(lines)
    notes = _left(left, "smaller category", "smaller categories")
    if comparable:
        last = facts.overview["last_day"]
        ages = {(last - row["sale_date"]).days for row in facts.daily}
        silent = [sum(age not in ages for age in range(first, first + 28)) for first in (0, 28)]
        notes.append(sentences.last_28_days(without_sale=silent[0], without_sale_before=silent[1]).text)
    if few:
        notes.append(sentences.no_change_shown(categories=few, fewest=_FEWEST_ORDERS).text)
    recent = number_heads("Last 28 days", "Compared with the 28 days before") if comparable else []
    heads = [Head("Category"), *number_heads(f"Revenue ({facts.currency})", "Share"), *recent]
    return Table("categories", "Revenue by category", heads, lines, notes)


def _forecast(facts: Facts) -> Table:
    sums: dict[str, float] = {}
    for row in facts.forecast:
        name = str(row["product_category"])
        sums[name] = sums.get(name, 0.0) + float(row["mean"])
    lines = [
        Line(
            [words(ALL if name == TOTAL else name), Cell(money(amount, facts.currency), repr(round(amount, 2)))],
            name == TOTAL,
        )
        for name, amount in sorted(sums.items(), key=lambda item: (item[0] != TOTAL, -item[1]))
    ]
    notes = []
    if facts.forecast:
        first = facts.forecast[0]
        methods = {str(row["product_category"]): str(row["method"]) for row in facts.forecast}
        methods = {name: method for name, method in methods.items() if name != TOTAL}
        expected: dict[str, float] = {}
        for name, method in methods.items():
            expected[method] = expected.get(method, 0.0) + sums[name]
        most = max(expected, key=expected.__getitem__)
        made = sentences.forecast_made(
            first_day=min(row["forecast_date"] for row in facts.forecast),
            last_day=max(row["forecast_date"] for row in facts.forecast),
            cutoff=first["cutoff_date"],
            method=in_words(_rule(most)),
            categories=len(methods),
            by_rule=sum(":" in method or _rule(method) in BASELINE_NAMES for method in methods.values()),
            version=first["model_version"],
        )
        notes = [made.text]
    heads = [Head("Category"), *number_heads(f"Forecast ({facts.currency})")]
    return Table("forecast", "Forecast by category, in sum", heads, lines, notes)


def _rule(method: str) -> str:
    """The model's name in a method; a category that it does not forecast has a reason after it."""
    return method.partition(":")[0]


def _segments(facts: Facts) -> Table:
    lines = [
        Line(
            [
                words(row["persona"]),
                count(row["customers"]),
                share_cell(row["customers_share"]),
                money_cell(row["revenue"], facts.currency),
                share_cell(row["revenue_share"]),
                Cell(f"{row['median_frequency']:,.0f}", str(row["median_frequency"])),
                money_cell(row["median_average_basket"] if row["median_frequency"] else None, facts.currency),
                Cell(f"{row['median_recency_days']:,.0f}", str(row["median_recency_days"])),
            ]
        )
        for row in facts.profiles
    ]
    notes = []
    if facts.profiles:
        last_day = facts.profiles[0]["snapshot_date"]
        notes = [sentences.segments_scope(last_day=last_day, days=facts.segment_days).text]
    heads = [
        Head("Segment"),
        *number_heads("Customers", "Share of customers", f"Revenue ({facts.currency})", "Share of revenue"),
        *number_heads(
            "Typical purchases", f"Typical basket ({facts.currency})", "Typical days since the last purchase"
        ),
    ]
    return Table("segments", "Customer segments", heads, lines, notes)


def _migrations(facts: Facts) -> Table:
    moved = [row for row in facts.migrations if row["from_persona"] != row["to_persona"]]
    lines = [
        Line([words(row["from_persona"]), words(row["to_persona"]), count(row["customers"])])
        for row in sorted(moved, key=lambda row: -row["customers"])
    ]
    notes = []
    if facts.migrations:
        stayed = sum(row["customers"] for row in facts.migrations if row["from_persona"] == row["to_persona"])
        at = facts.migrations[0]
        notes = [sentences.segments_stayed(before=at["from_snapshot"], after=at["to_snapshot"], stayed=stayed).text]
    heads = [Head("From"), Head("To"), *number_heads("Customers")]
    return Table("migrations", "Customers who changed segment", heads, lines, notes)


def _actions(facts: Facts) -> Table:
    segments: Mapping[str, Mapping[str, Any]] = facts.recommendations.get("segments", {})
    lines = [
        Line([words(name), words(" ".join(filter(None, (each["action"], each["text"]))))])
        for name, each in segments.items()
    ]
    return Table("actions", "What to do about each segment", [Head("Segment"), Head("Recommendation")], lines)


def _rows(facts: Facts) -> Table:
    rows: Mapping[str, int] = facts.summary.get("rows", {})
    amounts: Mapping[str, str] = facts.summary.get("amounts", {})
    meaning = {
        "landed": "Rows in the raw files",
        "clean": "Clean: counted as sales",
        "quarantined": "Rejected, with a reason each",
        "superseded": "Replaced by a later version of the same sale",
        "excluded": "Left out by a rule of the contract",
        **({"erased": "Erased, with the customer whose rows they were"} if rows.get("erased") else {}),
    }
    lines = [
        Line([words(text), count(rows[key]), money_cell(amounts.get(key), facts.currency)])
        for key, text in meaning.items()
        if key in rows
    ]
    heads = [Head("What became of the rows"), *number_heads("Rows", f"Money ({facts.currency})")]
    return Table("rows", "Every row that landed", heads, lines)


def _quarantine(facts: Facts) -> Table:
    lines = [
        Line(
            [
                words(row["reasons"].replace(",", ", ")),
                count(row["row_count"]),
                money_cell(row["amount"], facts.currency),
            ]
        )
        for row in facts.quarantine[:_MOST_REASONS]
    ]
    left = len(facts.quarantine) - len(lines)
    notes = _left(left, "rarer combination of reasons", "rarer combinations of reasons")
    heads = [Head("Reason"), *number_heads("Rows", f"Money that could be read ({facts.currency})")]
    return Table("quarantine", "Rejected rows by reason", heads, lines, notes)


def _backtest(facts: Facts) -> Table:
    total: dict[str, Row] = {row["model"]: row for row in facts.backtest if row["product_category"] == "TOTAL"}
    lines = []
    for row in facts.backtest:
        if row["product_category"] == "ALL":
            of_total = total.get(row["model"], {})
            cells = [words(model_words(row)), share_cell(row["wape"]), share_cell(of_total.get("wape"))]
            cells += [share_cell(row["coverage80"]), share_cell(row["coverage95"])]
            lines.append(Line(cells, best=bool(row["champion"])))
    notes = [
        "Each forecast is by a model that had seen no later sales. Error: sum of absolute errors / sum of sales. "
        "Intervals are right when they hold as many category-days as their name says. The published model is in bold."
    ]
    heads = [
        Head("Model"),
        *number_heads(
            "Error by category and day",
            "Error of the total",
            "Category-days in the 80 % interval",
            "Category-days in the 95 % interval",
        ),
    ]
    return Table("backtest", "Forecast models compared on the past", heads, lines, notes)


def _landings(facts: Facts) -> Table:
    shown = facts.landings[-_MOST_LANDINGS:]
    names = ["landed", "clean", "quarantined", "superseded", "excluded"]
    if any(row.get("erased") for row in facts.landings):
        names.append("erased")
    lines = [
        Line(
            [
                Cell(day(row["landed_on"]), row["landed_on"].isoformat()),
                *(count(row[name] or 0) for name in names),
                share_cell(row["quarantined_share"]),
                money_cell(row["clean_amount"], facts.currency),
                money_cell(row["quarantined_amount"], facts.currency),
                Cell("–", "")
                if row["top_reason"] is None
                else words(f"{row['top_reason']} ({row['top_reason_rows']:,})"),
            ]
        )
        for row in reversed(shown)
    ]
    left = len(facts.landings) - len(shown)
    notes = [
        f"Landed = {' + '.join(names[1:])}, on each day. Later landings may correct clean rows.",
        *_left(left, "earlier landing day", "earlier landing days"),
    ]
    amounts = (f"Clean money ({facts.currency})", f"Quarantined money that could be read ({facts.currency})")
    heads = [
        Head("Landed on"),
        *number_heads(*map(str.capitalize, names), "Quarantined share", *amounts),
        Head("Most frequent reason"),
    ]
    return Table("landings", "Data quality by landing day", heads, lines, notes)


def _left(count: int, what: str, many: str) -> list[str]:
    return [sentences.left_out(count=count, what=what, many=many).text] if count > 0 else []


def _versions(facts: Facts) -> Table:
    lines = []
    if facts.forecast:
        first = facts.forecast[0]
        lines.append(Line([words("Forecast"), words(first["model_version"]), words(day(first["cutoff_date"]))]))
    if facts.profiles:
        first = facts.profiles[0]
        lines.append(Line([words("Segments"), words(first["model_version"]), words(day(first["snapshot_date"]))]))
    return Table(
        "versions", "Models in use", [Head("What"), Head("Version"), Head("Last day of sales it has seen")], lines
    )


def _left_out(facts: Facts) -> Table:
    """The figures that these sales do not give, each with its reason."""
    named = {name.removesuffix(".png").replace("_", " "): reason for name, reason in facts.left_out.items()}
    lines = [Line([words(name), words(reason)]) for name, reason in named.items()]
    return Table("left_out", "Figures that these sales do not give", [Head("Figure"), Head("Reason")], lines)
