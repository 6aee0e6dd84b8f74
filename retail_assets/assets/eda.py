"""The EDA layer: figures, summary, statistics and insights, made together from one reading of the warehouse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import dagster as dg

from retail_assets.assets.common import ANALYTICS, failing_clearly, picture
from retail_assets.lake import CleanManifest
from retail_assets.platform import Platform

GROUP = "eda"
_SHOWN = ("daily_revenue", "revenue_by_category")


def eda_assets(platform: Platform) -> list[dg.AssetsDefinition]:
    """`eda_figures`, `eda_summary`, `summary_statistics` and `insights`."""
    contract = platform.settings.contract

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
        backfill_policy=dg.BackfillPolicy.single_run(),
        specs=[
            spec("eda_figures", "matplotlib", "Figures as PNG whose titles state what the data show."),
            spec("eda_summary", "json", "Counts, dates and revenue as `summary.json`."),
            spec("summary_statistics", "csv", "Distribution of quantity, price, amount and basket, overall and by category."),
            spec("insights", "markdown", "Sentences computed from the data: trends, customers, products, caveats."),
        ],
    )
    def eda() -> Iterator[dg.MaterializeResult]:
        from retail_assets.eda import data, figures, insights, statistics, summary

        with failing_clearly():
            found = data.load(platform.warehouse.query)
            drawn = figures.render_all(found, currency=contract.currency, country=contract.country)
            published = _publish(platform, {f"figures/{name}.png": png for name, png in drawn.items()})
            stale = _remove_stale_figures(platform, set(drawn))
        shown = {f"figure_{n}": picture(figures.thumbnail(drawn[n]), n) for n in _SHOWN if n in drawn}
        skipped = dg.MetadataValue.json(figures.skipped(found))
        yield dg.MaterializeResult(
            asset_key="eda_figures",
            metadata={"figures": len(drawn), "skipped": skipped, "removed": len(stale), **published, **shown},
        )
        with failing_clearly():
            counted = summary.build_summary(found, account(platform, found.overview.lines))
            published = _publish(platform, {"summary.json": json.dumps(counted, indent=2).encode() + b"\n"})
        yield dg.MaterializeResult(
            asset_key="eda_summary", metadata={"summary": dg.MetadataValue.json(counted), **published}
        )
        with failing_clearly():
            published = _publish(platform, {"statistics.csv": statistics.statistics_csv(found).encode()})
        yield dg.MaterializeResult(asset_key="summary_statistics", metadata=published)
        with failing_clearly():
            page = insights.write_insights(found, currency=contract.currency, country=contract.country)
            published = _publish(platform, {"insights.md": page.encode()})
        yield dg.MaterializeResult(asset_key="insights", metadata={"page": dg.MetadataValue.md(page), **published})

    return [eda]


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
    from retail_assets.eda.figures import FIGURES

    stale = [f"figures/{name}.png" for name in FIGURES if name not in current]
    existing = {entry.key for entry in platform.output.list("figures")}
    gone = [key for key in stale if key in existing]
    platform.output.delete(gone)
    return gone
