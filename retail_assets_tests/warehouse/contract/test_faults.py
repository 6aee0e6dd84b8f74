"""The failure matrix: whatever breaks in a load, the old tables stay whole and the same load again makes the new ones.

Where a row of the matrix cannot happen to a warehouse (an embedded one has no connection to lose), it is left out here.
"""

from __future__ import annotations

import datetime as dt
import signal
import stat
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from retail_assets.errors import (
    NotReadyError,
    StorageError,
    WarehouseBusyError,
    WarehouseError,
    WarehouseUnreachableError,
)
from retail_assets.lake.lake import Lake
from retail_assets_tests.faults import damage, loading_children
from retail_assets_tests.faults.child_processes import ended, ended_fresh, go, start, start_fresh
from retail_assets_tests.faults.limits import become_nobody
from retail_assets_tests.faults.wire_faults import cut_at_statement, cut_once, killed_at_statement
from retail_assets_tests.services.redshift.wire import Cut, Event
from retail_assets_tests.warehouse.contract import warehouses
from retail_assets_tests.warehouse.contract.warehouses import NEXT, Place
from retail_assets_tests.warehouse.landings import DAY, defined, line, publish, rejected

SUMS = {("6.00", 3), ("7.50", 4)}


def total(place: Place) -> tuple[str, int]:
    [row] = place.warehouse.query(
        "SELECT CAST(sum(total_amount) AS DECIMAL(18,2)) AS s, count(*) AS n FROM sales"
    ).to_pylist()
    return str(row["s"]), row["n"]


# Several at once.


def test_processes_that_load_the_same_and_other_landings_at_once_all_succeed_and_the_tables_are_exact(
    place: Place,
) -> None:
    days = [NEXT + dt.timedelta(days=i) for i in range(1, 4)]
    landings = {day: [line("A", 7, day), line(f"T{day}", 1, day, at=3)] for day in days}
    for day, lines in landings.items():
        publish(place.lake, day, lines)
    orders = [[NEXT, *days], [*reversed(days), NEXT], [days[1], days[0], NEXT, days[2]]]
    loading = [start_fresh(warehouses.load, place.recipe, order, wait=True) for order in orders]
    for child in loading:
        go(child)
    assert [ended_fresh(child) for child in loading] == [0, 0, 0]
    assert place.held() == defined(
        {DAY: place.first, NEXT: place.second, **landings}, {DAY: [rejected(9)], NEXT: [rejected(8, NEXT)]}
    )


def test_a_reader_beside_a_writer_sees_whole_landings_only(place: Place) -> None:
    child = start_fresh(warehouses.load, place.recipe, [NEXT] * 5)
    sums = set()
    while child.poll() is None:
        sums.add(total(place))
    assert ended_fresh(child) == 0
    assert sums <= SUMS
    assert total(place) == ("7.50", 4)


def test_a_reader_does_not_wait_for_a_load_nor_sees_any_of_it_before_its_commit(redshift: Place) -> None:
    seen, ready, go_on = [], threading.Event(), threading.Event()

    def hold(event: Event) -> None:
        if event.when == "before" and event.sql.startswith("commit") and threading.current_thread() in loader_sessions:
            ready.set()
            assert go_on.wait(120)

    loader_sessions: set[threading.Thread] = set()

    def note(event: Event) -> None:
        if event.sql.startswith("LOCK"):
            loader_sessions.add(threading.current_thread())

    with redshift.stack.wire.hooked(note), redshift.stack.wire.hooked(hold):
        loading = threading.Thread(target=redshift.rerun)
        loading.start()
        assert ready.wait(120)
        seen.append(total(redshift))
        go_on.set()
        loading.join(120)
    seen.append(total(redshift))
    assert seen == [("6.00", 3), ("7.50", 4)]


