"""The EDA layer: figures, summary, statistics and insights, made together from one reading of the warehouse."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg

from retail_assets.defs.failures import failing_clearly
from retail_assets.defs.metadata import ANALYTICS, picture
from retail_assets.lake.manifests import CleanManifest
from retail_assets.platform import Platform

if TYPE_CHECKING:
    from retail_assets.eda.data import EdaData

GROUP = "eda"
_SHOWN = ("daily_revenue", "revenue_by_category")


def eda_assets(platform: Platform) -> list[dg.AssetsDefinition]:
    """`eda_figures`, `eda_summary`, `summary_statistics` and `insights`."""

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
            spec("eda_figures", "matplotlib", "Figures as PNG whose titles state what the data show."),
            spec("eda_summary", "json", "Counts, dates and revenue as `summary.json`."),
            spec(
                "summary_statistics",
                "csv",
                "Distribution of quantity, price, amount and basket, overall and by category.",
            ),
            spec("insights", "markdown", "Sentences computed from the data: trends, customers, products, caveats."),
        ],
    )
    def eda(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        from retail_assets.eda import data

        with failing_clearly():
            found = data.load(platform.warehouse.query)
            makers = {
                "eda_figures": _figures,
                "eda_summary": _summary,
                "summary_statistics": _statistics,
                "insights": _insights,
            }
            for key, make in makers.items():
                if dg.AssetKey(key) in context.selected_asset_keys:
                    yield dg.MaterializeResult(asset_key=key, metadata=make(platform, found))
        context.log.info("Figures, summary, statistics and insights are in %s", platform.output.uri)

    return [eda]


def _figures(platform: Platform, found: "EdaData") -> dict[str, Any]:
    from retail_assets.eda.figures import render
    from retail_assets.plotting.image import thumbnail

    contract = platform.settings.contract
    drawn = render.render_all(found, currency=contract.currency, country=contract.country)
    published = _publish(platform, {f"figures/{name}.png": png for name, png in drawn.items()})
    return {
        "figures": len(drawn),
        "skipped": dg.MetadataValue.json(render.skipped(found)),
        "removed": len(_remove_stale_figures(platform, set(drawn))),
        **published,
        **{f"figure_{n}": picture(thumbnail(drawn[n]), n) for n in _SHOWN if n in drawn},
    }


def _summary(platform: Platform, found: "EdaData") -> dict[str, Any]:
    from retail_assets.eda.summary import build_summary

    counted = build_summary(found, account(platform, found.overview.lines))
    published = _publish(platform, {"summary.json": json.dumps(counted, indent=2).encode() + b"\n"})
    return {"summary": dg.MetadataValue.json(counted), **published}


def _statistics(platform: Platform, found: "EdaData") -> dict[str, Any]:
    from retail_assets.eda.statistics import statistics_csv

    return _publish(platform, {"statistics.csv": statistics_csv(found).encode()})


def _insights(platform: Platform, found: "EdaData") -> dict[str, Any]:
    from retail_assets.eda.insights.page import write_insights

    contract = platform.settings.contract
    page = write_insights(found, currency=contract.currency, country=contract.country)
    return {"page": dg.MetadataValue.md(page), **_publish(platform, {"insights.md": page.encode()})}


def account(platform: Platform, current: int) -> dict[str, int]:
    """What became of every landed row: landed = clean + quarantined + superseded; `current` is what `sales` holds.

    `superseded` counts rows replaced by a later line of the same landing; what a later landing replaced is
    clean - current.
    """
    manifests: list[CleanManifest] = [platform.lake.clean(day) for day in platform.lake.landings("clean")]
    return {
        "landed": sum(m.landed_rows for m in manifests),
        "clean": sum(m.rows("clean") for m in manifests),
        "quarantined": sum(m.rows("quarantine") for m in manifests),
        "superseded": sum(m.rows("superseded") for m in manifests),
        "current": current,
    }


def _publish(platform: Platform, files: dict[str, bytes]) -> dict[str, Any]:
    for key, content in files.items():
        platform.output.write(key, content)
    return {"dagster/uri": platform.output.uri_of(next(iter(files)))} if files else {}


def _remove_stale_figures(platform: Platform, current: set[str]) -> list[str]:
    """Figures of an earlier run that today's data no longer give. Only names that this layer draws are touched."""
    from retail_assets.eda.figures.render import FIGURES

    stale = [f"figures/{name}.png" for name in FIGURES if name not in current]
    existing = {entry.key for entry in platform.output.list("figures")}
    gone = [key for key in stale if key in existing]
    platform.output.delete(gone)
    return gone
