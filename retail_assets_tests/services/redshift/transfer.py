"""COPY and UNLOAD of Parquet as the wire does them: S3 through boto3, rows through PostgreSQL's own COPY.

Refuses what Redshift documents that it refuses: columns by position, no cast, no narrowing, lengths in bytes, files
that a manifest calls mandatory and that are not there, roles that it may not assume.
"""

from __future__ import annotations

import io
import json
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
import pyarrow.parquet as pq

from retail_assets_tests.services.redshift import dialect
from retail_assets_tests.services.redshift.backend import Backend, Chunks

_FLAGS = re.IGNORECASE | re.DOTALL
_COPY = re.compile(r"\s*COPY\s+(?P<table>[\w.]+)\s+FROM\s+'(?P<uri>s3://[^']+)'(?P<options>.*)\Z", _FLAGS)
_UNLOAD = re.compile(
    r"\s*UNLOAD\s*\(\s*'(?P<query>(?:[^'\\]|''|\\.)*)'\s*\)\s*TO\s+'(?P<uri>s3://[^']+)'(?P<options>.*)\Z", _FLAGS
)
_ROLE = re.compile(r"\bIAM_ROLE\s+(?:'(?P<arn>[^']*)'|(?P<default>DEFAULT))", _FLAGS)
_ROWS_A_FILE = 100_000


class TransferError(Exception):
    """What Redshift would say. With a file and a column it also goes to `sys_load_error_detail`."""

    def __init__(self, message: str, detail: str = "", code: str = "XX000", file: str = "", column: str = "") -> None:
        super().__init__(message)
        self.detail, self.code, self.file, self.column = detail, code, file, column


@dataclass(frozen=True)
class Transfer:
    """One COPY or UNLOAD statement, taken apart."""

    kind: str
    what: str
    bucket: str
    key: str
    options: str

    @staticmethod
    def of(sql: str, roles: frozenset[str]) -> Transfer | None:
        """The COPY or UNLOAD in `sql`, None for any other statement. Raises TransferError for a wrong one."""
        word = sql.split(None, 1)[0].upper() if sql.split() else ""
        if word not in ("COPY", "UNLOAD") and not word.startswith("UNLOAD("):
            return None
        if not (found := _COPY.match(sql) or _UNLOAD.match(sql)):
            raise TransferError(f"syntax error in {word}", code="42601")
        role = _ROLE.search(found["options"])
        if role is None:
            raise TransferError("CREDENTIALS argument is required but not found", code="42601")
        if role["arn"] is not None and role["arn"] not in roles:
            raise TransferError(
                "User arn:aws:redshift:us-east-1:123456789012:dbuser:cluster/loader is not authorized to assume IAM "
                f"Role {role['arn']}",
                code="42501",
            )
        if not re.search(r"\bPARQUET\b", found["options"], _FLAGS):
            raise TransferError("the wire knows FORMAT AS PARQUET only", code="0A000")
        bucket, _, key = found["uri"].removeprefix("s3://").partition("/")
        if found.re is _COPY:
            return Transfer("copy", found["table"], bucket, key, found["options"].upper())
        query = re.sub(r"\\(.)", r"\1", found["query"].replace("''", "'"))
        if reason := dialect.refusal(query):
            raise TransferError(reason, code="0A000")
        if re.search(r"\bLIMIT\s+\d+\s*\Z", query, _FLAGS):
            raise TransferError("UNLOAD: LIMIT clause is not supported in the outer SELECT", code="0A000")
        return Transfer("unload", dialect.translated(query), bucket, key, found["options"].upper())

    def run(self, backend: Backend, s3: Any) -> None:
        if self.kind == "copy":
            self._copy(backend, s3)
        else:
            self._unload(backend, s3)

    def _copy(self, backend: Backend, s3: Any) -> None:
        columns = backend.ask(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
            f"WHERE attrelid = '{self.what}'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
        )
        for url, data in self._objects(s3):
            fill = "FILLRECORD" in self.options
            rows = _checked(url, data, [(str(name), str(kind)) for name, kind in columns], self.what, fill=fill)
            backend.copy_in(f"COPY {self.what} FROM STDIN WITH (FORMAT csv)", _csv(rows))

    def _objects(self, s3: Any) -> Iterator[tuple[str, bytes]]:
        if "MANIFEST" not in self.options:
            listed = s3.list_objects_v2(Bucket=self.bucket, Prefix=self.key).get("Contents", ())
            if not listed:
                raise TransferError(f"The specified S3 prefix '{self.key}' does not exist")
            for found in listed:
                yield f"s3://{self.bucket}/{found['Key']}", _object(s3, self.bucket, found["Key"])
            return
        try:
            manifest = json.loads(_object(s3, self.bucket, self.key))
        except TransferError as e:
            raise TransferError(f"Problem reading manifest file - {e}", file=self.key) from e
        for entry in manifest["entries"]:
            url = entry["url"]
            bucket, _, key = url.removeprefix("s3://").partition("/")
            if "content_length" not in entry.get("meta", {}):
                raise TransferError("Manifest for columnar data must have meta.content_length", url, file=url)
            try:
                data = _object(s3, bucket, key)
            except TransferError:
                if entry.get("mandatory"):
                    raise
                continue
            if len(data) != entry["meta"]["content_length"]:
                raise TransferError("Spectrum Scan Error", f"File '{url}' has another size than its manifest", file=url)
            yield url, data

    def _unload(self, backend: Backend, s3: Any) -> None:
        listed = s3.list_objects_v2(Bucket=self.bucket, Prefix=self.key).get("Contents", ())
        if listed and "ALLOWOVERWRITE" not in self.options:
            raise TransferError(f"Specified unload destination on S3 is not empty: s3://{self.bucket}/{self.key}")
        schema = backend.describe(self.what)
        copied = backend.copy_out(f"COPY ({self.what}) TO STDOUT WITH (FORMAT csv, NULL '\\\\N')")
        for number, rows in enumerate(_files(copied, schema)):
            with tempfile.TemporaryFile() as file:
                pq.write_table(rows, file)
                file.seek(0)
                s3.upload_fileobj(file, self.bucket, f"{self.key}{number:04d}_part_00.parquet")


