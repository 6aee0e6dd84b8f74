"""`retail-assets forecast`: the forecast judged on anybody's long frame."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from retail_assets.cli import completion
from retail_assets.cli.command_line import App, examples
from retail_assets.cli.metric_words import METRICS
from retail_assets.cli.options import AsJson, whole, width
from retail_assets.cli.table_text import Column, table_text
from retail_assets.errors import RetailError
from retail_assets.wording import formats
from retail_assets.wording.forecast_models import in_words

if TYPE_CHECKING:
    import pandas as pd

    from retail_assets.forecasting.api import Judgment

forecast = App(
    help="Judge the forecast on data of your own.",
    examples=("forecast backtest daily.csv --country FR",),
)

_SHOWN = ("wape", "total_wape", "rmse", "bias", "coverage80", "total_coverage80", "holiday_wape")
_SPARE = {"rmse": 5, "bias": 4, "holiday_wape": 3, "total_coverage80": 2, "coverage80": 1}


@forecast.command("backtest")
@examples(
    "forecast backtest daily.csv --country FR",
    "forecast backtest daily.parquet --country US --horizon 14 --cutoffs 12 --largest 20",
    "forecast backtest daily.csv --country FR --output forecasts.csv --json",
)
def backtest(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="CSV or Parquet with unique_id,ds,y and optionally orders, unit_price."),
    ],
    country: Annotated[
        str,
        typer.Option(
            metavar="CODE",
            autocompletion=completion.countries,
            help="Country of the holidays, ISO 3166-1 such as FR.",
        ),
    ],
    horizon: Annotated[int, typer.Option(parser=whole(1, 28), metavar="DAYS", help="Days ahead, 1 to 28.")] = 28,
    cutoffs: Annotated[
        int,
        typer.Option(parser=whole(1, 52), metavar="N", help="Cut-offs that are scored, one horizon apart, 1 to 52."),
    ] = 8,
    largest: Annotated[
        int | None,
        typer.Option(parser=whole(1), metavar="N", help="Keep that many series; the sum of the others is OTHER."),
    ] = None,
    seed: Annotated[int, typer.Option(parser=whole(0), metavar="N", help="Random seed of the models.")] = 0,
    output: Annotated[Path | None, typer.Option(metavar="PATH", help="Write every forecast to a CSV file.")] = None,
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
    table = table_text(
        [
            Column("forecast by", [in_words(name) for name in metrics.index], number=False),
            *(
                Column(METRICS[key].head, [*map(METRICS[key].text, metrics[key])], spare=_SPARE.get(key, 0))
                for key in shown
            ),
        ],
        width(),
    )
    lines = [*table.with_note(width()), ""]
    lines += [f"{METRICS[key].head}: {METRICS[key].words.format(currency='money')}" for key in shown]
    chosen = ", ".join(f"{formats.day(cutoff)} {in_words(name)}" for cutoff, name in judged.champions.items())
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
