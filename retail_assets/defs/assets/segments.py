"""The customer segments: features, a model, names for all customers, profiles, migrations, and a report.

Training is infrequent and naming is daily, as with the forecast. A candidate that would rename too many customers waits
for a person to promote it; until then the model in use keeps naming.
"""

import datetime as dt
from typing import TYPE_CHECKING, Any

import dagster as dg

from retail_assets.defs.assets.outputs import files_of, publish, static
from retail_assets.defs.data_versions import hash_of, hash_of_files, hash_of_table, materialized
from retail_assets.defs.failures import failing_clearly
from retail_assets.defs.metadata import SCIENCE, numbers, preview
from retail_assets.defs.pools import WAREHOUSE
from retail_assets.lake.currency import refuse_other_currency
from retail_assets.models.kinds import SEGMENTS
from retail_assets.platform import Platform
from retail_assets.tables import (
    CUSTOMER_FEATURES,
    CUSTOMER_SEGMENTS,
    SEGMENT_MIGRATIONS,
    SEGMENT_PROFILES,
    Table,
)

if TYPE_CHECKING:
    from retail_assets.segmentation.personas.catalog import Catalog

GROUP = "segments"
SEED = 0
_SHOWN = 14

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
    """Return the assets of the segments: features, model, names, profiles, migrations and report."""
    warehouse, model_store = platform.warehouse, platform.model_store(SEGMENTS)
    common: dict[str, Any] = {
        "backfill_policy": dg.BackfillPolicy.single_run(),
        "group_name": GROUP,
        "owners": SCIENCE,
        "tags": {"layer": "model", "source": platform.source},
        "code_version": "2",
    }
    table_kinds = {platform.settings.warehouse, "table"}

    def written(table: Table, rows: int, metadata: dict[str, Any]) -> dg.MaterializeResult:
        return materialized(hash_of_table(warehouse, table), {"dagster/row_count": rows, **metadata})

    @dg.asset(
        pool=WAREHOUSE,
        deps=["sales", "dim_date", "dim_customer"],
        kinds=table_kinds,
        description="How each customer with an id has shopped in the 365 days up to the last day of sales.",
        metadata=static(platform, CUSTOMER_FEATURES, _FEATURE_LINEAGE),
        **common,
    )
    def customer_features(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        from retail_assets.segmentation.lifecycle.customer_features import make_features
        from retail_assets.segmentation.queries.customer_features import COUNTS

        with failing_clearly(platform):
            rows = make_features(warehouse)
            [counts] = warehouse.query(COUNTS).to_pylist()
            head = warehouse.query(f"SELECT * FROM {CUSTOMER_FEATURES.name} ORDER BY customer_id LIMIT 5")
        context.log.info("%d customers, %d of them with enough purchases to be clustered.", rows, counts["eligible"])
        facts = {name: str(value) for name, value in counts.items()} | numbers(counts)
        return written(CUSTOMER_FEATURES, rows, {**facts, "preview": preview(head)})

    @dg.asset(
        pool=WAREHOUSE,
        deps=["customer_features"],
        kinds={"scikitlearn"},
        description="A training if one is due: 28 days of new sales, new code or personas, a changed shop, or on "
        "demand. The version is stored, and promoted unless it would rename too many customers.",
        metadata={"dagster/uri": model_store.store.uri_of(model_store.root)},
        **common,
    )
    def segment_model(context: dg.AssetExecutionContext, config: SegmentTrainingConfig) -> dg.MaterializeResult:
        from retail_assets.segmentation.lifecycle.model_in_use import model_in_use
        from retail_assets.segmentation.lifecycle.retraining import train_if_due

        with failing_clearly(platform):
            retraining = train_if_due(
                warehouse,
                model_store,
                platform.output,
                catalog_of(platform),
                at=dt.datetime.now(dt.UTC),
                run_id=context.run.run_id,
                demanded=config.retrain,
                seed=SEED,
            )
            _, in_use = model_in_use(model_store)
        context.log.info("%s", retraining.outcome)
        facts = retraining.facts()
        return materialized(hash_of([in_use]), {**facts, **numbers(facts)})

    @dg.asset(
        pool=WAREHOUSE,
        deps=["customer_features", "segment_model"],
        kinds={"scikitlearn", *table_kinds},
        description="The persona of every customer with an id, from the model in use or from a rule, with confidence "
        "and tags.",
        metadata=static(platform, CUSTOMER_SEGMENTS, _SEGMENT_LINEAGE),
        **common,
    )
    def customer_segments(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        from retail_assets.segmentation.lifecycle.customer_segments import score_all
        from retail_assets.segmentation.lifecycle.model_in_use import model_in_use

        with failing_clearly(platform):
            model, version = model_in_use(platform.model_store(SEGMENTS))
            scored = score_all(warehouse, model, version, catalog=catalog_of(platform))
            head = warehouse.query(f"SELECT * FROM {CUSTOMER_SEGMENTS.name} ORDER BY customer_id LIMIT 5")
        context.log.info("%d customers have a segment; %d have a new one.", scored.customers, scored.renamed)
        facts: dict[str, Any] = {
            "model_version": version,
            "named_before": scored.named_before,
            "renamed": scored.renamed,
        }
        return written(CUSTOMER_SEGMENTS, scored.customers, {**facts, "preview": preview(head)})

    @dg.asset(
        pool=WAREHOUSE,
        deps=["customer_features", "customer_segments"],
        kinds=table_kinds,
        description="What the customers of each persona look like: how many they are, their money, habits and mix.",
        metadata=static(platform, SEGMENT_PROFILES, _PROFILE_LINEAGE),
        **common,
    )
    def segment_profiles() -> dg.MaterializeResult:
        from retail_assets.segmentation.lifecycle.segment_profiles import make_profiles

        with failing_clearly(platform):
            rows = make_profiles(warehouse, catalog_of(platform))
        return written(SEGMENT_PROFILES, rows.num_rows, {"preview": preview(rows, _SHOWN)})

    @dg.asset(
        pool=WAREHOUSE,
        deps=["customer_segments"],
        kinds=table_kinds,
        description="Which customers have moved from which persona to which, month by month and at each new model.",
        metadata=static(platform, SEGMENT_MIGRATIONS, _MIGRATION_LINEAGE),
        **common,
    )
    def segment_migrations() -> dg.MaterializeResult:
        from retail_assets.segmentation.lifecycle.segment_migrations import make_migrations

        with failing_clearly(platform):
            rows = make_migrations(warehouse)
        return written(SEGMENT_MIGRATIONS, rows.num_rows, {"preview": preview(rows, _SHOWN)})

    @dg.asset(
        pool=WAREHOUSE,
        deps=["segment_profiles", "segment_migrations", "sales_forecast"],
        kinds={"scikitlearn", "matplotlib", "csv"},
        description="How far the segments can be trusted, what to do about each, figures, and one list of customers "
        "per persona.",
        metadata={"dagster/uri": platform.output.uri_of("segments")},
        **common,
    )
    def segment_report(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        from retail_assets.decisions.segment_report import report_on_model_in_use
        from retail_assets.segmentation.lifecycle.activation import write_activation

        with failing_clearly(platform):
            refuse_other_currency(platform.lake, platform.settings.contract)
            catalog, contract = catalog_of(platform), platform.settings.contract
            currency, models = contract.currency, platform.model_store(SEGMENTS)
            report = report_on_model_in_use(warehouse, models, catalog, currency, country=contract.country, seed=SEED)
            lists = write_activation(warehouse, platform.output, catalog, currency)
            pictures = publish(platform, report.files, report.figures)
        context.log.info("%s", report.verdict)
        facts: dict[str, Any] = {"verdict": report.verdict, "activation": files_of(platform, lists)}
        content = hash_of([hash_of_files(report.files | report.figures), hash_of_table(warehouse, CUSTOMER_SEGMENTS)])
        return materialized(content, {**facts, **numbers(report.evaluation), **pictures})

    return [customer_features, segment_model, customer_segments, segment_profiles, segment_migrations, segment_report]


def catalog_of(platform: Platform) -> "Catalog":
    """Return the personas of the settings. Raises PersonaFileError."""
    from retail_assets.segmentation.personas import persona_file

    return persona_file.or_default(platform.settings.personas)
