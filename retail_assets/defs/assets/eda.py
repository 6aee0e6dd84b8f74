"""Assets of the exploratory analysis: figures, summary, statistics and insights, from one reading of the warehouse."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg

from retail_assets.defs.assets.outputs import publish_figures, thumbnails
from retail_assets.defs.failures import failing_clearly
from retail_assets.defs.metadata import ANALYTICS
from retail_assets.lake.currency import refuse_currency_of
from retail_assets.platform import Platform

if TYPE_CHECKING:
    from retail_assets.eda.data import EdaData

GROUP = "eda"
_THUMBNAILS = ("daily_revenue.png", "revenue_by_category.png")


def eda_assets(platform: Platform) -> list[dg.AssetsDefinition]:
    """Build `eda_figures`, `eda_summary`, `summary_statistics` and `insights`."""

    def spec(key: str, kind: str, description: str) -> dg.AssetSpec:
        return dg.AssetSpec(
            key,
            deps=["sales", "daily_category_sales"],
            group_name=GROUP,
            kinds={"python", kind},
            owners=ANALYTICS,
            tags={"layer": "eda", "source": platform.source},
            code_version="1",
            description=description,
        )

    @dg.multi_asset(
        name="eda",
        can_subset=True,
        backfill_policy=dg.BackfillPolicy.single_run(),
        specs=[
            spec("eda_figures", "matplotlib", "PNG figures of the sales; the title of each states what the data show."),
            spec(
                "eda_summary",
                "json",
                "Rows and money by what became of them, revenue, dates, customers, orders: `summary.json`.",
            ),
            spec(
                "summary_statistics",
                "csv",
                "Distribution of quantity, unit price and amount per order line, and of the amount per order: overall "
                "and by category, as `statistics.csv`.",
            ),
            spec(
                "insights",
                "markdown",
                "Sentences computed from the sales on trends, products and customers, each with its test, and how far "
                "to trust them, as `insights.md`.",
            ),
        ],
    )
    def eda(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        from retail_assets.eda.data import load
        from retail_assets.eda.landed import read_landed

        with failing_clearly():
            landings = platform.lake.clean_landings()
            refuse_currency_of(landings[-1:], platform.settings.contract)
            data = load(platform.warehouse.query, read_landed(platform.lake, landings))
            for key, publish in _PUBLISHED.items():
                if dg.AssetKey(key) in context.selected_asset_keys:
                    yield dg.MaterializeResult(asset_key=key, metadata=publish(platform, data))
                    context.log.info("%s: written to %s", key, platform.output.uri)

    return [eda]


def _figures(platform: Platform, data: "EdaData") -> dict[str, Any]:
    from retail_assets.eda.figures.render import FIGURES, render_all, skipped

    contract = platform.settings.contract
    stems = render_all(data, currency=contract.currency, country=contract.country)
    drawn = {f"{stem}.png": png for stem, png in stems.items()}
    removed = publish_figures(platform, drawn, [f"{stem}.png" for stem in FIGURES])
    shown = thumbnails({name: drawn[name] for name in _THUMBNAILS if name in drawn})
    return {
        "figures": len(drawn),
        "skipped": dg.MetadataValue.json(skipped(data)),
        "removed": len(removed),
        **({"dagster/uri": platform.output.uri_of(f"figures/{next(iter(drawn))}")} if drawn else {}),
        **{f"figure_{name}": thumbnail for name, thumbnail in shown.items()},
    }


def _summary(platform: Platform, data: "EdaData") -> dict[str, Any]:
    from retail_assets.eda.summary import build_summary, count_rows

    rows = count_rows(data.landed, data.overview.lines)
    summary = build_summary(data, rows, platform.settings.contract.unconfirmed)
    content = json.dumps(summary, indent=2).encode() + b"\n"
    return {"summary": dg.MetadataValue.json(summary), **_write(platform, "summary.json", content)}


def _statistics(platform: Platform, data: "EdaData") -> dict[str, Any]:
    from retail_assets.eda.statistics import statistics_csv

    return _write(platform, "statistics.csv", statistics_csv(data).encode())


def _insights(platform: Platform, data: "EdaData") -> dict[str, Any]:
    from retail_assets.eda.insights.page import write_insights

    contract = platform.settings.contract
    page = write_insights(data, currency=contract.currency, country=contract.country, assumed=contract.unconfirmed)
    return {"page": dg.MetadataValue.md(page), **_write(platform, "insights.md", page.encode())}


def _write(platform: Platform, key: str, content: bytes) -> dict[str, Any]:
    """Write one output, and return where it is as metadata."""
    platform.output.write(key, content)
    return {"dagster/uri": platform.output.uri_of(key)}


_PUBLISHED = {
    "eda_figures": _figures,
    "eda_summary": _summary,
    "summary_statistics": _statistics,
    "insights": _insights,
}
