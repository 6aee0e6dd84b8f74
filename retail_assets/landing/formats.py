"""File formats that can be landed, recognized by the suffix of a file's name."""

from __future__ import annotations

from retail_assets.errors import LandingError

_TEXT = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson")
#: Suffixes of files that can be read later; those of text files may carry `.gz`.
SUFFIXES = (*_TEXT, *(f"{suffix}.gz" for suffix in _TEXT), ".parquet")
ALLOWED = "CSV (.csv .tsv .txt), JSON lines (.jsonl .ndjson), both also gzipped (.csv.gz …), and Parquet (.parquet)"


def suffix_of(name: str) -> str:
    """Return the one of SUFFIXES that a file name ends with, in lower case, or an empty string.

    >>> suffix_of("Sales.CSV.gz"), suffix_of("sales.xlsx")
    ('.csv.gz', '')
    """
    return next((s for s in SUFFIXES if name[-len(s) :].lower() == s and len(name) > len(s)), "")


def format_of(key: str) -> tuple[str, str | None]:
    """Return `(format, compression)` of an object by its suffix. Raises LandingError if it cannot be read.

    >>> format_of("shop/dt=2024-01-01/sales.tsv.gz")
    ('csv', 'gzip')
    """
    name = key.lower()
    compression = "gzip" if name.endswith(".gz") else None
    name = name.removesuffix(".gz")
    if name.endswith((".csv", ".tsv", ".txt")):
        return "csv", compression
    if name.endswith((".jsonl", ".ndjson")):
        return "jsonl", compression
    if name.endswith(".parquet") and compression is None:
        return "parquet", None
    raise LandingError(
        f"{key}: unknown file format. Supported suffixes: .csv .tsv .txt .jsonl .ndjson (also .gz), .parquet"
    )
