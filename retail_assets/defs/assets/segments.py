"""The customer segments: features, a model now and then, names every day, what they look like, and who has moved.

Training is rare and scoring is daily, as with the forecast. A retraining that would rename too many customers waits for
somebody to promote it; until then the model in use goes on naming.
"""

import datetime as dt
from typing import TYPE_CHECKING, Any

import dagster as dg

from retail_assets.defs.assets.outputs import publish, static
from retail_assets.defs.failures import WAREHOUSE_RETRIES, failing_clearly
from retail_assets.defs.metadata import SCIENCE, preview
from retail_assets.models import promotion
from retail_assets.models.kinds import SEGMENTS
from retail_assets.models.store import ModelStoreError
from retail_assets.platform import Platform
from retail_assets.tables import (
    CUSTOMER_FEATURES,
    CUSTOMER_SEGMENTS,
    SEGMENT_MIGRATIONS,
    SEGMENT_PROFILES,
    Table,
)

if TYPE_CHECKING:
    from retail_assets.models.promotion import Decision, InUse
    from retail_assets.segmentation.model.segment_model import SegmentModel
    from retail_assets.segmentation.personas.catalog import Catalog

GROUP = "segments"
SEED = 0

_AMOUNT, _ORDER, _DAY = ("sales", "total_amount"), ("sales", "order_id"), ("sales", "sale_date")
_CATEGORY = ("sales", "product_category")
_MONEY_BY_DAY, _MONEY_BY_CATEGORY, _DAYS = [_AMOUNT, _DAY], [_AMOUNT, _CATEGORY], [_DAY]
_FEATURE_LINEAGE: dict[str, list[tuple[str, str]]] = {
    "customer_id": [("sales", "customer_id")],
    "frequency": [_ORDER],
    "purchase_days": _DAYS,
    "monetary": [_AMOUNT],
    "returned": [_AMOUNT],
    "average_basket": [_AMOUNT, _ORDER],
    "first_sale_date": _DAYS,
    "last_sale_date": _DAYS,
    "recency": _DAYS,
    "tenure": _DAYS,
    "gap_mean": _DAYS,
    "gap_cv": _DAYS,
    "top_month_share": _MONEY_BY_DAY,
    "weekend_share": _MONEY_BY_DAY,
    "holiday_share": [*_MONEY_BY_DAY, ("dim_date", "holiday")],
    "favourite_category": _MONEY_BY_CATEGORY,
    "favourite_share": _MONEY_BY_CATEGORY,
    "favourite_index": _MONEY_BY_CATEGORY,
    "favourite_orders": [_ORDER, _CATEGORY],
    "gender": [("dim_customer", "gender")],
    "age_group": [("dim_customer", "age_group"), ("dim_customer", "age")],
    "snapshot_date": _DAYS,
    "window_days": _DAYS,
}
_CLUSTERED = [("customer_features", name) for name in ("frequency", "monetary", "average_basket")]
_SEGMENT_LINEAGE: dict[str, list[tuple[str, str]]] = {
    **dict.fromkeys(("persona", "cluster", "confidence"), _CLUSTERED),
    "tags": [
        ("customer_features", name)
        for name in ("favourite_category", "recency", "gap_mean", "weekend_share", "holiday_share", "returned")
    ],
    "lapsed_risk": [("customer_features", "recency"), ("customer_features", "gap_mean")],
    **{
        name: [("customer_features", name)]
        for name in ("customer_id", "favourite_category", "frequency", "monetary", "average_basket", "last_sale_date",
                     "snapshot_date")
    },
}  # fmt: skip
_PROFILE_LINEAGE = {
    "persona": [("customer_segments", "persona")],
    "customers": [("customer_segments", "customer_id")],
    "customers_share": [("customer_segments", "customer_id")],
    "revenue": [("customer_segments", "monetary")],
    "revenue_share": [("customer_segments", "monetary")],
}
_MIGRATION_LINEAGE = {
    "from_persona": [("customer_segments", "previous_persona")],
    "to_persona": [("customer_segments", "persona")],
    "customers": [("customer_segments", "customer_id")],
    "revenue": [("customer_segments", "monetary")],
}


class SegmentTrainingConfig(dg.Config):
    """`retrain`: train now, whatever the age of the model in use."""

    retrain: bool = False


