"""The ingest layer, partitioned by landing day: raw files registered, cleaned by Spark, rejected rows quarantined.

What the files look like is the contract's business; how they become sales is up to `landing/` and `cleaning/`.
"""

import datetime as dt
import hashlib
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import dagster as dg

from retail_assets.defs.failures import failing_clearly, stop_if_canceled
from retail_assets.defs.metadata import ENGINEERING, preview, row_counts, static_table_metadata
from retail_assets.defs.resources import SparkResource
from retail_assets.defs.selection import landing_days, selected
from retail_assets.errors import LandingError, StorageError
from retail_assets.lake.currency import refuse_other_currency
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import NAMES, STATUSES, CleanManifest, RawManifest, total_counts, total_reasons
from retail_assets.lake.sweep import sweep_around, sweep_references, sweep_unfinished
from retail_assets.landing.partitions import landed_partitions
from retail_assets.landing.register import Registered, register_landings
from retail_assets.landing.schema_drift import schema_drift_as_markdown
from retail_assets.platform import Platform
from retail_assets.tables import SALES_CLEAN, SALES_QUARANTINE

GROUP = "ingest"
_FILES_SHOWN = 200
_DAYS_SHOWN = 5


def ingest_assets(platform: Platform, partitions: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    """Build `raw_sales_files`, and `clean_sales` with `quarantined_sales`."""
    contract = platform.settings.contract

    @dg.asset(
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name=GROUP,
        kinds={"file" if platform.raw.is_local else platform.raw.uri.split("://")[0]},
        owners=ENGINEERING,
        tags={"layer": "raw", "source": platform.source},
        code_version=contract.digest,
        description=f"The files that landed in `{platform.source}/dt=<day>/`: hash, shape and control totals of each.",
    )
    def raw_sales_files(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        with failing_clearly():
            refuse_other_currency(platform.lake, contract, landing_days(context))
            _refuse_first_run_without_files(platform, landing_days(context))
            landings = register_landings(platform.raw, platform.lake, landing_days(context), contract)
        _swept(context, lambda now: sweep_unfinished(platform.raw, platform.source, now))
        if contract.references:
            _swept(context, lambda now: sweep_references(platform.lake, now))
        files = [f for m in landings.manifests for f in m.files]
        context.log.info("Registered %d file(s) with %d lines", len(files), sum(f.lines for f in files))
        if not files and (waiting := _waiting(platform)):
            context.log.warning("No file landed on the days of this run; files wait in the partitions %s", waiting)
        return dg.MaterializeResult(
            metadata=_raw_metadata(landings), data_version=dg.DataVersion(_digest(landings.manifests))
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
                description="Canonical sales of a landing as Parquet: the last line of each transaction in it.",
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
                description="Every rejected row of a landing with its raw text, file, line and all reasons.",
                metadata=static_table_metadata(SALES_QUARANTINE),
            ),
        ],
    )
    def clean(
        context: dg.AssetExecutionContext, spark: dg.ResourceParam[SparkResource]
    ) -> Iterator[dg.MaterializeResult]:
        from retail_assets.cleaning import job

        with failing_clearly():
            refuse_other_currency(platform.lake, contract, landing_days(context))
            landings = [platform.lake.raw(d) for d in landing_days(context)]
            days = [m.landed_on for m in landings]
            # Sweep before writing, because the new files may need the space. What this run replaces is swept later.
            swept = _swept(context, lambda now: sweep_around(platform.lake, days, now))
            run_id = f"{context.run.run_id[:8]}-{uuid.uuid4().hex[:8]}"
            manifests = job.clean(lambda: spark.session, platform.raw, platform.lake, landings, contract, run_id)
            stop_if_canceled()
            uris = [platform.lake.publish_clean(m) for m in manifests]
        context.log.info(
            "%s; swept %d old file(s)",
            ", ".join(f"{sum(m.rows(s) for m in manifests)} {NAMES[s]}" for s in STATUSES),
            swept,
        )
        java = str(spark.java) if spark.java else "none started"
        cleaned: dg.MaterializeResult = dg.MaterializeResult(
            asset_key="clean_sales", metadata=_clean_metadata(platform.lake, manifests, uris[-1], java)
        )
        quarantined: dg.MaterializeResult = dg.MaterializeResult(
            asset_key="quarantined_sales", metadata=_quarantine_metadata(platform.lake, manifests, uris[-1])
        )
        yield from selected(context, [cleaned, quarantined])

    return [raw_sales_files, clean]


