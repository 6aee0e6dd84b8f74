"""`retail-assets predict segment`: what is told of a customer, and of customers of a file."""

from __future__ import annotations

import csv
import datetime as dt
import json
import sys
from pathlib import Path
from typing import Any

import typer

from retail_assets.models.kinds import SEGMENTS
from retail_assets.platform import Platform
from retail_assets.settings import Settings
from retail_assets.storage.csv_cells import safe_cell
from retail_assets.warehouse import lookup


def tell_customer(settings: Settings, customer: str, as_json: bool) -> None:
    """The segment of a customer of the sales. Raises NotReadyError, UnknownSubjectError."""
    from retail_assets.segmentation.personas import persona_file

    row = lookup.segment(Platform(settings).warehouse, customer)
    persona = persona_file.or_default(settings.personas).named(row["persona"])
    if as_json:
        told = lookup.jsonable(row) | {"description": persona.description if persona else None}
        typer.echo(json.dumps(told, indent=2))
        return
    currency = settings.contract.currency
    typer.echo(f"{row['customer_id']}: {row['persona']}")
    if persona:
        typer.echo(f"  {persona.description}")
    purchases = f"{row['frequency']:,} purchase{'' if row['frequency'] == 1 else 's'}"
    average = f"{currency} {row['average_basket']:,.2f} a purchase"
    last = f"last one on {row['last_sale_date']} (as of {row['snapshot_date']})"
    typer.echo(f"  {purchases}, {currency} {row['monetary']:,} in all, {average}; {last}")
    if row["confidence"] is not None:
        typer.echo(f"  confidence {row['confidence']:.0%}, model {row['model_version']}")
    if row["tags"]:
        typer.echo(f"  {row['tags']}")
    if row["previous_persona"] and row["previous_persona"] != row["persona"]:
        typer.echo(f"  before: {row['previous_persona']} ({row['previous_snapshot']})")


def tell_file(settings: Settings, file: Path, as_json: bool) -> None:
    """The segments of the customers of a file of purchases, as CSV. Raises PurchaseFileError."""
    from retail_assets.segmentation.lifecycle import score_file, segment
    from retail_assets.segmentation.lifecycle.purchase_file import Format
    from retail_assets.segmentation.model.serialization import loads
    from retail_assets.segmentation.personas import persona_file

    models = Platform(settings).model_store(SEGMENTS)
    champion = models.champion()
    model, version, last_day = None, segment.NO_MODEL, None
    if champion:
        model, version = loads(models.load(champion.version)), champion.version
        last_day = dt.date.fromisoformat(models.manifest(version).data["last_day"])
    contract = settings.contract
    found = score_file.score_file(
        file,
        model,
        version,
        last_day,
        catalog=persona_file.or_default(settings.personas),
        country=contract.country,
        form=Format.of(contract),
        today=settings.today(),
    )
    if as_json:
        typer.echo(json.dumps([lookup.jsonable(row) for row in found.rows], indent=2))
    else:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(score_file.FIELDS)
        writer.writerows([_cell(row[name]) for name in score_file.FIELDS] for row in found.rows)
    if not champion:
        typer.echo(
            "No segments model is in use yet: only rules have decided. Materialize segment_model first.", err=True
        )
    if found.anonymous_lines:
        typer.echo(
            f"{found.anonymous_lines:,} lines ({found.anonymous_amount:,} {contract.currency}) have no customer id and "
            "are in no segment.",
            err=True,
        )


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return safe_cell(value) if isinstance(value, str) else str(value)