def test_a_session_that_forgot_its_transaction_does_not_stop_a_load(redshift: Place) -> None:
    """A notebook that has read `sales` and was left open overnight."""
    import redshift_connector

    settings = redshift.recipe.settings
    forgotten = redshift_connector.connect(
        host="localhost", port=settings.port, database=settings.database, user=settings.user,
        password=settings.password, sslmode="verify-full",
    )  # fmt: skip
    try:
        forgotten.cursor().execute(f"SELECT count(*) FROM {redshift.recipe.schema}.sales")
        redshift.rerun()
    finally:
        forgotten.close()
    assert redshift.held() == redshift.after


# Kills.


@pytest.mark.parametrize(
    "statement", ["CREATE TEMP TABLE touched", "DELETE FROM sales_clean", "INSERT INTO sales (", "COMMIT"]
)
def test_a_load_killed_in_the_middle_leaves_the_old_tables_and_a_rerun_makes_the_new(
    place: Place, statement: str
) -> None:
    if place.kind == "duckdb":
        folder = place.recipe.database.parent
        assert ended(start(loading_children.load_and_die, folder, [NEXT], statement)) == -signal.SIGKILL
    elif place.stack is None:
        pytest.skip("who kills at a certain statement sits on the wire")
    else:
        child = start_fresh(warehouses.load, place.recipe, [NEXT], wait=True)
        # The commits of the session's set-up come before the transaction of the load.
        spoken = statement if statement != "COMMIT" else "DROP TABLE touched"
        with killed_at_statement(place.stack, child, spoken) as done:
            go(child)
            assert ended_fresh(child) == -signal.SIGKILL
            assert done.wait(120)
    assert place.held() == place.before
    place.rerun()
    assert place.held() == place.after


# What a manifest names and the lake does not hold.


@pytest.mark.parametrize(
    ("do_damage", "problem"),
    [
        (damage.amounts_as_text, "total_amount"),
        (damage.ages_as_wider_numbers, "age"),
        (damage.too_long_a_customer, r"customer_id.*130"),
        (damage.remove_quarantine_file, r"quarantine-0\.parquet"),
        (damage.shorten, r"clean-0\.parquet"),
        (damage.overwrite_with_zeros, r"clean-0\.parquet"),
        (damage.drop_a_column, "(store_id|column source)"),
        (damage.repeat_a_key, r"repeat a key \(landed_on, transaction_id\), such as 2024-03-02, B"),
        (
            damage.mix_in_another_landing,
            r"2024-03-01: 0 rows \(0.00 in total\) promised, 1 rows \(4.00 in total\) found",
        ),
    ],
)
def test_a_lake_that_does_not_hold_what_its_manifest_says_is_refused_and_nothing_changes(
    place: Place, do_damage: Callable[[Lake, dt.date], None], problem: str
) -> None:
    do_damage(place.lake, NEXT)
    with pytest.raises(WarehouseError, match=f"(?s){problem}") as raised:
        place.rerun()
    assert "Nothing was loaded. Materialize clean_sales again" in str(raised.value)
    assert not raised.value.retryable
    assert place.held() == place.before
    publish(place.lake, NEXT, place.second, [rejected(8, NEXT)], run="again")
    place.rerun()
    assert place.held() == place.after


def test_the_message_of_a_file_that_does_not_fit_names_file_and_column_from_the_error_log(redshift: Place) -> None:
    damage.too_long_a_customer(redshift.lake, NEXT)
    [file] = redshift.lake.clean(NEXT).files["clean"]
    with pytest.raises(WarehouseError) as raised:
        redshift.rerun()
    uri = redshift.lake.store.uri_of(file.key)
    assert f"(file {uri}, column customer_id): Spectrum Scan Error" in str(raised.value)


# Permission.


def test_a_user_who_may_not_write_is_refused_and_nothing_changes(redshift: Place) -> None:
    stack = redshift.stack
    name = f"reader_{redshift.recipe.schema}"
    stack.user(name, "secret")
    stack.wire.as_superuser(
        f"GRANT USAGE ON SCHEMA {redshift.recipe.schema} TO {name}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA {redshift.recipe.schema} TO {name}",
    )
    reading = stack.warehouse(redshift.lake, redshift.recipe.schema, stack.settings(user=name, password="secret"))
    with pytest.raises(WarehouseError, match=r"permission denied while loading.*docs/redshift.md") as raised:
        reading.load_landings(redshift.lake.store, [redshift.lake.clean(NEXT)])
    assert not raised.value.retryable
    assert reading.query("SELECT count(*) AS n FROM sales").to_pylist() == [{"n": 3}]
    assert redshift.held() == redshift.before


