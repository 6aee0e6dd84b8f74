"""Topics of Avro on real brokers: every record once, poison in the quarantine, a registry that is away waited for."""

from __future__ import annotations

import gzip
import json
import re
import sys
import threading
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest

from retail_assets import settings as settings_module
from retail_assets.errors import SettingsError, StreamUnreachableError
from retail_assets.platform import Platform
from retail_assets.pseudonyms.opened import pseudonyms_of
from retail_assets.pseudonyms.replaced_columns import WITHHELD
from retail_assets.storage import Store
from retail_assets_tests.services.brokers import RunningBroker, produce
from retail_assets_tests.services.schema_registry import SchemaRegistry, schema_registry
from retail_assets_tests.streaming.avro import SALE, avro_sale, avro_sales, encoded, with_id
from retail_assets_tests.streaming.avro import record as sale_of
from retail_assets_tests.streaming.topics import (
    environment,
    land,
    landed_ids,
    landed_keys,
    landed_lines,
    new_topic,
    sale,
)
from retail_assets_tests.waiting import until

_SECONDS = 90


@pytest.fixture
def registry() -> Iterator[SchemaRegistry]:
    with schema_registry() as running:
        yield running


def avro(registry: SchemaRegistry) -> dict[str, str]:
    return {"RETAIL_STREAM_FORMAT": "avro", "RETAIL_STREAM_REGISTRY": registry.url}


def test_every_record_lands_once_by_its_own_schema_and_poison_says_where_it_was(
    cluster: RunningBroker, registry: SchemaRegistry, tmp_path: Path
) -> None:
    grown = {**SALE, "fields": [*SALE["fields"], {"name": "store", "type": ["null", "string"]}]}
    first, second = registry.add(SALE), registry.add(grown)
    record = {
        "transaction_id": 3,
        "sold_at": 0,
        "customer_id": None,
        "product_category": "Beauty",
        "quantity": 1,
        "price_per_unit": b"\x01",
        "total_amount": b"\x01",
        "store": "S1",
    }
    plain = json.loads(json.dumps(grown).replace('"logicalType"', '"was"'))
    cut = avro_sale(first, 9)[:-3]
    topic = new_topic(cluster.address)
    values = [avro_sale(first, 1), cut, sale(2), encoded(second, plain, record), avro_sale(77, 4), avro_sale(first, 5)]
    produce(cluster.address, topic, values, partition=0)
    environ = environment(tmp_path, cluster.address, topic, **avro(registry))

    landed = land(environ)
    assert (landed.records, landed.rejected) == (6, 3)
    lines = {offset: json.loads(line) for _, _, offset, line in landed_lines(environ)}
    assert [lines[n]["transaction_id"] for n in (0, 3, 5)] == [1, 3, 5]
    assert lines[3] == {**record, "sold_at": "1970-01-01T00:00:00Z", "price_per_unit": "0.01", "total_amount": "0.01"}
    assert [lines[n][:4] for n in (1, 2, 4)] == [
        [f"not a whole record of schema {first}", topic, 0, 1],
        ["not Avro with the id of a schema but JSON, it seems: set RETAIL_STREAM_FORMAT=json", topic, 0, 2],
        ["schema 77 is not in the registry", topic, 0, 4],
    ]
    assert lines[1][4].startswith("<00><00><00><00><01><12>")
    assert "C9" in lines[1][4]

    produce(cluster.address, topic, avro_sales(first, range(10, 20)), partition=0)
    assert land(environ).records == 10


def test_avro_read_as_json_names_the_setting(noida: RunningBroker, registry: SchemaRegistry, tmp_path: Path) -> None:
    topic = new_topic(noida.address, [avro_sale(registry.add(SALE), 1)])
    environ = environment(tmp_path, noida.address, topic)
    assert land(environ).rejected == 1
    [(_, _, _, line)] = landed_lines(environ)
    assert json.loads(line)[0] == "not JSON but Avro, it seems: set RETAIL_STREAM_FORMAT=avro"


def test_two_landers_of_one_topic_write_the_same_bytes(
    noida: RunningBroker, registry: SchemaRegistry, tmp_path: Path
) -> None:
    topic = new_topic(noida.address, avro_sales(registry.add(SALE), range(300)))
    contents = []
    for name in ("one", "another"):
        environ = environment(tmp_path / name, noida.address, topic, RETAIL_STREAM_RECORDS="100", **avro(registry))
        land(environ)
        settings = settings_module.load(environ)
        store = Store(settings.raw_uri)
        contents.append({key: store.read(key) for key in landed_keys(settings)})
    assert contents[0] == contents[1]
    assert sum(len(gzip.decompress(data).splitlines()) for data in contents[0].values()) == 300


