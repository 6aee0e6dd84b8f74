"""Each landing day adds up: what landed is what became of it, and what the warehouse holds of it."""

from typing import Any

import dagster as dg

from retail_assets.defs.checks.results import examples, listed, result
from retail_assets.defs.failures import failing_clearly
from retail_assets.platform import Platform
from retail_assets.tables import DAILY_QUALITY, SALES_CLEAN, SALES_QUARANTINE

_BY_DAY = f"""
    SELECT coalesce(q.landed_on, f.landed_on) AS landed_on, q.landed,
           q.clean + q.quarantined + q.superseded + q.excluded + coalesce(q.erased, 0) AS accounted,
           q.landed - q.excluded - coalesce(q.erased, 0) AS counted,
           coalesce(q.clean, 0) AS clean, coalesce(q.quarantined, 0) AS quarantined,
           coalesce(f.clean_rows, 0) AS clean_rows, coalesce(f.rejected_rows, 0) AS rejected_rows,
           coalesce(q.clean_amount, 0) AS clean_amount, coalesce(f.amount, 0) AS amount
    FROM {DAILY_QUALITY.name} AS q
    FULL OUTER JOIN (
        SELECT landed_on, sum(is_clean) AS clean_rows, sum(1 - is_clean) AS rejected_rows, sum(amount) AS amount
        FROM (
            SELECT landed_on, 1 AS is_clean, total_amount AS amount FROM {SALES_CLEAN.name}
            UNION ALL SELECT landed_on, 0, 0 FROM {SALES_QUARANTINE.name}
        ) AS kept GROUP BY landed_on
    ) AS f ON f.landed_on = q.landed_on"""

#: Days on which anything differs, in SQL that both warehouses know.
DIFFERENCES = f"""
SELECT landed_on, landed, accounted, counted, clean, clean_rows, quarantined, rejected_rows, clean_amount, amount
FROM ({_BY_DAY}) AS days
WHERE landed IS NULL OR landed <> accounted OR clean <> clean_rows OR quarantined <> rejected_rows
   OR clean_amount <> amount
ORDER BY landed_on"""


def daily_quality_checks(platform: Platform) -> list[dg.AssetChecksDefinition]:
    """Build `rows_add_up_by_day`. It warns: sales are right, a page about their quality may be old."""

    def refused(row: dict[str, Any]) -> bool:
        """Whether nothing of the landing is loaded because `enough_is_clean` refused it, which is reported there."""
        return (
            row["landed"] is not None
            and row["landed"] == row["accounted"]
            and row["clean_rows"] == row["rejected_rows"] == 0
            and platform.settings.contract.rejects(int(row["quarantined"]), int(row["counted"]))
        )

    @dg.asset_check(
        asset=DAILY_QUALITY.name,
        description="Of each landing day, landed = clean + quarantined + superseded + excluded + erased rows, and "
        "clean and quarantined rows and the clean money are those of the warehouse. A landing "
        "that was refused because most of its rows were rejected is not in it.",
    )
    def rows_add_up_by_day() -> dg.AssetCheckResult:
        with failing_clearly(platform):
            found = [row for row in platform.warehouse.query(DIFFERENCES).to_pylist() if not refused(row)]
            [sums] = platform.warehouse.query(
                f"SELECT count(*) AS days, sum(landed) AS landed FROM {DAILY_QUALITY.name}"
            ).to_pylist()
        wrong = {str(row["landed_on"]): {k: str(v) for k, v in row.items() if k != "landed_on"} for row in found}
        return result(
            passed=not wrong,
            severity=dg.AssetCheckSeverity.WARN,
            problem=f"Rows do not add up on {listed(wrong)}.",
            todo="Materialize sales, sales_quarantine and daily_quality again for these landings.",
            landing_days=int(sums["days"]),
            rows_landed=int(sums["landed"] or 0),
            differences=examples(wrong),
        )

    return [rows_add_up_by_day]
