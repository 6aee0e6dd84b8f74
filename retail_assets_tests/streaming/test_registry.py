"""The registry: each schema asked for once, waited for while it is away, and no record called unreadable for that."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import random
import struct
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retail_assets.contracts.sections import NumberRule
from retail_assets.errors import StreamError, StreamStoppedError, StreamUnreachableError
from retail_assets.settings.stream_registry import RegistrySettings
from retail_assets.storage import Store
from retail_assets.streaming.avro_records import AvroRecords
from retail_assets.streaming.registry import Registry
from retail_assets_tests.services.redshift.certificate import server_context
from retail_assets_tests.services.schema_registry import SchemaRegistry, schema_registry
from retail_assets_tests.streaming.avro import SALE, avro_sale, encoded, with_id
from retail_assets_tests.streaming.batches import CONTRACT, batches, landed, typed
from retail_assets_tests.streaming.topics import SOURCE, sale
from retail_assets_tests.trials import trials

AMOUNT = {"name": "total_amount", "type": "float"}
GRACE = "retail_assets.streaming.registry._GRACE_SECONDS"


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[SchemaRegistry]:
    monkeypatch.setattr(GRACE, 0.0)
    with schema_registry() as running:
        yield running


def client(registry: SchemaRegistry, said: list[str] | None = None, wait: Any = None, **more: Any) -> Registry:
    """Return a client that pauses for a moment where it would for longer."""
    patience = more.pop("patience", None)
    say = (said if said is not None else []).append
    return Registry(RegistrySettings(registry.url, **more), wait or _short, say, patience)


def _short(_: float) -> bool:
    time.sleep(0.01)
    return False


def records(registry: SchemaRegistry, **more: Any) -> AvroRecords:
    return AvroRecords(client(registry, **more))


def test_a_schema_is_asked_for_once_and_records_of_several_are_read_by_their_own(registry: SchemaRegistry) -> None:
    old = {**SALE, "fields": SALE["fields"][:1]}
    first, second = registry.add(SALE), registry.add(old)
    reader = records(registry)
    for number in range(5):
        assert (reader.read(avro_sale(first, number))[0] or {})["transaction_id"] == number
        assert reader.read(encoded(second, old, {"transaction_id": number})) == ({"transaction_id": number}, None)
    assert registry.asked == [f"/schemas/ids/{first}", f"/schemas/ids/{second}"]


def test_what_cannot_be_read_says_why_and_asks_no_more_than_it_must(registry: SchemaRegistry) -> None:
    good = registry.add(SALE)
    protobuf = registry.add("syntax = ...", kind="PROTOBUF")
    text = registry.add("string")
    whole = avro_sale(good, 1)
    reader = records(registry)
    for value, reason in [
        (b"\1" + whole[1:], "not Avro with the id of a schema"),
        (b"\0\0\0", "not Avro with the id of a schema"),
        (b"", "not Avro with the id of a schema"),
        (sale(1), "not Avro with the id of a schema but JSON, it seems: set RETAIL_STREAM_FORMAT=json"),
        (whole[:-1], f"not a whole record of schema {good}"),
        (whole[:5], f"not a whole record of schema {good}"),
        (whole + b"\0\0", f"not a record of schema {good}: 2 bytes are left"),
        (with_id(99, whole[5:]), "schema 99 is not in the registry"),
        (with_id(protobuf, b"\0"), f"schema {protobuf} is not Avro but PROTOBUF"),
        (with_id(text, b"\2a"), f"schema {text} is not usable: it is not an Avro schema"),
    ]:
        for _ in range(2):
            item, wrong = reader.read(value)
            assert item is None
            assert wrong is not None
            assert wrong.startswith(reason), (value, wrong)
    asked = [f"/schemas/ids/{n}" for n in (good, 99, 99, protobuf, text)]  # once more, for a node that is late
    assert registry.asked == asked


def test_an_enum_below_its_first_symbol_and_a_text_that_is_none_are_not_read(registry: SchemaRegistry) -> None:
    schema = {
        "type": "record",
        "name": "S",
        "fields": [{"name": "e", "type": {"type": "enum", "name": "E", "symbols": ["A"]}}],
    }
    text = {"type": "record", "name": "S", "fields": [{"name": "s", "type": "string"}]}
    reader = records(registry)
    assert reader.read(with_id(registry.add(schema), b"\1"))[0] is None
    assert reader.read(with_id(registry.add(text), b"\2\xff"))[1] == "a text of it, by schema 2, is not UTF-8"


def test_a_schema_that_a_node_of_the_registry_does_not_know_yet_is_asked_for_again(registry: SchemaRegistry) -> None:
    number = registry.add(SALE)
    registry.late = {number}
    assert records(registry).read(avro_sale(number, 7))[1] is None


def test_a_registry_that_is_away_is_waited_for_and_said_so_once(registry: SchemaRegistry) -> None:
    number = registry.add(SALE)
    said: list[str] = []
    answers = iter([500, 503, 429])
    registry.status = 502

    def wait(_: float) -> bool:
        registry.status = next(answers, None)
        return False

    assert records(registry, said=said, wait=wait).read(avro_sale(number, 7))[1] is None
    assert [line.partition(" (")[0].partition(",")[0] for line in said] == [
        "The schema registry does not answer",
        "The schema registry answers again",
    ]


def test_a_registry_that_does_not_run_is_waited_for_until_it_does(registry: SchemaRegistry) -> None:
    number = registry.add(SALE)
    registry.stop()
    pauses: list[float] = []

    def wait(seconds: float) -> bool:
        pauses.append(seconds)
        if len(pauses) == 3:
            registry.start()
        return False

    assert records(registry, wait=wait).read(avro_sale(number, 7))[1] is None
    assert pauses == [0.5, 1.0, 2.0]


def test_waiting_ends_with_the_patience_of_a_run_and_with_the_process(registry: SchemaRegistry) -> None:
    registry.status = 503
    with pytest.raises(StreamUnreachableError, match="RETAIL_STREAM_REGISTRY"):
        records(registry, patience=0.0).read(avro_sale(1, 7))
    with pytest.raises(StreamStoppedError):
        records(registry, wait=lambda _: True).read(avro_sale(1, 7))


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (401, None, "refuses: HTTP 401. Check RETAIL_STREAM_REGISTRY_USER"),
        (403, None, "refuses: HTTP 403"),
        (404, None, "does not answer like a schema registry: HTTP 404"),  # as of a wrong address
        (301, None, "does not answer like a schema registry: HTTP 301"),
        (200, b"<html>", "does not answer like a schema registry: HTTP 200"),
        (200, b'{"schema": 7}', "does not answer like a schema registry"),
        (200, b'{"schema": "' + b"x" * (3 << 20) + b'"}', "does not answer like a schema registry"),
    ],
)
def test_a_registry_that_refuses_ends_the_stream_with_the_way_out(
    registry: SchemaRegistry, status: int, body: bytes | None, message: str
) -> None:
    registry.status, registry.body = status, body
    with pytest.raises(StreamError, match=message) as refused:
        records(registry).read(avro_sale(1, 7))
    assert not refused.value.retryable


def test_the_login_is_sent_and_nothing_of_another_place(
    registry: SchemaRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = registry.add(SALE)
    registry.login = ("retail", "pl4nted-s3cret")
    (tmp_path / "netrc").write_text("machine localhost login retail password pl4nted-s3cret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert records(registry, user="retail", password="pl4nted-s3cret").read(avro_sale(number, 7))[1] is None
    for login in ({}, {"user": "retail", "password": "wr0ng-s3cret"}):
        with pytest.raises(StreamError, match="HTTP 401") as refused:
            records(registry, **login).read(avro_sale(number, 7))
        assert "s3cret" not in str(refused.value)


def test_the_certificate_is_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context, authority = server_context(tmp_path)
    (tmp_path / "other").mkdir()
    _, other = server_context(tmp_path / "other")
    with schema_registry(context) as running:
        number = running.add(SALE)
        assert records(running, ca=authority).read(avro_sale(number, 7))[1] is None
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority))  # the setting takes precedence
        with pytest.raises(StreamError, match=r"its certificate is not trusted.*RETAIL_STREAM_REGISTRY_CA"):
            records(running, ca=other).read(avro_sale(number, 7))


def test_schemas_that_a_schema_refers_to_are_asked_for_deepest_first(registry: SchemaRegistry) -> None:
    money = {"type": "record", "name": "Money", "fields": [{"name": "cents", "type": "int"}]}
    price = {"type": "record", "name": "Price", "fields": [{"name": "money", "type": "Money"}]}
    total = {
        "type": "record",
        "name": "Sale",
        "fields": [{"name": "a", "type": "Price"}, {"name": "b", "type": "Money"}],
    }
    registry.add(money, subject="money/v 1")
    registry.add(price, subject="price", references=["money/v 1"])
    number = registry.add(total, references=["price", "money/v 1"])
    item, wrong = records(registry).read(with_id(number, b"\x02\x04"))
    assert wrong is None
    assert item == {"a": {"money": {"cents": 1}}, "b": {"cents": 2}}
    lost = registry.add(total, references=["nowhere"])
    assert (
        records(registry).read(with_id(lost, b"\x02\x04"))[1]
        == f"schema {lost} refers to nowhere, which is not in the registry"
    )


def test_schemas_beyond_what_is_kept_are_asked_for_again(
    registry: SchemaRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = registry.add(SALE), registry.add(SALE)
    reader = records(registry)
    monkeypatch.setattr("retail_assets.streaming.avro_records._MOST_KEPT", 10_000)
    for number in (first, first, second, second, first):
        assert reader.read(avro_sale(number, 1))[1] is None
    assert registry.asked == [f"/schemas/ids/{n}" for n in (first, second, first)]


def test_a_schema_that_refers_to_itself_is_unusable(registry: SchemaRegistry) -> None:
    number = registry.add(SALE, subject="loop", references=["loop"])
    assert "refers to more than 50 others" in str(records(registry).read(avro_sale(number, 1))[1])


def test_records_land_as_rows_and_the_same_records_are_the_same_bytes(registry: SchemaRegistry, tmp_path: Path) -> None:
    number = registry.add(SALE)
    values: list[tuple[int, bytes | None]] = [
        (0, avro_sale(number, 1)),
        (1, b"\0oop"),
        (2, None),
        (3, avro_sale(number, 2)),
    ]
    [batch], [again] = (batches(values, decode=records(registry).read) for _ in range(2))
    profile, rows = landed(tmp_path, batch)
    assert (profile.lines, batch.records, batch.rejected) == (4, 4, 2)
    assert json.loads(rows[0][1]) == {
        "transaction_id": 1,
        "sold_at": "2026-11-29T12:00:00Z",
        "customer_id": "C1",
        "product_category": "Beauty",
        "quantity": 2,
        "price_per_unit": "25.00",
        "total_amount": "50.00",
    }
    assert json.loads(rows[1][1]) == ["not Avro with the id of a schema", "sales", 0, 1, "<00>oop"]
    [content] = [store.read(entry.key) for store in [Store(str(tmp_path))] for entry in store.list(SOURCE)]
    assert content == again.content()


def test_cleaning_reads_an_instant_as_shop_time_and_money_to_the_cent(registry: SchemaRegistry, tmp_path: Path) -> None:
    """With the decimal mark of each contract; a float that has lost its cents makes its row malformed."""
    german = CONTRACT.model_copy(update={"numbers": NumberRule(decimal=",", thousands=".")})
    number = registry.add({**SALE, "fields": [f if f["name"] != "total_amount" else AMOUNT for f in SALE["fields"]]})
    for name, contract in (("us", CONTRACT), ("de", german)):
        values: list[tuple[int, bytes | None]] = []
        for offset, amount in enumerate((50.0, 131_072.99)):
            head = avro_sale(number, offset)[:-3]  # the last field is another one, two bytes and their length
            values.append((offset, head + struct.pack("<f", amount)))
        decode = AvroRecords(client(registry), contract.numbers.decimal).read
        [batch] = batches(values, contract, decode)
        good, bad = typed(tmp_path / name, batch, contract)
        assert good["reasons"] == []
        assert good["sold_at"] == dt.datetime(2026, 11, 29, 7)  # noon in UTC
        assert (good["quantity"], good["unit_price"], good["total_amount"]) == (2, Decimal("25"), Decimal("50"))
        assert "malformed_row" in bad["reasons"]


def test_another_name_of_a_column_begins_another_batch(registry: SchemaRegistry) -> None:
    renamed = {
        **SALE,
        "fields": [{**f, "name": "qty" if f["name"] == "quantity" else f["name"]} for f in SALE["fields"]],
    }
    first, second = registry.add(SALE), registry.add(renamed)
    values: list[tuple[int, bytes | None]] = [
        (0, avro_sale(first, 0)),
        (1, avro_sale(second, 1)),
        (2, avro_sale(first, 2)),
    ]
    assert [(b.first, b.next) for b in batches(values, decode=records(registry).read)] == [(0, 1), (1, 2), (2, 3)]


@settings(max_examples=trials(ordinary=300, soak=20_000))
@given(seed=st.integers(0, 2**32), tail=st.binary(max_size=40))
def test_no_bytes_stop_the_stream(shared: AvroRecords, seed: int, tail: bytes) -> None:
    """Bytes of records changed, cut and put together at random: each is a line, of a record or of why it is none."""
    chance = random.Random(seed)
    value = bytearray(avro_sale(1, chance.randrange(1_000)) + tail)
    for _ in range(chance.randrange(4)):
        value[chance.randrange(5, len(value))] = chance.randrange(256)
    del value[chance.randrange(5, len(value) + 1) :]
    [batch] = batches([(0, bytes(value))], decode=shared.read)
    [line] = gzip.decompress(batch.content()).splitlines()
    assert isinstance(json.loads(line), list if batch.rejected else dict)


@pytest.fixture(scope="module")
def shared() -> Iterator[AvroRecords]:
    with schema_registry() as running:
        running.add(SALE)
        yield records(running)
