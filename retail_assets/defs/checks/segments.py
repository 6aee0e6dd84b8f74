"""Checks of the segments: every customer has one, sums add up, and no mass renaming without a person's consent."""

import dagster as dg

from retail_assets.defs.checks.results import check_result
from retail_assets.defs.failures import failing_clearly
from retail_assets.models import promotion
from retail_assets.models.kinds import SEGMENTS
from retail_assets.platform import Platform


def segment_checks(platform: Platform) -> list[dg.AssetChecksDefinition]:
    """Return `names_are_kept`, `every_customer_has_a_segment`, `profiles_add_up` and `migrations_add_up`."""
    warehouse = platform.warehouse

    @dg.asset_check(
        asset="segment_model",
        description="No trained version that would rename many customers waits for a person's decision.",
    )
    def names_are_kept() -> dg.AssetCheckResult:
        with failing_clearly(platform):
            [size] = warehouse.query("SELECT count(*) AS n FROM customer_features").to_pylist()
            held = promotion.held(platform.model_store(SEGMENTS))
            champion = platform.model_store(SEGMENTS).champion()
        in_use = champion.version if champion else "none"
        if held is None:
            return check_result(passed=True, metadata={"in_use": in_use, "customers": int(size["n"])})
        # An error in every run until a person decides. Not blocking: what follows is named by the model in use.
        return check_result(
            passed=False,
            severity=dg.AssetCheckSeverity.ERROR,
            description=f"{held.version} is held: {held.reason}. Until a person decides, {in_use} names customers. "
            f"Look at it: retail-assets models show {held.version}. Put it in use: retail-assets models promote "
            f"{held.version}. Keep the present names: retail-assets models decline {held.version}.",
            metadata={"in_use": in_use, "waiting": held.version, "renamed": held.renamed},
        )

    @dg.asset_check(asset="customer_segments", description="Exactly the customers with an id in sales have a segment.")
    def every_customer_has_a_segment() -> dg.AssetCheckResult:
        with failing_clearly(platform):
            [row] = warehouse.query(
                "SELECT count(s.customer_id) AS known, "
                "count(CASE WHEN c.customer_id IS NULL THEN 1 END) AS forgotten, "
                "count(CASE WHEN s.customer_id IS NULL THEN 1 END) AS strangers "
                "FROM (SELECT DISTINCT customer_id FROM sales WHERE customer_id IS NOT NULL) AS s "
                "FULL JOIN customer_segments AS c ON c.customer_id = s.customer_id"
            ).to_pylist()
        passed = not row["forgotten"] and not row["strangers"]
        return check_result(
            passed=passed,
            description=None
            if passed
            else f"Customers of sales without a segment: {row['forgotten']}; segments without a customer in sales: "
            f"{row['strangers']}. Materialize customer_segments again.",
            metadata={"customers": int(row["known"])},
        )

    @dg.asset_check(
        asset="segment_profiles",
        description="The customers and the money of each profile are those of customer_segments.",
    )
    def profiles_add_up() -> dg.AssetCheckResult:
        return _adds_up("segment_profiles", "SELECT persona, customers, revenue FROM segment_profiles")

    @dg.asset_check(
        asset="segment_migrations",
        description="The latest migrations add up to the customers and the money of customer_segments.",
    )
    def migrations_add_up() -> dg.AssetCheckResult:
        return _adds_up(
            "segment_migrations",
            "SELECT to_persona AS persona, sum(customers) AS customers, sum(revenue) AS revenue "
            "FROM segment_migrations m JOIN (SELECT max(previous_snapshot) AS day, max(previous_version) AS version "
            "FROM customer_segments) AS base ON m.from_snapshot = base.day AND m.from_version = base.version "
            "GROUP BY to_persona",
            if_any="SELECT count(previous_snapshot) AS n FROM customer_segments",
        )

    def _adds_up(table: str, sums: str, if_any: str | None = None) -> dg.AssetCheckResult:
        with failing_clearly(platform):
            begun = if_any is None or bool(warehouse.query(if_any).to_pylist()[0]["n"])
            wrong = (
                warehouse.query(
                    "SELECT coalesce(t.persona, s.persona) AS persona, t.customers AS reported, s.customers AS counted "
                    f"FROM ({sums}) AS t FULL JOIN (SELECT persona, count(*) AS customers, sum(monetary) AS revenue "
                    "FROM customer_segments GROUP BY persona) AS s ON s.persona = t.persona "
                    "WHERE t.persona IS NULL OR s.persona IS NULL OR t.customers <> s.customers "
                    "OR t.revenue <> s.revenue ORDER BY 1 LIMIT 10"
                ).to_pylist()
                if begun
                else []
            )
        names = ", ".join(str(row["persona"]) for row in wrong)
        return check_result(
            passed=not wrong,
            description=f"{table} does not add up to customer_segments: {names}. Materialize {table} again."
            if wrong
            else None,
            metadata={
                "begun": begun,
                "wrong": dg.MetadataValue.json([{k: str(v) for k, v in row.items()} for row in wrong]),
            },
        )

    return [names_are_kept, every_customer_has_a_segment, profiles_add_up, migrations_add_up]
