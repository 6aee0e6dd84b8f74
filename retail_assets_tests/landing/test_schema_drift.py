"""Schema drift: what differs from the landing before is reported, and the contract decides what happens."""

from __future__ import annotations

import datetime as dt
import gzip
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail_assets.cli import app
from retail_assets.contracts import loading
from retail_assets.contracts.model import Contract
from retail_assets.defs.assets.ingest import ingest_assets
from retail_assets.defs.checks.landing import landing_checks
from retail_assets.defs.partitions import landing_partitions
from retail_assets.defs.resources import spark_resource
from retail_assets.errors import LandingError
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import RawManifest
from retail_assets.lake.profile import FileProfile
from retail_assets.landing.partitions import partition_folder
from retail_assets.landing.register import register_landings
from retail_assets.landing.schema_changes import compare
from retail_assets.landing.schema_drift import SchemaDrift, schema_drift_as_markdown, schema_drift_of
from retail_assets.landing.streamed import Offsets
from retail_assets.platform import Platform
from retail_assets.settings import load as load_settings
from retail_assets.storage import Store

YAML = """
name: shop
timezone: UTC
country: US
currency: USD
start_date: 2024-01-01
columns:
  transaction_id: {header: ID}
  sold_at: {header: Date}
  product_category: {header: Category}
  quantity: {header: Qty, aliases: [Pieces], default: 1}
  total_amount: {header: Total}
  store_id: {header: Store}
  customer_id: {header: Customer}
"""
HEADER = "ID,Date,Category,Qty,Total,Store"
FIRST, SECOND, THIRD = (dt.date(2024, 1, day) for day in (1, 2, 3))


def contract(extra: str = "") -> Contract:
    return loading.parse(YAML + extra, "test")


@dataclass
class Shop:
    """A raw store and a lake."""

    raw: Store
    lake: Lake
    contract: Contract

    def put(
        self, day: dt.date, header: str = HEADER, row: str = "1,2024-01-01,Toys,1,5,S1", name: str = "a.csv"
    ) -> None:
        text = f"{header}\n{row}{',x' * (header.count(',') - row.count(','))}\n"
        self.raw.write(f"{partition_folder('shop', day)}/{name}", text.encode())

    def register(self, *days: dt.date) -> list[SchemaDrift]:
        """Register landings as the asset does."""
        return list(register_landings(self.raw, self.lake, list(days), self.contract).drifts)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(Store(str(tmp_path / "raw")), Lake(Store(str(tmp_path / "lake")), "shop"), contract())


def summary(drifts: list[SchemaDrift]) -> list[tuple[str, str]]:
    return [(str(c), c.verdict) for d in drifts for c in d.changes]


@pytest.mark.parametrize(
    ("header", "changes"),
    [
        (HEADER, []),
        ("id,DATE,category,q_t_y,Total,store", []),
        (f"{HEADER},Colour", [("new column 'Colour'", "warn")]),
        (f"{HEADER},Customer", [("new column 'Customer'", "warn")]),
        (f"{HEADER},", [("new column '(no name, column 7)'", "warn")]),
        ("ID,Date,Category,Qty,Total", [("missing column 'Store'", "warn")]),
        ("ID,Date,Category,Pieces,Total,Store", [("renamed column: 'Qty', now 'Pieces'", "accept")]),
        (
            "Store,ID,Date,Category,Qty,Total",
            [
                (
                    "order of columns: 'ID, Date, Category, Qty, Total, Store', "
                    "now 'Store, ID, Date, Category, Qty, Total'",
                    "accept",
                )
            ],
        ),
        ("ID,Date,Category,Qty,Total,Shop", [("missing column 'Store'", "warn"), ("new column 'Shop'", "warn")]),
    ],
)
def test_columns_that_are_new_missing_renamed_or_in_another_order(
    shop: Shop, header: str, changes: list[tuple[str, str]]
) -> None:
    shop.put(FIRST)
    shop.put(SECOND, header, "1,2024-01-01,Toys,1,5,S1"[: None if header.count(",") >= 5 else -3])
    if header.startswith("Store"):
        shop.put(SECOND, header, "S1,1,2024-01-01,Toys,1,5")
    shop.register(FIRST)
    [drift] = shop.register(SECOND)
    assert (drift.landed_on, drift.earlier) == (SECOND, FIRST)
    assert summary([drift]) == changes


