"""Checks of what landed: that something did, and that its columns are those of the contract."""

from __future__ import annotations

import dagster as dg

from retail_assets.assets.common import failing_clearly
from retail_assets.platform import Platform

_SHOWN = 20


def landing_checks(platform: Platform) -> list[dg.AssetChecksDefinition]:
    """`landing_is_not_empty` and `columns_match_contract`. Both warn: a missing required column fails the asset."""
    contract = platform.settings.contract

    @dg.asset_check(asset="raw_sales_files", description="Every registered landing has at least one file.")
    def landing_is_not_empty() -> dg.AssetCheckResult:
        with failing_clearly():
            empty = [str(d) for d in platform.lake.landings("raw") if not platform.lake.raw(d).files]
        return dg.AssetCheckResult(
            passed=not empty,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"Nothing landed on {', '.join(empty[:_SHOWN])}. Was the shop closed, or is a delivery late? "
            f"Files belong in {platform.raw.uri}/{platform.source}/dt=<day>/."
            if empty
            else None,
            metadata={"empty_landings": len(empty)},
        )

    @dg.asset_check(
        asset="raw_sales_files",
        description=f"Files have the columns that contract {contract.name} reads, and no others.",
    )
    def columns_match_contract() -> dg.AssetCheckResult:
        with failing_clearly():
            landings = [platform.lake.raw(day) for day in platform.lake.landings("raw")]
        # What an older contract did not know, this one may: only a new look at the files can tell.
        older = [str(m.landed_on) for m in landings if m.contract != contract.digest]
        files = [f for m in landings if m.contract == contract.digest for f in m.files]
        unknown = {f.key: f.unknown_columns for f in files if f.unknown_columns}
        if contract.unknown_columns == "ignore":
            unknown = {}
        names = sorted({name for columns in unknown.values() for name in columns})
        return dg.AssetCheckResult(
            passed=not unknown,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"Contract {contract.name} does not know, and so does not load: {', '.join(names[:_SHOWN])} "
            f"(in {len(unknown)} of {len(files)} files). Map them, or list them in ignore_columns."
            if unknown
            else None,
            metadata={
                "files": len(files),
                "landings_registered_by_another_contract": len(older),
                "unknown": dg.MetadataValue.json(dict(list(unknown.items())[:_SHOWN])),
                "not_delivered": dg.MetadataValue.json(sorted({c for f in files for c in f.missing_columns})),
            },
        )

    return [landing_is_not_empty, columns_match_contract]
