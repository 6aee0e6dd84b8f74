"""Datasets have the names that OpenLineage gives them, as the classes of its own client write them."""

from __future__ import annotations

import pytest
from openlineage.client.naming.dataset import ABFSS, S3, DatasetNaming, LocalFileSystem, Redshift

from retail_assets.lineage.names import Dataset, dataset_of
from retail_assets.settings.redshift import RedshiftSettings


def redshift(**options: object) -> RedshiftSettings:
    return RedshiftSettings("password", "dev", "default", **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("uri", "theirs"),
    [
        ("s3://shop-lake/lake/sales/raw", S3("shop-lake", "lake/sales/raw")),
        ("/data/out/report.html", LocalFileSystem("/data/out/report.html")),
        ("file:///data/with%20blank", LocalFileSystem("/data/with blank")),
        ("abfs://raw@shop.dfs.core.windows.net/in/sales", ABFSS("raw", "shop", "in/sales")),
    ],
)
def test_files_and_objects(uri: str, theirs: DatasetNaming) -> None:
    assert dataset_of(uri) == Dataset(theirs.get_namespace(), theirs.get_name())


@pytest.mark.parametrize(
    ("settings", "cluster"),
    [
        (redshift(host="shop.abc123.eu-west-1.redshift.amazonaws.com"), "shop"),
        (redshift(host="shop.123456789012.eu-west-1.redshift-serverless.amazonaws.com"), "shop"),
        (redshift(cluster="shop", region="eu-west-1"), "shop"),
        (redshift(workgroup="shop", region="eu-west-1"), "shop"),
    ],
)
def test_tables_of_redshift(settings: RedshiftSettings, cluster: str) -> None:
    theirs = Redshift(cluster, "eu-west-1", "5439", "dev", "retail_sales", "sales")
    found = dataset_of("redshift:dev#retail_sales.sales", settings)
    assert found == Dataset(theirs.get_namespace(), theirs.get_name())


def test_redshift_behind_a_name_of_ones_own_is_that_name() -> None:
    found = dataset_of("redshift:dev#s.sales", redshift(host="warehouse.shop.example", port=5440))
    assert found == Dataset("redshift://warehouse.shop.example:5440", "dev.s.sales")


def test_a_place_without_a_name_has_none() -> None:
    assert [dataset_of(uri) for uri in ("https://tableau.example/#/site", "s3://bucket", "relative/path")] == [None] * 3