def test_a_registry_that_is_away_is_waited_for_and_nothing_lands_as_poison(
    noida: RunningBroker, registry: SchemaRegistry, tmp_path: Path
) -> None:
    number = registry.add(SALE)
    topic = new_topic(noida.address, avro_sales(number, range(20)))
    environ = environment(tmp_path, noida.address, topic, **avro(registry))
    registry.status = 503
    said: list[str] = []
    stop = threading.Event()

    def run() -> None:
        land(environ, until_end=False, stopping=stop.is_set, said=said)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        until(lambda: any("registry does not answer" in line for line in said), _SECONDS, lambda: said, pause=0.05)
        assert landed_lines(environ) == []
        registry.status = None
        until(lambda: len(landed_lines(environ)) == 20, _SECONDS, lambda: said, pause=0.05)
    finally:
        stop.set()
        thread.join(_SECONDS)
    assert landed_ids(environ, "transaction_id") == list(range(20))
    assert sum("registry does not answer" in line for line in said) == 1


def test_a_lander_that_is_stopped_while_it_waits_lands_what_it_has_read(
    noida: RunningBroker, registry: SchemaRegistry, tmp_path: Path
) -> None:
    first, second = registry.add(SALE), registry.add(SALE, number=500)
    topic = new_topic(noida.address, [*avro_sales(first, range(5)), *avro_sales(second, range(5, 8))])
    environ = environment(tmp_path, noida.address, topic, RETAIL_STREAM_SECONDS="3600", **avro(registry))
    stop = threading.Event()
    registry.failing = {second}
    said: list[str] = []

    def stopping() -> bool:
        if any("registry does not answer" in line for line in said):
            stop.set()
        return stop.is_set()

    landed = land(environ, until_end=False, stopping=stopping, said=said)
    assert (landed.records, landed.rejected) == (5, 0)
    assert landed_ids(environ, "transaction_id") == list(range(5))
    registry.failing = set()
    assert land(environ).records == 3


def test_a_run_that_is_to_end_does_not_wait_for_ever(
    noida: RunningBroker, registry: SchemaRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retail_assets.streaming.lander._PATIENCE", 0.0)
    topic = new_topic(noida.address, avro_sales(registry.add(SALE), range(3)))
    environ = environment(tmp_path, noida.address, topic, **avro(registry))
    registry.status = 503
    with pytest.raises(StreamUnreachableError, match="schema registry at"):
        land(environ)
    assert landed_lines(environ) == []
    registry.status = None
    assert land(environ).records == 3


def test_a_package_that_is_missing_is_named_with_the_extra_that_has_it(
    noida: RunningBroker, registry: SchemaRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = environment(tmp_path, noida.address, new_topic(noida.address), **avro(registry))
    monkeypatch.setitem(sys.modules, "fastavro", None)
    monkeypatch.delitem(sys.modules, "retail_assets.streaming.avro_records", raising=False)
    with pytest.raises(SettingsError, match=r"pip install 'retail-assets\[avro\]'"):
        land(environ)


def test_records_in_avro_land_with_pseudonyms_and_poison_without_its_text(
    noida: RunningBroker, registry: SchemaRegistry, tmp_path: Path
) -> None:
    text = (resources.files("retail_assets.contracts") / "shipped" / "retail_sales.yaml").read_text()
    (tmp_path / "ours.yaml").write_text(f"{text}\npseudonymize: true\n")
    number = registry.add(SALE)
    nobody = {**sale_of(4), "customer_id": None}
    poison = [avro_sale(number, 2)[:-3], b"C2 is no record", with_id(number + 7, b"C2")]
    records = [*avro_sales(number, [0, 1, 97]), encoded(number, SALE, nobody), *poison]
    topic = new_topic(noida.address, records)
    environ = environment(tmp_path, noida.address, topic, **avro(registry), RETAIL_SOURCE=str(tmp_path / "ours.yaml"))
    totals = land(environ)
    assert (totals.records, totals.rejected) == (7, 3)
    settings = settings_module.load(environ)
    pseudonyms = pseudonyms_of(settings, Platform(settings).lake, landing=False)
    assert pseudonyms is not None
    lines = [json.loads(line) for _, _, _, line in landed_lines(environ)]
    expected = [pseudonyms.of("C0"), pseudonyms.of("C1"), pseudonyms.of("C0"), None]
    assert [line["customer_id"] for line in lines[:4]] == expected
    assert [line[3:] for line in lines[4:]] == [[4, WITHHELD], [5, WITHHELD], [6, WITHHELD]]
    written = [p.read_bytes() for p in tmp_path.rglob("*") if p.is_file() and p.name != "ours.yaml"]
    for data in written:
        assert not re.search(rb"C\d+\b", gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)
