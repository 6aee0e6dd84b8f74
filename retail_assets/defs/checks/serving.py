"""The published bundle answers as the warehouse's tables and the segments' model do."""

import dagster as dg

from retail_assets.defs.checks.results import check_result
from retail_assets.defs.failures import failing_clearly
from retail_assets.models.kinds import SEGMENTS
from retail_assets.platform import Platform


def serving_checks(platform: Platform) -> list[dg.AssetChecksDefinition]:
    """Build `bundle_matches_tables`."""

    @dg.asset_check(
        asset="serving_bundle",
        blocking=True,
        description="Sums, counts, every forecast and a sample of customers of the bundle are those of the tables, and "
        "its model gives customers the persona and the confidence of the real one.",
    )
    def bundle_matches_tables() -> dg.AssetCheckResult:
        from retail_assets.exports.bundle.compare import compare
        from retail_assets.segmentation.personas import persona_file

        with failing_clearly(platform):
            compared = compare(
                platform.serving.uri_of(platform.source),
                platform.warehouse,
                platform.model_store(SEGMENTS),
                persona_file.or_default(platform.settings.personas),
            )
        return check_result(
            passed=not compared.problems,
            description=f"{' '.join(compared.problems[:5])} Materialize serving_bundle again."
            if compared.problems
            else None,
            metadata={
                "version": compared.version,
                "forecast_rows": compared.forecast_rows,
                "customers": compared.customers,
                "customers_compared": compared.customers_compared,
                "customers_scored": compared.customers_scored,
                "largest_difference_of_confidence": compared.largest_difference,
            },
        )

    return [bundle_matches_tables]
