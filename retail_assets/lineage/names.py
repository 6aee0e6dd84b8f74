"""Names of datasets as OpenLineage writes them, so that the events of other programs mean the same ones.

OpenLineage names no DuckDB; here it is as in OpenLineage's integration of dbt: the file is the namespace, and a table
is `catalog.schema.table`.
"""

from __future__ import annotations

import re
import urllib.parse
from dataclasses import dataclass
from pathlib import PurePath

from retail_assets.settings.redshift import RedshiftSettings

_CLUSTER = re.compile(r"([\w-]+)\.[\w-]+\.([a-z0-9-]+)\.redshift\.amazonaws\.com(\.cn)?\Z")
_WORKGROUP = re.compile(r"([\w-]+)\.\d+\.([a-z0-9-]+)\.redshift-serverless\.amazonaws\.com(\.cn)?\Z")
_DEFAULT_PORT = 5439


@dataclass(frozen=True, order=True)
class Dataset:
    """The name of a dataset: the place, and the dataset within it."""

    namespace: str
    name: str


def dataset_of(uri: str, redshift: RedshiftSettings | None = None) -> Dataset | None:
    """Name the dataset of a folder, an object or a table of the warehouse; None for a place that has no such name.

    Args:
        uri: a path, `file://…`, `s3://…` or `abfs://…`, or what `Warehouse.location` returns.
        redshift: where Redshift is, for its tables.

    >>> dataset_of("s3://bucket/raw/retail_sales")
    Dataset(namespace='s3://bucket', name='raw/retail_sales')
    >>> dataset_of("duckdb:/home/shop/.retail/warehouse/retail.duckdb#retail_sales.sales")
    Dataset(namespace='duckdb:///home/shop/.retail/warehouse/retail.duckdb', name='retail.retail_sales.sales')
    >>> dataset_of("/home/shop/output/report.html")
    Dataset(namespace='file', name='/home/shop/output/report.html')
    """
    if uri.startswith("duckdb:"):
        path, _, table = uri.removeprefix("duckdb:").rpartition("#")
        return Dataset(f"duckdb://{path}", f"{PurePath(path).stem}.{table}")
    if uri.startswith("redshift:"):
        database, _, table = uri.removeprefix("redshift:").partition("#")
        return Dataset(_redshift_namespace(redshift), f"{database}.{table}")
    scheme, separator, rest = uri.partition("://")
    if not separator:
        return Dataset("file", uri) if uri.startswith("/") or PurePath(uri).is_absolute() else None
    authority, _, path = rest.partition("/")
    if scheme == "file":
        return Dataset("file", f"/{urllib.parse.unquote(path)}")
    if scheme == "s3" and path:
        return Dataset(f"s3://{authority}", path)
    if scheme == "abfs" and path:
        # With the account it is the address of OpenLineage; without, the account is known only where it is read.
        return Dataset(f"abfss://{authority}" if "@" in authority else f"abfs://{authority}", path)
    return None


def _redshift_namespace(settings: RedshiftSettings | None) -> str:
    """`redshift://<cluster or workgroup>.<region>:<port>`; the host where it is none of AWS's."""
    if settings is None:
        return "redshift"
    port = settings.port or _DEFAULT_PORT
    if match := _CLUSTER.match(settings.host or "") or _WORKGROUP.match(settings.host or ""):
        return f"redshift://{match[1]}.{match[2]}:{port}"
    if settings.host:
        return f"redshift://{settings.host}:{port}"
    name = settings.cluster or settings.workgroup
    if name and settings.region:
        return f"redshift://{name}.{settings.region}:{port}"
    return f"redshift://{name}:{port}" if name else "redshift"
