"""Rejected rows and the size of landings compared with the source's own past: weekdays lately, a season a year ago."""

import contextlib
import datetime as dt
from collections.abc import Collection, Mapping, Sequence

import dagster as dg

from retail_assets.alerts.silence import holidays_near
from retail_assets.defs.checks.results import LANDINGS_FOUND, check_result, landings_found
from retail_assets.defs.checks.scope import days_of
from retail_assets.defs.failures import failing_clearly
from retail_assets.errors import NotReadyError
from retail_assets.landing.streamed import offsets_of
from retail_assets.landing.usual_size import unusual_size
from retail_assets.platform import Platform
from retail_assets.quarantine.usual_share import History, unusual_share
from retail_assets.tables import DAILY_QUALITY
from retail_assets.wording.statement import Statement

_SHOWN = 5


def usual_landing_checks(platform: Platform) -> list[dg.AssetChecksDefinition]:
    """Build `quarantine_share_is_usual` and `landing_size_is_usual`. They warn: what landed is loaded."""

    @dg.asset_check(
        asset="clean_sales",
        description="No landing has far more rejected rows than the same weekday in the 12 weeks before, nor than the "
        "same weekday of the same season a year before.",
    )
    def quarantine_share_is_usual(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        with failing_clearly(platform):
            manifests = platform.lake.clean_landings(days_of(context))
            cleaned = {m.landed_on: (m.rows("quarantine"), m.landed_rows) for m in manifests}
            past = {**_past(platform), **cleaned}
        found = [
            statement
            for day, (rejected, rows) in sorted(cleaned.items())
            if (statement := unusual_share(day, rejected, rows, past))
        ]
        last = found[-1].facts["landed_on"] if found else None
        return _warning(
            found,
            f"Look at the reasons: retail-assets quarantine summary --landing {last}.",
            {"landings": len(cleaned), "landings_before": len(past) - len(cleaned), "unusual": len(found)},
        )

    @dg.asset_check(
        asset="clean_sales",
        description="No landing has far fewer rows than the same weekday in the 12 weeks before, and than the same "
        "weekday of the same season a year before: a file may be missing. Days around holidays are not judged, nor "
        "those that a stream still lands.",
    )
    def landing_size_is_usual(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        with failing_clearly(platform):
            landings = {m.landed_on: m.landed_rows for m in platform.lake.clean_landings(days_of(context))}
            past = {day: rows for day, (_, rows) in _past(platform).items()} | landings
            holidays = holidays_near(platform, sorted(landings)) if landings else {}
            growing = _growing(platform, landings)
        judged = {day: rows for day, rows in sorted(landings.items()) if day not in growing}
        found = [small for day, rows in judged.items() if (small := unusual_size(day, rows, past, holidays))]
        return _warning(
            found,
            "Compare the files with those of the source: one may be missing. Land it into the same day.",
            {"landings": len(judged), "not_over": len(growing), "small": len(found)},
        )

    return [quarantine_share_is_usual, landing_size_is_usual]


def _warning(found: Sequence[Statement], advice: str, metadata: Mapping[str, int]) -> dg.AssetCheckResult:
    """Return the result of a check that warns of landings: the last ones in words, and what to do."""
    more = f" And {len(found) - _SHOWN:,} more." if found[_SHOWN:] else ""
    return check_result(
        passed=not found,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{' '.join(map(str, found[-_SHOWN:]))}{more} {advice}" if found else None,
        metadata={**metadata, LANDINGS_FOUND: landings_found(statement.facts["landed_on"] for statement in found)},
    )


def _growing(platform: Platform, days: Collection[dt.date]) -> list[dt.date]:
    """Return those of the days that are not over and that a stream lands."""
    ahead = [day for day in days if day >= platform.settings.today()]
    files = {m.landed_on: m.files for m in platform.lake.registered(ahead)} if ahead else {}
    return [day for day in ahead if any(offsets_of(file.key) for file in files.get(day, ()))]


def _past(platform: Platform) -> History:
    """Rejected and landed rows of earlier landings, from the table that the run before made; none in the first run."""
    past: dict[dt.date, tuple[int, int]] = {}
    with contextlib.suppress(NotReadyError):
        rows = platform.warehouse.query(f"SELECT landed_on, quarantined, landed FROM {DAILY_QUALITY.name}").to_pylist()
        past = {row["landed_on"]: (int(row["quarantined"]), int(row["landed"])) for row in rows}
    return past
