"""Predictions printed: as a table for people, as the JSON of all doors, or as CSV for spreadsheets."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import typer

from retail_assets.cli.command_line import wrapped
from retail_assets.cli.options import width as terminal_width
from retail_assets.cli.rejected_rows import printable
from retail_assets.cli.table_text import Column, table_text
from retail_assets.models.kinds import NO_MODEL
from retail_assets.serving import answers
from retail_assets.serving.purchase_file import Purchases
from retail_assets.serving.results import Forecast, Provenance, Recommendations, Scores, Segment
from retail_assets.serving.schema import TOTAL
from retail_assets.storage.csv_cells import safe_cell
from retail_assets.wording import formats
from retail_assets.wording.forecast_models import in_words


def print_forecast(forecast: Forecast, form: str, width: int) -> None:
    """Print a forecast."""
    plain = answers.forecast(forecast)
    if form == "json":
        _print_json(plain)
    elif form == "csv":
        _print_csv([{"category": forecast.category, **each} for each in plain["days"]])
    else:
        typer.echo("\n".join(_forecast_lines(forecast, width)))


class SegmentPrinter:
    """Prints segments one after the other.

    Args:
        form: `table`, `json` or `csv`.
        several: whether there is more than one.
    """

    def __init__(self, form: str, several: bool) -> None:
        self._form = form
        self._several = several
        self._writer: Any = None

    def show(self, segment: Segment) -> None:
        """Print a segment."""
        if self._form == "json":
            _print_json(answers.segment(segment))
        elif self._form == "csv":
            row = _flat(answers.segment(segment))
            if self._writer is None:
                self._writer = csv.DictWriter(sys.stdout, list(row), lineterminator="\n")
                self._writer.writeheader()
            self._writer.writerow({name: _cell(value) for name, value in row.items()})
        else:
            typer.echo("\n".join(_segment_lines(segment)))
            if self._several:
                typer.echo()


def print_scores(scores: Scores, purchases: Purchases, form: str, width: int) -> None:
    """Print the segments of the customers of some purchases, and on stderr what has none."""
    plain = answers.scores(scores)
    currency = scores.provenance.currency
    if form == "json":
        _print_json(plain)
    elif form == "csv":
        common = {"snapshot_date": plain["snapshot_date"], "model_version": plain["model_version"]}
        _print_csv([{**_flat(each), **common} for each in plain["customers"]])
    elif scores.customers:
        typer.echo("\n".join(_score_lines(scores, width)))
    if scores.model_version == NO_MODEL:
        typer.echo(
            "No model of the segments is in use yet, so only rules were applied. Materialize segment_model first.",
            err=True,
        )
    if purchases.anonymous_lines:
        typer.echo(
            f"Without a customer id, and so in no segment: {formats.plural(purchases.anonymous_lines, 'line')} "
            f"({currency} {purchases.anonymous_amount:,}).",
            err=True,
        )


def print_recommendations(found: Sequence[Recommendations], form: str) -> None:
    """Print what to do about some personas."""
    if form == "json":
        for each in found:
            _print_json(answers.recommendations(each))
        return
    if form == "csv":
        fields = ("persona", "description", "customers", "action", "text")
        _print_csv([{name: getattr(each, name) for name in fields} for each in found])
        return
    width = min(terminal_width(), 100)
    for each in found:
        typer.echo(f"{printable(each.persona)} ({formats.plural(each.customers, 'customer')})")
        for text in (each.description, each.action, each.text):
            for line in wrapped(printable(text), width - 2) if text else ():
                typer.echo(f"  {line}")
        typer.echo()
    for note in found[0].notes if found else ():
        typer.echo("\n".join(wrapped(printable(note), width)))


def print_stock(entries: Sequence[Mapping[str, Any]], provenance: Provenance, form: str) -> None:
    """Print what to have in stock."""
    if form == "json":
        _print_json(answers.stock(entries, provenance))
    elif form == "csv":
        names = sorted({name for entry in entries for name, value in entry.items() if not isinstance(value, list)})
        _print_csv([{name: entry.get(name) for name in names} for entry in entries])
    else:
        width = min(terminal_width(), 100)
        for entry in entries:
            typer.echo("\n".join(wrapped(printable(str(entry.get("text", ""))), width)))
        if not entries:
            typer.echo("There is no recommendation for the stock.")


def _forecast_lines(forecast: Forecast, width: int) -> list[str]:
    """The forecast of a category, or of the total, as a table that ends with the sum."""
    unit = "week" if forecast.step_days == 7 else "day"
    of = "all categories together" if forecast.category == TOTAL else printable(forecast.category)
    days = forecast.days
    cutoff = forecast.provenance.cutoff

    def amounts(numbers: Iterable[float]) -> list[str]:
        listed = list(numbers)
        return [*(f"{number:,.2f}" for number in listed), f"{sum(listed):,.2f}"]

    def ends(numbers: Iterable[float]) -> list[str]:
        listed = amounts(numbers)
        return [*listed[:-1], listed[-1] if len(days) == 1 else "–"]

    table = table_text(
        [
            Column(
                "day" if unit == "day" else "week to",
                [*(f"{each.day:%a %Y-%m-%d}" for each in days), formats.plural(len(days), unit)],
                number=False,
            ),
            Column("forecast", amounts(each.revenue for each in days)),
            Column("likely from", ends(each.low for each in days), spare=1),
            Column("to", ends(each.high for each in days), spare=1),
            Column("as last week", amounts(each.as_last_week for each in days), spare=3),
            Column(
                "units",
                ["–" if n is None else f"{n:,.1f}" for n in (*(each.units for each in days), forecast.units)],
                spare=4,
            ),
        ],
        width,
        totals=1,
    )
    likely = "8 of 10" if forecast.coverage == 0.8 else "95 of 100"
    notes = [
        f"likely from, to: in {likely} cases the revenue is in between "
        f"({formats.percent(forecast.coverage, 0)} prediction interval).",
        "The intervals of single days do not add up, so the sum has none." if len(days) > 1 else "",
        f"as last week: what the same weekdays brought in the last week to {formats.day(cutoff)}.",
        f"Made by: {in_words(forecast.method)}, version {forecast.model_version}",
    ]
    return [
        f"Revenue of {of}, {forecast.provenance.currency} per {unit}, forecast from sales to {formats.day(cutoff)}",
        "",
        *table.with_note(width),
        "",
        *(line for note in notes if note for line in wrapped(note, width)),
    ]


def _segment_lines(segment: Segment) -> list[str]:
    currency = segment.provenance.currency
    lines = [f"{printable(segment.customer_id)}: {printable(segment.persona)}"]
    if segment.description:
        lines.append(f"  {printable(segment.description)}")
    purchases = formats.plural(segment.frequency, "purchase")
    total = f"{currency} {segment.monetary:,} in total"
    average = f"{currency} {segment.average_basket:,.2f} per purchase"
    until = formats.day(segment.snapshot_date)
    lines.append(
        f"  {purchases}, {total}, {average}; last seen on {formats.day(segment.last_sale_date)} (sales until {until})"
    )
    if segment.confidence is not None:
        model = segment.provenance.segment_model
        lines.append(f"  confidence {formats.percent(segment.confidence)}, model {model}")
    if segment.tags:
        lines.append(f"  {', '.join(segment.tags)}")
    if segment.previous_persona and segment.previous_persona != segment.persona and segment.previous_snapshot:
        lines.append(f"  previously: {segment.previous_persona} ({formats.day(segment.previous_snapshot)})")
    return lines


def _score_lines(scores: Scores, width: int) -> list[str]:
    customers = scores.customers
    table = table_text(
        [
            Column("customer", [printable(each.customer_id) for each in customers], number=False),
            Column("persona", [printable(each.persona) for each in customers], number=False),
            Column(
                "confidence",
                ["–" if each.confidence is None else formats.percent(each.confidence) for each in customers],
            ),
            Column("purchases", [f"{each.frequency:,}" for each in customers], spare=1),
            Column("money", [f"{each.monetary:,}" for each in customers], spare=1),
            Column("tags", [", ".join(each.tags) for each in customers], number=False, spare=2),
        ],
        width,
    )
    currency = scores.provenance.currency
    return [
        *table.with_note(width),
        "",
        f"Money in {currency}; as of {formats.day(scores.snapshot_date)}, model {scores.model_version}.",
        *(f"{printable(each.customer_id)}: {each.note}" for each in customers if each.note),
    ]


def _flat(plain: Mapping[str, Any]) -> dict[str, Any]:
    """A row for CSV: tags as one text, without what is the same in every row."""
    return {
        name: ", ".join(value) if isinstance(value, list) else value
        for name, value in plain.items()
        if name != "provenance"
    }


def _print_json(plain: Mapping[str, Any]) -> None:
    """Print an answer as every door writes it, so that all give equal bytes."""
    typer.echo(answers.encoded(plain).decode())


def _print_csv(rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        return
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(rows[0])
    writer.writerows([_cell(value) for value in row.values()] for row in rows)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value if _is_number(value) else safe_cell(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_number(text: str) -> bool:
    """Whether a text is exact money, whose minus is no formula."""
    try:
        return Decimal(text).is_finite()
    except ArithmeticError:
        return False
