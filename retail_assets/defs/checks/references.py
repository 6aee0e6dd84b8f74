"""Sales are joined with the latest version of each reference file, and their keys are in it."""

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

import dagster as dg

from retail_assets.defs.checks.results import examples, listed, result
from retail_assets.defs.checks.scope import days_of
from retail_assets.defs.failures import failing_clearly
from retail_assets.lake.manifests import CleanManifest, RawManifest, RawSummary
from retail_assets.platform import Platform

if TYPE_CHECKING:
    from retail_assets.landing.references import LandedReferences

_SHOWN = 5
#: Landings whose ids a check reads to see if another version changes them; the others of a run count as outdated.
_MOST_COMPARED = 50


def reference_checks(platform: Platform) -> list[dg.AssetChecksDefinition]:
    """Build `references_are_current` and `references_match`; none for a contract without references."""
    contract = platform.settings.contract
    if not contract.references:
        return []

    @dg.asset_check(
        asset="clean_sales",
        description="Every landing, not only those of a run, is as if it had been joined with the version of each "
        "reference file that counts for it now: no row would change.",
    )
    def references_are_current() -> dg.AssetCheckResult:
        from retail_assets.landing.references import LandedReferences

        with failing_clearly(platform):
            landed = LandedReferences(platform.raw, platform.source, contract)
            pairs = [(raw, clean) for raw, clean in platform.lake.cleaned_summaries() if raw.files]
            old = _outdated(platform, pairs, landed)
        return result(
            passed=not old,
            severity=dg.AssetCheckSeverity.WARN,
            problem=f"A reference file has changed since these landings were joined with it: {listed(old)}.",
            todo="Materialize these days again.",
            landings=len(pairs),
            landings_outdated=len(old),
        )

    @dg.asset_check(
        asset="clean_sales",
        description="Every key of a clean sale (product, customer, store) is in the reference file it is joined with, "
        "unless the contract says that the file is partial.",
    )
    def references_match(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        with failing_clearly(platform):
            pairs = platform.lake.cleaned(days_of(context))
            orphans = {name: _orphans(platform, name, pairs) for name in contract.references}
        rows = {name: sum(of.values()) for name, of in orphans.items() if of}
        unexpected = [name for name in rows if not contract.references[name].partial]
        named = {name: [key for key, _ in of.most_common(_SHOWN)] for name, of in orphans.items() if of}
        shown = "; ".join(f"{name}: {len(orphans[name])} keys, such as {', '.join(named[name])}" for name in unexpected)
        return result(
            passed=not unexpected,
            severity=dg.AssetCheckSeverity.WARN,
            problem=f"Sales have keys that the reference file does not have ({shown}).",
            todo="They count, without its columns or with their defaults. Land a complete file (retail-assets "
            "land --reference NAME FILE), and materialize these days again. If keys are often not in it, say so in the "
            "contract (partial: true).",
            rows_without_a_match=dg.MetadataValue.json(rows),
            keys=examples(named),
        )

    return [references_are_current, references_match]


def _outdated(
    platform: Platform, pairs: Iterable[tuple[RawSummary, CleanManifest]], landed: "LandedReferences"
) -> list[str]:
    """Return the days that other versions of the references change, and keep which ones they do not."""
    from retail_assets.cleaning.reference_changes import Unaffected, changes, is_outdated, keep_unaffected

    contract, lake = platform.settings.contract, platform.lake
    unaffected = Unaffected.read(lake)
    old = [pair for pair in pairs if is_outdated(pair[0], contract, landed, unaffected)]
    same = [raw for raw, clean in old[-_MOST_COMPARED:] if not changes(lake, raw, clean, contract, landed)]
    keep_unaffected(lake, same, landed)
    days = {raw.landed_on for raw in same}
    return [str(raw.landed_on) for raw, _ in old if raw.landed_on not in days]


def _orphans(platform: Platform, name: str, pairs: Iterable[tuple[RawManifest, CleanManifest]]) -> Counter[str]:
    """Count the clean rows of each key that the registered version of a reference does not have."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from retail_assets.cleaning.reference_join import references_of
    from retail_assets.landing.references import differing

    contract, lake = platform.settings.contract, platform.lake
    column = contract.references[name].on
    found: Counter[str] = Counter()
    for raw, clean in pairs:
        if differing(contract, raw.references) is not None:
            continue  # references_are_current names it
        keys = references_of(lake.store.uri, contract, raw.references)[name]["key"]
        for key in clean.keys("clean"):
            with lake.store.open(key) as handle:
                values = pq.read_table(handle, columns=[column])[column].drop_null()
            missing = values.filter(pc.invert(pc.is_in(values, value_set=keys)))
            for item in missing.value_counts().to_pylist():
                found[item["values"]] += item["counts"]
    return found
