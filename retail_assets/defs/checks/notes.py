"""A value about the customer that cannot be read is missing; this check says how many there are."""

from collections.abc import Sequence

import dagster as dg

from retail_assets.defs.checks.results import examples, listed, result
from retail_assets.defs.checks.scope import days_of
from retail_assets.defs.failures import failing_clearly
from retail_assets.lake.manifests import CleanManifest
from retail_assets.platform import Platform

_LARGE_SHARE = 0.05


def note_checks(platform: Platform) -> list[dg.AssetChecksDefinition]:
    """Build `values_are_understood`."""

    @dg.asset_check(
        asset="clean_sales",
        description=f"No landing has more than {_LARGE_SHARE:.0%} of clean rows with a gender or an age that cannot be "
        "read. Such values are missing; the sales count.",
    )
    def values_are_understood(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        with failing_clearly(platform):
            cleaned = platform.lake.clean_landings(days_of(context))
        large = {
            f"{m.landed_on} {name}": round(rows / m.rows("clean"), 4)
            for m in cleaned
            for name, rows in m.notes.items()
            if rows > _LARGE_SHARE * m.rows("clean")
        }
        return result(
            passed=not large,
            severity=dg.AssetCheckSeverity.WARN,
            problem=f"Many genders or ages cannot be read ({_total(cleaned)}) on {listed({d[:10] for d in large})}. "
            "The sales count; the values are missing.",
            todo="Look at the column. Say in the contract what its words mean (genders), map an age band to age_group, "
            "or leave the column out. Then materialize clean_sales again for these days.",
            rows=dg.MetadataValue.json(_total(cleaned)),
            shares=examples(large),
        )

    return [values_are_understood]


def _total(manifests: Sequence[CleanManifest]) -> dict[str, int]:
    """Return clean rows by note."""
    names = sorted({name for m in manifests for name in m.notes})
    return {name: sum(m.notes.get(name, 0) for m in manifests) for name in names}
