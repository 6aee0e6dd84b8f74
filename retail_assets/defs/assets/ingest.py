"""The ingest layer, partitioned by landing day: raw files found, cleaned by Spark, rejected rows kept.

What the files look like is the contract's business, what is done to them is `cleaning/`.
"""

import datetime as dt
import hashlib
import uuid
from collections.abc import Callable, Iterator

import dagster as dg

from retail_assets.defs.failures import failing_clearly
from retail_assets.defs.metadata import ENGINEERING, preview, row_counts, static_table_metadata
from retail_assets.defs.resources import SparkResource
from retail_assets.defs.selection import landing_days, selected
from retail_assets.errors import StorageError
from retail_assets.lake.lake import sweep_unfinished
from retail_assets.lake.manifests import RawManifest, total_reasons
from retail_assets.landing.drift import as_markdown, drift_of, refuse_drift
from retail_assets.landing.register import refuse_vanished, register_landings
from retail_assets.platform import Platform
from retail_assets.tables import SALES_CLEAN, SALES_QUARANTINE

GROUP = "ingest"


def ingest_assets(platform: Platform, partitions: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    """`raw_sales_files`, and `clean_sales` with `quarantined_sales`."""
    contract = platform.settings.contract

    @dg.asset(
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name=GROUP,
        kinds={"file" if platform.raw.is_local else platform.raw.uri.split("://")[0]},
        owners=ENGINEERING,
        tags={"layer": "raw", "source": platform.source},
        code_version=contract.digest,
        description=f"The files that landed in `{platform.source}/dt=<day>/`: hash, shape, control totals of each.",
    )
    def raw_sales_files(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        with failing_clearly():
            manifests = register_landings(platform.raw, platform.source, landing_days(context), contract)
            refuse_vanished(platform.lake, manifests)
            drifts = drift_of(platform.lake, manifests, contract)
            refuse_drift(platform.lake, manifests, drifts, contract)
            locations = [platform.lake.publish_raw(m) for m in manifests]
        _swept(context, lambda now: sweep_unfinished(platform.raw, platform.source, now))
        files = [f for m in manifests for f in m.files]
        context.log.info("Registered %d file(s), %d lines", len(files), sum(f.lines for f in files))
        return dg.MaterializeResult(
            metadata={
                **row_counts(sum(m.lines for m in manifests), {str(m.landed_on): m.lines for m in manifests}),
                "files": len(files),
                "bytes": sum(f.size for f in files),
                "contract": contract.digest,
                "dagster/uri": locations[-1],
                "manifest": dg.MetadataValue.json(
                    [{"key": f.key, "size": f.size, "sha256": f.sha256, "lines": f.lines} for f in files[:200]]
                ),
                "schema_changes": dg.MetadataValue.md(as_markdown(drifts)),
                "unknown_columns": dg.MetadataValue.json(sorted({c for f in files for c in f.unknown_columns})),
            },
            data_version=dg.DataVersion(_digest(manifests)),
        )

    @dg.multi_asset(
        name="clean",
        can_subset=True,
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        specs=[
            dg.AssetSpec(
                "clean_sales",
                deps=[raw_sales_files],
                group_name=GROUP,
                kinds={"pyspark", "parquet"},
                owners=ENGINEERING,
                tags={"layer": "clean", "source": platform.source},
                code_version=contract.digest,
                description="Canonical sales of a landing as Parquet: the latest line of each transaction in it.",
                metadata=static_table_metadata(SALES_CLEAN),
            ),
            dg.AssetSpec(
                "quarantined_sales",
                deps=[raw_sales_files],
                group_name=GROUP,
                kinds={"pyspark", "parquet"},
                owners=ENGINEERING,
                tags={"layer": "quarantine", "source": platform.source},
                code_version=contract.digest,
                description="Every rejected record of a landing with its raw text, file, line and all its reasons.",
                metadata=static_table_metadata(SALES_QUARANTINE),
            ),
        ],
    )
    def clean(
        context: dg.AssetExecutionContext, spark: dg.ResourceParam[SparkResource]
    ) -> Iterator[dg.MaterializeResult]:
        from retail_assets.cleaning import job

        with failing_clearly():
            landings = [platform.lake.raw(d) for d in landing_days(context)]
            # Before new files, which may need the space. Those that this run replaces are some reader's until later.
            days = [m.landed_on for m in landings]
            swept = _swept(context, lambda now: platform.lake.sweep_around(days, now))
            run_id = f"{context.run.run_id[:8]}-{uuid.uuid4().hex[:8]}"
            manifests = job.clean(lambda: spark.session, platform.raw, platform.lake, landings, contract, run_id)
            locations = [platform.lake.publish_clean(m) for m in manifests]
        rows = {str(m.landed_on): m.rows("clean") for m in manifests}
        rejected = {str(m.landed_on): m.rows("quarantine") for m in manifests}
        context.log.info(
            "%d clean, %d quarantined; swept %d old files", sum(rows.values()), sum(rejected.values()), swept
        )
        cleaned: dg.MaterializeResult = dg.MaterializeResult(
            asset_key="clean_sales",
            metadata={
                **row_counts(sum(rows.values()), rows),
                "rows_superseded": sum(m.rows("superseded") for m in manifests),
                "revenue": str(sum(m.amount("clean") for m in manifests)),
                "java": str(spark.java) if spark.java else "none started",
                "dagster/uri": locations[-1],
                "preview": preview(platform.lake.head(manifests, "clean")),
            },
        )
        quarantined: dg.MaterializeResult = dg.MaterializeResult(
            asset_key="quarantined_sales",
            metadata={
                **row_counts(sum(rejected.values()), rejected),
                "revenue": str(sum(m.amount("quarantine") for m in manifests)),
                "reasons": dg.MetadataValue.json(total_reasons(manifests)),
                "dagster/uri": locations[-1],
                "preview": preview(platform.lake.head(manifests, "quarantine")),
            },
        )
        yield from selected(context, [cleaned, quarantined])

    return [raw_sales_files, clean]


def _swept(context: dg.AssetExecutionContext, sweep: Callable[[dt.datetime], list[str]]) -> int:
    """Sweep; returns the number of files. What cannot be swept is told and stays: the result is published already."""
    try:
        return len(sweep(dt.datetime.now(dt.UTC)))
    except StorageError as e:
        context.log.warning("Left-over files of earlier runs stay: %s", e)
        return 0


def _digest(manifests: list[RawManifest]) -> str:
    return hashlib.sha256("".join(m.digest for m in manifests).encode()).hexdigest()[:16]
