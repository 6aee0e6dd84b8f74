"""The ingest layer, partitioned by landing day: raw files registered, cleaned by Spark, rejected rows quarantined.

What the files look like is the contract's business; how they become sales is up to `landing/` and `cleaning/`.
"""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import dagster as dg

from retail_assets.defs.data_versions import CONTENT, hash_of, materialized_by_landing
from retail_assets.defs.emr import clean_on_emr
from retail_assets.defs.failures import failing_clearly, stop_if_canceled
from retail_assets.defs.metadata import ENGINEERING, money, preview, static_table_metadata
from retail_assets.defs.pools import SPARK
from retail_assets.defs.resources import SparkResource
from retail_assets.defs.selection import landing_days
from retail_assets.errors import LandingError, StorageError
from retail_assets.lake.currency import refuse_other_currency
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import NAMES, STATUSES, CleanManifest, RawManifest, Status, total_reasons
from retail_assets.lake.sweep import sweep_around, sweep_references, sweep_unfinished
from retail_assets.landing.partitions import landed_partitions
from retail_assets.landing.streamed import by_partition
from retail_assets.platform import Platform
from retail_assets.tables import SALES_CLEAN, SALES_QUARANTINE

if TYPE_CHECKING:
    from retail_assets.landing.register import Registered

GROUP = "ingest"
_FILES_SHOWN = 200
_DAYS_SHOWN = 5
_PREVIEWED = 40


def ingest_assets(platform: Platform, partitions: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    """Build `raw_sales_files`, and `clean_sales` with `quarantined_sales`."""
    contract = platform.settings.contract
    cleaned_uri = platform.lake.store.uri_of(f"{platform.source}/clean")

    @dg.asset(
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name=GROUP,
        kinds={"file" if platform.raw.is_local else platform.raw.uri.split("://")[0]},
        owners=ENGINEERING,
        tags={"layer": "raw", "source": platform.source},
        code_version=contract.digest,
        description=f"The files that landed in `{platform.source}/dt=<day>/`: hash, shape and control totals of each.",
        metadata={"dagster/uri": platform.raw.uri_of(platform.source)},
    )
    def raw_sales_files(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        from retail_assets.erasure.registration import without_erased
        from retail_assets.landing.register import register_landings
        from retail_assets.pseudonyms.registration import refusing_clear_ids

        with failing_clearly(platform):
            refuse_other_currency(platform.lake, contract, landing_days(context))
            _refuse_first_run_without_files(platform, landing_days(context))
            without = without_erased(platform.settings, platform.raw, platform.lake)
            without = refusing_clear_ids(platform.settings, platform.raw, platform.lake, without)
            landings = register_landings(platform.raw, platform.lake, landing_days(context), contract, without)
        _swept(context, lambda now: sweep_unfinished(platform.raw, platform.source, now))
        if contract.references:
            _swept(context, lambda now: sweep_references(platform.lake, now))
        files = [f for m in landings.manifests for f in m.files]
        context.log.info("Registered %d file(s) with %d lines", len(files), sum(f.lines for f in files))
        if not files and (waiting := _waiting(platform)):
            context.log.warning("No file landed on the days of this run; files wait in the partitions %s", waiting)
        return materialized_by_landing(context, "raw_sales_files", _raw_metadata(platform, landings))

    @dg.multi_asset(
        pool=SPARK,
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
                metadata=static_table_metadata(SALES_CLEAN, cleaned_uri),
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
                metadata=static_table_metadata(SALES_QUARANTINE, cleaned_uri),
            ),
        ],
    )
    def clean(
        context: dg.AssetExecutionContext, spark: dg.ResourceParam[SparkResource]
    ) -> Iterator[dg.MaterializeResult]:
        from retail_assets.cleaning import job

        with failing_clearly(platform):
            refuse_other_currency(platform.lake, contract, landing_days(context))
            landings = [platform.lake.raw(d) for d in landing_days(context)]
            days = [m.landed_on for m in landings]
            # Sweep before writing, because the new files may need the space. What this run replaces is swept later.
            swept = _swept(context, lambda now: sweep_around(platform.lake, days, now))
            run_id = f"{context.run.run_id[:8]}-{uuid.uuid4().hex[:8]}"
            if platform.settings.emr is not None and any(m.files for m in landings):
                manifests = clean_on_emr(context, platform, landings, run_id)
            else:
                manifests = job.clean(lambda: spark.session, platform.raw, platform.lake, landings, contract, run_id)
            stop_if_canceled()
            for manifest in manifests:
                platform.lake.publish_clean(manifest)
        context.log.info(
            "%s; swept %d old file(s)",
            ", ".join(f"{sum(m.rows(s) for m in manifests)} {NAMES[s]}" for s in STATUSES),
            swept,
        )
        for asset, describe in (("clean_sales", _clean_metadata), ("quarantined_sales", _quarantine_metadata)):
            if dg.AssetKey(asset) in context.selected_asset_keys:
                shared = {"java": spark.java.in_words() if spark.java else "none started"}
                yield materialized_by_landing(context, asset, describe(platform.lake, manifests), shared)

    return [raw_sales_files, clean]


def _waiting(platform: Platform) -> str:
    """Return the days with files that have never been registered, in words; empty if there are none."""
    return _in_words(sorted(set(landed_partitions(platform.raw, platform.source)) - set(platform.lake.days("raw"))))