def _object(s3: Any, bucket: str, key: str) -> bytes:
    from botocore.exceptions import ClientError

    try:
        data: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as e:
        status = e.response["ResponseMetadata"]["HTTPStatusCode"]
        raise TransferError(
            f"S3ServiceException: The specified key does not exist., Status {status}, Error NoSuchKey",
            f"error: S3ServiceException, code: 8001, context: s3://{bucket}/{key}",
            file=f"s3://{bucket}/{key}",
        ) from e
    return data


def _checked(url: str, data: bytes, columns: list[tuple[str, str]], table: str, *, fill: bool) -> pa.Table:
    """The rows of a file whose columns are those of the table, in order and type. `fill` adds the last ones."""

    def wrong(detail: str, column: str = "") -> TransferError:
        return TransferError(
            "Spectrum Scan Error", f"code: 15007, context: File '{url}' {detail}", "XX000", url, column
        )

    try:
        rows = pq.read_table(io.BytesIO(data), partitioning=None)
    except pa.ArrowInvalid as e:
        raise wrong(f"has an invalid Parquet format: {e}") from e
    if fill:
        for name, kind in columns[rows.num_columns :]:
            digits = [int(n) for n in re.findall(r"\d+", kind)]
            empty = pa.nulls(rows.num_rows, pa.decimal128(*digits) if kind.startswith("numeric") else pa.string())
            rows = rows.append_column(name, empty)
    if rows.num_columns != len(columns):
        raise wrong(f"has {rows.num_columns} columns, the table {table} has {len(columns)}")
    for field, (name, kind) in zip(rows.schema, columns, strict=True):
        if not _accepts(field.type, kind):
            raise wrong(
                f"has an incompatible Parquet schema for column '{table}.{name}'. Column type: {kind.upper()}, Parquet "
                f"schema: optional {field.type} {field.name}",
                name,
            )
        if length := re.match(r"character varying\((\d+)\)", kind):
            longest = pc.max(pc.binary_length(rows[field.name].cast(pa.binary()))).as_py() or 0
            if longest > int(length[1]):
                raise TransferError(
                    "Spectrum Scan Error",
                    f"code: 15001, context: The length of the data column {name} is longer than the length defined in "
                    f"the table. Table: {length[1]}, Data: {longest}, File name: {url}",
                    file=url,
                    column=name,
                )
    return rows


def _accepts(kind: pa.DataType, column: str) -> bool:
    """Whether COPY puts this Parquet type into a column without a cast, which it never does."""
    simple = {
        pa.int16(): ("smallint",),
        pa.int32(): ("integer",),
        pa.int64(): ("bigint",),
        pa.float32(): ("real",),
        pa.float64(): ("double precision",),
        pa.bool_(): ("boolean",),
        pa.date32(): ("date",),
    }
    if pa.types.is_timestamp(kind):
        return column.startswith("timestamp")
    if pa.types.is_decimal(kind):
        return column == f"numeric({kind.precision},{kind.scale})"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return column.startswith("character")
    return column in simple.get(kind, ())


def _csv(rows: pa.Table) -> Iterator[bytes]:
    for batch in rows.to_batches(max_chunksize=20_000):
        text = io.BytesIO()
        csv.write_csv(batch, text, csv.WriteOptions(include_header=False, quoting_style="all_valid"))
        yield text.getvalue()


def _files(copied: Iterator[bytes], schema: pa.Schema) -> Iterator[pa.Table]:
    """Tables of at most so many rows from CSV text; one without rows when there are none."""
    first = next(copied, None)
    if first is None:
        yield schema.empty_table()
        return

    def chunks() -> Iterator[bytes]:
        yield first
        yield from copied

    reader = csv.open_csv(
        io.BufferedReader(Chunks(chunks()), 1 << 20),
        csv.ReadOptions(column_names=schema.names, block_size=4 << 20),
        csv.ParseOptions(newlines_in_values=True),
        csv.ConvertOptions(
            column_types=schema, null_values=["\\N"], strings_can_be_null=True, quoted_strings_can_be_null=False,
            true_values=["t"], false_values=["f"],
        ),
    )  # fmt: skip
    held: list[pa.RecordBatch] = []
    for batch in reader:
        held.append(batch)
        if sum(b.num_rows for b in held) >= _ROWS_A_FILE:
            yield pa.Table.from_batches(held, schema)
            held = []
    if held:
        yield pa.Table.from_batches(held, schema)