def _waiting(platform: Platform) -> str:
    """Return the days with files that have never been registered, in words; empty if there are none."""
    return _in_words(sorted(set(landed_partitions(platform.raw, platform.source)) - set(platform.lake.days("raw"))))


def _in_words(days: Sequence[dt.date]) -> str:
    more = f" and {len(days) - _DAYS_SHOWN} more" if len(days) > _DAYS_SHOWN else ""
    return ", ".join(map(str, days[:_DAYS_SHOWN])) + more


def _refuse_first_run_without_files(platform: Platform, days: Sequence[dt.date]) -> None:
    """Refuse the first run of a home if its files are in other partitions: it would be green and show nothing."""
    if set(days) & set(landed_partitions(platform.raw, platform.source)) or platform.lake.days("raw"):
        return
    if waiting := _waiting(platform):
        raise LandingError(
            f"Nothing has landed on {_in_words(days)}, but files wait in the partitions {waiting}. A landing belongs "
            "to the day in shop time on which it landed. Materialize those partitions."
        )


def _raw_metadata(landings: Registered) -> dict[str, Any]:
    manifests = landings.manifests
    files = [f for m in manifests for f in m.files]
    return {
        **row_counts(sum(m.lines for m in manifests), {str(m.landed_on): m.lines for m in manifests}),
        "files": len(files),
        "bytes": sum(f.size for f in files),
        "contract": manifests[0].contract,
        "dagster/uri": landings.uris[-1],
        "manifest": dg.MetadataValue.json(
            [{"key": f.key, "size": f.size, "sha256": f.sha256, "lines": f.lines} for f in files[:_FILES_SHOWN]]
        ),
        "lines_skipped": sum(m.skipped for m in manifests),
        "skipped": dg.MetadataValue.json(
            [{"key": f.key, "lines": f.skipped} for f in files if f.skipped][:_FILES_SHOWN]
        ),
        "times_that_the_clock_skipped": sum(f.clock_changes.skipped for f in files),
        "times_that_the_clock_repeated": sum(f.clock_changes.repeated for f in files),
        "references": dg.MetadataValue.json(
            [
                {"name": r.name, "files": [key for key, _ in r.files], "digest": r.digest, "rows": r.rows}
                for r in next((m.references for m in manifests if m.references), ())
            ]
        ),
        "schema_changes": dg.MetadataValue.md(schema_drift_as_markdown(landings.drifts)),
        "unknown_columns": dg.MetadataValue.json(sorted({c for f in files for c in f.unknown_columns})),
    }


def _clean_metadata(lake: Lake, manifests: Sequence[CleanManifest], uri: str, java: str) -> dict[str, Any]:
    rows = {str(m.landed_on): m.rows("clean") for m in manifests}
    return {
        **row_counts(sum(rows.values()), rows),
        "rows_superseded": sum(m.rows("superseded") for m in manifests),
        "rows_excluded": sum(m.rows("excluded") for m in manifests),
        "exclusions": dg.MetadataValue.json(total_counts(m.exclusions for m in manifests)),
        "revenue": str(sum(m.amount("clean") for m in manifests)),
        "java": java,
        "dagster/uri": uri,
        "preview": preview(lake.head(manifests, "clean")),
    }


def _quarantine_metadata(lake: Lake, manifests: Sequence[CleanManifest], uri: str) -> dict[str, Any]:
    rows = {str(m.landed_on): m.rows("quarantine") for m in manifests}
    return {
        **row_counts(sum(rows.values()), rows),
        "revenue": str(sum(m.amount("quarantine") for m in manifests)),
        "reasons": dg.MetadataValue.json(total_reasons(manifests)),
        "dagster/uri": uri,
        "preview": preview(lake.head(manifests, "quarantine")),
    }


def _swept(context: dg.AssetExecutionContext, sweep: Callable[[dt.datetime], list[str]]) -> int:
    """Sweep and return the number of files. What cannot be swept stays, with a warning: the result is published."""
    try:
        return len(sweep(dt.datetime.now(dt.UTC)))
    except StorageError as e:
        context.log.warning("Leftover files of earlier runs could not be deleted and stay: %s", e)
        return 0


def _digest(manifests: Sequence[RawManifest]) -> str:
    return hashlib.sha256("".join(m.digest for m in manifests).encode()).hexdigest()[:16]
