"""The cleaning job as a Polars user would write it by hand for this one source: lazy, streaming, two threads.

The rules and the results are those of `duckdb_script.py`.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("POLARS_MAX_THREADS", "2")  # read when Polars is imported

import polars as pl

CONTRACT = "retail_sales@1"
AGE_BANDS = ((18, "under 18"), (25, "18-24"), (35, "25-34"), (45, "35-44"), (55, "45-54"), (65, "55-64"))
EARLIEST = pl.datetime(1990, 1, 1, time_unit="us")
TEXT = [f"field_{i}" for i in range(10)]
SALE = [
    "transaction_id",
    "order_id",
    "sold_at",
    "sale_date",
    "customer_id",
    "gender",
    "age",
    "age_group",
    "product_id",
    "product_category",
    "quantity",
    "unit_price",
    "total_amount",
    "store_id",
    "source",
    "landed_on",
    "source_file",
    "source_line",
    "list_price",
    "discount",
]
REJECTED = [
    "source",
    "landed_on",
    "source_file",
    "source_line",
    "reasons",
    "raw_text",
    "contract_version",
    "transaction_id",
    "total_amount",
]


def lines(raw: Path) -> pl.LazyFrame:
    """Scan every line after the headers with its number over all files (`n`), its text and its file."""
    return pl.scan_csv(
        raw / "dt=*" / "*.csv",
        has_header=False,
        skip_rows=1,
        schema={"raw": pl.String},
        separator="\x01",
        quote_char=None,
        include_file_paths="path",
        row_index_name="n",
    )


def files(raw: Path) -> pl.DataFrame:
    """Return one row per file: the number of its first line, its landing day, its key."""
    path = pl.col("path")
    return (
        lines(raw)
        .group_by("path")
        .agg(first=pl.col("n").min().cast(pl.Int64))
        .with_columns(
            landed_on=path.str.extract(r"dt=([0-9-]+)").str.to_date("%Y-%m-%d"),
            source_file=path.str.extract(r"([^/]+/dt=[0-9-]+/[^/]+)$"),
        )
        .collect(engine="streaming")
    )


def typed(raw: Path, known: pl.DataFrame) -> pl.LazyFrame:
    """Return the canonical columns of every line, and the reasons to reject it."""
    # Most lines have no quotes; commas between quotes are hidden while a line is split.
    without_quotes = (
        pl.col("raw").str.replace_all(r'"([^",]*)"', "$1").str.replace_all(r'"([^",]*),([^"]*)"', "$1\x01$2")
    )
    quoted = pl.col("raw").str.contains('"', literal=True)
    split = pl.when(quoted).then(without_quotes).otherwise(pl.col("raw")).str.split_exact(",", 9)
    id_, date, customer, gender, age, category, quantity, price, amount = (
        _empty_is_null(pl.col(name).str.strip_chars()) for name in TEXT[:9]
    )
    short_gender = gender.str.to_lowercase()
    years = age.cast(pl.Int32, strict=False)
    return (
        lines(raw)
        .join(known.lazy(), on="path")
        .with_columns(split.alias("fields"))
        .unnest("fields")
        .with_columns(
            malformed=pl.col("field_8").is_null() | pl.col("field_9").is_not_null(),
            transaction_id=id_,
            sold_at=_moment(date.str.replace("\x01", ",", literal=True)),
            customer_id=customer,
            gender=pl.when(short_gender == "female")
            .then(pl.lit("Female"))
            .when(short_gender == "male")
            .then(pl.lit("Male")),
            age=pl.when(years.is_between(0, 120)).then(years),
            product_category=category.str.to_titlecase(),
            quantity=quantity.cast(pl.Decimal(18, 3), strict=False),
            unit_price=_money(price, 4),
            total_amount=_money(amount, 2),
        )
        .with_columns(reasons=_reasons())
        .with_columns(
            raw_text=pl.when(pl.col("reasons") != "").then(pl.col("raw")),
            transaction_id=pl.when(~pl.col("malformed")).then(pl.col("transaction_id")),
            total_amount=pl.when(~pl.col("malformed")).then(pl.col("total_amount")),
        )
        .drop("raw", "path", "malformed", *TEXT)
    )


def _empty_is_null(text: pl.Expr) -> pl.Expr:
    return pl.when(text != "").then(text)


def _moment(text: pl.Expr) -> pl.Expr:
    plain = text.str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("us"))
    rest = pl.when(plain.is_null()).then(text)
    clocks = [rest.str.to_datetime(f, strict=False, time_unit="us") for f in ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")]
    words = [rest.str.to_date(f, strict=False).cast(pl.Datetime("us")) for f in ("%d-%b-%Y", "%d %b %Y", "%b %d, %Y")]
    return pl.coalesce(plain, *clocks, *words)


def _money(text: pl.Expr, scale: int) -> pl.Expr:
    plain = text.cast(pl.Decimal(18, scale), strict=False)
    rest = pl.when(plain.is_null()).then(text).str.replace_all(r"[$\x01]", "")
    return pl.coalesce(plain, rest.cast(pl.Decimal(18, scale), strict=False))


def _reasons() -> pl.Expr:
    col = pl.col
    late = col("sold_at").dt.date() > col("landed_on").dt.offset_by("1d")
    difference = (col("total_amount") - col("quantity") * col("unit_price")).abs()
    rules = {
        "invalid_date": col("sold_at").is_null(),
        "invalid_quantity": col("quantity").is_null(),
        "invalid_price": col("unit_price").is_null(),
        "invalid_amount": col("total_amount").is_null(),
        "text_too_long": col("product_category").str.len_bytes() > 128,
        "missing_transaction_id": col("transaction_id").is_null(),
        "missing_category": col("product_category").is_null(),
        "date_out_of_range": (col("sold_at") < EARLIEST) | late,
        "zero_quantity": col("quantity") == 0,
        "negative_price": col("unit_price") < 0,
        "total_mismatch": difference > pl.lit("0.01").cast(pl.Decimal(18, 4)),
    }
    named = [pl.when(broken).then(pl.lit(name)) for name, broken in rules.items()]
    every = pl.concat_str(named, separator=",", ignore_nulls=True)
    return pl.when("malformed").then(pl.lit("malformed_row")).otherwise(every)


def write(rows: pl.LazyFrame, folder: Path) -> None:
    """Write Parquet below `folder`, one partition per landing."""
    rows.sink_parquet(
        pl.PartitionBy(folder, key=["landed_on"], include_key=True),
        compression="zstd",
        compression_level=1,
        row_group_size=256_000,
        mkdir=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("raw", type=Path, help="folder of dt=YYYY-MM-DD/*.csv")
    parser.add_argument("out", type=Path, help="gets clean/, superseded/ and quarantine/")
    parser.add_argument("--contract", default=CONTRACT, help="written to the quarantine")
    asked = parser.parse_args()
    known = files(asked.raw)
    rows = typed(asked.raw, known).collect(engine="streaming").lazy()

    key = ["landed_on", "transaction_id"]
    whole = rows.filter(pl.col("reasons") == "")
    repeated = whole.group_by(key).agg(latest=pl.col("n").max(), times=pl.len()).filter(pl.col("times") > 1)
    superseded = whole.join(repeated, on=key).filter(pl.col("n") < pl.col("latest")).select("n").collect()

    age = pl.col("age")
    band: Any = pl.when(age.is_null()).then(None)
    for limit, name in AGE_BANDS:
        band = band.when(age < limit).then(pl.lit(name))
    sales = whole.with_columns(
        order_id=pl.col("transaction_id"),
        sale_date=pl.col("sold_at").dt.date(),
        age_group=band.otherwise(pl.lit("65+")),
        product_id=pl.lit(None, pl.String),
        store_id=pl.lit(None, pl.String),
        source=pl.lit("retail_sales"),
        source_line=pl.col("n").cast(pl.Int64) - pl.col("first") + 2,
        list_price=pl.lit(None, pl.Decimal(18, 4)),
        discount=pl.lit(None, pl.Decimal(18, 2)),
    )
    write(sales.join(superseded.lazy(), on="n", how="anti").select(SALE), asked.out / "clean")
    write(sales.join(superseded.lazy(), on="n", how="semi").select(SALE), asked.out / "superseded")
    rejected = rows.filter(pl.col("reasons") != "").with_columns(
        source=pl.lit("retail_sales"),
        source_line=pl.col("n").cast(pl.Int64) - pl.col("first") + 2,
        contract_version=pl.lit(asked.contract),
    )
    write(rejected.select(REJECTED), asked.out / "quarantine")


if __name__ == "__main__":
    main()