def test_a_role_that_redshift_may_not_assume_is_refused_without_being_named(redshift: Place) -> None:
    role = "arn:aws:iam::123456789012:role/somebody-elses"
    settings = redshift.stack.settings(iam_role=role)
    other = redshift.stack.warehouse(redshift.lake, redshift.recipe.schema, settings)
    with pytest.raises(WarehouseError, match=r"permission denied while loading.*not authorized to assume") as raised:
        other.load_landings(redshift.lake.store, [redshift.lake.clean(NEXT)])
    assert "somebody" not in str(raised.value)
    assert "123456789012" not in str(raised.value)
    assert redshift.held() == redshift.before


@pytest.mark.skipif(sys.platform == "win32", reason="file permissions are those of POSIX")
def test_a_database_file_that_may_not_be_written_is_refused_and_nothing_changes() -> None:
    with tempfile.TemporaryDirectory() as folder:  # not below pytest's, which only its owner may enter
        place = warehouses.duckdb_place(Path(folder)).prepare()
        for path in (Path(folder), *Path(folder).rglob("*")):  # whatever the umask of these tests is
            path.chmod(0o755 if path.is_dir() else 0o644)
        place.recipe.database.chmod(0o444)
        child = start_fresh(_load_as_nobody, place.recipe)
        assert ended_fresh(child) == 0
        place.recipe.database.chmod(stat.S_IRUSR | stat.S_IWUSR)
        assert place.held() == place.before
        place.rerun()
        assert place.held() == place.after


def _load_as_nobody(recipe: warehouses.Recipe) -> None:
    lake, warehouse = recipe.open()
    manifest = lake.clean(NEXT)
    import duckdb  # noqa: F401 - while this process may still read everything

    become_nobody()
    with pytest.raises(StorageError, match="cannot be written: nothing was changed"):
        warehouse.load_landings(lake.store, [manifest])


# The connection.


def statements_of_a_load(place: Place) -> list[str]:
    """What a load says over the wire, statement by statement; the session's set-up included."""
    wire = place.stack.wire
    first = len(wire.statements)
    place.load(place.lake.clean(DAY))
    return [sql for _, sql in wire.statements[first:]]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_load_whose_connection_is_lost_once_at_any_step_is_repeated_and_exact(redshift: Place, when: str) -> None:
    steps = statements_of_a_load(redshift)
    assert len(steps) > 30
    for number, step in enumerate(steps):
        if when == "after" and not step.startswith(("LOCK", "COPY", "DELETE", "INSERT", "commit")):
            continue
        with redshift.stack.wire.hooked(cut_once(number, when)):
            redshift.rerun()
        assert total(redshift) == ("7.50", 4), step
    assert redshift.held() == redshift.after


@pytest.mark.parametrize(
    "statement", ["SET search_path", "LOCK", "COPY stage_clean", "DELETE FROM sales WHERE", "commit"]
)
def test_a_connection_that_is_lost_again_and_again_is_reported_and_the_tables_are_whole(
    redshift: Place, statement: str
) -> None:
    cut = cut_at_statement(statement)
    with redshift.stack.wire.hooked(cut), pytest.raises(WarehouseUnreachableError, match="did not answer") as raised:
        redshift.rerun()
    assert raised.value.retryable
    assert "localhost" not in str(raised.value)
    assert redshift.held() == redshift.before
    redshift.rerun()
    assert redshift.held() == redshift.after


