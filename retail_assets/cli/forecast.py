"""`retail-assets forecast`: the forecast judged on anybody's long frame."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from retail_assets.cli.options import AsJson
from retail_assets.errors import RetailError

if TYPE_CHECKING:
    import pandas as pd

    from retail_assets.forecasting.api import Judgment

forecast = typer.Typer(help="Judge the forecast on data of your own.", no_args_is_help=True)

_SHOWN = ("wape", "total_wape", "rmse", "bias", "coverage80", "total_coverage80", "holiday_wape")


@forecast.callback()
def _group() -> None:
    """Judge the forecast on data of your own."""


@forecast.command("backtest")
def backtest(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="CSV or Parquet with unique_id,ds,y and optionally orders, unit_price."),
    ],
    country: Annotated[str, typer.Option(help="Of the holidays, ISO 3166-1 such as FR.")],
    horizon: Annotated[int, typer.Option(min=1, max=28, help="Days ahead.")] = 28,
    cutoffs: Annotated[int, typer.Option(min=1, max=52, help="Cut-offs that are scored, one horizon apart.")] = 8,
    largest: Annotated[
        int | None, typer.Option(min=1, help="Keep that many series; the sum of the others is OTHER.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the models.")] = 0,
    output: Annotated[Path | None, typer.Option(metavar="CSV", help="Write every forecast to a file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Forecast from past cut-offs as it would have been done then, and compare with the sales, beside other models."""
    from retail_assets.forecasting import api

    try:
        judged = api.backtest(
            _frame(file), country=country, horizon=horizon, cutoffs=cutoffs, seed=seed, largest=largest
        )
    except ValueError as e:
        raise RetailError(f"{file}: {e}") from None
    if output is not None:
        judged.forecasts.to_csv(output, index=False)
    typer.echo(json.dumps(_jsonable(judged), indent=2) if as_json else _text(judged))


def _frame(file: Path) -> pd.DataFrame:
    """Read a long frame. Raises RetailError."""
    import pandas as pd

    try:
        if file.suffix.lower() in (".parquet", ".pq"):
            return pd.read_parquet(file)
        return pd.read_csv(file, dtype={"unique_id": str})
    except (OSError, ValueError) as e:  # pandas' and Arrow's errors of parsing are ValueErrors
        raise RetailError(f"{file} cannot be read: {getattr(e, 'strerror', None) or str(e).splitlines()[0]}.") from None


def _text(judged: Judgment) -> str:
    metrics = judged.metrics
    shown = [name for name in _SHOWN if name in metrics.columns]
    width = max(len(name) for name in metrics.index)
    lines = [f"{'':{width}s}" + "".join(f"{name:>18s}" for name in shown)]
    for name, row in metrics.iterrows():
        cells = (
            "–" if row[key] != row[key] else f"{row[key]:,.1f}" if key == "rmse" else f"{row[key]:.1%}" for key in shown
        )
        lines.append(f"{name:{width}s}" + "".join(f"{cell:>18s}" for cell in cells))
    chosen = ", ".join(f"{cutoff} {name}" for cutoff, name in judged.champions.items())
    lines += ["", *judged.in_words, f"The product's model at each cut-off: {chosen}."]
    lines += [f"Note: {note}" for note in judged.notes]
    lines.append(
        f"Beside it: {judged.peers}."
        if judged.peers
        else "statsforecast is not installed: the product is compared with its own candidates and rules only."
    )
    return "\n".join(lines)


def _jsonable(judged: Judgment) -> dict[str, Any]:
    metrics = judged.metrics.astype(object).where(judged.metrics.notna(), None)
    return {
        "metrics": metrics.to_dict(orient="index"),
        "champions": {str(cutoff): name for cutoff, name in judged.champions.items()},
        "in_words": list(judged.in_words),
        "peers": judged.peers,
        "notes": list(judged.notes),
    }
