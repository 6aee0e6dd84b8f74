"""`retail-assets models`: versions of the models of forecast and segments, and which ones are in use."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from retail_assets.cli.options import AsJson, settings_for
from retail_assets.errors import RetailError
from retail_assets.models import promotion
from retail_assets.models.kinds import KINDS
from retail_assets.models.store import ModelStore, ModelStoreError, UnreadablePointerError

if TYPE_CHECKING:
    from retail_assets.platform import Platform

models = typer.Typer(
    help="Versions of the models of forecast and segments: list, compare, promote, decline, roll back.",
    no_args_is_help=True,
)


class Kind(StrEnum):
    """The kinds of model."""

    FORECAST = "forecast"
    SEGMENTS = "segments"


Version = Annotated[
    str, typer.Argument(metavar="VERSION", help="A version, or any part of its name that no other has.")
]
OfKind = Annotated[
    Kind | None, typer.Option("--kind", help="The forecast by default; with a VERSION, the kind that has it.")
]


@dataclass(frozen=True)
class _Display:
    """How models of a kind are shown: the metric of the list, those of a comparison, and the word for `has_skill`."""

    metric: str
    heading: str
    form: Callable[[float], str]
    compared: tuple[str, ...]
    skill: str


_DISPLAYS: Mapping[Kind, _Display] = {
    Kind.FORECAST: _Display(
        "wape",
        "WAPE",
        lambda value: f"{value:.1%}",
        ("rmse", "mae", "wape", "mase", "bias", "coverage80", "coverage95", "width80", "total_rmse", "total_wape"),
        "skill",
    ),
    Kind.SEGMENTS: _Display(
        "bootstrap_ari",
        "ARI",
        lambda value: f"{value:.2f}",
        ("k", "silhouette", "bootstrap_ari", "renamed", "least_name_fit"),
        "stable",
    ),
}


def _platform() -> Platform:
    from retail_assets.platform import Platform

    return Platform(settings_for())


def _store(kind: Kind) -> ModelStore:
    return _platform().model_store(KINDS[kind])


def _kind_of(version: str, kind: Kind | None) -> Kind:
    """The kind that is given, or else the one whose store has the version; the forecast where none or both do."""
    if kind is not None:
        return kind
    having = [k for k in Kind if version and any(version in m.version for m in _store(k).versions())]
    return having[0] if len(having) == 1 else Kind.FORECAST


@models.command("list")
def list_versions(kind: OfKind = None, as_json: AsJson = False) -> None:
    """List every version, the newest last, and mark the one in use."""
    chosen = kind or Kind.FORECAST
    store, display = _store(chosen), _DISPLAYS[chosen]
    versions, damaged = store.versions(), store.damaged()
    try:
        champion = store.champion()
    except UnreadablePointerError as e:
        damaged["champion.json"], champion = str(e), None
    in_use = champion.version if champion else None
    for name, error in damaged.items():
        typer.echo(f"Damaged, {name}: {error}", err=True)
    if as_json:
        typer.echo(json.dumps([{**asdict(m), "in_use": m.version == in_use} for m in versions], indent=2))
        return
    if not versions:
        typer.echo(f"No model is stored yet. Materialize the asset {store.kind.trained_by}.")
        return
    held, removed, declined = promotion.held(store), promotion.removed_by_hand(champion), promotion.declined(store)
    marks = {
        **dict.fromkeys(declined, "x"),
        **dict.fromkeys(removed, "-"),
        **({held.version: "?"} if held else {}),
        **({in_use: "*"} if in_use else {}),
    }
    typer.echo(f"  {'version':20s} {'model':24s} {'sales to':10s} {display.heading:>7s} {display.skill:>6s}  trained")
    for m in versions:
        value = m.metrics.get(display.metric)
        cell = "–" if value is None else display.form(value)
        skill = "yes" if m.has_skill else "no"
        mark = marks.get(m.version, " ")
        typer.echo(f"{mark} {m.version:20s} {m.family:24s} {m.data['last_day']} {cell:>7s} {skill:>6s}  {m.trained_at}")
    typer.echo(f"  * in use, in {store.store.uri}")
    if held:
        typer.echo(f"  ? held: {held.reason}. To put it in use: retail-assets models promote {held.version}")
        typer.echo(f"    To keep the one in use: retail-assets models decline {held.version}")
    if declined:
        typer.echo("  x declined: no training holds or promotes it; retail-assets models promote puts it in use")
    if removed:
        typer.echo("  - removed by hand: no training promotes it; retail-assets models promote brings it back")


@models.command("show")
def show(
    version: Annotated[str | None, typer.Argument(metavar="[VERSION]", help="The one in use by default.")] = None,
    kind: OfKind = None,
    as_json: AsJson = False,
) -> None:
    """Show the model card of a version; with --json its manifest and every promotion."""
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
    """Compare two versions, each by its own metrics."""
    of = _kind_of(first, kind)
    store, display = _store(of), _DISPLAYS[of]
    pair = store.manifest(first), store.manifest(second)
    rows = {key: tuple(m.metrics.get(key) for m in pair) for key in display.compared}
    if as_json:
        facts = {m.version: {"family": m.family, "data": m.data, "metrics": m.metrics} for m in pair}
        typer.echo(json.dumps(facts, indent=2))
        return
    typer.echo(f"  {'':14s} {pair[0].version:>20s} {pair[1].version:>20s}")
    for name, values in (
        ("model", tuple(m.family for m in pair)),
        ("sales to", tuple(m.data["last_day"] for m in pair)),
        (display.skill, tuple("yes" if m.has_skill else "no" for m in pair)),
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
        typer.echo("  Their backtests cover different days: a difference of numbers need not be one of the models.")


@models.command("promote")
def promote(
    version: Version,
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "promoted by hand",
    force: Annotated[
        bool, typer.Option("--force", help="Also a version without skill in place of one that has it.")
    ] = False,
    kind: OfKind = None,
) -> None:
    """Put a version in use. It makes the next forecast, or names the customers in the next run."""
    platform = _platform()
    store = platform.model_store(KINDS[_kind_of(version, kind)])
    _warn_if_unreadable(store)
    champion = promotion.promote_by_hand(store, version, at=_now(), reason=reason, force=force)
    typer.echo(f"In use: {champion.version} ({store.manifest(champion.version).family}).")
    _finish(platform, store)


@models.command("decline")
def decline(
    version: Version,
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "declined by hand",
    kind: OfKind = None,
) -> None:
    """Keep the version in use in place of the one that is held. No training holds the declined version again."""
    store = _store(_kind_of(version, kind))
    declined = promotion.decline(store, version, at=_now(), reason=reason)
    champion = store.champion_or_none()
    typer.echo(f"Declined: {declined.version}. {champion.version if champion else 'No version'} stays in use.")


@models.command("rollback")
def rollback(
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "rolled back by hand", kind: OfKind = None
) -> None:
    """Put the version in use that was in use before the present one."""
    platform = _platform()
    store = platform.model_store(KINDS[kind or Kind.FORECAST])
    champion = promotion.rollback(store, at=_now(), reason=reason)
    typer.echo(f"In use again: {champion.version}.")
    _finish(platform, store)


def _warn_if_unreadable(store: ModelStore) -> None:
    """Damage must not keep anyone from putting another version in use."""
    try:
        champion = store.champion()
        if champion:
            store.manifest(champion.version)
    except ModelStoreError as e:
        typer.echo(f"The model in use cannot be read: {e}", err=True)


def _finish(platform: Platform, store: ModelStore) -> None:
    """Publish the card of the model that is now in use, and say what to do next."""
    try:
        promotion.publish_card(store, platform.output)
    except RetailError as e:  # the version is in use all the same, and the next run writes the card
        typer.echo(f"The model card was not published: {e}", err=True)
    typer.echo(f"Next:  retail-assets materialize --select {store.kind.used_by}")


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
