"""What a forecast is made from: daily sales of the warehouse, and the events of a file and a table."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd

from retail_assets.errors import NotReadyError, SettingsError, StorageError
from retail_assets.forecasting.data import regressors
from retail_assets.forecasting.data.regressors import Regressors
from retail_assets.forecasting.data.series import REJECTED_DAYS
from retail_assets.storage import Store
from retail_assets.tables import DAILY_CATEGORY_SALES, SALES_QUARANTINE
from retail_assets.warehouse.protocol import Warehouse


def daily_history(warehouse: Warehouse) -> pd.DataFrame:
    """Read all rows of `daily_category_sales`, and as attribute REJECTED_DAYS the days of rejected rows.

    Raises NotReadyError before `daily_category_sales` is materialized.
    """
    history = warehouse.query(f"SELECT * FROM {DAILY_CATEGORY_SALES.name}").to_pandas()
    history.attrs[REJECTED_DAYS] = _days_of_rejected_rows(warehouse)
    return history


def _days_of_rejected_rows(warehouse: Warehouse) -> tuple[date, ...]:
    """List the days of sale of rejected rows. A day that is out of range is not to be trusted, and in none.

    A table of version 0.1.0 that nothing was loaded into since has no days.
    """
    table = SALES_QUARANTINE.name
    try:
        if "sale_date" not in warehouse.query(f"SELECT * FROM {table} LIMIT 0").column_names:
            return ()
    except NotReadyError:
        return ()
    known = "sale_date IS NOT NULL AND reasons NOT LIKE '%date_out_of_range%'"
    days = warehouse.query(f"SELECT DISTINCT sale_date FROM {table} WHERE {known} ORDER BY sale_date")
    return tuple(days["sale_date"].to_pylist())


def known_events(warehouse: Warehouse, file: str | None, table: str | None, *, weather: bool = False) -> Regressors:
    """Read the events of these places.

    Args:
        warehouse: holds the table.
        file: path or URI of a CSV file, the setting RETAIL_EVENTS; None without one.
        table: name of a table or view, the setting RETAIL_REGRESSORS; None without one.
        weather: whether weather is on: its table is read, which may be empty or missing.

    Raises:
        SettingsError: the file cannot be read.
        RegressorsError: the content of the file or table is wrong.
    """
    measured = regressors.NONE if table is None else regressors.from_warehouse(warehouse, table)
    listed = regressors.NONE if file is None else regressors.read(_text_of(file), file)
    return regressors.together(listed, measured, regressors.of_weather(warehouse) if weather else regressors.NONE)


def _text_of(file: str) -> str:
    try:
        if "://" in file:
            folder, _, name = file.rpartition("/")
            return Store(folder).read(name).decode()
        return Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError, StorageError) as e:
        reason = "it is not UTF-8 text" if isinstance(e, UnicodeDecodeError) else getattr(e, "strerror", None) or e
        raise SettingsError(f"RETAIL_EVENTS={file!r} cannot be read: {reason}.") from None
