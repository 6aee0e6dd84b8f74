"""The store on S3: what it asks for and how often, what appears when, and what it says when S3 refuses."""

from __future__ import annotations

import hashlib
import io
import random
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from retail_assets.errors import StorageBusyError, StorageError
from retail_assets.storage import Store, s3_client
from retail_assets_tests.faults.races import one_writer_goes_through
from retail_assets_tests.services.s3 import Answer, Door, Request
from retail_assets_tests.services.s3_fixtures import ACCESS_KEY, SECRET_KEY, SESSION_TOKEN
from retail_assets_tests.trials import trials

MIB = 1 << 20
SLOW_DOWN = Answer(503, "SlowDown", "Please reduce your request rate.")


@pytest.fixture
def store(bucket: str) -> Store:
    return Store(f"s3://{bucket}/lake")


@pytest.fixture
def quick(aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two tries and no waiting worth the name: for errors that stay."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")


def part_of(request: Request) -> bool:
    return request.method == "PUT" and "partNumber" in request.query


def written(store: Store, key: str, data: bytes) -> None:
    with store.writing(key) as sink:
        sink.write(data)


# --- the contract of every store, on S3 ---


def test_what_is_written_is_read_and_listed(store: Store) -> None:
    store.write("a/b.csv", b"one")
    written(store, "a/b.csv", b"two!")
    assert store.read("a/b.csv") == b"two!"
    [entry] = store.list("")
    assert (entry.key, entry.size) == ("a/b.csv", 4)
    assert entry.modified is not None
    assert entry.tag == f'"{hashlib.md5(b"two!").hexdigest()}"'
    assert store.exists("a/b.csv")
    assert not store.exists("a")
    assert store.read_if_exists("a/c") is None


def test_an_empty_prefix_is_empty_and_a_missing_bucket_is_not(store: Store, aws: str) -> None:
    assert store.list("") == []
    assert store.folders("never") == []
    gone = Store("s3://no-such-bucket-here/x")
    for action in (
        lambda: gone.list(""),
        lambda: gone.exists("a"),
        lambda: gone.read("a"),
        lambda: gone.write("a", b""),
    ):
        with pytest.raises(StorageError, match=r"there is no bucket 'no-such-bucket-here'.*AWS_REGION"):
            action()


def test_an_empty_object_is_there_and_is_empty(store: Store) -> None:
    store.write("empty", b"")
    assert store.exists("empty")
    assert store.read("empty") == b""
    with store.open("empty") as f:
        assert f.seek(0, io.SEEK_END) == 0
        assert f.read() == b""


@pytest.mark.parametrize("key", ["ü ñ/日本 + & # % ' \"/a=b?c.csv", "a+b c", "x%20y", "[a]*?"])
def test_any_name_comes_back_as_it_was_written(store: Store, key: str) -> None:
    store.write(key, b"x")
    assert store.read(key) == b"x"
    assert [e.key for e in store.list("")] == [key]
    store.delete([key])
    assert store.list("") == []


def test_a_folder_is_no_name_prefix(store: Store, bucket: str) -> None:
    for key in ("dt=2024-01-1/a", "dt=2024-01-10/a", "dt=2024-01-1/b/c"):
        store.write(key, b"x")
    Store(f"s3://{bucket}/lakeside").write("z", b"x")
    assert [e.key for e in store.list("dt=2024-01-1")] == ["dt=2024-01-1/a", "dt=2024-01-1/b/c"]
    assert store.folders("") == ["dt=2024-01-1", "dt=2024-01-10"]
    assert len(store.list("")) == 3
    assert [e.key for e in Store(f"s3://{bucket}").list("lakeside")] == ["lakeside/z"]


def test_folders_made_in_the_console_are_no_objects(store: Store, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="lake/dt=1/", Body=b"")
    assert store.list("dt=1") == []
    assert store.folders("") == ["dt=1"]


def test_deleting_takes_what_is_there_and_does_not_mind_the_rest(store: Store) -> None:
    store.write("a/b", b"x")
    store.delete(["a/b", "never/there"])
    store.delete([])
    assert store.list("") == []


# --- what it costs ---


def test_a_partition_is_one_listing_whatever_else_is_in_the_bucket(door: Door, bucket: str) -> None:
    """A listing of the whole bucket costs more with every day that lands."""
    store = Store(f"s3://{bucket}/raw")
    for day in range(1, 6):
        store.write(f"shop/dt=2024-01-0{day}/a.csv", b"x")
    door.requests.clear()
    store.list("shop/dt=2024-01-03")
    assert door.log == ["LIST raw/shop/dt=2024-01-03/"]
    door.requests.clear()
    assert len(store.folders("shop")) == 5
    assert door.log == ["LIST raw/shop/"]
    assert door.requests[0].query["delimiter"] == "/"


