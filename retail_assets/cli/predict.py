"""`retail-assets predict`: forecasts, segments and recommendations from the published bundle, without the warehouse."""

from __future__ import annotations

import contextlib
import datetime as dt
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from retail_assets.cli import completion
from retail_assets.cli.command_line import App, examples
from retail_assets.cli.options import DAY, AsJson, day, whole, width

if TYPE_CHECKING:
    from retail_assets.serving import Predictor

MOST_DAYS = 28
STDIN = "-"

predict = App(
    help="Ask for a forecast, a customer's segment or what to do, from the bundle that the last run has published.",
    examples=(
        "predict forecast --category Beauty",
        "predict segment --customer C1042",
        "predict score purchases.csv",
        "predict recommend",
    ),
)

AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV for spreadsheets.")]
Bundle = Annotated[
    str | None,
    typer.Option(metavar="URI", help="Where bundles are published: a folder, file:///… or s3://…; by default as set."),
]


def _days(text: str) -> int:
    number = whole(1)(text)
    if number > MOST_DAYS:
        raise typer.BadParameter(
            f"{number:,} days is further than the forecast reaches: {MOST_DAYS} days after the last sales. "
            f"Give 1 to {MOST_DAYS}."
        )
    return number


def _coverage(text: str) -> float:
    with contextlib.suppress(ValueError):
        return float(str(text).removesuffix("%")) / (100 if str(text).endswith("%") else 1)
    raise typer.BadParameter(f"{text!r} is not a share. Give 0.8 or 0.95.")


@predict.command("forecast")
@examples(
    "predict forecast",
    "predict forecast --category Beauty --days 7",
    "predict forecast --coverage 0.95 --json",
    "predict forecast --csv                     # for a spreadsheet",
)
def forecast(
    category: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="One category; the total by default.", autocompletion=completion.categories),
    ] = None,
    start: Annotated[
        dt.date | None, typer.Option(parser=day, metavar=DAY, help="First day; by default that of the forecast.")
    ] = None,
    days: Annotated[
        int | None, typer.Option(parser=_days, metavar="N", help="Days, 1 to 28; by default all that follow.")
    ] = None,
    coverage: Annotated[
        float, typer.Option(parser=_coverage, metavar="SHARE", help="Of the prediction intervals: 0.8 or 0.95.")
    ] = 0.8,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    bundle: Bundle = None,
) -> None:
    """Show revenue and units of the coming days with prediction intervals, next to those of the last week."""
    from retail_assets.cli import predictions
    from retail_assets.serving import BadRequestError

    form = _form(as_json, as_csv)
    with _predictor(bundle) as predictor:
        try:
            found = predictor.forecast(category, start, days, coverage)
        except BadRequestError as e:
            raise typer.BadParameter(str(e)) from None
    predictions.print_forecast(found, form, width())


@predict.command("segment")
@examples(
    "predict segment --customer C1042",
    "predict segment --customer C1042 --customer C1043 --csv",
    "predict segment --customer - --json        # ids from stdin, one per line",
)
def segment(
    customer: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="Customer id, as in the sales; may be repeated; - reads stdin."),
    ] = None,
    from_csv: Annotated[str | None, typer.Option(metavar="FILE", hidden=True)] = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    bundle: Bundle = None,
) -> None:
    """Show the segment of customers, with the numbers behind it. With --json one object per line and customer."""
    from retail_assets.cli import predictions
    from retail_assets.serving import ServingError

    form = _form(as_json, as_csv)
    if (not customer) == (from_csv is None):
        raise typer.BadParameter("Give --customer ID. For customers who are not in the sales: predict score FILE.")
    if from_csv is not None:  # as 0.2.0 named `predict score --csv`
        _score(from_csv, None, "json" if as_json else "csv", bundle)
        return
    ids = [each for name in customer or () for each in (_lines() if name == STDIN else [name])]
    with _predictor(bundle) as predictor:
        printer = predictions.SegmentPrinter(form, several=len(ids) > 1)
        unknown: ServingError | None = None
        for each in ids:
            try:
                printer.show(predictor.segment(each))
            except ServingError as e:
                if len(ids) == 1:
                    raise
                typer.echo(f"Error: {e}", err=True)
                unknown = e
    if unknown is not None:
        raise typer.Exit(1)


@predict.command("score")
@examples(
    "predict score purchases.csv",
    "predict score purchases.csv --csv          # for a spreadsheet",
    "predict score - --json                     # CSV or JSON from stdin",
)
def score(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="CSV (customer_id,date,amount) or JSON of purchases; - reads stdin.")
    ],
    as_of: Annotated[
        dt.date | None,
        typer.Option(parser=day, metavar=DAY, help="Day as of which customers are described; by default the last."),
    ] = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    bundle: Bundle = None,
) -> None:
    """Give customers who are not in the sales a segment, from their purchases alone."""
    _score(file, as_of, _form(as_json, as_csv), bundle)


def _score(file: str, as_of: dt.date | None, form: str, bundle: str | None) -> None:
    from retail_assets.cli import predictions
    from retail_assets.cli.purchase_input import read_input

    with _predictor(bundle) as predictor:
        purchases = read_input(sys.stdin.buffer if file == STDIN else Path(file), predictor.notation())
        scores = predictor.score(purchases.rows, as_of)
    predictions.print_scores(scores, purchases, form, width())


@predict.command("recommend")
@examples("predict recommend", "predict recommend --persona 'High-Value Customers'", "predict recommend --stock --json")
def recommend(
    persona: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="One persona; all by default.", autocompletion=completion.personas),
    ] = None,
    stock: Annotated[bool, typer.Option("--stock", help="Show what to have in stock instead.")] = False,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    bundle: Bundle = None,
) -> None:
    """Show what to do about each persona, or what to have in stock. With --json one object per line and persona."""
    from retail_assets.cli import predictions

    if stock and persona is not None:
        raise typer.BadParameter("--stock is not of one persona: leave out --persona.")
    form = _form(as_json, as_csv)
    with _predictor(bundle) as predictor:
        if stock:
            predictions.print_stock(predictor.stock(), predictor.provenance(), form)
            return
        names = [persona] if persona is not None else [each.persona for each in predictor.personas()]
        predictions.print_recommendations([predictor.recommendations(name) for name in names], form)


@contextlib.contextmanager
def _predictor(uri: str | None) -> Iterator[Predictor]:
    """The predictor of the source of the settings, or of an address."""
    from retail_assets.serving import Predictor
    from retail_assets.settings import load_serving_uri

    with Predictor.from_uri(uri or load_serving_uri()) as predictor:
        yield predictor


def _form(as_json: bool, as_csv: bool) -> str:
    if as_json and as_csv:
        raise typer.BadParameter("Give either --json or --csv.")
    return "json" if as_json else "csv" if as_csv else "table"


def _lines() -> list[str]:
    return [line for line in sys.stdin.read().splitlines() if line.strip()]