def test_a_column_that_was_likely_renamed_is_told_with_what_to_do(shop: Shop) -> None:
    shop.put(FIRST)
    shop.put(SECOND, HEADER.replace("Store", "Filiale"))
    advice = [c.advice for d in shop.register(FIRST, SECOND) for c in d.changes]
    assert advice[0] == "If 'Filiale' is its new name, add that to its `aliases` in the contract."


def test_separator_encoding_line_ends_and_format(shop: Shop) -> None:
    shop.put(FIRST)
    for name, data in {
        "b.csv": f"{HEADER}\n1,2024-01-01,Toys,1,5,S1\n".replace(",", ";").encode(),
        "c.csv": f"{HEADER}\n1,2024-01-01,Toys,1,5,S1\n".encode("utf-16"),
        "d.csv": f"{HEADER}\r1,2024-01-01,Toys,1,5,S1\r".encode(),
        "e.csv": f"{HEADER}\r\n1,2024-01-01,Toys,1,5,S1\r\n".encode(),
        "f.jsonl": b'{"Store": 1, "ID": 1, "Date": "2024-01-01", "Category": "Toys", "Qty": 1, "Total": 5}\n',
        "g.csv": f"{HEADER}\n1,31/01/2024,Toys,1,5,S1\n".encode(),
    }.items():
        shop.raw.write(f"{partition_folder('shop', SECOND)}/{name}", data)
    assert summary(shop.register(FIRST, SECOND)) == [
        ("separator: ',', now ';'", "warn"),
        ("encoding: 'utf-8', now 'utf-16'", "warn"),
        ("line ends: 'line feed', now 'carriage return'", "warn"),
        ("format: 'csv', now 'jsonl'", "warn"),
        ("order of day and month: 'no numeric dates', now 'day first'", "warn"),
    ]


def test_an_order_of_day_and_month_that_the_contract_declares_does_not_drift(shop: Shop) -> None:
    shop.put(FIRST, row="1,31/01/2024,Toys,1,5,S1")
    shop.put(SECOND, row="1,01/31/2024,Toys,1,5,S1")
    assert summary(shop.register(FIRST, SECOND)) == [("order of day and month: 'day first', now 'month first'", "warn")]
    shop.contract = contract("dates: {order: mdy}")
    assert summary(shop.register(SECOND)) == []
    shop.contract = contract("dates: {order: dmy}")
    with pytest.raises(LandingError, match="1 dates fit only month first"):
        shop.register(SECOND)


def test_types_of_parquet_columns(shop: Shop) -> None:
    for day, total in ((FIRST, [5]), (SECOND, ["5"])):
        row = {"ID": [1], "Date": ["2024-01-01"], "Category": ["T"], "Qty": [1], "Total": total, "Note": total}
        with shop.raw.writing(f"{partition_folder('shop', day)}/a.parquet") as file:
            pq.write_table(pa.table(row), file)
    assert summary(shop.register(FIRST, SECOND)) == [("type of Total: 'int64', now 'string'", "warn")]


# Which landing is the one before


def test_the_first_landing_has_nothing_before_it(shop: Shop) -> None:
    shop.put(SECOND)
    [drift] = shop.register(SECOND)
    assert (drift.earlier, drift.changes) == (None, ())
    assert schema_drift_as_markdown([drift]) == "Nothing landed before 2024-01-02: no landing to compare with."


def test_a_landing_without_files_is_neither_compared_nor_compared_with(shop: Shop) -> None:
    shop.put(FIRST)
    shop.put(THIRD, f"{HEADER},Colour")
    shop.register(FIRST)
    assert shop.register(SECOND) == []
    [drift] = shop.register(THIRD)
    assert (drift.earlier, summary([drift])) == (FIRST, [("new column 'Colour'", "warn")])


def test_a_folder_without_a_manifest_is_passed_over(shop: Shop) -> None:
    shop.put(FIRST)
    shop.put(THIRD, f"{HEADER},Colour")
    shop.register(FIRST)
    shop.lake.store.write(f"shop/raw/dt={SECOND}/half", b"")
    latest = shop.lake.latest_registered()
    assert latest is not None
    assert latest.landed_on == FIRST
    assert [d.earlier for d in shop.register(THIRD)] == [FIRST]


def test_an_old_landing_is_compared_with_the_one_before_it_and_not_with_a_later_one(shop: Shop) -> None:
    shop.put(FIRST)
    shop.put(SECOND, f"{HEADER},Colour")
    shop.put(THIRD, f"{HEADER},Colour,Size")
    shop.register(FIRST, SECOND, THIRD)
    [again] = shop.register(SECOND)
    assert (again.earlier, summary([again])) == (FIRST, [("new column 'Colour'", "warn")])


