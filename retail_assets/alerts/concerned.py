"""The rows and the money that a cause concerns: of landings by their manifests, of tables by what they hold."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from decimal import Decimal

from retail_assets.alerts.causes import Subject, landings_named
from retail_assets.errors import NotReadyError, RetailError
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import CleanManifest, RawManifest
from retail_assets.landing.partitions import is_data, partition_folder
from retail_assets.platform import Platform
from retail_assets.storage import Store
from retail_assets.tables import ALL, DAILY_CATEGORY_SALES, SALES, SALES_CLEAN
from retail_assets.wording import alerts as words
from retail_assets.wording.statement import Statement

#: Columns that are revenue, by table.
_REVENUE = {SALES.name: "total_amount", SALES_CLEAN.name: "total_amount", DAILY_CATEGORY_SALES.name: "revenue"}
_TABLES = frozenset(table.name for table in ALL)
#: The step that registers landings.
REGISTERING = "raw_sales_files"
#: Landings that are looked up one by one; of more the sum of the last ones would be no sum.
_MOST_LANDINGS = 31


def landed(manifests: Iterable[RawManifest], currency: str) -> Statement | None:
    """Return what has landed; None where nothing is registered. Its money is that of the files' control totals."""
    found = list(manifests)
    if not found:
        return None
    totals = [file.control.amount for manifest in found for file in manifest.files]
    known = [Decimal(total) for total in totals if total is not None]
    return words.landed(
        landings=len(found),
        files=len(totals),
        lines=sum(manifest.lines for manifest in found),
        amount=sum(known, Decimal("0.00")) if len(known) == len(totals) else None,
        currency=currency,
    )


def rejected(manifests: Iterable[CleanManifest], currency: str, without_amount: int) -> Statement | None:
    """Return what was rejected of cleaned landings; None where nothing is cleaned.

    `without_amount` is the number of rejected rows whose money could not be read.
    """
    found = list(manifests)
    if not found:
        return None
    return words.rejected(
        rejected=sum(manifest.rows("quarantine") for manifest in found),
        rows=sum(manifest.landed_rows for manifest in found),
        amount=sum((manifest.amount("quarantine") for manifest in found), Decimal("0.00")),
        without_amount=without_amount,
        currency=currency,
    )


def of_landings(
    lake: Lake, first: dt.date, last: dt.date, currency: str, kind: str = "", raw: Store | None = None, step: str = ""
) -> Subject:
    """Return the landings from `first` to `last` with their size, as far as they are registered.

    Of a cause of the `kind` quarantine that is the size of what was rejected. With the `raw` store, files in it that
    are not registered are counted apart. What was registered is what came before, if there are such files or if the
    failed `step` is the one that registers.
    """
    name = landings_named(first, last)
    days = (last - first).days + 1
    if days > _MOST_LANDINGS:
        return Subject(name)
    try:
        among = [first + dt.timedelta(n) for n in range(days)]
        size = _rejected_of(lake, among, currency) if kind == "quarantine" else None
        registered = [] if size else lake.registered(among)
        size = size or landed(registered, currency)
        missing = None if raw is None else not_registered(registered, _files(raw, lake.source, among))
    except RetailError:  # the alert goes out without it
        return Subject(name)
    if missing is None and step != REGISTERING:
        return Subject(name, str(size or "Nothing of it is registered."))
    before = f"Registered before: {size}" if size else "" if missing else "Nothing of it is registered."
    return Subject(name, " ".join(filter(None, (str(missing or ""), before))))


def not_registered(registered: Iterable[RawManifest], files: Collection[tuple[str, int]]) -> Statement | None:
    """Return how many of the files (key and size) are not registered as they are; None where all are."""
    known = {(file.key, file.size) for manifest in registered for file in manifest.files}
    waiting = sum(file not in known for file in files)
    return words.not_registered(waiting=waiting, files=len(files)) if waiting else None


def _files(raw: Store, source: str, days: Iterable[dt.date]) -> list[tuple[str, int]]:
    entries = (entry for day in days for entry in raw.list(partition_folder(source, day)))
    return [(entry.key, entry.size) for entry in entries if is_data(entry.key)]


def _rejected_of(lake: Lake, days: Collection[dt.date], currency: str) -> Statement | None:
    from retail_assets.quarantine.rows import Selection  # with pyarrow, which most alerts do not need
    from retail_assets.quarantine.summary import summarize

    manifests = lake.clean_landings(days)
    return rejected(manifests, currency, summarize(lake, manifests, Selection()).total.without_amount)


def of_table(platform: Platform, asset: str) -> Subject | None:
    """Return the size of a table, nothing of an asset that is none; None where the warehouse cannot be asked now."""
    if asset not in _TABLES:
        return Subject("")
    money = _REVENUE.get(asset)
    revenue = f"sum({money})" if money else "NULL"
    try:
        [row] = platform.warehouse.query(f"SELECT count(*) AS n, {revenue} AS revenue FROM {asset}").to_pylist()
    except NotReadyError:
        return Subject("")
    except RetailError:
        return None
    return Subject("", str(table_size(asset, row["n"], row["revenue"], platform.settings.contract.currency)))


def table_size(name: str, rows: int, revenue: Decimal | None, currency: str) -> Statement:
    """Return the words for the size of a table."""
    return words.table(
        name=name, rows=int(rows), revenue=None if revenue is None else float(revenue), currency=currency
    )
