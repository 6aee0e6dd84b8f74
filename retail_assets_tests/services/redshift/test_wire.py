"""What the wire refuses because Redshift does. A wire that let these pass would prove nothing about the warehouse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from retail_assets.tables import ALL
from retail_assets_tests.services.redshift import dialect
from retail_assets_tests.services.redshift.stack import BUCKET, DATABASE, LOADER, PASSWORD, ROLE

if TYPE_CHECKING:
    from retail_assets_tests.services.redshift.stack import Stack


@pytest.fixture
def connection(stack: Stack) -> Iterator[Any]:
    import redshift_connector

    with closing(
        redshift_connector.connect(
            host="localhost",
            port=stack.wire.port,
            database=DATABASE,
            user=LOADER,
            password=PASSWORD,
            sslmode="verify-full",
        )
    ) as connection:
        connection.cursor().execute("CREATE TEMP TABLE t (n BIGINT, w VARCHAR(4), d DATE) DISTSTYLE EVEN")
        connection.commit()
        yield connection


def refused(connection: Any, sql: str) -> str:
    import redshift_connector

    with pytest.raises(redshift_connector.error.Error) as raised:
        connection.cursor().execute(sql)
    connection.rollback()
    return " ".join(raised.value.args[0].get(k, "") for k in "MD")


@pytest.mark.parametrize(
    "sql",
    [
        "TRUNCATE t",
        "SELECT count(*) FILTER (WHERE n > 1) FROM t",
        "SELECT DISTINCT ON (n) n, w FROM t",
        "SELECT array_agg(n) FROM t",
        "SELECT ARRAY[1, 2]",
        "SELECT * FROM generate_series(1, 3)",
        "SELECT n IS DISTINCT FROM 1 FROM t",
        "INSERT INTO t (n) VALUES (1) RETURNING n",
        "INSERT INTO t (n) VALUES (1) ON CONFLICT DO NOTHING",
        "CREATE INDEX i ON t (n)",
        "SAVEPOINT s",
        "ALTER TABLE t ADD COLUMN a INTEGER, ADD COLUMN b INTEGER",
        "ALTER TABLE t ADD COLUMN a INTEGER NOT NULL",
        "SELECT sum(n) OVER (PARTITION BY w ORDER BY n) FROM t",
        "SELECT avg(n) FROM t",
        "SELECT max(d) AS snapshot FROM t",
        "CREATE TEMP TABLE u (j JSONB)",
        "COPY t FROM 's3://b/k' FORMAT AS PARQUET",
        "UNLOAD ('SELECT n FROM t LIMIT 1') TO 's3://b/k/' IAM_ROLE default FORMAT AS PARQUET",
    ],
)
def test_a_construct_that_redshift_has_not(connection: Any, sql: str) -> None:
    assert refused(connection, sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 'FILTER (WHERE', 'ARRAY[1]', 'it''s AS snapshot' -- AS tag",
        "SELECT sum(n) OVER (PARTITION BY w ORDER BY n ROWS UNBOUNDED PRECEDING) FROM t",
        "SELECT row_number() OVER (ORDER BY n), sum(n) OVER (PARTITION BY w) FROM t GROUP BY n, w",
        "SELECT avg(CAST(n AS DOUBLE PRECISION)) FROM t",
    ],
)
def test_a_construct_that_only_looks_like_one(connection: Any, sql: str) -> None:
    connection.cursor().execute(sql)


def test_a_key_is_not_enforced(connection: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("CREATE TEMP TABLE k (n BIGINT PRIMARY KEY, UNIQUE (n))")
    cursor.execute("INSERT INTO k (n) VALUES (1)")
    cursor.execute("INSERT INTO k (n) VALUES (1)")
    cursor.execute("SELECT count(*) FROM k")
    assert [tuple(row) for row in cursor.fetchall()] == [(2,)]


def test_a_backslash_escapes_in_a_literal(connection: Any) -> None:
    cursor = connection.cursor()
    cursor.execute(r"SELECT 'a\\b', 'it\'s'")
    assert [tuple(row) for row in cursor.fetchall()] == [("a\\b", "it's")]


ROW = {"n": pa.array([1], pa.int64()), "w": pa.array(["x"]), "d": pa.array([None], pa.date32())}


def copied(stack: Stack, name: str, columns: dict[str, pa.Array], **entry: Any) -> str:
    """A COPY of one Parquet file by a manifest with this entry."""
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink)
    data = sink.getvalue().to_pybytes()
    stack.wire.s3.put_object(Bucket=BUCKET, Key=f"wire/{name}.parquet", Body=data)
    default = {"url": f"s3://{BUCKET}/wire/{name}.parquet", "mandatory": True, "meta": {"content_length": len(data)}}
    body = json.dumps({"entries": [default | entry]})
    stack.wire.s3.put_object(Bucket=BUCKET, Key=f"wire/{name}.manifest", Body=body.encode())
    return f"COPY t FROM 's3://{BUCKET}/wire/{name}.manifest' IAM_ROLE '{ROLE}' FORMAT AS PARQUET MANIFEST"


def test_copy_takes_a_file_that_fits(stack: Stack, connection: Any) -> None:
    cursor = connection.cursor()
    cursor.execute(copied(stack, "good", ROW))
    assert cursor.rowcount == -1  # as of Redshift: a loader that counts on it is wrong
    cursor.execute("SELECT n, w, d FROM t")
    assert [tuple(row) for row in cursor.fetchall()] == [(1, "x", None)]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (ROW | {"n": pa.array([1], pa.int32())}, "incompatible Parquet schema for column 't.n'"),
        (ROW | {"n": pa.array(["1"])}, "incompatible Parquet schema for column 't.n'"),
        (ROW | {"d": pa.array(["2024-01-01"])}, "incompatible Parquet schema for column 't.d'"),
        ({"w": ROW["w"], "n": ROW["n"], "d": ROW["d"]}, "incompatible Parquet schema"),
        (ROW | {"more": pa.array([1])}, "has 4 columns, the table t has 3"),
        ({"n": ROW["n"], "w": ROW["w"]}, "has 2 columns, the table t has 3"),
        (ROW | {"w": pa.array(["éé!"])}, "Table: 4, Data: 5"),
    ],
)
def test_copy_does_not_cast_reorder_or_cut(stack: Stack, connection: Any, columns: Any, message: str) -> None:
    assert message in refused(connection, copied(stack, "bad", columns))


def test_copy_wants_the_files_and_sizes_of_its_manifest(stack: Stack, connection: Any) -> None:
    missing = copied(stack, "gone", ROW, url=f"s3://{BUCKET}/wire/nowhere.parquet")
    assert "does not exist" in refused(connection, missing)
    assert "another size" in refused(connection, copied(stack, "size", ROW, meta={"content_length": 7}))
    assert "content_length" in refused(connection, copied(stack, "meta", ROW, meta={}))
    assert "not authorized" in refused(connection, copied(stack, "role", ROW).replace("planted", "other"))


def test_unload_wants_an_empty_folder(stack: Stack, connection: Any) -> None:
    sql = f"UNLOAD ('SELECT 1 AS one') TO 's3://{BUCKET}/wire/out/' IAM_ROLE '{ROLE}' FORMAT AS PARQUET"
    connection.cursor().execute(sql)
    assert "is not empty" in refused(connection, sql)


def test_a_failed_statement_ends_the_transaction(connection: Any) -> None:
    import redshift_connector

    cursor = connection.cursor()
    with pytest.raises(redshift_connector.error.Error):
        cursor.execute("TRUNCATE t")
    with pytest.raises(redshift_connector.error.Error, match="current transaction is aborted"):
        cursor.execute("SELECT 1")


@pytest.mark.parametrize("name", sorted({n for t in ALL for n in (t.name, *t.names)}))
def test_no_name_of_ours_is_a_reserved_word(name: str) -> None:
    assert dialect.refusal(f"SELECT 1 AS {name}") is None