def test_an_answer_that_is_lost_after_the_commit_leaves_the_load_done(redshift: Place) -> None:
    manifest = redshift.lake.clean(NEXT)
    lock_seen = False

    def cut(event: Event) -> None:
        nonlocal lock_seen
        lock_seen |= event.sql.startswith("LOCK")
        if lock_seen and event.when == "after" and event.sql.startswith("commit"):
            raise Cut

    once = redshift.stack.warehouse(redshift.lake, redshift.recipe.schema, attempts=1)
    with redshift.stack.wire.hooked(cut), pytest.raises(WarehouseUnreachableError):
        once.load_landings(redshift.lake.store, [manifest])
    assert redshift.held() == redshift.after
    redshift.rerun()
    assert redshift.held() == redshift.after


def test_a_host_that_does_not_answer_is_reported_without_its_name(redshift: Place) -> None:
    settings = redshift.stack.settings(port="1")
    nowhere = redshift.stack.warehouse(redshift.lake, redshift.recipe.schema, settings, attempts=2)
    with pytest.raises(WarehouseUnreachableError, match=r"redshift:dev#.*did not answer while querying") as raised:
        nowhere.query("SELECT 1")
    assert "localhost" not in str(raised.value)


# Conflicts.


def test_a_conflict_with_another_writer_is_repeated_from_the_beginning(redshift: Place) -> None:
    """Somebody corrects `sales` by hand while a load runs."""
    wire, schema = redshift.stack.wire, redshift.recipe.schema
    tries = 0

    def correct(event: Event) -> None:
        nonlocal tries
        if event.when == "before" and event.sql.startswith("DELETE FROM sales_clean"):
            tries += 1
            if tries == 1:
                wire.as_superuser(f"UPDATE {schema}.sales_clean SET gender = 'Other' WHERE landed_on = '{NEXT}'")

    redshift.rerun()
    with wire.hooked(correct):
        redshift.rerun()
    assert tries == 2
    assert redshift.held() == redshift.after


def test_a_conflict_that_does_not_end_is_reported_as_busy(redshift: Place) -> None:
    wire, schema = redshift.stack.wire, redshift.recipe.schema
    redshift.rerun()

    def correct(event: Event) -> None:
        if event.when == "before" and event.sql.startswith("DELETE FROM sales_clean"):
            wire.as_superuser(f"UPDATE {schema}.sales_clean SET gender = 'Other' WHERE landed_on = '{NEXT}'")

    with (
        wire.hooked(correct),
        pytest.raises(WarehouseBusyError, match=r"every attempt conflicted .* while loading.*1023") as raised,
    ):
        redshift.rerun()
    assert raised.value.retryable
    redshift.rerun()
    assert redshift.held() == redshift.after


def test_a_load_that_waits_too_long_for_another_is_reported_as_busy(redshift: Place) -> None:
    impatient = redshift.stack.warehouse(redshift.lake, redshift.recipe.schema, wait_seconds=0.3)
    inside, go_on = threading.Event(), threading.Event()
    failures: list[BaseException] = []

    def hold(event: Event) -> None:
        if event.when == "before" and event.sql.startswith("COPY stage_clean") and not inside.is_set():
            inside.set()
            assert go_on.wait(120)

    def load_slowly() -> None:
        try:
            redshift.rerun()
        except BaseException as e:
            failures.append(e)

    with redshift.stack.wire.hooked(hold):
        slow = threading.Thread(target=load_slowly)
        slow.start()
        assert inside.wait(120)
        with pytest.raises(WarehouseBusyError, match="waited too long for other loads"):
            impatient.load_landings(redshift.lake.store, [redshift.lake.clean(NEXT)])
        go_on.set()
        slow.join(120)
    assert failures == []
    assert redshift.held() == redshift.after


def test_no_transaction_stays_open_whatever_happened(redshift: Place) -> None:
    redshift.rerun()
    with pytest.raises(WarehouseError):
        redshift.warehouse.query("SELECT nonsense FROM sales")
    with pytest.raises(NotReadyError):
        redshift.warehouse.query("SELECT * FROM dim_date")
    open_ones = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'loader' AND state LIKE 'idle in%'"
    until = time.monotonic() + 60  # PostgreSQL hears a little later than the client that a connection has ended
    while (found := redshift.stack.wire.as_superuser(open_ones)) != [["0"]] and time.monotonic() < until:
        time.sleep(0.05)
    assert found == [["0"]]
