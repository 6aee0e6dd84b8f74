"""A customer is erased from Redshift, and from everything that the way there and back has left in S3."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from retail_assets.erasure.erase import Receipt, erase_customer
from retail_assets.storage import Store
from retail_assets.tables import DIM_CUSTOMER
from retail_assets.warehouse import marts
from retail_assets.warehouse.redshift.staging import Staging
from retail_assets_tests.erasure import everywhere
from retail_assets_tests.erasure.shop import D1, D2, D3, NOW, PERSON, Shop, csv, files, row
from retail_assets_tests.services.redshift.stack import BUCKET, Stack

pytestmark = pytest.mark.services


@pytest.fixture
def shop(stack: Stack, tmp_path: Path) -> Iterator[Shop]:
    """Files of every format in S3, a landing that corrects one of theirs, and dimensions in Redshift."""
    base = f"s3://{BUCKET}/{uuid.uuid4().hex}"
    places = {f"RETAIL_{name.upper()}_URI": f"{base}/{name}" for name in ("raw", "lake", "models", "serving")}
    shop = Shop(tmp_path, {"RETAIL_WAREHOUSE": "redshift", **places, **stack.redshift()})
    stack.wire.as_superuser("DROP SCHEMA IF EXISTS shop CASCADE")
    for name, data in files(1000, PERSON).items():
        shop.land(D1, name, data)
    shop.land(
        D2, "day2.csv", csv([row(1001, PERSON, day=2), row(2001, PERSON, total="?", day=2), row(2002, "C8", day=2)])
    )
    shop.land(D3, "day3.csv", csv([row(1001, "C7", day=3), row(1002, "C3", day=3)]))
    shop.run(D1, D2, D3)
    shop.platform.warehouse.rebuild(DIM_CUSTOMER, marts.DIM_CUSTOMER)
    yield shop
    stack.wire.as_superuser("DROP SCHEMA IF EXISTS shop CASCADE")


def _where(shop: Shop, stack: Stack, folder: Path) -> list[str]:
    """Return the objects of S3, the tables of Redshift and the files of the home that have the person."""
    copies = folder / uuid.uuid4().hex
    settings = shop.platform.settings
    for uri in (settings.raw_uri, settings.lake_uri, settings.models_uri, settings.serving_uri):
        store = Store(uri)
        for entry in store.list(""):
            copy = copies / uri.rpartition("/")[2] / entry.key
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(store.read(entry.key))
    found = everywhere.found_in([copies, shop.folder / "home"], PERSON)
    # Other tests of this process have schemas of their own.
    for (table,) in stack.wire.as_superuser("SELECT 'shop.' || tablename FROM pg_tables WHERE schemaname = 'shop'"):
        if stack.wire.as_superuser(f"SELECT 1 FROM {table} AS t WHERE t::text ILIKE '%{PERSON}%' LIMIT 1"):
            found.append(str(table))
    return found


def _erase(shop: Shop, *, dry_run: bool = False, killed_at: str = "") -> Receipt:
    def step(name: str) -> None:
        if name == killed_at:
            raise KeyboardInterrupt

    return erase_customer(shop.opened(), PERSON, NOW, dry_run=dry_run, watch=step)


def test_nothing_in_redshift_or_s3_has_the_id_afterwards(shop: Shop, stack: Stack, tmp_path: Path) -> None:
    """Of a process that was killed while it loaded or read tables, whole tables stayed in the staging folder."""
    staging = Staging(shop.platform.lake.store, "shop/warehouse")
    left = staging.folder().__enter__()  # never left, as by a process that was killed
    left.table("sales", shop.platform.warehouse.query("SELECT * FROM sales"))
    assert len(_where(shop, stack, tmp_path)) >= 5 + 2 + 3 + 1
    planned = _erase(shop, dry_run=True).counts
    assert shop.platform.lake.store.list("shop/erasure") == []
    erased = _erase(shop).counts
    assert {name: erased[name] for name in planned} == planned
    assert {n: erased[f"table_{n}"] for n in ("sales", "sales_clean", "sales_quarantine", "dim_customer")} == {
        "sales": 9, "sales_clean": 11, "sales_quarantine": 1, "dim_customer": 1,
    }  # fmt: skip
    assert _where(shop, stack, tmp_path) == []
    shop.conserved()
    again = _erase(shop)
    assert not any(n for name, n in again.counts.items() if name != "tables_computed_again")
    assert again.erased_before == NOW.date().isoformat()


@pytest.mark.parametrize("step", ["lake", "tables", "aggregates", "space", "bundles"])
def test_an_erasing_that_was_killed_beside_the_warehouse_is_finished(
    shop: Shop, stack: Stack, tmp_path: Path, step: str
) -> None:
    planned = _erase(shop, dry_run=True).counts
    with pytest.raises(KeyboardInterrupt):
        _erase(shop, killed_at=step)
    done = _erase(shop).counts
    assert {name: done[name] for name in planned} == planned
    assert _where(shop, stack, tmp_path) == []
    shop.conserved()
