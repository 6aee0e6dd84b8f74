"""`retail-assets models`: versions of the forecast model, and which one is in use."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict
from typing import Annotated

import typer

from retail_assets.model_store import Manifest, ModelStore, ModelStoreError

models = typer.Typer(help="Versions of the forecast model: look, compare, promote, roll back.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="As JSON, for programs.")]
Version = Annotated[str, typer.Argument(metavar="VERSION", help="A version, or a part that only one has.")]
_SHOWN = ("rmse", "mae", "wape", "mase", "bias", "coverage80", "coverage95", "width80", "total_rmse", "total_wape")


def _store() -> ModelStore:
    from retail_assets.cli import settings_for
    from retail_assets.platform import Platform

    return Platform(settings_for()).models


@models.command("list")
def list_versions(as_json: AsJson = False) -> None:
    """Every version, the newest last; the one in use is marked."""
    store = _store()
    champion, known = store.champion(), store.versions()
    in_use = champion.version if champion else None
    if as_json:
        typer.echo(json.dumps([{**asdict(m), "in_use": m.version == in_use} for m in known], indent=2))
        return
    if not known:
        typer.echo("No model is stored yet. Materialize the asset forecast_backtest.")
        return
    typer.echo(f"  {'version':20s} {'model':24s} {'sales to':10s} {'WAPE':>7s} {'skill':>6s}  trained")
    for m in known:
        wape = m.metrics.get("wape")
        shown = "–" if wape is None else f"{wape:.1%}"
        skill = "yes" if m.has_skill else "no"
        mark = "*" if m.version == in_use else " "
        typer.echo(
            f"{mark} {m.version:20s} {m.family:24s} {m.data['last_day']} {shown:>7s} {skill:>6s}  {m.trained_at}"
        )
    typer.echo(f"  * in use, in {store.store.uri}")


@models.command("show")
def show(
    version: Annotated[str | None, typer.Argument(metavar="[VERSION]", help="By default the one in use.")] = None,
    as_json: AsJson = False,
) -> None:
    """The model card of a version; with --json its manifest and every promotion."""
    store = _store()
    chosen = store.manifest(version or store.require_champion().version)
    if as_json:
        champion = store.champion()
        history = [asdict(move) for move in champion.history] if champion else []
        typer.echo(json.dumps({**asdict(chosen), "promotions": history}, indent=2))
        return
    typer.echo(f"Version {chosen.version}, sha256 {chosen.sha256}\n")
    typer.echo(store.card(chosen.version), nl=False)


@models.command("compare")
def compare(first: Version, second: Version, as_json: AsJson = False) -> None:
    """Two versions side by side, each by its own backtest."""
    store = _store()
    pair = store.manifest(first), store.manifest(second)
    rows = {key: tuple(m.metrics.get(key) for m in pair) for key in _SHOWN}
    if as_json:
        told = {m.version: {"family": m.family, "data": m.data, "metrics": m.metrics} for m in pair}
        typer.echo(json.dumps(told, indent=2))
        return
    typer.echo(f"  {'':14s} {pair[0].version:>20s} {pair[1].version:>20s}")
    for name, values in (
        ("model", tuple(m.family for m in pair)),
        ("sales to", tuple(m.data["last_day"] for m in pair)),
        ("skill", tuple("yes" if m.has_skill else "no" for m in pair)),
        ("code", tuple(m.code_version for m in pair)),
    ):
        typer.echo(f"  {name:14s} {values[0]:>20s} {values[1]:>20s}")
    for key, numbers in rows.items():
        cells = ("–" if value is None else f"{value:,.4f}" for value in numbers)
        typer.echo(f"  {key:14s} " + " ".join(f"{cell:>20s}" for cell in cells))
    if pair[0].data != pair[1].data:
        typer.echo("  Their backtests are of different days: a difference need not be one of the models.")


@models.command("promote")
def promote(
    version: Version,
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "promoted by hand",
    force: Annotated[bool, typer.Option("--force", help="Even one without skill in place of one that has.")] = False,
) -> None:
    """Put a version in use. The next forecast is made by it."""
    store = _store()
    chosen = store.manifest(version)
    champion = store.champion()
    standing = store.manifest(champion.version) if champion else None
    _refuse_loss_of_skill(chosen, standing, force)
    store.promote(chosen.version, at=_now(), by="user", reason=reason)
    typer.echo(f"In use: {chosen.version} ({chosen.family}).")
    typer.echo("Next:  retail-assets materialize --select sales_forecast")


@models.command("rollback")
def rollback(reason: Annotated[str, typer.Option(help="Why, for the record.")] = "rolled back by hand") -> None:
    """Put the version in use that was before the present one."""
    champion = _store().rollback(at=_now(), reason=reason)
    typer.echo(f"In use again: {champion.version}.")
    typer.echo("Next:  retail-assets materialize --select sales_forecast")


def _refuse_loss_of_skill(chosen: Manifest, standing: Manifest | None, force: bool) -> None:
    if standing is not None and standing.has_skill and not chosen.has_skill and not force:
        raise ModelStoreError(
            f"{chosen.version} has no skill ({chosen.verdict}), and {standing.version}, which is in use, has. "
            "Nothing was changed. If it must be: --force; forecast_backtest's check will then stop new forecasts."
        )


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