def test_in_a_range_each_landing_is_compared_with_the_one_before_it_as_it_is_now(shop: Shop) -> None:
    shop.put(FIRST)
    shop.put(SECOND)
    shop.put(THIRD)
    shop.register(FIRST, SECOND, THIRD)
    shop.put(SECOND, f"{HEADER},Colour")  # corrected
    drifts = shop.register(THIRD, SECOND)
    assert [(d.landed_on, d.earlier, summary([d])) for d in drifts] == [
        (SECOND, FIRST, [("new column 'Colour'", "warn")]),
        (THIRD, SECOND, [("missing column 'Colour'", "warn")]),
    ]


def test_a_file_is_compared_with_the_one_that_is_most_like_it(shop: Shop) -> None:
    for day in (FIRST, SECOND):
        shop.put(day)
        shop.put(day, "ID|Date|Category|Total", "1|2024-01-01|Toys|5", name="tills.txt")
    assert summary(shop.register(FIRST, SECOND)) == []
    shop.put(THIRD, "ID|Date|Category|Total|Till", "1|2024-01-01|Toys|5|1", name="b.txt")
    assert summary(shop.register(THIRD)) == [("new column 'Till'", "warn")]


STREAMED = '{"ID": 1, "Date": "2024-01-01", "Category": "Toys", "Qty": 1, "Total": 5, "Store": "S1"%s}\n'


def test_a_stream_that_begins_beside_files_is_no_change_of_their_format(shop: Shop) -> None:
    """Its first day, and every day without files, warned of another format once per object."""
    shop.put(FIRST)
    for at in (0, 10):
        shop.raw.write(Offsets("sales", 0, at, at + 10).key("shop", SECOND), gzip.compress((STREAMED % "").encode()))
    shop.put(THIRD)
    assert summary(shop.register(FIRST, SECOND, THIRD)) == []
    shop.raw.write(f"{partition_folder('shop', SECOND)}/b.jsonl", (STREAMED % "").encode())
    assert [c.what for d in shop.register(SECOND) for c in d.changes] == ["format"]  # of a file it is one


def test_one_change_of_many_files_is_one_sentence(shop: Shop) -> None:
    shop.put(FIRST)
    for at in (0, 10, 20):
        content = gzip.compress((STREAMED % ', "Till": 4').encode())
        shop.raw.write(Offsets("sales", 0, at, at + 10).key("shop", SECOND), content)
    [drift] = [d for d in shop.register(FIRST, SECOND) if d.earlier]
    name = f"{0:020d}-{10:020d}.jsonl.gz and 2 other files"
    assert len(drift.changes) == 3  # each is refused by itself, if the contract does
    assert drift.sentences() == [f"2024-01-02 since 2024-01-01: new column 'Till' in {name}."]
    assert schema_drift_as_markdown([drift]).count("new column") == 1


class Counting(Store):
    """A store that counts requests."""

    def __init__(self, uri: str) -> None:
        super().__init__(uri)
        self.asked: Counter[str] = Counter()

    def list(self, prefix: str) -> list[object]:  # type: ignore[override]
        self.asked["list"] += 1
        return super().list(prefix)  # type: ignore[return-value]

    def folders(self, prefix: str, since: str = "") -> list[str]:  # type: ignore[valid-type]
        self.asked["folders"] += 1
        return super().folders(prefix, since)

    def read_if_exists(self, key: str) -> bytes | None:
        self.asked["read"] += 1
        return super().read_if_exists(key)

    def exists(self, key: str) -> bool:
        self.asked["exists"] += 1
        return super().exists(key)


def test_the_history_costs_one_listing_of_folders_and_one_manifest(shop: Shop) -> None:
    days = [FIRST + dt.timedelta(days=i) for i in range(60)]
    profile = FileProfile("k", 1, "x", "csv", None, "utf-8", ",", "lf", ["ID"], 1, {}, [], [], 1)
    for day in days[:-2]:
        shop.lake.publish_raw(RawManifest("shop", day, "c", (profile,)))
    store = Counting(shop.lake.store.uri)
    run = [RawManifest("shop", day, "c", (profile,)) for day in days[-2:]]
    assert [d.earlier for d in schema_drift_of(Lake(store, "shop"), run, shop.contract)] == days[-3:-1]
    assert store.asked["folders"] == 1
    assert store.asked["list"] == 0
    assert store.asked["read"] == 1


# The contract decides


