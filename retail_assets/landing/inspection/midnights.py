"""Days written as moments: where every time is midnight, another time zone would move each sale to the day before."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from retail_assets.contracts.model import Contract
from retail_assets.contracts.typing_sql.moments import moment
from retail_assets.errors import LandingError
from retail_assets.lake.profile import FileProfile
from retail_assets.landing.inspection.clock_changes import columns_as_written
from retail_assets.landing.inspection.control_totals import rows_of
from retail_assets.landing.inspection.duckdb_source import connected
from retail_assets.storage import Store

#: Different days from which on it is no chance that every sale was at midnight.
_FEWEST_DAYS = 3


def refuse_days_as_moments(
    store: Store, profile: FileProfile, contract: Contract, *, totals: Sequence[str] = (), texts: pa.Table | None = None
) -> None:
    """Raise LandingError if the contract names a zone for time stamps which are all midnight, on three days or more.

    Such a file has days, exported as moments. Files of contracts without another zone are not read.
    """
    import duckdb

    zone = contract.dates.zone
    if zone is None or zone == contract.timezone:
        return
    columns = columns_as_written(contract, profile)
    with connected(store) as con:
        try:
            days, others, example = con.execute(f"""
                WITH trimmed AS MATERIALIZED (
                    SELECT {columns.trimmed(trim=True, missing=False)}
                    FROM {rows_of(con, store, profile, totals, texts)}
                ),
                written AS (SELECT {columns.moment_text()} AS written, {moment(columns)} AS local FROM trimmed)
                SELECT count(DISTINCT CAST(local AS DATE)), count(*) FILTER (CAST(local AS TIME) <> TIME '00:00:00'),
                    min(written)
                FROM written WHERE contains(written, ':')""").fetchall()[0]
        except (duckdb.Error, UnicodeError):  # the control totals say why
            return
    if days >= _FEWEST_DAYS and not others:
        raise LandingError(
            f"{profile.key}: every time stamp is midnight, such as {example!r}, on {days:,} different days, and "
            f"`dates: {{zone: {zone}}}` would move each to another hour or day of {contract.timezone}. These are days "
            "without a time. Remove `zone` from the contract, or land a file with the times."
        )
