"""`retail-assets predict`: the forecast of a category, the segment of a customer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from retail_assets.cli.options import AsJson, settings_for

predict = typer.Typer(help="Look up a forecast or a customer's segment.", no_args_is_help=True)


@predict.command("forecast")
def forecast(
    category: Annotated[str | None, typer.Option(help="One category; the total by default.")] = None,
    days: Annotated[int, typer.Option(min=1, max=28, help="Days ahead.")] = 28,
    as_json: AsJson = False,
) -> None:
    """Show revenue and units of the coming days with 80 % prediction intervals, next to the seasonal naive baseline."""
    from retail_assets.platform import Platform
    from retail_assets.warehouse import lookup

    settings = settings_for()
    rows = lookup.forecast(Platform(settings).warehouse, category, days)
    if as_json:
        typer.echo(json.dumps([lookup.jsonable(row) for row in rows], indent=2))
        return
    first = rows[0]
    unit = "week" if (first["forecast_date"] - first["cutoff_date"]).days == 7 else "day"
    per = f"{settings.contract.currency} per {unit}"
    typer.echo(f"{first['product_category']}, {per}, from sales up to {first['cutoff_date']}")
    typer.echo(f"  {'day':14s} {'forecast':>14s} {'80 % from':>14s} {'to':>14s} {'naive':>14s} {'units':>14s}")
    for row in rows:
        amounts = (row[name] for name in ("mean", "p10", "p90", "seasonal_naive"))
        cells = " ".join(f"{amount:>14,.2f}" for amount in amounts)
        units = "–" if row["units"] is None else f"{row['units']:,.1f}"
        typer.echo(f"  {row['forecast_date']:%a %Y-%m-%d} {cells} {units:>14s}")
    typer.echo(f"  method: {first['method']}, model {first['model_version']}")
    typer.echo(f"  errors in the backtest: forecast/backtest.json in {settings.output_uri}")


@predict.command("segment")
def segment(
    customer: Annotated[str | None, typer.Option(help="Customer id, as in the sales.")] = None,
    from_csv: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Purchases of customers who are not in the sales: customer_id,date,amount."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the segment of one customer, or of the customers in a file of purchases, with the numbers behind it."""
    from retail_assets.cli import segments

    if (customer is None) == (from_csv is None):
        raise typer.BadParameter("give either --customer ID or --from-csv FILE")
    if from_csv is not None:
        segments.print_file(settings_for(), from_csv, as_json)
    else:
        segments.print_customer(settings_for(), customer or "", as_json)
