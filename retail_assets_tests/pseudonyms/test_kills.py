"""`retail-assets land` with pseudonyms, killed at any moment: no id is left anywhere, and landing again is exact."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from retail_assets import settings as settings_module
from retail_assets.platform import Platform
from retail_assets_tests.erasure import everywhere
from retail_assets_tests.erasure.shop import D1, PERSON, csv, files, row
from retail_assets_tests.faults.child_processes import ended, start
from retail_assets_tests.pseudonyms.landed_shop import WITH_PSEUDONYMS
from retail_assets_tests.pseudonyms.landing_children import MOMENTS, land
from retail_assets_tests.services.s3_fixtures import aws_environment

#: 2,500 sales, of which every fifth is the person's, and a row that cannot be split.
SALES = csv([*(row(n, PERSON if n % 5 == 0 else f"C{n % 97}") for n in range(2_500)), [PERSON, "too few"]])


def home(folder: Path, **more: str) -> dict[str, str]:
    """Return the environment of a shop below a folder, with temporary files there, and another folder to land from."""
    (folder / "temporary").mkdir(parents=True)
    (folder / "inbox").mkdir()
    (folder / "shop.yaml").write_text(WITH_PSEUDONYMS)
    return {
        "RETAIL_HOME": str(folder / "home"),
        "RETAIL_OUTPUT": str(folder / "output"),
        "RETAIL_SOURCE": str(folder / "shop.yaml"),
        "RETAIL_PSEUDONYM_KEY": "the same on every machine",
        "TMPDIR": str(folder / "temporary"),
        **more,
    }


def arguments(folder: Path, name: str, data: bytes) -> list[str]:
    path = folder / "inbox" / name
    path.write_bytes(data)
    return [str(path), "--date", str(D1)]


def landed(environ: dict[str, str]) -> dict[str, bytes]:
    raw = Platform(settings_module.load(environ)).raw
    return {entry.key: raw.read(entry.key) for entry in raw.list("shop")}


def clear(folder: Path) -> list[str]:
    """Return every file with the person's id but the one that lands."""
    return everywhere.found_in([folder / "home", folder / "output", folder / "temporary"], PERSON)


def check_kills(folder: Path, **more: str) -> None:
    untouched = home(folder / "untouched")
    assert ended(start(land, untouched, arguments(folder / "untouched", "till.csv", SALES), None)) == 0
    environ = home(folder / "killed", **more)
    given = arguments(folder / "killed", "till.csv", SALES)
    for number, moment in enumerate(MOMENTS, 1):
        assert ended(start(land, environ, given, moment)) == -signal.SIGKILL, moment
        assert clear(folder / "killed") == [], moment
        copies = list((folder / "killed" / "temporary").glob("retail-land-*/till.csv"))
        assert len(copies) == number, moment  # what a killed process leaves is a copy with pseudonyms
        assert set(landed(environ)) == ({f"shop/dt={D1}/till.csv"} if moment == "landed" else set()), moment
    assert any(b",p_" in path.read_bytes() for path in copies)
    assert ended(start(land, environ, given, None)) == 0
    assert landed(environ) == landed(untouched)
    (data,) = landed(environ).values()
    assert re.findall(rb"^T(\d+),", data, re.MULTILINE) == [b"%d" % n for n in range(2_500)]
    assert not re.search(rb",C\d", data)
    assert PERSON.encode() not in data


def test_a_killed_landing_leaves_no_id_and_landing_again_is_exact(tmp_path: Path) -> None:
    check_kills(tmp_path)


def test_a_killed_landing_on_s3_leaves_no_id_and_landing_again_is_exact(tmp_path: Path, aws: str, bucket: str) -> None:
    check_kills(tmp_path, RETAIL_RAW_URI=f"s3://{bucket}/raw", **aws_environment(aws))


def test_two_machines_with_the_same_key_land_the_same_bytes_of_every_format(tmp_path: Path) -> None:
    one, other = home(tmp_path / "one"), home(tmp_path / "other")
    for environ, folder in ((one, tmp_path / "one"), (other, tmp_path / "other")):
        given = [arguments(folder, name, data)[0] for name, data in files(1000, PERSON).items()]
        assert ended(start(land, environ, [*given, "--date", str(D1)], None)) == 0
    assert landed(one) == landed(other)
    assert len(landed(one)) == 5


@pytest.mark.parametrize("name", ["till.csv", "columns.parquet"])
def test_two_first_landings_at_once_make_one_key_and_one_file(tmp_path: Path, name: str) -> None:
    environ = home(tmp_path)
    del environ["RETAIL_PSEUDONYM_KEY"]
    given = arguments(tmp_path, name, SALES if name == "till.csv" else files(1000, PERSON)[name])
    landers = [start(land, environ, given, None) for _ in range(2)]
    assert [ended(lander) for lander in landers] == [0, 0]
    once = landed(environ)
    assert len(once) == 1
    assert ended(start(land, environ, given, None)) == 0
    assert landed(environ) == once
    assert clear(tmp_path) == []
