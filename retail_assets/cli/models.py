"""`retail-assets models`: versions of the models of forecast and segments, and which ones are in use."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Annotated

import typer

from retail_assets.models.store import USER, Manifest, ModelStore, ModelStoreError, UnreadablePointerError

models = typer.Typer(
    help="Versions of the models of forecast and segments: look, compare, promote, roll back.", no_args_is_help=True
)


class Kind(StrEnum):
    """What a model is of."""

    FORECAST = "forecast"
    SEGMENTS = "segments"


AsJson = Annotated[bool, typer.Option("--json", help="As JSON, for programs.")]
Version = Annotated[str, typer.Argument(metavar="VERSION", help="A version, or a part that only one has.")]
OfKind = Annotated[
    Kind | None, typer.Option("--kind", help="By default the forecast; with a VERSION, whichever has it.")
]


@dataclass(frozen=True)
class _Shown:
    """How models of a kind are told: the metric of the list, those of a comparison, what `has_skill` means, assets."""

    metric: str
    heading: str
    form: Callable[[float], str]
    compared: tuple[str, ...]
    skill: str
    trained_by: str
    used_by: str
    check: str


_KINDS: Mapping[Kind, _Shown] = {
    Kind.FORECAST: _Shown(
        "wape",
        "WAPE",
        lambda value: f"{value:.1%}",
        ("rmse", "mae", "wape", "mase", "bias", "coverage80", "coverage95", "width80", "total_rmse", "total_wape"),
        "skill",
        "forecast_backtest",
        "sales_forecast",
        "forecast_backtest's check will then stop new forecasts",
    ),
    Kind.SEGMENTS: _Shown(
        "bootstrap_ari",
        "ARI",
        lambda value: f"{value:.2f}",
        ("k", "silhouette", "bootstrap_ari", "renamed", "least_name_fit"),
        "stable",
        "segment_model",
        "customer_segments,segment_profiles,segment_migrations,segment_report",
        "the segments may then change from training to training",
    ),
}


def _store(kind: Kind) -> ModelStore:
    from retail_assets.cli.app import settings_for
    from retail_assets.platform import Platform

    platform = Platform(settings_for())
    return platform.models if kind is Kind.FORECAST else platform.segment_models


def _kind_of(version: str, kind: Kind | None) -> Kind:
    """The kind that is given, or else the one whose store has the version; the forecast where none or both do."""
    if kind is not None:
        return kind
    having = [k for k in Kind if version and any(version in m.version for m in _store(k).versions())]
    return having[0] if len(having) == 1 else Kind.FORECAST


@models.command("list")
def list_versions(kind: OfKind = None, as_json: AsJson = False) -> None:
    """Every version, the newest last; the one in use is marked."""
    chosen = kind or Kind.FORECAST
    store, shown = _store(chosen), _KINDS[chosen]
    known, damaged = store.versions(), store.damaged()
    try:
        champion = store.champion()
        in_use = champion.version if champion else None
    except UnreadablePointerError as e:
        damaged["champion.json"], in_use = str(e), None
    for name, told in damaged.items():
        typer.echo(f"Damaged, {name}: {told}", err=True)
    if as_json:
        typer.echo(json.dumps([{**asdict(m), "in_use": m.version == in_use} for m in known], indent=2))
        return
    if not known:
        typer.echo(f"No model is stored yet. Materialize the asset {shown.trained_by}.")
        return
    waits = _waiting(store) if chosen is Kind.SEGMENTS else None
    typer.echo(f"  {'version':20s} {'model':24s} {'sales to':10s} {shown.heading:>7s} {shown.skill:>6s}  trained")
    for m in known:
        value = m.metrics.get(shown.metric)
        cell = "–" if value is None else shown.form(value)
        skill = "yes" if m.has_skill else "no"
        mark = "*" if m.version == in_use else "?" if m.version == waits else " "
        typer.echo(f"{mark} {m.version:20s} {m.family:24s} {m.data['last_day']} {cell:>7s} {skill:>6s}  {m.trained_at}")
    typer.echo(f"  * in use, in {store.store.uri}")
    if waits:
        typer.echo(f"  ? waits, because it would rename customers: retail-assets models promote {waits}")


@models.command("show")
def show(
    version: Annotated[str | None, typer.Argument(metavar="[VERSION]", help="By default the one in use.")] = None,
    kind: OfKind = None,
    as_json: AsJson = False,
) -> None:
    """The model card of a version; with --json its manifest and every promotion."""
    store = _store(_kind_of(version or "", kind))
    chosen = store.manifest(version or store.require_champion().version)
    if as_json:
        champion = store.champion()
        history = [asdict(move) for move in champion.history] if champion else []
        typer.echo(json.dumps({**asdict(chosen), "promotions": history}, indent=2))
        return
    typer.echo(f"Version {chosen.version}, sha256 {chosen.sha256}\n")
    typer.echo(store.card(chosen.version), nl=False)


@models.command("compare")
def compare(first: Version, second: Version, kind: OfKind = None, as_json: AsJson = False) -> None:
    """Two versions side by side, each by its own figures."""
    of = _kind_of(first, kind)
    store, shown = _store(of), _KINDS[of]
    pair = store.manifest(first), store.manifest(second)
    rows = {key: tuple(m.metrics.get(key) for m in pair) for key in shown.compared}
    if as_json:
        told = {m.version: {"family": m.family, "data": m.data, "metrics": m.metrics} for m in pair}
        typer.echo(json.dumps(told, indent=2))
        return
    typer.echo(f"  {'':14s} {pair[0].version:>20s} {pair[1].version:>20s}")
    for name, values in (
        ("model", tuple(m.family for m in pair)),
        ("sales to", tuple(m.data["last_day"] for m in pair)),
        (shown.skill, tuple("yes" if m.has_skill else "no" for m in pair)),
        ("code", tuple(m.code_version for m in pair)),
    ):
        typer.echo(f"  {name:14s} {values[0]:>20s} {values[1]:>20s}")
    for key, numbers in rows.items():
        cells = ("–" if value is None else f"{value:,.4f}" for value in numbers)
        typer.echo(f"  {key:14s} " + " ".join(f"{cell:>20s}" for cell in cells))
    if of is Kind.SEGMENTS:
        for m in pair:
            names = zip(m.data["names"], m.data["customers_by_name"], strict=True)
            typer.echo(f"  {m.version}: " + ", ".join(f"{name} {count:,}" for name, count in names))
    elif pair[0].data != pair[1].data:
        typer.echo("  Their backtests are of different days: a difference need not be one of the models.")


@models.command("promote")
def promote(
    version: Version,
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "promoted by hand",
    force: Annotated[bool, typer.Option("--force", help="Even one without skill in place of one that has.")] = False,
    kind: OfKind = None,
) -> None:
    """Put a version in use. The next forecast is made, or the next names are given, by it."""
    of = _kind_of(version, kind)
    store = _store(of)
    chosen = store.manifest(version)
    _refuse_loss_of_skill(chosen, _standing(store), force, of)
    store.promote(chosen.version, at=_now(), by=USER, reason=reason)
    typer.echo(f"In use: {chosen.version} ({chosen.family}).")
    typer.echo(f"Next:  retail-assets materialize --select {_KINDS[of].used_by}")


@models.command("rollback")
def rollback(
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "rolled back by hand", kind: OfKind = None
) -> None:
    """Put the version in use that was before the present one."""
    of = kind or Kind.FORECAST
    champion = _store(of).rollback(at=_now(), reason=reason)
    typer.echo(f"In use again: {champion.version}.")
    typer.echo(f"Next:  retail-assets materialize --select {_KINDS[of].used_by}")


def _standing(store: ModelStore) -> Manifest | None:
    """What is in use, as far as the store can tell: damage must not keep anyone from putting another version in use."""
    try:
        champion = store.champion()
        return store.manifest(champion.version) if champion else None
    except ModelStoreError as e:
        typer.echo(f"What is in use cannot be read: {e}", err=True)
        return None


def _waiting(store: ModelStore) -> str | None:
    from retail_assets.segmentation.lifecycle.record import waiting

    found = waiting(store)
    return found.version if found else None


def _refuse_loss_of_skill(chosen: Manifest, standing: Manifest | None, force: bool, kind: Kind) -> None:
    if standing is not None and standing.has_skill and not chosen.has_skill and not force:
        lacks, has = ("has no skill", "has") if kind is Kind.FORECAST else ("is not stable", "is")
        raise ModelStoreError(
            f"{chosen.version} {lacks} ({chosen.verdict}), and {standing.version}, which is in use, {has}. "
            f"Nothing was changed. If it must be: --force; {_KINDS[kind].check}."
        )


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