@pytest.mark.parametrize(
    ("rule", "header", "row", "message"),
    [
        ("new_columns", f"{HEADER},Colour", "", "new column 'Colour'. Map it in the contract, or list it in"),
        (
            "missing_columns",
            "ID,Date,Category,Qty,Total",
            "1,2024-01-01,Toys,1,5",
            "missing column 'Store'. Ask the sender for",
        ),
        ("renamed_columns", HEADER.replace("Qty", "Pieces"), "", "renamed column: 'Qty', now 'Pieces'. The contract"),
        ("column_order", "Date,ID,Category,Qty,Total,Store", "2024-01-01,1,Toys,1,5,S", "order of columns: 'ID, Date"),
        (
            "file_format",
            HEADER.replace(",", ";"),
            "1;2024-01-01;Toys;1;5;S1",
            "separator: ',', now ';'. Ask the sender whether",
        ),
    ],
)
def test_what_the_contract_refuses_is_refused_before_it_is_registered(
    shop: Shop, rule: str, header: str, row: str, message: str
) -> None:
    shop.put(FIRST)
    shop.put(SECOND, header, *filter(None, [row]))
    shop.contract = contract(f"drift: {{{rule}: refuse}}")
    shop.register(FIRST)
    with pytest.raises(LandingError) as refused:
        shop.register(SECOND)
    text = str(refused.value)
    assert (
        "Schema drift: the files of 2024-01-02 differ from those of 2024-01-01, and contract 'shop' refuses that"
        in text
    )
    assert f"shop/dt=2024-01-02/a.csv: {message}" in text
    assert f"(drift.{rule}: refuse)" in text
    assert "Land the right file: `retail-assets land a.csv --date 2024-01-02 --replace`." in text
    assert shop.lake.landings("raw") == [FIRST]

    for verdict in ("accept", "warn"):
        shop.contract = contract(f"drift: {{{rule}: {verdict}}}")
        [drift] = shop.register(SECOND)
        assert {c.verdict for c in drift.changes} == {verdict}
        assert bool(drift.unwelcome) == (verdict == "warn")


def test_what_was_registered_once_is_not_refused_when_it_is_materialized_again(shop: Shop) -> None:
    shop.put(FIRST)
    shop.put(SECOND, f"{HEADER},Colour")
    shop.register(FIRST, SECOND)
    shop.contract = contract("drift: {new_columns: refuse}")
    shop.register(SECOND)
    shop.put(SECOND, f"{HEADER},Size")
    with pytest.raises(LandingError, match="new column 'Size'"):
        shop.register(SECOND)


def test_columns_that_the_contract_names_are_never_refused_for_being_new(shop: Shop) -> None:
    shop.put(FIRST)
    shop.put(SECOND, f"{HEADER},Customer,Till")
    shop.contract = contract("drift: {new_columns: refuse}\nignore_columns: [Till]")
    assert summary(shop.register(FIRST, SECOND)) == [("new column 'Customer'", "warn")]


def test_columns_that_nobody_reads_may_come_and_go_where_the_contract_ignores_them(shop: Shop) -> None:
    shop.put(FIRST, f"{HEADER},Till")
    shop.put(SECOND, f"{HEADER},Colour")
    shop.contract = contract("drift: {new_columns: refuse, missing_columns: refuse}\nunknown_columns: ignore")
    assert summary(shop.register(FIRST, SECOND)) == [
        ("missing column 'Till'", "accept"),
        ("new column 'Colour'", "accept"),
    ]


def test_a_column_that_nobody_reads_stops_nothing_by_going(shop: Shop) -> None:
    shop.put(FIRST, f"{HEADER},Till")
    shop.put(SECOND)
    shop.contract = contract("drift: {missing_columns: refuse}")
    assert summary(shop.register(FIRST, SECOND)) == [("missing column 'Till'", "warn")]


def test_the_table_is_small_and_its_cells_cannot_break_it(shop: Shop) -> None:
    shop.put(FIRST)
    shop.put(SECOND, HEADER + "".join(f",n|{i}\\{'x' * 100}" for i in range(30)))
    shown = schema_drift_as_markdown(shop.register(FIRST, SECOND))
    rows = [line for line in shown.splitlines() if line.startswith("|")]
    assert len(rows) == 22
    assert {row.replace("\\|", "").count("|") for row in rows} == {8}
    assert shown.endswith("and 10 more")


NAMES = st.lists(st.sampled_from(["ID", "id", "Qty", "Pieces", "Store", "Note", "note ", "", "Ünï"]), max_size=6)


