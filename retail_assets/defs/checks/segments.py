"""Checks of the segments: nobody forgotten, sums that add up, and no flood of new names that nobody has looked at."""

import dagster as dg

from retail_assets.defs.failures import failing_clearly
from retail_assets.models import promotion
from retail_assets.models.kinds import SEGMENTS
from retail_assets.platform import Platform


def segment_checks(platform: Platform) -> list[dg.AssetChecksDefinition]:
    """`names_are_kept`, `every_customer_has_a_segment`, `profiles_add_up` and `migrations_add_up`."""
    warehouse = platform.warehouse

    @dg.asset_check(
        asset="segment_model",
        blocking=True,
        description="The training of this run renames few customers, or somebody has promoted it.",
    )
    def names_are_kept(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        with failing_clearly():
            [size] = warehouse.query("SELECT count(*) AS n FROM customer_features").to_pylist()
            waits = promotion.held(platform.model_store(SEGMENTS))
            champion = platform.model_store(SEGMENTS).champion()
        in_use = champion.version if champion else "none"
        if waits is None:
            return dg.AssetCheckResult(passed=True, metadata={"in_use": in_use, "customers": int(size["n"])})
        # The run that trained it stops, to be looked at. Later runs warn, and go on by the model in use.
        this_run = waits.run_id == context.run.run_id
        return dg.AssetCheckResult(
            passed=False,
            severity=dg.AssetCheckSeverity.ERROR if this_run else dg.AssetCheckSeverity.WARN,
            description=f"{waits.version} waits: {waits.reason}. The segments that stand are kept, by {in_use}. "
            f"Look at it: retail-assets models show {waits.version}. Put it in use: retail-assets models promote "
            f"{waits.version}. To keep the old names, do nothing.",
            metadata={"in_use": in_use, "waiting": waits.version, "renamed": waits.renamed},
        )

    @dg.asset_check(asset="customer_segments", description="Exactly the known customers of sales have a segment.")
    def every_customer_has_a_segment() -> dg.AssetCheckResult:
        with failing_clearly():
            [row] = warehouse.query(
                "SELECT count(s.customer_id) AS known, "
                "count(CASE WHEN c.customer_id IS NULL THEN 1 END) AS forgotten, "
                "count(CASE WHEN s.customer_id IS NULL THEN 1 END) AS strangers "
                "FROM (SELECT DISTINCT customer_id FROM sales WHERE customer_id IS NOT NULL) AS s "
                "FULL JOIN customer_segments AS c ON c.customer_id = s.customer_id"
            ).to_pylist()
        passed = not row["forgotten"] and not row["strangers"]
        return dg.AssetCheckResult(
            passed=passed,
            description=None
            if passed
            else f"{row['forgotten']} customers have no segment, {row['strangers']} segments are of nobody in sales. "
            "Materialize customer_segments again.",
            metadata={"customers": int(row["known"])},
        )

    @dg.asset_check(
        asset="segment_profiles",
        description="Customers and money of the profiles are those of the segments, persona by persona.",
    )
    def profiles_add_up() -> dg.AssetCheckResult:
        return _adds_up("segment_profiles", "SELECT persona, customers, revenue FROM segment_profiles")

    @dg.asset_check(
        asset="segment_migrations",
        description="The latest migrations lead to every customer and all money of the segments, and no more.",
    )
    def migrations_add_up() -> dg.AssetCheckResult:
        return _adds_up(
            "segment_migrations",
            "SELECT to_persona AS persona, sum(customers) AS customers, sum(revenue) AS revenue "
            "FROM segment_migrations m JOIN (SELECT max(previous_snapshot) AS day, max(previous_version) AS version "
            "FROM customer_segments) AS base ON m.from_snapshot = base.day AND m.from_version = base.version "
            "GROUP BY to_persona",
            unless="SELECT count(previous_snapshot) AS n FROM customer_segments",
        )

    def _adds_up(table: str, told: str, unless: str | None = None) -> dg.AssetCheckResult:
        with failing_clearly():
            begun = unless is None or bool(warehouse.query(unless).to_pylist()[0]["n"])
            wrong = (
                warehouse.query(
                    "SELECT coalesce(t.persona, s.persona) AS persona, t.customers AS told, s.customers AS there "
                    f"FROM ({told}) AS t FULL JOIN (SELECT persona, count(*) AS customers, sum(monetary) AS revenue "
                    "FROM customer_segments GROUP BY persona) AS s ON s.persona = t.persona "
                    "WHERE t.persona IS NULL OR s.persona IS NULL OR t.customers <> s.customers "
                    "OR t.revenue <> s.revenue ORDER BY 1 LIMIT 10"
                ).to_pylist()
                if begun
                else []
            )
        names = ", ".join(str(row["persona"]) for row in wrong)
        return dg.AssetCheckResult(
            passed=not wrong,
            description=f"{table} does not add up to customer_segments: {names}. Materialize it again."
            if wrong
            else None,
            metadata={
                "begun": begun,
                "wrong": dg.MetadataValue.json([{k: str(v) for k, v in row.items()} for row in wrong]),
            },
        )

    return [names_are_kept, every_customer_has_a_segment, profiles_add_up, migrations_add_up]