def _in_words(days: Sequence[dt.date]) -> str:
    more = f" and {len(days) - _DAYS_SHOWN} more" if len(days) > _DAYS_SHOWN else ""
    return ", ".join(map(str, days[:_DAYS_SHOWN])) + more


def _refuse_first_run_without_files(platform: Platform, days: Sequence[dt.date]) -> None:
    """Refuse the first run of a home if its files are in other partitions: it would be green and show nothing."""
    if platform.lake.known_days("clean") or platform.lake.days("raw"):
        return
    if set(days) & set(landed_partitions(platform.raw, platform.source)):
        return
    if waiting := _waiting(platform):
        raise LandingError(
            f"Nothing has landed on {_in_words(days)}, but files wait in the partitions {waiting}. A landing belongs "
            "to the day in shop time on which it landed. Materialize those partitions."
        )


def _raw_metadata(platform: Platform, landings: "Registered") -> dict[dt.date, dict[str, Any]]:
    """Return metadata by landing."""
    from retail_assets.landing.schema_drift import schema_drift_as_markdown

    drifts = {drift.landed_on: drift for drift in landings.drifts}
    return {
        m.landed_on: {
            CONTENT: m.digest[:16],
            "dagster/partition_row_count": m.lines,
            "files": len(m.files),
            "bytes": m.size,
            **_control_total(m),
            "contract": m.contract,
            "dagster/uri": uri,
            "manifest": dg.MetadataValue.json(
                [
                    {"uri": platform.raw.uri_of(f.key), "size": f.size, "sha256": f.sha256, "lines": f.lines}
                    for f in m.files[:_FILES_SHOWN]
                ]
            ),
            "lines_skipped": m.skipped,
            "rows_erased": m.erased,
            "skipped": dg.MetadataValue.json(
                [{"key": f.key, "lines": f.skipped} for f in m.files if f.skipped][:_FILES_SHOWN]
            ),
            "streamed": dg.MetadataValue.json(
                [dataclasses.asdict(offsets) for offsets in by_partition(f.key for f in m.files)]
            ),
            "times_that_the_clock_skipped": sum(f.clock_changes.skipped for f in m.files),
            "times_that_the_clock_repeated": sum(f.clock_changes.repeated for f in m.files),
            "references": dg.MetadataValue.json(
                [
                    {"name": r.name, "files": [key for key, _ in r.files], "digest": r.digest, "rows": r.rows}
                    for r in m.references
                ]
            ),
            "schema_changes": dg.MetadataValue.md(
                schema_drift_as_markdown([drifts[m.landed_on]] if m.landed_on in drifts else [])
            ),
            "unknown_columns": dg.MetadataValue.json(sorted({c for f in m.files for c in f.unknown_columns})),
        }
        for m, uri in zip(landings.manifests, landings.uris, strict=True)
    }


def _control_total(manifest: RawManifest) -> dict[str, Any]:
    """The money in the files by a parser of its own, where every file has such a total."""
    amounts = [f.control.amount for f in manifest.files]
    if None in amounts:
        return {}
    return {"control_total": money(sum(map(Decimal, filter(None, amounts)), Decimal(0)))}


def _clean_metadata(lake: Lake, manifests: Sequence[CleanManifest]) -> dict[dt.date, dict[str, Any]]:
    return {
        m.landed_on: {
            **_written(lake, m, "clean", "superseded", "excluded"),
            "rows_quarantined": m.rows("quarantine"),
            "rows_superseded": m.rows("superseded"),
            "rows_excluded": m.rows("excluded"),
            "rows_erased": m.erased,
            "exclusions": dg.MetadataValue.json(m.exclusions),
            **_head(lake, m, "clean", manifests),
        }
        for m in manifests
    }


def _quarantine_metadata(lake: Lake, manifests: Sequence[CleanManifest]) -> dict[dt.date, dict[str, Any]]:
    return {
        m.landed_on: {
            **_written(lake, m, "quarantine"),
            "reasons": dg.MetadataValue.json(total_reasons([m])),
            **_head(lake, m, "quarantine", manifests),
        }
        for m in manifests
    }


def _written(lake: Lake, manifest: CleanManifest, status: Status, *others: Status) -> dict[str, Any]:
    """Rows, money, place and files of one status of a landing; `others` are in files of the same asset."""
    content = [manifest.content(each) for each in (status, *others)]
    return {
        CONTENT: hash_of(content),
        "dagster/partition_row_count": manifest.rows(status),
        "revenue": money(manifest.amount(status)),
        "dagster/uri": lake.store.uri_of(lake.manifest_key("clean", manifest.landed_on)),
        "files": dg.MetadataValue.json(
            [{"uri": lake.store.uri_of(f.key), "rows": f.rows, "size": f.size} for f in manifest.files[status]][
                :_FILES_SHOWN
            ]
        ),
    }


def _head(lake: Lake, manifest: CleanManifest, status: Status, run: Sequence[CleanManifest]) -> dict[str, Any]:
    """The first rows of a landing, if it is one of the last of a run: a range may have hundreds of files to open."""
    return {"preview": preview(lake.head([manifest], status))} if manifest in run[-_PREVIEWED:] else {}


def _swept(context: dg.AssetExecutionContext, sweep: Callable[[dt.datetime], list[str]]) -> int:
    """Sweep and return the number of files. What cannot be swept stays, with a warning: the result is published."""
    try:
        return len(sweep(dt.datetime.now(dt.UTC)))
    except StorageError as e:
        context.log.warning("Leftover files of earlier runs could not be deleted and stay: %s", e)
        return 0