@given(NAMES, NAMES)
def test_nothing_differs_from_itself_and_what_is_new_one_way_is_missing_the_other(
    one: list[str], two: list[str]
) -> None:
    def profile(header: list[str]) -> FileProfile:
        return FileProfile("k", 1, "x", "csv", None, "utf-8", ",", "lf", header, 1, {}, [], [], 1)

    shop = contract()
    assert compare(profile(one), [profile(one)], shop) == []
    there = compare(profile(two), [profile(one)], shop)
    back = compare(profile(one), [profile(two)], shop)
    assert Counter(c.after for c in there if c.rule == "new_columns") == Counter(
        c.before for c in back if c.rule == "missing_columns"
    )
    assert len(there) == len(back)


def test_what_the_contract_refuses_does_not_land(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "shop.yaml").write_text(f"{YAML}drift: {{missing_columns: refuse}}")
    (tmp_path / "late.csv").write_text("ID,Date,Category,Qty,Total\n1,2024-01-01,Toys,1,5\n")
    for name, value in {"HOME": tmp_path, "SOURCE": tmp_path / "shop.yaml"}.items():
        monkeypatch.setenv(f"RETAIL_{name}", str(value))
    shop.put(FIRST)
    shop.register(FIRST)
    command = ["land", str(tmp_path / "late.csv"), "--date", str(SECOND)]
    assert app.main(command) == 1
    assert "late.csv: missing column 'Store'. Ask the sender for the column" in capsys.readouterr().err
    assert shop.raw.list(partition_folder("shop", SECOND)) == []
    (tmp_path / "shop.yaml").write_text(YAML)
    assert app.main(command) == 0


# In Dagster


@pytest.mark.slow
def test_a_run_over_a_range_tells_its_changes_in_metadata_and_in_the_check(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(YAML)
    platform = Platform(
        load_settings({"RETAIL_HOME": str(tmp_path / "home"), "RETAIL_SOURCE": str(tmp_path / "shop.yaml")})
    )
    shop = Shop(platform.raw, platform.lake, platform.settings.contract)
    shop.put(FIRST)
    shop.put(SECOND, f"{HEADER},Colour")
    shop.put(THIRD, f"{HEADER},Colour")
    raw, clean = ingest_assets(platform, landing_partitions(platform.settings))
    defs = dg.Definitions(
        [raw, clean],
        asset_checks=landing_checks(platform),
        jobs=[dg.define_asset_job("register", selection=dg.AssetSelection.assets("raw_sales_files"))],
        resources={"spark": spark_resource(platform.settings)},
        executor=dg.in_process_executor,
    )
    job = defs.resolve_job_def("register")
    tags = {"dagster/asset_partition_range_start": str(FIRST), "dagster/asset_partition_range_end": str(THIRD)}

    def ran(**how: object) -> tuple[str, dg.AssetCheckEvaluation]:
        result = job.execute_in_process(instance=instance, **how)  # type: ignore[arg-type]
        each = [e.metadata for e in result.asset_materializations_for_node("raw_sales_files")]
        [check] = [e for e in result.get_asset_check_evaluations() if e.check_name == "schema_unchanged"]
        return "\n".join(str(metadata["schema_changes"].value) for metadata in each), check

    with dg.DagsterInstance.ephemeral() as instance:
        table, check = ran(tags=tags)
        assert "| 2024-01-02 | 2024-01-01 | a.csv | new column |  | Colour | new_columns: warn |" in table
        assert "Nothing landed before 2024-01-01" in table
        assert not check.passed
        assert check.severity == dg.AssetCheckSeverity.WARN
        assert (check.description or "").startswith("2024-01-02 since 2024-01-01: new column 'Colour' in a.csv.")

        table, check = ran(partition_key=str(THIRD))
        assert (table, check.passed, check.description) == ("The same shape as before.", True, None)

        table, check = ran(partition_key=str(FIRST))
        assert check.passed
        assert check.description == "Nothing landed before 2024-01-01: no landing to compare with."

        table, check = ran(partition_key=str(SECOND))
        assert not check.passed
        assert check.metadata["compared_with"].value == {"2024-01-02": "2024-01-01"}


def test_the_check_alone_looks_at_the_last_landing(tmp_path: Path) -> None:
    platform = Platform(load_settings({"RETAIL_HOME": str(tmp_path)}))
    [check] = [c for c in landing_checks(platform) if {s.name for s in c.check_specs} == {"schema_unchanged"}]
    result = check(dg.build_asset_check_context())
    assert isinstance(result, dg.AssetCheckResult)
    assert result.passed
