"""When Dagster shows an asset as overdue.

A freshness policy looks at the last materialization of an asset, whatever its partition: the backfill of an old landing
would make `sales` look fresh. So assets per landing have none. The asset `newest_landing`, which nothing computes, is
reported each time a landing is loaded that is newer than all before, and its policy shows when none comes any more.
Assets of the whole history have a policy of their own: it shows when they are not computed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import dagster as dg

from retail_assets.defs.metadata import ENGINEERING
from retail_assets.defs.partitions import set_on_whole_history
from retail_assets.errors import NotReadyError
from retail_assets.lake.manifests import CleanManifest
from retail_assets.platform import Platform
from retail_assets.settings import Settings
from retail_assets.warehouse.protocol import Warehouse

NEWEST_LANDING = "newest_landing"

#: A source lands every day; two days without a run are worth a look, and after four something is wrong.
_POLICY = dg.FreshnessPolicy.time_window(fail_window=dt.timedelta(days=4), warn_window=dt.timedelta(days=2))


def with_freshness(assets: Sequence[dg.AssetsDefinition], settings: Settings) -> list[dg.AssetsDefinition]:
    """Give every asset of the whole history a freshness policy, unless the source has ended."""
    if settings.end_date is not None:
        return list(assets)
    return set_on_whole_history(assets, freshness_policy=_POLICY)


def newest_landing(platform: Platform) -> dg.AssetSpec:
    """Return the asset that stands for the newest loaded landing."""
    return dg.AssetSpec(
        NEWEST_LANDING,
        deps=["sales"],
        group_name="warehouse",
        kinds={platform.settings.warehouse},
        owners=ENGINEERING,
        tags={"layer": "warehouse", "source": platform.source},
        description="The newest landing in `sales`: reported when a landing is loaded that is newer than all before. "
        "Overdue if none comes; loading an old landing again does not change that.",
        freshness_policy=None if platform.settings.end_date else _POLICY,
    )


def newest_loaded(warehouse: Warehouse) -> dt.date | None:
    """Return the day of the newest landing in the warehouse that has sales; None if there is none."""
    try:
        [row] = warehouse.query("SELECT max(landed_on) AS day FROM sales_clean").to_pylist()
    except NotReadyError:
        return None
    day: dt.date | None = row["day"]
    return day


def report_newest(context: dg.AssetExecutionContext, landings: Sequence[CleanManifest], before: dt.date | None) -> None:
    """Report the newest of the loaded landings that has sales, if it is newer than the newest before."""
    newest = max((m.landed_on for m in landings if m.rows("clean")), default=None)
    if newest is not None and (before is None or newest > before):
        context.log_event(dg.AssetMaterialization(NEWEST_LANDING, metadata={"landing": newest.isoformat()}))