def segment_assets(platform: Platform) -> list[dg.AssetsDefinition]:
    """Features, model, names, profiles, migrations and report of the segments."""
    warehouse = platform.warehouse
    common: dict[str, Any] = {
        "backfill_policy": dg.BackfillPolicy.single_run(),
        "retry_policy": WAREHOUSE_RETRIES,
        "group_name": GROUP,
        "owners": SCIENCE,
        "tags": {"layer": "model", "source": platform.source},
        "code_version": "2",
    }
    table_kinds = {platform.settings.warehouse, "table"}

    def place(table: Table, rows: int) -> dict[str, Any]:
        return {"dagster/row_count": rows, "dagster/uri": warehouse.location(table)}

    @dg.asset(
        deps=["sales", "dim_date", "dim_customer"],
        kinds=table_kinds,
        description="How each known customer has shopped in the last 365 days up to the last day of sales.",
        metadata=static(platform, CUSTOMER_FEATURES, _FEATURE_LINEAGE),
        **common,
    )
    def customer_features(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        from retail_assets.segmentation.lifecycle import segment
        from retail_assets.segmentation.queries.customer_features import COUNTS

        with failing_clearly():
            rows = segment.make_features(warehouse)
            [counts] = warehouse.query(COUNTS).to_pylist()
            shown = warehouse.query(f"SELECT * FROM {CUSTOMER_FEATURES.name} ORDER BY customer_id LIMIT 5")
        context.log.info("%d customers, %d with two purchases or more.", rows, counts["eligible"])
        told = {name: value if isinstance(value, int) else str(value) for name, value in counts.items()}
        return dg.MaterializeResult(metadata={**place(CUSTOMER_FEATURES, rows), **told, "preview": preview(shown)})

    @dg.asset(
        deps=["customer_features"],
        kinds={"scikitlearn"},
        description="Training, where one is due (28 days of new sales, new code or personas, a shop that has changed, "
        "on demand): stored, and promoted unless it would rename too many customers.",
        **common,
    )
    def segment_model(context: dg.AssetExecutionContext, config: SegmentTrainingConfig) -> dg.MaterializeResult:
        with failing_clearly():
            metadata = _train_if_due(platform, config.retrain, context.run.run_id)
        context.log.info("%s", metadata["outcome"])
        return dg.MaterializeResult(metadata=metadata)

    @dg.asset(
        deps=["customer_features", "segment_model"],
        kinds={"scikitlearn", *table_kinds},
        description="Every known customer's persona by the model in use or by a rule, with confidence and tags.",
        metadata=static(platform, CUSTOMER_SEGMENTS, _SEGMENT_LINEAGE),
        **common,
    )
    def customer_segments(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        from retail_assets.segmentation.lifecycle import segment

        with failing_clearly():
            promotion.publish_card(platform.model_store(SEGMENTS), platform.output)
            model, version = in_use(platform)
            scored = segment.score_all(warehouse, model, version or segment.NO_MODEL, catalog=catalog_of(platform))
            shown = warehouse.query(f"SELECT * FROM {CUSTOMER_SEGMENTS.name} ORDER BY customer_id LIMIT 5")
        context.log.info("%d customers segmented; %d have another name.", scored.customers, scored.renamed)
        return dg.MaterializeResult(
            metadata={
                **place(CUSTOMER_SEGMENTS, scored.customers),
                "model_version": version or segment.NO_MODEL,
                "named_before": scored.named_before,
                "renamed": scored.renamed,
                "preview": preview(shown),
            }
        )

    @dg.asset(
        deps=["customer_features", "customer_segments"],
        kinds=table_kinds,
        description="What the customers of each persona look like: how many, their money, habits and mix.",
        metadata=static(platform, SEGMENT_PROFILES, _PROFILE_LINEAGE),
        **common,
    )
    def segment_profiles() -> dg.MaterializeResult:
        from retail_assets.segmentation.lifecycle import segment

        with failing_clearly():
            made = segment.make_profiles(warehouse, catalog_of(platform))
        return dg.MaterializeResult(metadata={**place(SEGMENT_PROFILES, made.num_rows), "preview": preview(made)})

    @dg.asset(
        deps=["customer_segments"],
        kinds=table_kinds,
        description="Who has moved from which persona to which, month by month and at each new model.",
        metadata=static(platform, SEGMENT_MIGRATIONS, _MIGRATION_LINEAGE),
        **common,
    )
    def segment_migrations() -> dg.MaterializeResult:
        from retail_assets.segmentation.lifecycle import segment

        with failing_clearly():
            made = segment.make_migrations(warehouse)
        return dg.MaterializeResult(metadata={**place(SEGMENT_MIGRATIONS, made.num_rows), "preview": preview(made)})

    @dg.asset(
        deps=["segment_profiles", "segment_migrations", "sales_forecast"],
        kinds={"scikitlearn", "matplotlib", "csv"},
        description="How far the segments can be trusted, what to do with each, pictures, and a list a persona.",
        **common,
    )
    def segment_report(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        with failing_clearly():
            verdict, metadata = _report(platform)
        context.log.info("%s", verdict)
        return dg.MaterializeResult(metadata={"verdict": verdict, **metadata})

    return [customer_features, segment_model, customer_segments, segment_profiles, segment_migrations, segment_report]


def catalog_of(platform: Platform) -> "Catalog":
    """The personas of the settings. Raises PersonaFileError."""
    from retail_assets.segmentation.personas import persona_file

    return persona_file.or_default(platform.settings.personas)


def in_use(platform: Platform) -> "tuple[SegmentModel | None, str | None]":
    """The model in use and its version; None before the first. Raises ModelStoreError, SegmentModelFileError."""
    from retail_assets.segmentation.model.serialization import loads

    champion = platform.model_store(SEGMENTS).champion()
    if champion is None:
        return None, None
    return loads(platform.model_store(SEGMENTS).load(champion.version)), champion.version


def _train_if_due(platform: Platform, demanded: bool, run_id: str) -> dict[str, Any]:
    """Train, store and decide where a training is due; returns the metadata of the asset."""
    from retail_assets.segmentation.lifecycle import record
    from retail_assets.segmentation.model.features import read_sample
    from retail_assets.segmentation.model.serialization import loads

    models, catalog = platform.model_store(SEGMENTS), catalog_of(platform)
    before = promotion.read_in_use(models, loads)
    champion = before.manifest
    reason = record.reason_to_train(
        champion,
        promotion.set_aside(models),
        before.model,
        read_sample(platform.warehouse),
        catalog,
        demanded=demanded,
    )
    if reason is not None:
        metadata = {"trained": True, "reason": reason, **_train(platform, before.model, catalog, run_id)}
    else:
        version = champion.version if champion else "none"
        outcome = f"Kept model {version}: no retraining needed."
        if held := promotion.held(models):
            outcome = f"Kept model {version}; {held.version} waits for `retail-assets models promote`: {held.reason}."
        verdict = champion.verdict if champion else "There is no model."
        metadata = {"trained": False, "outcome": outcome, "model_version": version, "verdict": verdict}
    promotion.publish_card(models, platform.output)
    return metadata


def _train(platform: Platform, previous: "SegmentModel | None", catalog: "Catalog", run_id: str) -> dict[str, Any]:
    from retail_assets.segmentation.lifecycle import record, segment
    from retail_assets.segmentation.model.features import read_sample
    from retail_assets.segmentation.model.scoring import share_renamed
    from retail_assets.segmentation.model.serialization import dumps, loads

    models = platform.model_store(SEGMENTS)
    training = segment.train_from(platform.warehouse, catalog=catalog, previous=previous, seed=SEED)
    model = training.model
    if model is None:
        return {"outcome": training.why or "", "verdict": training.why or "", "model_version": "none"}
    sample = read_sample(platform.warehouse)
    renamed = share_renamed(model, previous, sample, catalog) if previous else None
    now = dt.datetime.now(dt.UTC)
    known = record.facts(training, sample, catalog, renamed=renamed, trained_at=now)
    candidate = models.save(
        dumps(model), dt.date.fromisoformat(known["data"]["last_day"]), known, record.model_card(training, known)
    )

    def policy(in_use: "InUse[SegmentModel]") -> "Decision":
        share = share_renamed(model, in_use.model, sample, catalog) if in_use.model else None
        return record.decide(candidate, in_use.manifest, share, unusable=in_use.unusable)

    decision = promotion.promote_if_better(models, candidate, policy, loads, at=now, run_id=run_id)
    done = (
        "is in use" if decision.promote else "waits for `retail-assets models promote`" if decision.held else "is kept"
    )
    return {
        "outcome": f"{candidate.version} {done}: {decision.reason}. {candidate.verdict}",
        "model_version": candidate.version,
        "promoted": decision.promote,
        "decision": decision.reason,
        "verdict": candidate.verdict,
        **{name: value for name, value in candidate.metrics.items() if value is not None},
    }


def _report(platform: Platform) -> tuple[str, dict[str, Any]]:
    """Evaluate, advise, draw and write the lists; returns the verdict, and thumbnails."""
    from retail_assets.decisions import segment_report as report
    from retail_assets.segmentation.lifecycle import activation, segment

    contract, warehouse, catalog = platform.settings.contract, platform.warehouse, catalog_of(platform)
    model, version = in_use(platform)
    why = None if model else segment.train_from(warehouse, catalog=catalog, seed=SEED).why
    made = report.make_report(
        warehouse,
        model,
        why,
        previous=_model_before(platform),
        version=version or segment.NO_MODEL,
        catalog=catalog,
        currency=contract.currency,
        seed=SEED,
    )
    lists = activation.write_activation(warehouse, platform.output, catalog, contract.currency)
    metadata = publish(platform, dict(made.files), dict(made.figures), report.FIGURES)
    return made.verdict, {"activation": dg.MetadataValue.json(lists), **metadata}


def _model_before(platform: Platform) -> "SegmentModel | None":
    """The model that was in use before the present one; None where it is gone or was none."""
    from retail_assets.segmentation.model.serialization import SegmentModelFileError, loads

    champion = platform.model_store(SEGMENTS).champion()
    earlier = [move.version for move in champion.history if move.version != champion.version] if champion else []
    if not earlier:
        return None
    try:
        return loads(platform.model_store(SEGMENTS).load(earlier[-1]))
    except (ModelStoreError, SegmentModelFileError):
        return None
