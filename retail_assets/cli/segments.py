"""`retail-assets predict segment`: the segment of one customer, or of the customers in a file, printed for people."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

import typer

from retail_assets.cli.options import places_to_look_up
from retail_assets.models.kinds import SEGMENTS
from retail_assets.platform import Platform
from retail_assets.settings import Settings
from retail_assets.storage.csv_cells import safe_cell
from retail_assets.warehouse import lookup
from retail_assets.wording import formats


def print_customer(settings: Settings, customer: str, as_json: bool) -> None:
    """Print the segment of a customer of the sales. Raises NotReadyError, UnknownSubjectError."""
    from retail_assets.segmentation.personas import persona_file

    row = lookup.segment(places_to_look_up(settings).warehouse, customer)
    persona = persona_file.or_default(settings.personas).named(row["persona"])
    if as_json:
        description = persona.description if persona else None
        typer.echo(json.dumps(lookup.jsonable(row) | {"description": description}, indent=2))
        return
    currency = settings.contract.currency
    typer.echo(f"{row['customer_id']}: {row['persona']}")
    if persona:
        typer.echo(f"  {persona.description}")
    purchases = formats.plural(row["frequency"], "purchase")
    total = f"{currency} {row['monetary']:,} in total"
    average = f"{currency} {row['average_basket']:,.2f} per purchase"
    seen = f"last seen on {formats.day(row['last_sale_date'])} (sales until {formats.day(row['snapshot_date'])})"
    typer.echo(f"  {purchases}, {total}, {average}; {seen}")
    if row["confidence"] is not None:
        typer.echo(f"  confidence {formats.percent(row['confidence'])}, model {row['model_version']}")
    if row["tags"]:
        typer.echo(f"  {row['tags']}")
    if row["previous_persona"] and row["previous_persona"] != row["persona"]:
        typer.echo(f"  previously: {row['previous_persona']} ({formats.day(row['previous_snapshot'])})")


def print_file(settings: Settings, file: Path, as_json: bool) -> None:
    """Print the segments of the customers in a file of purchases, as CSV or JSON. Raises PurchaseFileError."""
    from retail_assets.segmentation.lifecycle.model_in_use import NO_MODEL
    from retail_assets.segmentation.lifecycle.score_file import FIELDS, score_with_model_in_use
    from retail_assets.segmentation.personas import persona_file

    scored = score_with_model_in_use(
        file,
        Platform(settings).model_store(SEGMENTS),
        catalog=persona_file.or_default(settings.personas),
        contract=settings.contract,
        today=settings.today(),
    )
    if as_json:
        typer.echo(json.dumps([lookup.jsonable(row) for row in scored.rows], indent=2))
    else:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(FIELDS)
        writer.writerows([_cell(row[name]) for name in FIELDS] for row in scored.rows)
    if scored.model_version == NO_MODEL:
        typer.echo(
            "No model of the segments is in use yet, so only rules were applied. Materialize segment_model first.",
            err=True,
        )
    if scored.anonymous_lines:
        typer.echo(
            f"Without a customer id, and so in no segment: {formats.plural(scored.anonymous_lines, 'line')} "
            f"({settings.contract.currency} {scored.anonymous_amount:,}).",
            err=True,
        )


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return safe_cell(value) if isinstance(value, str) else str(value)
