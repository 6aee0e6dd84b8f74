"""`retail-assets predict`: the forecast of a category, the segment of a customer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from retail_assets.cli.command_line import App, examples, wrapped
from retail_assets.cli.options import AsJson, places_to_look_up, settings_for, whole, width
from retail_assets.cli.rejected_rows import printable
from retail_assets.cli.table_text import Column, table_text
from retail_assets.wording import formats
from retail_assets.wording.forecast_models import in_words

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

predict = App(
    help="Look up a forecast or a customer's segment.",
    examples=("predict forecast --category Beauty", "predict segment --customer C1042"),
)


@predict.command("forecast")
@examples("predict forecast", "predict forecast --category Beauty --days 7", "predict forecast --json")
def forecast(
    category: Annotated[str | None, typer.Option(metavar="NAME", help="One category; the total by default.")] = None,
    days: Annotated[int, typer.Option(parser=whole(1), metavar="N", help="Days ahead, 1 to 28.")] = 28,
    as_json: AsJson = False,
) -> None:
    """Show revenue and units of the coming days with 80 % prediction intervals, next to those of the last week."""
    from retail_assets.warehouse import lookup

    settings = settings_for()
    warehouse = places_to_look_up(settings).warehouse
    if days > lookup.MOST_DAYS:
        raise typer.BadParameter(_beyond_the_horizon(days, lookup.last_day(warehouse, category)), param_hint="'--days'")
    rows = lookup.forecast(warehouse, category, days)
    if as_json:
        typer.echo(json.dumps([lookup.jsonable(row) for row in rows], indent=2))
        return
    typer.echo("\n".join(_lines(rows, settings.contract.currency, width())))
    typer.echo(f"How far past forecasts were off: forecast/backtest.json in {settings.output_uri}")


def _beyond_the_horizon(days: int, last: dt.date | None) -> str:
    """What is possible where more days are asked for than a forecast has."""
    reach = f", here to {formats.day(last)}" if last else ""
    return f"{days} days is further than the forecast reaches: 28 days after the last sales{reach}. Give 1 to 28."


def _lines(rows: Sequence[Mapping[str, Any]], currency: str, width: int) -> list[str]:
    """The forecast of a category, or of the total, as a table that ends with the sum."""
    first = rows[0]
    unit = "week" if (first["forecast_date"] - first["cutoff_date"]).days == 7 else "day"
    of = "all categories together" if first["product_category"] == "TOTAL" else printable(first["product_category"])
    units = [row["units"] for row in rows]

    def amounts(name: str) -> list[str]:
        return [*(f"{row[name]:,.2f}" for row in rows), f"{sum(row[name] for row in rows):,.2f}"]

    def ends(name: str) -> list[str]:
        return [*(f"{row[name]:,.2f}" for row in rows), amounts(name)[-1] if len(rows) == 1 else "–"]

    table = table_text(
        [
            Column(
                "day" if unit == "day" else "week to",
                [*(f"{row['forecast_date']:%a %Y-%m-%d}" for row in rows), formats.plural(len(rows), unit)],
                number=False,
            ),
            Column("forecast", amounts("mean")),
            Column("likely from", ends("p10"), spare=1),
            Column("to", ends("p90"), spare=1),
            Column("as last week", amounts("seasonal_naive"), spare=3),
            Column("units", ["–" if n is None else f"{n:,.1f}" for n in (*units, _sum(units))], spare=4),
        ],
        width,
        totals=1,
    )
    notes = [
        "likely from, to: in 8 of 10 cases the revenue is in between (80 % prediction interval).",
        "The intervals of single days do not add up, so the sum has none." if len(rows) > 1 else "",
        f"as last week: what the same weekdays brought in the last week to {formats.day(first['cutoff_date'])}.",
        f"Made by: {in_words(first['method'])}, version {first['model_version']}",
    ]
    return [
        f"Revenue of {of}, {currency} per {unit}, forecast from sales to {formats.day(first['cutoff_date'])}",
        "",
        *table.with_note(width),
        "",
        *(line for note in notes if note for line in wrapped(note, width)),
    ]


def _sum(units: Sequence[float | None]) -> float | None:
    known = [number for number in units if number is not None]
    return sum(known) if known and len(known) == len(units) else None


@predict.command("segment")
@examples("predict segment --customer C1042", "predict segment --from-csv purchases.csv")
def segment(
    customer: Annotated[str | None, typer.Option(metavar="ID", help="Customer id, as in the sales.")] = None,
    from_csv: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Purchases of customers who are not in the sales: customer_id,date,amount."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the segment of one customer, or of the customers in a file of purchases, with the numbers behind it."""
    from retail_assets.cli import segments

    if (customer is None) == (from_csv is None):
        raise typer.BadParameter("Give either --customer ID or --from-csv FILE.")
    if from_csv is not None:
        segments.print_file(settings_for(), from_csv, as_json)
    else:
        segments.print_customer(settings_for(), customer or "", as_json)