def test_a_listing_goes_on_by_page_and_does_not_forget(s3: Any, door: Door, bucket: str) -> None:
    store = Store(f"s3://{bucket}/raw")
    keys = [f"p/{i:05d}" for i in range(1001)]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=f"raw/{key}")
    door.requests.clear()
    assert [e.key for e in store.list("p")] == keys
    assert door.log == ["LIST raw/p/"] * 2
    door.requests.clear()
    store.delete(keys)
    assert len(door.requests) == 2
    assert store.list("p") == []


def test_reading_and_looking_and_publishing_are_one_request_each(door: Door, bucket: str) -> None:
    store = Store(f"s3://{bucket}")
    store.write("m.json", b"{}" * 1000)
    assert store.read("m.json")
    assert store.exists("m.json")
    assert store.read_if_exists("m.json")
    assert store.read_if_exists("none.json") is None
    assert door.log == ["PUT m.json", "GET m.json", "GET m.json", "GET m.json", "GET none.json"]


def test_a_file_of_some_megabytes_is_one_request_and_a_long_one_few(door: Door, bucket: str) -> None:
    store = Store(f"s3://{bucket}")
    data = random.Random(1).randbytes(30 * MIB)
    written(store, "small", data[: 3 * MIB])
    written(store, "long", data)
    door.requests.clear()
    with store.open("small") as f:
        assert f.seek(0, io.SEEK_END) == 3 * MIB  # as cleaning does, to see whether it was replaced
        f.seek(0)
        assert f.read() == data[: 3 * MIB]
    assert door.log == ["GET small"]
    door.requests.clear()
    with store.open("long") as f:
        assert b"".join(iter(lambda: f.read(MIB), b"")) == data
    assert [r.headers["range"] for r in door.requests] == [
        f"bytes=0-{4 * MIB - 1}", f"bytes={4 * MIB}-{12 * MIB - 1}", f"bytes={12 * MIB}-{28 * MIB - 1}",
        f"bytes={28 * MIB}-{60 * MIB - 1}",
    ]  # fmt: skip


def test_a_jump_fetches_what_is_asked_for_and_not_the_rest(door: Door, bucket: str) -> None:
    store = Store(f"s3://{bucket}")
    data = random.Random(2).randbytes(20 * MIB)
    written(store, "long", data)
    door.requests.clear()
    with store.open("long") as f:
        f.seek(-8, io.SEEK_END)
        assert f.read(8) == data[-8:]
        f.seek(10 * MIB)
        assert f.read(100) == data[10 * MIB : 10 * MIB + 100]
    assert [r.headers["range"] for r in door.requests[1:]] == [
        f"bytes={20 * MIB - 8}-{21 * MIB - 9}", f"bytes={10 * MIB}-{11 * MIB - 1}"
    ]  # fmt: skip


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["read", "set", "cur", "end", "line"]), st.integers(0, 7 * MIB)), max_size=12
    )
)
@hypothesis_settings(
    max_examples=trials(15), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)  # it is only read
def test_any_seeks_and_reads_are_those_of_a_file(seven_mib: tuple[Store, bytes], steps: list[tuple[str, int]]) -> None:
    store, data = seven_mib
    expected = io.BytesIO(data)
    with store.open("x") as f:
        for what, number in steps:
            for handle in (f, expected):
                if what == "set":
                    handle.seek(number)
                elif what == "end":
                    handle.seek(-number, io.SEEK_END)
                elif what == "cur":
                    handle.seek(min(number, 1000), io.SEEK_CUR)
            if what == "read":
                assert f.read(number) == expected.read(number)
            elif what == "line":
                assert f.readline() == expected.readline()
            assert f.tell() == expected.tell()


@pytest.fixture
def seven_mib(store: Store) -> tuple[Store, bytes]:
    data = random.Random(3).randbytes(7 * MIB)
    written(store, "x", data)
    return store, data


# --- what appears when ---


def test_a_big_object_goes_in_parts_and_appears_whole(door: Door, bucket: str) -> None:
    store = Store(f"s3://{bucket}")
    data = random.Random(4).randbytes(40 * MIB)
    with store.writing("big") as sink:
        sink.write(data)
        assert not store.exists("big")
    assert sum(map(part_of, door.requests)) == 3
    assert store.read("big") == data


