"""The whole graph with raw files, lake and output on S3: the same tables as from folders, and no secret shown."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pytest

from retail_assets_tests.end_to_end.conftest import Installation, installation
from retail_assets_tests.services.s3 import Answer, Door, Request
from retail_assets_tests.services.s3_fixtures import ACCESS_KEY, REGION, SECRET_KEY, SESSION_TOKEN, aws_environment

DAY = "2024-01-01"
ROWS = 400
BUCKET = "retail-graph"
#: The report names the run that made it.
_RUN = re.compile(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
pytestmark = [pytest.mark.spark, pytest.mark.timeout(1200)]  # the first test has both runs of the graph in its time


@dataclasses.dataclass(frozen=True)
class OnS3:
    place: Installation
    door: Door
    s3: Any
    printed: str
    requests: list[Request]


@pytest.fixture(scope="module")
def in_folders(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    place = installation(tmp_path_factory.mktemp("in_folders"))
    landed_and_materialized(place)
    return place


@pytest.fixture(scope="module")
def on_s3(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnS3]:
    place = installation(tmp_path_factory.mktemp("on_s3"))
    for name in [n for n in place.env if n.startswith("AWS_")]:
        del place.env[name]
    with Door(endpoint) as door:
        place.env.update(
            aws_environment(door.url),
            RETAIL_RAW_URI=f"s3://{BUCKET}/raw",
            RETAIL_LAKE_URI=f"s3://{BUCKET}/lake",
            RETAIL_MODELS_URI=f"s3://{BUCKET}/models",
            RETAIL_SERVING_URI=f"s3://{BUCKET}/serving",
            RETAIL_OUTPUT=f"s3://{BUCKET}/output",
        )
        s3 = boto3.client(
            "s3", endpoint_url=endpoint, region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x"
        )
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        printed = landed_and_materialized(place)
        yield OnS3(place, door, s3, printed, list(door.requests))


def landed_and_materialized(place: Installation) -> str:
    land = place.run("retail-assets", "sample", "synthetic", "--rows", str(ROWS), "--days", "1", "--seed", "7")
    run = place.materialize("--partition", DAY)
    return land.stdout + land.stderr + run.stdout + run.stderr


def tables(place: Installation) -> dict[str, list[tuple[Any, ...]]]:
    """Every table of the warehouse, its rows in a fixed order, but for the moment at which a forecast was issued."""
    with contextlib.closing(duckdb.connect(str(place.home / "warehouse" / "retail.duckdb"), read_only=True)) as con:
        names = con.execute("SELECT table_schema || '.' || table_name FROM information_schema.tables").fetchall()
        kept = "COLUMNS(lambda name: name <> 'issued_at')"
        return {name: con.execute(f"SELECT {kept} FROM {name} ORDER BY ALL").fetchall() for (name,) in names}


def objects(s3: Any, prefix: str) -> dict[str, bytes]:
    found = s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", ())
    return {o["Key"]: s3.get_object(Bucket=BUCKET, Key=o["Key"])["Body"].read() for o in found}


def test_the_tables_are_those_of_the_run_over_folders(in_folders: Installation, on_s3: OnS3) -> None:
    there, here = tables(in_folders), tables(on_s3.place)
    assert {name: len(rows) for name, rows in here.items()} == {name: len(rows) for name, rows in there.items()}
    assert sum(map(len, there.values())) > ROWS
    for name, rows in there.items():
        assert here[name] == rows, name


def test_the_outputs_are_those_of_the_run_over_folders(in_folders: Installation, on_s3: OnS3) -> None:
    there = {p.relative_to(in_folders.output).as_posix(): p.read_bytes() for p in files_below(in_folders.output)}
    here = {key.removeprefix("output/"): data for key, data in objects(on_s3.s3, "output/").items()}
    assert here.keys() == there.keys()
    assert json.loads(here["summary.json"])["rows"]["landed"] >= ROWS
    there.pop("retail.xlsx")  # with the moment at which the forecast was issued
    there.pop("tableau/retail.hyper")  # the same; and Hyper's files are never the same bytes
    for name, data in there.items():
        assert _RUN.sub(b"", here[name]) == _RUN.sub(b"", data), name


def test_nothing_of_the_raw_files_and_the_lake_is_left_on_the_disk(on_s3: OnS3) -> None:
    kept = {p.relative_to(on_s3.place.home).parts[0] for p in files_below(on_s3.place.home)}
    assert kept <= {"warehouse", "dagster", "java"}
    assert not on_s3.place.output.exists()
    assert any(k.endswith(".parquet") for k in objects(on_s3.s3, "lake/"))


def test_doctor_says_how_spark_gets_at_the_stores(on_s3: OnS3) -> None:
    report = on_s3.place.run("retail-assets", "doctor").stdout
    assert f"s3://{BUCKET}/lake and s3://{BUCKET}/raw: read and written inside the Python tasks" in report
    assert "(s3a:// is not installed)" in report
    assert f"storage: output: s3://{BUCKET}/output can be listed and written" in report


def test_a_run_over_a_landing_asks_little_of_s3(on_s3: OnS3) -> None:
    """No listing goes over the whole bucket, and nothing is asked for once a row or a column."""
    # Names of the folders next to the source: a misspelled one would be overlooked. One folder, not what is below it.
    roots = [r.query for r in on_s3.requests if "list-type" in r.query and r.query["prefix"] == "raw/"]
    assert len(roots) == 1
    assert roots[0]["delimiter"] == "/"
    listed = [r.query["prefix"] for r in on_s3.requests if "list-type" in r.query and r.query not in roots]
    assert listed
    assert all(prefix.count("/") >= 2 or prefix == "output/" for prefix in listed), sorted(set(listed))
    # 150 before the checks of issue 13: three of them read a clean manifest, one a raw one, one lists four folders, and
    # the forecast and the segments look which currency the sales are in. 165 before issue 17: the report reads four
    # outputs, it and the workbook look at the currency, and both and `insights.json` are written. 185 before Tableau:
    # the extract looks at the currency, and it and its workbook are written. 195 before issue 18: a bundle is three
    # objects and a pointer; its check reads all of them, the currency and the segments' model. 225 before issue 19: the
    # register of the lake is looked for, and written; a run of a new home has none, and lists the folders each time.
    assert len(on_s3.requests) <= 250


def test_no_secret_appears_anywhere(on_s3: OnS3) -> None:
    """Also when it fails: a task of Spark that is refused, with what AWS says of a role in its answer."""
    place = on_s3.place
    refusal = Answer(403, "AccessDenied", "User: arn:aws:sts::1:assumed-role/PlantedRole/x is not authorized")
    on_s3.door.meets(*[refusal] * 20, when=lambda r: r.method == "PUT" and r.path.endswith(".parquet"))
    refused = place.materialize("--partition", DAY, select="clean_sales", expect=None)
    assert "permission denied: the identity in use lacks s3:PutObject" in refused.stdout + refused.stderr
    place.run("retail-assets", "status")
    written = {str(p): p.read_bytes() for p in files_below(place.home)} | objects(on_s3.s3, "")
    written["printed"] = (on_s3.printed + refused.stdout + refused.stderr).encode()
    for secret in (ACCESS_KEY, SECRET_KEY, SESSION_TOKEN, "PlantedRole", on_s3.door.url):
        assert [name for name, data in written.items() if secret.encode() in data] == [], secret


def files_below(folder: Path) -> list[Path]:
    return [p for p in sorted(folder.rglob("*")) if p.is_file()]
