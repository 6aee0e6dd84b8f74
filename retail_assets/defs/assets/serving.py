"""The asset `serving_bundle`: what applications need to answer questions without the warehouse."""

import datetime as dt
from collections.abc import Iterator, Sequence

import dagster as dg

from retail_assets.defs.assets.last_evaluations import last_evaluations
from retail_assets.defs.assets.report import GROUP
from retail_assets.defs.data_versions import materialized
from retail_assets.defs.failures import failing_clearly
from retail_assets.defs.metadata import ENGINEERING
from retail_assets.defs.pools import WAREHOUSE
from retail_assets.lake.currency import refuse_other_currency
from retail_assets.models.kinds import SEGMENTS
from retail_assets.platform import Platform


def serving_assets(platform: Platform, checks: Sequence[dg.AssetChecksDefinition]) -> list[dg.AssetsDefinition]:
    """Build `serving_bundle`, which also holds what `checks` found last."""
    keys = [key for check in checks for key in check.check_keys]

    @dg.asset(
        pool=WAREHOUSE,
        output_required=False,
        deps=[
            "insights",
            "daily_category_sales",
            "sales_forecast",
            "forecast_backtest",
            "customer_segments",
            "segment_profiles",
            "segment_report",
        ],
        group_name=GROUP,
        owners=ENGINEERING,
        tags={"layer": "outputs", "source": platform.source},
        kinds={"python", "sqlite"},
        code_version="1",
        backfill_policy=dg.BackfillPolicy.single_run(),
        metadata={"dagster/uri": platform.serving.uri_of(platform.source)},
        description="Forecasts, segments, recommendations and the segments' model as files that applications read "
        "without the warehouse: command line, HTTP, Flask, Django, Lambda. A new bundle comes into use at once. "
        "Skipped while there is no forecast.",
    )
    def serving_bundle(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        from retail_assets.exports.bundle.content import Check, NothingToServeError
        from retail_assets.exports.bundle.publish import publish_bundle
        from retail_assets.segmentation.personas import persona_file

        settings = platform.settings
        with failing_clearly(platform):
            refuse_other_currency(platform.lake, settings.contract)
            found = [
                Check(
                    key.asset_key.to_user_string(), key.name, each.passed, each.severity.value, each.description or ""
                )
                for key, each in last_evaluations(context.instance, keys)
            ]
            try:
                published = publish_bundle(
                    platform.warehouse,
                    platform.output,
                    platform.model_store(SEGMENTS),
                    platform.serving,
                    source=platform.source,
                    contract=settings.contract,
                    catalog=persona_file.or_default(settings.personas),
                    checks=found,
                    now=dt.datetime.now(dt.UTC),
                    keep_days=settings.serving_keep_days,
                )
            except NothingToServeError as e:
                context.log.warning("serving_bundle: skipped, nothing was published. %s", e)
                return
        context.log.info("serving_bundle: %s in use at %s", published.manifest.version, published.uri)
        yield materialized(
            published.manifest.version,
            {
                "version": published.manifest.version,
                "bytes": published.bytes,
                "rows": dg.MetadataValue.json(dict(published.manifest.counts)),
                "swept": len(published.swept),
            },
        )

    return [serving_bundle]