def test_a_write_that_fails_leaves_the_old_and_no_part_of_the_new(store: Store, s3: Any, bucket: str) -> None:
    store.write("a", b"old")

    def fail() -> None:
        with store.writing("a") as f:
            f.write(bytes(20 * MIB))
            raise ValueError("the caller's own error comes through")

    with pytest.raises(ValueError, match="own error"):
        fail()
    assert store.read("a") == b"old"
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


@pytest.mark.usefixtures("quick")
def test_an_upload_that_fails_in_the_middle_is_given_up_and_leaves_nothing(door: Door, bucket: str) -> None:
    """Parts that nobody finishes are invisible, and are paid for every month."""
    store = Store(f"s3://{bucket}")
    door.meets(*[Answer(403, "AccessDenied", "User: arn:aws:iam::1:role/Planted")] * 9, when=part_of)
    with pytest.raises(StorageError, match=r"Cannot write .*/big: permission denied.*s3:PutObject"):
        written(store, "big", bytes(40 * MIB))
    assert not store.exists("big")
    assert "Uploads" not in s3_client.client().list_multipart_uploads(Bucket=bucket)


def test_of_writers_that_read_the_same_version_one_goes_through(door: Door, bucket: str) -> None:
    store = Store(f"s3://{bucket}/lake")
    one_writer_goes_through(store, "manifest.json", writers=6, attempts=3)


def test_a_swap_of_what_was_deleted_meanwhile_is_refused(store: Store) -> None:
    store.write("m", b"1")
    _, tag = store.read_tagged("m") or (b"", "")
    store.delete(["m"])
    assert not store.swap("m", b"2", tag)
    assert not store.exists("m")


def test_a_swap_whose_answer_was_lost_knows_its_own_work(door: Door, bucket: str) -> None:
    """The repeated request is refused, because the first one has gone through: that is no conflict."""
    store = Store(f"s3://{bucket}")
    door.meets("after", when=lambda r: r.method == "PUT")
    assert store.swap("m", b"mine", None)
    assert [s for s in door.log if s.startswith("PUT")] == ["PUT m", "PUT m"]


def test_a_reader_gets_one_version_or_an_error_never_a_mixture(store: Store) -> None:
    written(store, "x", bytes(10 * MIB))
    with store.open("x") as f:
        f.read(MIB)
        store.write("x", b"\1" * 10 * MIB)
        with pytest.raises(StorageBusyError, match=r"x: it was replaced while it was being read. Try again"):
            f.read()


# --- what passes, and what does not ---


@pytest.mark.parametrize("fault", [SLOW_DOWN, Answer(500, "InternalError"), Answer(502), "reset"], ids=str)
def test_what_passes_is_tried_again(door: Door, bucket: str, fault: Any) -> None:
    store = Store(f"s3://{bucket}")
    store.write("a", b"x")
    door.meets(fault)
    assert store.read("a") == b"x"
    door.meets(fault)
    assert [e.key for e in store.list("")] == ["a"]
    door.meets(fault)
    store.write("b", b"y")
    assert store.read("b") == b"y"


def test_an_answer_that_breaks_off_is_fetched_again(door: Door, bucket: str) -> None:
    """botocore tries a request again, but not an answer that has begun."""
    store = Store(f"s3://{bucket}")
    data = random.Random(5).randbytes(6 * MIB)
    written(store, "a", data)
    door.meets("cut", "cut", when=lambda r: r.method == "GET")
    assert store.read("a") == data
    door.meets("cut", when=lambda r: r.method == "GET")
    assert store.read_if_exists("a") == data


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Answer(403, "AccessDenied", "User: arn:aws:iam::1:role/Planted is not authorized"), "lacks s3:GetObject"),
        (Answer(403, "AccessDenied", "role/Planted is not authorized to perform: kms:Decrypt"), "kms:Decrypt"),
        (Answer(400, "ExpiredToken", "The provided token has expired."), "session has expired.*aws sso login"),
        (Answer(403, "InvalidAccessKeyId", f"{ACCESS_KEY} does not exist"), "not accepted.*AWS_PROFILE"),
        (Answer(403, "SignatureDoesNotMatch", SECRET_KEY), "not accepted"),
        (Answer(403, "RequestTimeTooSkewed"), "the clock of this machine"),
        (Answer(301, "PermanentRedirect", region="us-west-2"), "in another region. Set AWS_REGION=us-west-2"),
        (Answer(404, "NoSuchBucket"), "there is no bucket"),
        (Answer(404, "NoSuchKey"), "it is not there"),
        (SLOW_DOWN, "slow down .SlowDown., after 2 tries"),
        (Answer(418, "Teapot", "role/Planted"), "refused GetObject with Teapot .HTTP 418"),
        ("reset", "does not answer"),
    ],
    ids=str,
)
def test_a_refusal_says_what_where_and_what_to_do_and_no_secret(
    door: Door, bucket: str, answer: Any, says: str
) -> None:
    store = Store(f"s3://{bucket}/lake")
    door.meets(*[answer] * 12)
    with pytest.raises(StorageError, match=says) as refused:
        store.read("dt=1/m.json")
    text = "".join(traceback.format_exception(refused.value))
    assert f"Cannot read s3://{bucket}/lake/dt=1/m.json: " in text
    for secret in (ACCESS_KEY, SECRET_KEY, SESSION_TOKEN, door.url, "Planted"):
        assert secret not in text
    passes = answer in (SLOW_DOWN, "reset")
    assert isinstance(refused.value, StorageBusyError) == passes
    assert refused.value.retryable == passes


