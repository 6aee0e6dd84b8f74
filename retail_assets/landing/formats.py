"""File formats that can be landed, recognized by the suffix of a file's name."""

from __future__ import annotations

from retail_assets.errors import LandingError

_TEXT = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson")
#: Suffixes of files that can be read later; those of text files may carry `.gz`.
SUFFIXES = (*_TEXT, *(f"{suffix}.gz" for suffix in _TEXT), ".parquet", ".xlsx", ".xlsm")
ALLOWED = (
    "CSV (.csv .tsv .txt), JSON lines (.jsonl .ndjson), both also gzipped (.csv.gz …), Parquet (.parquet), and Excel "
    "(.xlsx .xlsm)"
)
_OTHER_WORKBOOKS = (".xls", ".xlsb", ".ods", ".numbers")


def suffix_of(name: str) -> str:
    """Return the one of SUFFIXES that a file name ends with, in lower case, or an empty string.

    >>> suffix_of("Sales.CSV.gz"), suffix_of("sales.xls")
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
    if name.endswith((".xlsx", ".xlsm")) and compression is None:
        return "xlsx", None
    raise LandingError(
        f"{key}: unknown file format. Supported suffixes: .csv .tsv .txt .jsonl .ndjson (also .gz), .parquet, .xlsx, "
        f".xlsm. {way_out(key)}"
    )


def way_out(name: str) -> str:
    """Return what to do about a file whose suffix is none of SUFFIXES."""
    if name.lower().endswith(_OTHER_WORKBOOKS):
        return "Open it and save it as an Excel workbook (.xlsx), or save its sheet as CSV."
    if name.lower().endswith((".xlsx.gz", ".xlsm.gz", ".parquet.gz")):
        return "It is compressed inside already: unpack it, and land it without .gz."
    return "Convert it, or rename it if only its suffix is wrong (such as export.gz to export.csv.gz)."
