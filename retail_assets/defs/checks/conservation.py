"""No row and no cent is lost between the raw files and the lake.

Each check compares two independent counts: those taken when a file was registered (other code, another parser) with
those of what cleaning wrote. In a run of some landings the checks cover those; started on their own, every landing.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import dagster as dg

from retail_assets.defs.checks.results import by_name, examples, landings_found, listed, result
from retail_assets.defs.checks.scope import days_of
from retail_assets.defs.failures import failing_clearly
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import STATUSES, CleanManifest, RawManifest, total_reasons
from retail_assets.landing.replacement import use_instead
from retail_assets.platform import Platform

_LARGE_QUARANTINE_SHARE = 0.05
_REASONS_SHOWN = 5


def conservation_checks(platform: Platform) -> list[dg.AssetChecksDefinition]:
    """Build `rows_are_conserved`, `revenue_reconciles_with_raw`, `quarantine_is_small` and `enough_is_clean`."""
    lake = platform.lake
    contract = platform.settings.contract

    @dg.asset_check(
        asset="clean_sales",
        blocking=True,
        description="Every line of every landed file is in exactly one clean, rejected, superseded, excluded or "
        "erased row.",
    )
    def rows_are_conserved(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        with failing_clearly(platform):
            pairs = lake.cleaned(days_of(context))
        lost = {
            str(raw.landed_on): {
                "landed_lines": raw.lines + raw.erased_lines,
                "accounted_lines": clean.lines + clean.erased_lines,
                "erased_rows": raw.erased,
                "accounted_erased_rows": clean.erased,
            }
            for raw, clean in pairs
            if raw.lines + raw.erased_lines != clean.lines + clean.erased_lines or raw.erased != clean.erased
        }
        stale = [str(raw.landed_on) for raw, clean in pairs if raw.digest != clean.raw_digest]
        return result(
            passed=not lost and not stale,
            problem=f"The numbers of lines differ on {listed(lost)}."
            if lost
            else f"Files changed since cleaning on {listed(stale)}.",
            todo="Materialize raw_sales_files and clean_sales again for these days. If that does not help, report it.",
            landings=len(pairs),
            landings_cleaned_by_another_contract=sum(clean.contract != contract.digest for _, clean in pairs),
            lines=sum(raw.lines for raw, _ in pairs),
            lines_skipped=sum(raw.skipped for raw, _ in pairs),
            rows_landed=sum(clean.landed_rows for _, clean in pairs),
            rows_clean=sum(clean.rows("clean") for _, clean in pairs),
            rows_quarantined=sum(clean.rows("quarantine") for _, clean in pairs),
            rows_superseded=sum(clean.rows("superseded") for _, clean in pairs),
            rows_excluded=sum(clean.rows("excluded") for _, clean in pairs),
            rows_erased=sum(clean.erased for _, clean in pairs),
            differences=examples(lost),
        )

    @dg.asset_check(
        asset="clean_sales",
        blocking=True,
        description="The money of clean, rejected, superseded and excluded rows equals the control totals of the "
        "raw files, to the cent.",
    )
    def revenue_reconciles_with_raw(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        with failing_clearly(platform):
            money = compared_with_raw(lake.cleaned(days_of(context)))
        return result(
            passed=not money.differences,
            problem=f"The money of raw files and of cleaned rows differs on {listed(money.differences)}.",
            todo="Compare the quarantine of these days with the files. If the rows look right, report this.",
            controlled_revenue=str(money.controlled),
            landings_without_control_total=money.without_control_total,
            landings_registered_by_another_contract=money.other_contract,
            differences=examples(money.differences),
        )

    @dg.asset_check(
        asset="clean_sales",
        description=f"No landing has more than {_LARGE_QUARANTINE_SHARE:.0%} of its rows in quarantine.",
    )
    def quarantine_is_small(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        with failing_clearly(platform):
            cleaned = lake.clean_landings(days_of(context))
        large = {
            str(m.landed_on): round(m.rows("quarantine") / m.landed_rows, 4)
            for m in cleaned
            if m.rows("quarantine") > _LARGE_QUARANTINE_SHARE * m.landed_rows
        }
        return result(
            passed=not large,
            severity=dg.AssetCheckSeverity.WARN,
            problem=f"Many rows were rejected on {listed(large)}.",
            todo=f"Reasons in the landings of this run: {by_name(total_reasons(cleaned))}. Look at the rows: "
            f"retail-assets quarantine summary{_landing_option(large)}.",
            shares=examples(large),
            landings_found=landings_found(map(dt.date.fromisoformat, large)),
        )

    @dg.asset_check(
        asset="clean_sales",
        blocking=True,
        description="No landing is rejected as a whole, nor more of it than the contract's quarantine_limit "
        f"({contract.quarantine_limit:.0%} of the rows that are not excluded).",
    )
    def enough_is_clean(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        with failing_clearly(platform):
            cleaned = lake.clean_landings(days_of(context))
        rejected = [m for m in cleaned if contract.rejects(m.rows("quarantine"), counted_rows(m))]
        return result(
            passed=not rejected,
            problem=f"Most rows were rejected on {listed([str(m.landed_on) for m in rejected])}: "
            f"{sum(m.rows('quarantine') for m in rejected):,} of {sum(map(counted_rows, rejected)):,} "
            f"({by_name(dict(list(total_reasons(rejected).items())[:_REASONS_SHOWN]))}). "
            "Nothing of this run is loaded.",
            todo="Look at the rows (retail-assets quarantine summary"
            f"{_landing_option(str(m.landed_on) for m in rejected)}). Correct the contract and run retail-assets "
            f"quarantine replay. Or correct the file. {_landing_again(lake, rejected)} If the landing is right as it "
            "is, raise quarantine_limit in the contract; 1 accepts every landing.",
            shares=examples({str(m.landed_on): round(m.rows("quarantine") / counted_rows(m), 4) for m in rejected}),
            landings_found=landings_found(m.landed_on for m in rejected),
        )

    return [rows_are_conserved, revenue_reconciles_with_raw, quarantine_is_small, enough_is_clean]


def _landing_option(days: Iterable[str]) -> str:
    """Return the option of `quarantine summary` for the days, "" where there are none."""
    first, *others = sorted(days) or [""]
    return f" --landing {first}" + (f"...{others[-1]}" if others else "") if first else ""


def _landing_again(lake: Lake, rejected: Sequence[CleanManifest]) -> str:
    """Return how to land the corrected files of rejected landings, "" without any."""
    files = [file.key for manifest in lake.registered([m.landed_on for m in rejected[:1]]) for file in manifest.files]
    if len(rejected) == 1 and len(files) == 1:
        return use_instead(files[0], "the corrected file").replace("`", "")  # quoted again as Markdown
    day = rejected[0].landed_on if len(rejected) == 1 else "DAY"
    return f"Land each corrected file: retail-assets land FILE --date {day} --replace." if rejected else ""


def counted_rows(manifest: CleanManifest) -> int:
    """Return the rows of a landing that no rule of the contract excludes and that were not erased."""
    return manifest.kept_rows - manifest.rows("excluded")


@dataclass
class RawMoney:
    """The money of cleaned rows compared with the control totals of the raw files.

    `controlled` is the money that was compared; `differences` are landings where it is not equal. Landings without a
    control total, or registered by another contract than cleaned them, cannot be compared and are counted.
    """

    controlled: Decimal = Decimal("0.00")
    without_control_total: int = 0
    other_contract: int = 0
    differences: dict[str, dict[str, str]] = field(default_factory=dict)


def compared_with_raw(pairs: Sequence[tuple[RawManifest, CleanManifest]]) -> RawMoney:
    """Compare the money of cleaned landings with the control totals of their files."""
    money = RawMoney()
    for raw, clean in pairs:
        if raw.contract != clean.contract:  # another contract may read the amount from another column
            money.other_contract += 1
            continue
        expected = control_total(raw)
        if expected is None:
            money.without_control_total += 1
            continue
        money.controlled += expected
        cleaned = sum((clean.amount(status) for status in STATUSES), Decimal("0.00"))
        if cleaned != expected:
            money.differences[str(raw.landed_on)] = {"raw": str(expected), "cleaned": str(cleaned)}
    return money


def control_total(raw: RawManifest) -> Decimal | None:
    """Return the sum of the files' control totals.

    None if a file has no total, or if its rows and rejected lines do not add up to its lines.
    """
    total = Decimal("0.00")
    for file in raw.files:
        control = file.control
        if control.amount is None or control.rows is None or control.rows + (control.rejected or 0) != file.lines:
            return None
        total += Decimal(control.amount)
    return total
