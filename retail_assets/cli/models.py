"""`retail-assets models`: versions of the models of forecast and segments, and which ones are in use."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from retail_assets.cli import completion
from retail_assets.cli.command_line import App, examples
from retail_assets.cli.metric_words import METRICS
from retail_assets.cli.next_step import next_step
from retail_assets.cli.options import AsJson, one_of, settings_for, width
from retail_assets.cli.table_text import Column, table_text
from retail_assets.errors import RetailError
from retail_assets.models.kinds import FORECAST, KINDS, SEGMENTS
from retail_assets.wording.forecast_models import in_words

if TYPE_CHECKING:
    from retail_assets.models.store import Manifest, ModelStore
    from retail_assets.platform import Platform

models = App(
    help="List the versions of the models of forecast and segments, compare them, and put another one in use.",
    examples=("models list", "models compare 20240131 20240229", "models rollback"),
)

Why = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for the record.")]
Version = Annotated[
    str,
    typer.Argument(
        metavar="VERSION",
        autocompletion=completion.versions,
        help="A version, or any part of its name that no other has.",
    ),
]
OfKind = Annotated[
    str | None,
    typer.Option(
        "--kind",
        parser=one_of(tuple(KINDS)),
        metavar="|".join(KINDS),
        autocompletion=completion.among(KINDS),
        help="The forecast by default; with a VERSION, the kind that has it.",
    ),
]


@dataclass(frozen=True)
class _Display:
    """How models of a kind are shown: the metric of the list, those of a comparison, and the word for `has_skill`."""

    metric: str
    compared: tuple[str, ...]
    skill: str


_DISPLAYS: Mapping[str, _Display] = {
    FORECAST.name: _Display(
        "wape",
        ("wape", "total_wape", "mae", "rmse", "total_rmse", "mase", "bias", "coverage80", "coverage95", "width80"),
        "beats simple rules",
    ),
    SEGMENTS.name: _Display(
        "bootstrap_ari", ("k", "silhouette", "bootstrap_ari", "renamed", "least_name_fit"), "stable"
    ),
}


def _platform() -> Platform:
    from retail_assets.platform import Platform

    return Platform(settings_for())


def _store(kind: str) -> ModelStore:
    return _platform().model_store(KINDS[kind])


def _kind_of(version: str, kind: str | None) -> str:
    """The kind that is given, or else the one whose store has the version; the forecast where none or both do."""
    if kind is not None:
        return kind
    having = [k for k in KINDS if version and any(version in m.version for m in _store(k).versions())]
    return having[0] if len(having) == 1 else FORECAST.name


@models.command("list")
@examples("models list", "models list --kind segments")
def list_versions(kind: OfKind = None, as_json: AsJson = False) -> None:
    """List every version, the newest last, and mark the one in use."""
    from retail_assets.models import promotion
    from retail_assets.models.store import UnreadablePointerError

    chosen = kind or FORECAST.name
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
        typer.echo(f"No model is stored yet. Materialize the asset {store.kind.trained_by}.\n{next_step()}".rstrip())
        return
    held, removed, declined = promotion.held(store), promotion.removed_by_hand(champion), promotion.declined(store)
    marks = {
        **dict.fromkeys(declined, "x"),
        **dict.fromkeys(removed, "-"),
        **({held.version: "?"} if held else {}),
        **({in_use: "*"} if in_use else {}),
    }
    typer.echo("\n".join(_listed(versions, marks, display)))
    typer.echo(f"  * in use, in {store.store.uri}")
    if held:
        typer.echo(f"  ? held: {held.reason}. To put it in use: retail-assets models promote {held.version}")
        typer.echo(f"    To keep the one in use: retail-assets models decline {held.version}")
    if declined:
        typer.echo("  x declined: no training holds or promotes it; retail-assets models promote puts it in use")
    if removed:
        typer.echo("  - removed by hand: no training promotes it; retail-assets models promote brings it back")


def _listed(versions: Sequence[Manifest], marks: Mapping[str, str], display: _Display) -> Sequence[str]:
    metric = METRICS[display.metric]
    table = table_text(
        [
            Column("  version", [f"{marks.get(m.version, ' ')} {m.version}" for m in versions], number=False),
            Column("model", [in_words(m.family) for m in versions], number=False, spare=2),
            Column("sales to", [m.data["last_day"] for m in versions], number=False, spare=4),
            Column(metric.head, [metric.text(m.metrics.get(display.metric)) for m in versions]),
            Column(display.skill, ["yes" if m.has_skill else "no" for m in versions], number=False, spare=1),
            Column("trained (UTC)", [m.trained_at[:16].replace("T", " ") for m in versions], number=False, spare=3),
        ],
        width(),
    )
    return [*table.with_note(width()), f"  {metric.head}: {metric.words}"]


@models.command("show")
@examples("models show", "models show 20240131 --json")
def show(
    version: Annotated[
        str | None,
        typer.Argument(metavar="VERSION", autocompletion=completion.versions, help="By default the one in use."),
    ] = None,
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
@examples("models compare 20240131 20240229", "models compare 20240131 20240229 --kind segments")
def compare(first: Version, second: Version, kind: OfKind = None, as_json: AsJson = False) -> None:
    """Compare two versions, each by its own metrics."""
    of = _kind_of(first, kind)
    store, display = _store(of), _DISPLAYS[of]
    pair = store.manifest(first), store.manifest(second)
    if as_json:
        facts = {m.version: {"family": m.family, "data": m.data, "metrics": m.metrics} for m in pair}
        typer.echo(json.dumps(facts, indent=2))
        return
    currency = settings_for().contract.currency
    heads = ("model", "sales to", display.skill, "version of the program")
    names = [*heads, *(METRICS[key].words.format(currency=currency) for key in display.compared)]
    columns = [
        Column(
            m.version,
            [
                in_words(m.family),
                m.data["last_day"],
                "yes" if m.has_skill else "no",
                m.code_version,
                *(METRICS[key].text(m.metrics.get(key)) for key in display.compared),
            ],
        )
        for m in pair
    ]
    typer.echo("\n".join(table_text([Column("", names, number=False), *columns], width()).lines))
    if of == SEGMENTS.name:
        for m in pair:
            named = zip(m.data["names"], m.data["customers_by_name"], strict=True)
            typer.echo(f"  {m.version}: " + ", ".join(f"{name} {count:,}" for name, count in named))
    elif pair[0].data != pair[1].data:
        typer.echo("  Their backtests cover different days: a difference of numbers need not be one of the models.")


@models.command("promote")
@examples("models promote 20240131", "models promote 20240131 --reason 'the new one misses the sales week'", works=True)
def promote(
    version: Version,
    reason: Why = "promoted by hand",
    force: Annotated[
        bool, typer.Option("--force", help="Also a version without skill in place of one that has it.")
    ] = False,
    kind: OfKind = None,
) -> None:
    """Put a version in use. It makes the next forecast, or names the customers in the next run."""
    from retail_assets.models import promotion

    platform = _platform()
    store = platform.model_store(KINDS[_kind_of(version, kind)])
    _warn_if_unreadable(store)
    champion = promotion.promote_by_hand(store, version, at=_now(), reason=reason, force=force)
    typer.echo(f"In use: {champion.version} ({store.manifest(champion.version).family}).")
    _finish(platform, store)


@models.command("decline")
@examples("models decline 20240229 --reason 'trained on a month without Sundays'", works=True)
def decline(
    version: Version,
    reason: Why = "declined by hand",
    kind: OfKind = None,
) -> None:
    """Keep the version in use in place of the one that is held. No training holds the declined version again."""
    from retail_assets.models import promotion

    store = _store(_kind_of(version, kind))
    declined = promotion.decline(store, version, at=_now(), reason=reason)
    champion = store.champion_or_none()
    typer.echo(f"Declined: {declined.version}. {champion.version if champion else 'No version'} stays in use.")


@models.command("rollback")
@examples("models rollback", "models rollback --kind segments --reason 'names changed'", works=True)
def rollback(
    reason: Why = "rolled back by hand",
    kind: OfKind = None,
) -> None:
    """Put the version in use that was in use before the present one."""
    from retail_assets.models import promotion

    platform = _platform()
    store = platform.model_store(KINDS[kind or FORECAST.name])
    champion = promotion.rollback(store, at=_now(), reason=reason)
    typer.echo(f"In use again: {champion.version}.")
    _finish(platform, store)


def _warn_if_unreadable(store: ModelStore) -> None:
    """Damage must not keep anyone from putting another version in use."""
    from retail_assets.models.store import ModelStoreError

    try:
        champion = store.champion()
        if champion:
            store.manifest(champion.version)
    except ModelStoreError as e:
        typer.echo(f"The model in use cannot be read: {e}", err=True)


def _finish(platform: Platform, store: ModelStore) -> None:
    """Publish the card of the model that is now in use, and say what to do next."""
    from retail_assets.models import promotion

    try:
        promotion.publish_card(store, platform.output)
    except RetailError as e:  # the version is in use all the same, and the next run writes the card
        typer.echo(f"The model card was not published: {e}", err=True)
    typer.echo(f"Next:  retail-assets materialize --select {store.kind.used_by}")


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
