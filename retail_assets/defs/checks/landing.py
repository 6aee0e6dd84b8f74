"""Checks of landed files: that there are some, and that their columns are those of the contract and of the landing
before.
"""

import dagster as dg

from retail_assets.alerts.silence import expected_silence, holidays_near
from retail_assets.defs.checks.results import CHANGED, LANDINGS_FOUND, check_result, examples, landings_found, listed
from retail_assets.defs.checks.scope import days_of
from retail_assets.defs.failures import failing_clearly
from retail_assets.lake.manifests import RawManifest
from retail_assets.landing.overlooked import overlooked
from retail_assets.platform import Platform

_SHOWN = 20


def landing_checks(platform: Platform) -> list[dg.AssetChecksDefinition]:
    """Build the checks of `raw_sales_files`, from `landing_is_not_empty` to `nothing_is_overlooked`.

    They only warn. What stops a landing (a missing required column, schema drift that the contract refuses) fails the
    asset.
    """
    contract = platform.settings.contract

    def landings_of(context: dg.AssetCheckExecutionContext) -> list[RawManifest]:
        """Return the registered landings of the run; all of them where the check is run on its own."""
        days = days_of(context)
        return platform.lake.registered(platform.lake.landings("raw") if days is None else days)

    @dg.asset_check(
        asset="raw_sales_files",
        description="Every registered landing of the run has at least one file, except on days on which this source "
        "never lands or sells: a weekday silent 8 weeks in a row, a holiday without sales a year ago.",
    )
    def landing_is_not_empty(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        with failing_clearly(platform):
            empty = [landing.landed_on for landing in landings_of(context) if not landing.files]
            expected = expected_silence(platform, empty)
            missing = [day for day in empty if day not in expected]
            holidays = holidays_near(platform, missing) if missing else {}
        named = [f"{day} ({holidays[day]})" if day in holidays else str(day) for day in missing]
        return check_result(
            passed=not missing,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"Nothing landed on {listed(named)}. Was the shop closed, or is a delivery late? "
            f"Files belong in {platform.raw.uri}/{platform.source}/dt=<day>/."
            if missing
            else None,
            metadata={
                "empty_landings": len(missing),
                "expected_to_be_empty": examples({str(day): why for day, why in expected.items()}),
            },
        )

    @dg.asset_check(
        asset="raw_sales_files",
        description=f"The files of the run have the columns that contract {contract.name} reads, and no others.",
    )
    def columns_match_contract(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        with failing_clearly(platform):
            landings = landings_of(context)
        # A column that an older contract did not know, this one may know; only inspecting the files again can tell.
        older = [str(m.landed_on) for m in landings if m.contract != contract.digest]
        files = [f for m in landings if m.contract == contract.digest for f in m.files]
        unknown = {f.key: f.unknown_columns for f in files if f.unknown_columns}
        if contract.unknown_columns == "ignore":
            unknown = {}
        names = sorted({name for columns in unknown.values() for name in columns})
        return check_result(
            passed=not unknown,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"Columns that contract {contract.name} does not know, so they are not loaded: "
            f"{', '.join(names[:_SHOWN])} (in {len(unknown)} of {len(files)} files). Map them in the contract, or list "
            "them in ignore_columns."
            if unknown
            else None,
            metadata={
                "files": len(files),
                "landings_registered_by_another_contract": len(older),
                "unknown": dg.MetadataValue.json(dict(list(unknown.items())[:_SHOWN])),
                "not_delivered": dg.MetadataValue.json(sorted({c for f in files for c in f.missing_columns})),
            },
        )

    @dg.asset_check(
        asset="raw_sales_files",
        description="No time stamp is in an hour that daylight saving skipped, nor in one that it repeated if time "
        "stamps have a zone to be converted from.",
    )
    def local_times_exist(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        with failing_clearly(platform):
            files = [f for landing in landings_of(context) for f in landing.files]
        skipped = {f.key: f.clock_changes.skipped_example for f in files if f.clock_changes.skipped}
        repeated = {f.key: f.clock_changes.repeated_example for f in files if f.clock_changes.repeated}
        zone = contract.dates.zone or contract.timezone
        problems = []
        if skipped:
            rows = sum(f.clock_changes.skipped for f in files)
            problems.append(f"{rows:,} time stamps never were on a clock in {zone}; they count as the hour after")
        if repeated and contract.dates.zone:
            rows = sum(f.clock_changes.repeated for f in files)
            problems.append(f"{rows:,} time stamps were twice on a clock in {zone}; they count as the second")
        return check_result(
            passed=not problems,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"{'; '.join(problems)}. Look at the examples: if they are in another time zone, name it in "
            "the contract (zone, under dates)."
            if problems
            else None,
            metadata={
                "skipped": dg.MetadataValue.json(dict(list(skipped.items())[:_SHOWN])),
                "repeated": dg.MetadataValue.json(dict(list(repeated.items())[:_SHOWN])),
            },
        )

    @dg.asset_check(
        asset="raw_sales_files",
        description="The landings of the run have the same columns and file format as the landings before them.",
    )
    def schema_unchanged(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        from retail_assets.landing.schema_drift import schema_drift_as_markdown, schema_drift_of

        with failing_clearly(platform):
            days = days_of(context)
            if days is None:
                latest = platform.lake.latest_registered()
                landings = [] if latest is None else [latest]
            else:
                landings = platform.lake.registered(days)
            drifts = schema_drift_of(platform.lake, landings, contract)
        changed = [sentence for d in drifts for sentence in d.sentences()]
        unwelcome = [change for d in drifts for change in d.unwelcome]
        first = [d.landed_on for d in drifts if d.earlier is None]
        lines = changed[:_SHOWN]
        if len(changed) > _SHOWN:
            lines.append(f"And {len(changed) - _SHOWN:,} more.")
        if changed:
            rules = ", ".join(f"{rule}: accept" for rule in dict.fromkeys(c.rule for c in unwelcome))
            lines.append(
                "Look at the files. If the change is intended, there is nothing to do: the next landing is compared "
                f"with this one. To accept every such change, write drift: {{{rules}}} into the contract (the YAML "
                "file that RETAIL_SOURCE names)."
            )
        elif first:
            lines = [f"Nothing landed before {first[0]}: no landing to compare with."]
        return check_result(
            passed=not changed,
            severity=dg.AssetCheckSeverity.WARN,
            description=" ".join(lines) or None,
            metadata={
                "compared_with": dg.MetadataValue.json({str(d.landed_on): str(d.earlier or "none") for d in drifts}),
                "changes": sum(len(d.changes) for d in drifts),
                CHANGED: dg.MetadataValue.json(list(dict.fromkeys(c.topic for c in unwelcome))),
                LANDINGS_FOUND: landings_found(d.landed_on for d in drifts if d.unwelcome),
                "schema_changes": dg.MetadataValue.md(schema_drift_as_markdown(drifts)),
            },
        )

    @dg.asset_check(
        asset="raw_sales_files",
        description="Everything in the raw folder is read: no hidden files, no misspelled folders.",
    )
    def nothing_is_overlooked(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        with failing_clearly(platform):
            days = [landing.landed_on for landing in landings_of(context)]
            found = overlooked(platform.raw, platform.source, days)
        shown = ", ".join(map(str, found[:_SHOWN])) + (f" and {len(found) - _SHOWN:,} more" if found[_SHOWN:] else "")
        return check_result(
            passed=not found,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"Not read: {shown}. Look at these: move or rename what has sales, and remove the rest."
            if found
            else None,
            metadata={"overlooked": len(found), "names": dg.MetadataValue.json([str(item) for item in found[:_SHOWN]])},
        )

    return [landing_is_not_empty, columns_match_contract, local_times_exist, schema_unchanged, nothing_is_overlooked]