def test_refused_deletions_are_told(door: Door, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 answers 200 to a batch of which it has deleted nothing."""
    refusal = "<DeleteResult><Error><Key>a</Key><Code>AccessDenied</Code><Message>x</Message></Error></DeleteResult>"
    answer = Answer(200)
    monkeypatch.setattr(Answer, "body", lambda self: refusal.encode())
    door.meets(answer)
    with pytest.raises(StorageError, match=r"Cannot delete .*a: permission denied.*s3:DeleteObject"):
        Store(f"s3://{bucket}").delete(["a"])


def test_without_credentials_it_says_how_to_get_some(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    with pytest.raises(StorageError, match=r"no usable AWS credentials here.*AWS_PROFILE"):
        Store(f"s3://{bucket}").list("")
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(StorageError, match=r"AWS_PROFILE is not configured"):
        Store(f"s3://{bucket}").list("")


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("url", "says"), [("http://127.0.0.1:9", "endpoint does not answer"), ("no url", "AWS_ENDPOINT_URL")]
)
def test_a_wrong_endpoint_is_told_without_being_repeated(
    bucket: str, monkeypatch: pytest.MonkeyPatch, url: str, says: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    with pytest.raises(StorageError, match=says) as refused:
        Store(f"s3://{bucket}").read("a")
    assert "127.0.0.1" not in str(refused.value)


def test_what_cannot_be_put_on_the_local_disk_first_is_explained(
    store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    with pytest.raises(StorageError, match=r"Cannot write s3://.*/a \(spooling to .*gone"):
        written(store, "a", b"x")


def test_waits_are_bounded(aws: str) -> None:
    config = s3_client.client().meta.config
    assert config.connect_timeout <= 10
    assert config.read_timeout <= 60
    assert config.retries["total_max_attempts"] >= 5
    assert config.retries["mode"] == "standard"


def test_the_standard_settings_of_retrying_are_obeyed(aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "3")
    monkeypatch.setenv("AWS_RETRY_MODE", "adaptive")
    assert s3_client.client().meta.config.retries == {"mode": "adaptive", "total_max_attempts": 3}


def test_threads_share_a_client_and_new_settings_get_a_new_one(aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = s3_client.client()
    with ThreadPoolExecutor(4) as pool:
        assert {id(c) for c in pool.map(lambda _: s3_client.client(), range(8))} == {id(first)}
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    assert s3_client.client().meta.region_name == "us-west-2"
    assert s3_client.client() is not first


def test_duckdb_reads_an_object_through_the_store_under_any_name(store: Store) -> None:
    import duckdb

    key = "dt=1/a [1]*?.csv"
    store.write(key, b"1,2\n3,4\n")
    with duckdb.connect() as con:
        con.register_filesystem(store.filesystem())
        path = "".join(f"[{c}]" if c in "[*?" else c for c in store.uri_of(key))
        assert con.execute("SELECT * FROM read_csv(?, header=false, hive_partitioning=false)", [path]).fetchall() == [
            (1, 2),
            (3, 4),
        ]


def test_arrow_reads_columns_of_a_parquet_file_through_the_store(store: Store) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"a": list(range(200_000)), "b": [f"text {i}" for i in range(200_000)]})
    with store.writing("t.parquet") as sink:
        pq.write_table(table, sink, row_group_size=50_000)
    with store.open("t.parquet") as source:
        assert pq.ParquetFile(source).read(columns=["b"]).equals(table.select(["b"]))
