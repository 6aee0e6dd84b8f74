"""Rejected rows compared with the source's own past: the same weekday lately, and the season a year before."""

import contextlib
import datetime as dt

import dagster as dg

from retail_assets.defs.checks.results import check_result
from retail_assets.defs.checks.scope import days_of
from retail_assets.defs.failures import failing_clearly
from retail_assets.errors import NotReadyError
from retail_assets.platform import Platform
from retail_assets.quarantine.usual_share import History, unusual_share
from retail_assets.tables import DAILY_QUALITY

_SHOWN = 5


def usual_quarantine_checks(platform: Platform) -> list[dg.AssetChecksDefinition]:
    """Build `quarantine_share_is_usual`. It warns: a landing below the contract's limit is loaded."""

    @dg.asset_check(
        asset="clean_sales",
        description="No landing has far more rejected rows than the same weekday in the 12 weeks before, nor than the "
        "same weekday of the same season a year before.",
    )
    def quarantine_share_is_usual(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        with failing_clearly():
            manifests = platform.lake.clean_landings(days_of(context))
            cleaned = {m.landed_on: (m.rows("quarantine"), m.landed_rows) for m in manifests}
            past = {**_past(platform), **cleaned}
        found = [
            statement
            for day, (rejected, rows) in sorted(cleaned.items())
            if (statement := unusual_share(day, rejected, rows, past))
        ]
        more = f" And {len(found) - _SHOWN:,} more landings." if found[_SHOWN:] else ""
        return check_result(
            passed=not found,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"{' '.join(map(str, found[-_SHOWN:]))}{more} Look at the reasons: "
            f"retail-assets quarantine summary --landing {found[-1].facts['landed_on']}."
            if found
            else None,
            metadata={"landings": len(cleaned), "landings_before": len(past) - len(cleaned), "unusual": len(found)},
        )

    return [quarantine_share_is_usual]


def _past(platform: Platform) -> History:
    """Rejected and landed rows of earlier landings, from the table that the run before made; none in the first run."""
    past: dict[dt.date, tuple[int, int]] = {}
    with contextlib.suppress(NotReadyError):
        rows = platform.warehouse.query(f"SELECT landed_on, quarantined, landed FROM {DAILY_QUALITY.name}").to_pylist()
        past = {row["landed_on"]: (int(row["quarantined"]), int(row["landed"])) for row in rows}
    return past
