"""A replay of rejected rows as Dagster runs, so that event log, checks and load treat it like cleaning.

For the landings that the replay touches, a step of its own materializes `clean_sales` and `quarantined_sales`; then the
ordinary load and the ordinary checks follow. `quarantine/` decides what is replayed, and how.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import dagster as dg

from retail_assets.defs.build import build_defs
from retail_assets.defs.data_versions import CONTENT, materialized_by_landing
from retail_assets.defs.execute import execute
from retail_assets.defs.failures import failing_clearly
from retail_assets.defs.lineage import sending_lineage
from retail_assets.defs.metadata import money
from retail_assets.defs.partitions import landing_partitions
from retail_assets.defs.resources import SparkResource
from retail_assets.errors import SettingsError
from retail_assets.lake.manifests import CleanManifest, Status, total_reasons
from retail_assets.platform import Platform
from retail_assets.quarantine import replay as domain
from retail_assets.quarantine.move import Replayed
from retail_assets.quarantine.plan import LandingPlan, plan
from retail_assets.quarantine.rows import Selection, landings
from retail_assets.settings import Settings

#: The tag under which runs of a replay carry their selection.
REPLAY_TAG = "retail_assets/replay"
_COUNTED = ("selected", "cleaned", "superseded", "rejected", "excluded", "gave_way")
_LOADED = ("sales", "sales_quarantine")
_REPLAYED = ("clean_sales", "quarantined_sales")


@dataclass(frozen=True)
class Report:
    """What a replay did, or would do.

    `results` has one item per landing. `loaded_late` are landings that an earlier run had cleaned but not loaded.
    `cleaned_whole` are manifests of landings that were cleaned again from their files. `already_judged` counts selected
    rows that were left alone because this contract has already judged them.
    """

    contract: str
    selection: Selection
    results: tuple[Replayed, ...] = ()
    already_judged: int = 0
    loaded_late: tuple[dt.date, ...] = ()
    cleaned_whole: tuple[CleanManifest, ...] = ()
    dry_run: bool = False

    def count(self, number: str) -> int:
        """Return the sum over all landings of one of their numbers, such as `cleaned`."""
        return sum(getattr(r, number) for r in self.results)

    def to_json(self) -> dict[str, Any]:
        return {
            "contract": self.contract,
            "selection": str(self.selection),
            "dry_run": self.dry_run,
            **{name: self.count(name) for name in _COUNTED},
            "amount": str(self.amount),
            "already_judged": self.already_judged,
            "landings": [r.to_json() for r in self.results],
            "loaded_late": [day.isoformat() for day in self.loaded_late],
        }

    @property
    def amount(self) -> Decimal:
        """The money of the rows that are now clean."""
        return sum((r.amount for r in self.results), Decimal("0.00"))


def replay(settings: Settings, selection: Selection, *, again: bool = False, dry_run: bool = False) -> Report:
    """Replay the selected rows and load them, with one Dagster run per stretch of consecutive landing days.

    Landings whose stored texts are not enough are cleaned again from their files by the ordinary assets. Raises
    RetailError; what was finished before stays, and repeating the command does the rest.
    """
    platform = Platform(settings)
    contract = settings.contract
    manifests = landings(platform.lake, selection)
    all_plans = plan(platform.raw, platform.lake, contract, manifests, selection, again=again)
    plans = [p for p in all_plans if p.selected]
    already_judged = sum(p.chosen - p.selected for p in all_plans)
    late = domain.not_loaded(platform.lake, platform.warehouse, manifests)
    _refuse_outside(settings, [*(p.landed_on for p in plans), *late])
    spark = SparkResource(settings)
    try:
        if dry_run:
            dry = domain.replay(
                lambda: spark.session,
                platform.raw,
                platform.lake,
                contract,
                plans,
                selection,
                again=again,
                publish=False,
            )
            return Report(contract.digest, selection, tuple(dry), already_judged, tuple(late), dry_run=True)
        results: dict[dt.date, Replayed] = {}
        by_text = {p.landed_on: p for p in plans if p.whole is None}
        with sending_lineage(settings):
            for days in stretches([*by_text, *late]):
                part = [by_text[day] for day in days if day in by_text]
                _run(settings, days, spark, selection, _Step(platform, part, selection, again, results))
            results |= {p.landed_on: Replayed(p.landed_on, p.selected, whole=p.whole) for p in plans if p.whole}
            whole = [r.landed_on for r in results.values() if r.whole is not None]
            for days in stretches(whole):
                _run(settings, days, spark, selection, None)
        done = tuple(results[day] for day in sorted(results))
        cleaned = tuple(platform.lake.clean(day) for day in sorted(whole))
        return Report(contract.digest, selection, done, already_judged, tuple(late), cleaned)
    finally:
        spark.stop()


def stretches(days: Sequence[dt.date]) -> list[list[dt.date]]:
    """Return the days in order, in groups without a gap: one run covers one range of partitions.

    >>> [len(group) for group in stretches([dt.date(2024, 1, 5), dt.date(2024, 1, 2), dt.date(2024, 1, 1)])]
    [2, 1]
    """
    groups: list[list[dt.date]] = []
    for day in sorted(set(days)):
        if groups and day - groups[-1][-1] == dt.timedelta(days=1):
            groups[-1].append(day)
        else:
            groups.append([day])
    return groups


def _refuse_outside(settings: Settings, days: Sequence[dt.date]) -> None:
    partitions = landing_partitions(settings)
    outside = sorted(day for day in days if not partitions.has_partition_key(day.isoformat()))
    if outside:
        raise SettingsError(
            f"The landing of {outside[0]} is outside RETAIL_START_DATE and RETAIL_END_DATE. "
            "Select other landings with --landing, or change these settings."
        )


@dataclass(frozen=True)
class _Step:
    """The replay of some landings inside a Dagster step; leaves its results in `results`."""

    platform: Platform
    plans: Sequence[LandingPlan]
    selection: Selection
    again: bool
    results: dict[dt.date, Replayed]

    def run(self, spark: SparkResource) -> list[Replayed]:
        done = domain.replay(
            lambda: spark.session,
            self.platform.raw,
            self.platform.lake,
            self.platform.settings.contract,
            self.plans,
            self.selection,
            again=self.again,
        )
        self.results.update({r.landed_on: r for r in done})
        return done


def _run(
    settings: Settings, days: Sequence[dt.date], spark: SparkResource, selection: Selection, step: _Step | None
) -> None:
    """One Dagster run over consecutive landings: the replay and the load or, without a step, the ordinary assets."""
    cleaned = _REPLAYED if step else ("raw_sales_files", *_REPLAYED)
    assets = [dg.AssetKey(name) for name in (*cleaned, *_LOADED)]
    tags = {REPLAY_TAG: str(selection)[:200]}
    execute(settings, _definitions(settings, spark, step), assets, (days[0], days[-1]), tags)


def _definitions(settings: Settings, spark: SparkResource, step: _Step | None) -> dg.Definitions:
    """The ordinary definitions with one Spark session for all runs, and with the step in place of cleaning if given."""
    ordinary = build_defs(settings)
    assets = [a for a in ordinary.assets or () if isinstance(a, dg.AssetsDefinition)]
    if step:
        replayed = {dg.AssetKey(name) for name in _REPLAYED}
        specs = [s for a in assets for s in a.specs if s.key in replayed]
        assets = [a for a in assets if not replayed & set(a.keys)]
        assets.append(_replay_asset(settings, specs, step))
    return dg.Definitions(
        assets=assets,
        asset_checks=ordinary.asset_checks,
        resources={**(ordinary.resources or {}), "spark": spark},
        executor=ordinary.executor,
        loggers=ordinary.loggers,
    )


def _replay_asset(settings: Settings, specs: Sequence[dg.AssetSpec], step: _Step) -> dg.AssetsDefinition:
    # A code version other than that of cleaning: rows that were clean before are still those of the previous contract,
    # and Dagster should go on showing that the landing could be cleaned again.
    version = f"replay:{settings.contract.digest}"

    @dg.multi_asset(
        name="replay",
        partitions_def=landing_partitions(settings),
        backfill_policy=dg.BackfillPolicy.single_run(),
        specs=[spec.replace_attributes(code_version=version) for spec in specs],
    )
    def replayed(
        context: dg.AssetExecutionContext, spark: dg.ResourceParam[SparkResource]
    ) -> Iterator[dg.MaterializeResult]:
        with failing_clearly(step.platform, retrying=False):
            results = step.run(spark)
            manifests = [step.platform.lake.clean(dt.date.fromisoformat(key)) for key in context.partition_keys]
        account = dg.MetadataValue.json([r.to_json() for r in results])
        counts = [sum(getattr(r, n) for r in results) for n in ("selected", "cleaned", "superseded", "rejected")]
        context.log.info("Replayed %d rejected rows: %d clean, %d superseded, %d still rejected", *counts)
        statuses: tuple[tuple[str, Status], ...] = (("clean_sales", "clean"), ("quarantined_sales", "quarantine"))
        for name, status in statuses:
            by_landing: dict[dt.date, dict[str, Any]] = {
                m.landed_on: {
                    CONTENT: m.content(status),
                    "dagster/partition_row_count": m.rows(status),
                    "revenue": money(m.amount(status)),
                }
                for m in manifests
            }
            if status == "quarantine":
                for m in manifests:
                    by_landing[m.landed_on]["reasons"] = dg.MetadataValue.json(total_reasons([m]))
            shared = {
                "replay": account,
                "replayed_selection": str(step.selection),
                "contract": settings.contract.digest,
            }
            yield materialized_by_landing(context, name, by_landing, shared)

    return replayed
