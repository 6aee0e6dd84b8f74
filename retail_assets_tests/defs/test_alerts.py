"""What runs find becomes one message per cause, soon, once, and without secrets. The runs are Dagster's own."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from retail_assets.alerts.causes import KINDS, Cause, Subject, kind_of_check
from retail_assets.alerts.concerned import of_landings
from retail_assets.defs.alert_events import RunReader
from retail_assets.defs.alerts import Alerts, after_run, alert_sensors
from retail_assets.defs.build import build_defs
from retail_assets.defs.checks.results import LANDINGS_FOUND, landings_found
from retail_assets.defs.failures import failing_clearly
from retail_assets.errors import LandingError, WarehouseBusyError, WarehouseError
from retail_assets.lake.manifests import RawManifest
from retail_assets.platform import Platform
from retail_assets.settings import load
from retail_assets_tests.alerts.receivers import WebReceiver
from retail_assets_tests.defs.checks.conftest import Shop
from retail_assets_tests.warehouse.landings import line, rejected, write

DAYS = dg.DailyPartitionsDefinition("2024-01-01", end_date="2024-02-01")
AFTER = [f"after_{n:02}" for n in range(12)]


@pytest.fixture
def receiver() -> Iterator[WebReceiver]:
    receiver = WebReceiver()
    yield receiver
    receiver.go_away()


@pytest.fixture
def platform(environ: dict[str, str], receiver: WebReceiver) -> Platform:
    return alerting(environ, receiver, DAGSTER_URL="http://pages:3000")


def alerting(environ: dict[str, str], receiver: WebReceiver, **settings: str) -> Platform:
    """Return a shop with alerts to a receiver; `settings` are RETAIL_ variables without that beginning."""
    own = {f"RETAIL_{name}": value for name, value in settings.items()}
    return Platform(load({**environ, "RETAIL_ALERT_WEBHOOK": receiver.address, **own}))


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def definitions(
    work: Callable[[], Any] = lambda: None,
    check: Callable[[], dg.AssetCheckResult] = lambda: dg.AssetCheckResult(passed=True),
    *,
    blocking: bool = False,
) -> dg.Definitions:
    """An asset `sales` that works, with a check, and twelve assets after it."""

    @dg.asset(partitions_def=DAYS)
    def sales() -> None:
        with failing_clearly():
            work()

    @dg.asset_check(asset="sales", blocking=blocking)
    def rows_are_conserved() -> dg.AssetCheckResult:
        return check()

    def after(name: str) -> dg.AssetsDefinition:
        return dg.asset(lambda: None, name=name, deps=["sales"], partitions_def=DAYS)

    return dg.Definitions([sales, *map(after, AFTER)], asset_checks=[rows_are_conserved])


def run(made: dg.Definitions, instance: dg.DagsterInstance, day: str = "2024-01-05") -> dg.ExecuteInProcessResult:
    job = made.resolve_implicit_global_asset_job_def()
    return job.execute_in_process(instance=instance, partition_key=day, raise_on_error=False)


def watch(platform: Platform, instance: dg.DagsterInstance, made: dg.Definitions) -> Alerts:
    assert platform.settings.alerts is not None
    alerts = Alerts(platform, platform.settings.alerts)
    alerts.collect(instance, made.get_repository_def().asset_graph)
    alerts.send()
    return alerts


def fail(error: Exception) -> Callable[[], None]:
    def work() -> None:
        raise error

    return work


def test_a_failed_run_with_twelve_skipped_assets_is_one_message(
    platform: Platform, instance: dg.DagsterInstance, receiver: WebReceiver
) -> None:
    made = definitions(fail(WarehouseError("The warehouse is open in another process.")))
    result = run(made, instance)
    for _ in range(3):  # the sensor, again and again
        watch(platform, instance, made)
    [text] = receiver.texts
    assert "[retail_sales] Error: Run failed in sales (2024-01-05)" in text
    assert "12 assets after it stay as they were." in text
    assert "The warehouse is open in another process." in text
    assert f"<http://pages:3000/runs/{result.run_id}|Open it>" in text
    assert "docs/operations.md#a-run-failed" in text


def test_a_step_that_has_used_up_its_retries_is_reported_in_its_own_words(
    platform: Platform, instance: dg.DagsterInstance, receiver: WebReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retail_assets.defs.failures._SECONDS", 0.0)
    made = definitions(fail(WarehouseBusyError("The warehouse is open in another process. Close it.")))
    run(made, instance)
    watch(platform, instance, made)
    [text] = receiver.texts
    assert "*Reason*: The warehouse is open in another process. Close it." in text
    assert "Do what the message says" in text


def test_a_failed_blocking_check_is_the_cause_and_not_the_run_that_it_fails(
    platform: Platform, instance: dg.DagsterInstance, receiver: WebReceiver
) -> None:
    def check() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=False, description="The numbers of lines differ on 2024-01-05.")

    made = definitions(check=check, blocking=True)
    assert not run(made, instance).success
    watch(platform, instance, made)
    [text] = receiver.texts
    assert "Error: Rows or money do not reconcile (2024-01-05)" in text
    assert "*Found by*: check rows_are_conserved of sales" in text
    assert "The numbers of lines differ on 2024-01-05." in text
    assert "12 assets after it" in text


def test_a_check_that_only_warns_is_reported_too_and_ends_when_it_passes(
    platform: Platform, instance: dg.DagsterInstance, receiver: WebReceiver
) -> None:
    passed = False

    def check() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=passed, severity=dg.AssetCheckSeverity.WARN, description="Look.")

    made = definitions(check=check)
    assert run(made, instance).success
    alerts = watch(platform, instance, made)
    [text] = receiver.texts
    assert "Warning: Rows or money do not reconcile (2024-01-05)" in text
    assert [cause.kind for cause in alerts.outbox.open_causes()] == ["not-reconciled"]
    passed = True
    run(made, instance, "2024-01-06")
    assert len(watch(platform, instance, made).outbox.open_causes()) == 1
    run(made, instance)
    assert watch(platform, instance, made).outbox.open_causes() == []
    assert len(receiver.texts) == 1


def test_the_same_error_in_many_steps_is_one_cause(
    platform: Platform, instance: dg.DagsterInstance, receiver: WebReceiver
) -> None:
    def broken(number: int) -> dg.AssetsDefinition:
        @dg.asset(name=f"mart_{number}")
        def mart() -> None:
            with failing_clearly():
                raise WarehouseError(f"The warehouse did not answer within {number + 100} s.")

        return mart

    made = dg.Definitions([broken(n) for n in range(9)])
    made.resolve_implicit_global_asset_job_def().execute_in_process(instance=instance, raise_on_error=False)
    watch(platform, instance, made)
    assert len(receiver.texts) == 1


def test_what_has_no_landings_ends_with_the_run_of_another_landing(
    platform: Platform, instance: dg.DagsterInstance, receiver: WebReceiver
) -> None:
    """A table over all landings that failed with yesterday's is made again with today's."""
    broken = True

    @dg.asset(partitions_def=DAYS)
    def sales() -> None:
        pass

    @dg.asset(deps=["sales"])
    def daily_quality() -> None:
        if broken:
            raise ValueError("no space")

    @dg.asset_check(asset="daily_quality")
    def rows_add_up_by_day() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)

    made = dg.Definitions([sales, daily_quality], asset_checks=[rows_add_up_by_day])
    run(made, instance)
    alerts = watch(platform, instance, made)
    assert [(c.title, c.subjects) for c in alerts.outbox.open_causes()] == [("Run failed in daily_quality", ())]
    broken = False
    run(made, instance, "2024-01-06")
    assert watch(platform, instance, made).outbox.open_causes() == []
    assert len(receiver.texts) == 1


def test_an_error_of_a_library_shows_no_secret(
    platform: Platform, instance: dg.DagsterInstance, receiver: WebReceiver
) -> None:
    hook = receiver.address
    made = definitions(fail(ValueError(f"post to {hook} of postgresql://shop:pa55word@db/x: password=hunter22")))
    run(made, instance)
    alerts = watch(platform, instance, made)
    [body] = receiver.bodies
    for secret in ("hook-secret-token", "pa55word", "hunter22"):
        assert secret not in str(body)
        assert secret.encode() not in alerts.outbox.path.read_bytes()


def test_failures_of_a_running_run_are_not_held_until_it_ends(
    platform: Platform, instance: dg.DagsterInstance, receiver: WebReceiver
) -> None:
    texts: list[str] = []

    @dg.asset
    def broken() -> None:
        raise ValueError("broken early")

    @dg.asset
    def last() -> None:
        watch(platform, instance, made)
        texts.extend(receiver.texts)

    made = dg.Definitions([broken, last], executor=dg.in_process_executor)
    job = made.resolve_implicit_global_asset_job_def()
    order = [step for step in job.execute_in_process(instance=instance, raise_on_error=False).get_step_failure_events()]
    assert [event.step_key for event in order] == ["broken"]
    watch(platform, instance, made)
    assert len(texts) == len(receiver.texts) == 1


def test_a_run_whose_process_is_gone_is_reported(
    platform: Platform, instance: dg.DagsterInstance, receiver: WebReceiver
) -> None:
    made = definitions()
    job = made.resolve_implicit_global_asset_job_def()
    started = instance.create_run_for_job(job_def=job, tags={"dagster/partition": "2024-01-05"})
    instance.report_run_failed(started, "Run worker was killed (out of memory).")
    watch(platform, instance, made)
    [text] = receiver.texts
    assert "ended without a failed step (2024-01-05)" in text
    assert "Run worker was killed (out of memory)." in text


def test_a_run_that_dagster_launches_again_is_a_warning_that_ends_with_it(
    platform: Platform, instance: dg.DagsterInstance, receiver: WebReceiver
) -> None:
    made = definitions()
    job = made.resolve_implicit_global_asset_job_def()
    tags = {"dagster/partition": "2024-01-05", "dagster/will_retry": "true"}
    instance.report_run_failed(instance.create_run_for_job(job_def=job, tags=tags), "Run worker was killed.")
    alerts = watch(platform, instance, made)
    assert "Warning: " in receiver.texts[0]
    assert "Dagster launches it again by itself." in receiver.texts[0]
    run(made, instance)
    assert watch(platform, instance, made).outbox.open_causes() == []
    assert len(receiver.texts) == 1
    assert alerts.outbox.waiting() == []


def test_a_run_that_has_been_silent_for_hours_is_reported_once(
    platform: Platform, instance: dg.DagsterInstance
) -> None:
    made = definitions()
    started = instance.create_run_for_job(job_def=made.resolve_implicit_global_asset_job_def())
    for kind in (dg.DagsterEventType.RUN_STARTING, dg.DagsterEventType.RUN_START):
        instance.report_dagster_event(
            dg.DagsterEvent(event_type_value=kind.value, job_name=started.job_name, message="on its way"),
            started.run_id,
        )
    [record] = instance.get_run_records()
    reader = RunReader(platform, instance, made.get_repository_def().asset_graph)
    assert record.start_time is not None
    reader.read(record, "", record.start_time + 3600)
    assert reader.found.causes == []
    reader.read(record, "", record.start_time + 4 * 3600)
    assert [cause.kind for cause in reader.found.causes] == ["run-stuck"]


def test_runs_of_other_code_locations_are_none_of_ours(
    platform: Platform, instance: dg.DagsterInstance, receiver: WebReceiver
) -> None:
    @dg.asset
    def theirs() -> None:
        raise ValueError("not ours")

    dg.materialize([theirs], instance=instance, raise_on_error=False, selection=[theirs])
    assert platform.settings.alerts is not None
    Alerts(platform, platform.settings.alerts).collect(
        instance, build_defs(platform.settings).get_repository_def().asset_graph
    )
    assert [record.dagster_run.job_name for record in instance.get_run_records()] != []
    assert receiver.texts == []


def test_the_sensor_is_there_once_a_channel_is_set_and_runs(
    environ: dict[str, str], platform: Platform, instance: dg.DagsterInstance, receiver: WebReceiver
) -> None:
    assert alert_sensors(Platform(load(environ))) == []
    made = build_defs(platform.settings)
    sensor = made.get_repository_def().get_sensor_def("alerts")
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
    context = dg.build_sensor_context(instance=instance, repository_def=made.get_repository_def())
    result = sensor.evaluate_tick(context)
    assert result.run_requests == []
    assert result.skip_message == "0 new; nothing to send."


def test_every_check_of_the_graph_is_of_a_kind_and_most_are_of_one_of_their_own(platform: Platform) -> None:
    graph = build_defs(platform.settings).resolve_asset_graph()
    kinds = {(key.asset_key.to_user_string(), key.name): kind_of_check(key.name, key.asset_key.to_user_string())
             for key in graph.asset_check_keys}  # fmt: skip
    assert set(kinds.values()) <= set(KINDS)
    assert sorted({name for (_, name), kind in kinds.items() if kind == "check-failed"}) == []


def test_every_kind_is_explained_in_the_runbook() -> None:
    from retail_assets.alerts.causes import anchor

    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
    headings = [line.lstrip("#").strip() for line in page.splitlines() if line.startswith("##")]
    missing = [heading for heading in KINDS.values() if heading not in headings]
    assert missing == []
    assert {anchor(kind).partition("#")[2] for kind in KINDS} <= {h.lower().replace(" ", "-") for h in headings}


def test_the_digest_is_sent_once_a_day_when_its_time_has_come(
    environ: dict[str, str], receiver: WebReceiver, instance: dg.DagsterInstance
) -> None:
    platform = alerting(environ, receiver, ALERT_DIGEST_AT="07:00", TIMEZONE="Europe/Berlin")
    assert platform.settings.alerts is not None
    for hour, expected in ((5, 0), (6, 1), (12, 1), (29, 1), (30, 2)):  # Berlin is an hour before UTC
        now = dt.datetime(2024, 1, 5, tzinfo=dt.UTC) + dt.timedelta(hours=hour, minutes=1)
        alerts = Alerts(platform, platform.settings.alerts, lambda now=now: now.timestamp())  # type: ignore[misc]
        alerts.collect(instance)
        alerts.send()
        assert len(receiver.texts) == expected
    assert "Digest of 5 Jan 2024" in receiver.texts[0]
    assert "No sales have been loaded yet." in receiver.texts[0]


def test_a_check_over_many_landings_is_about_those_that_it_found(
    platform: Platform, instance: dg.DagsterInstance, receiver: WebReceiver
) -> None:
    """Of forty landings five had one rejected row each, and the alert was about all forty, without rows and money."""
    days = [f"2024-01-{number:02}" for number in (3, 6, 9, 12, 15)]

    @dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
    def clean_sales() -> None:
        pass

    @dg.asset_check(asset="clean_sales")
    def quarantine_share_is_usual() -> dg.AssetCheckResult:
        found = landings_found(map(dt.date.fromisoformat, days))
        return dg.AssetCheckResult(
            passed=not days, severity=dg.AssetCheckSeverity.WARN, metadata={LANDINGS_FOUND: found}
        )

    for day in days:
        write_landing(platform, dt.date.fromisoformat(day))
    made = dg.Definitions([clean_sales], asset_checks=[quarantine_share_is_usual])
    run_of_january(made, instance)
    alerts = watch(platform, instance, made)
    [text] = receiver.texts
    assert "Unusually many rows are rejected (5 landings, 2024-01-03 to 2024-01-15)" in text
    assert "2024-01-12: 1 of 2 rows was rejected, with USD 0.77." in text
    assert alerts.outbox.open_subjects("clean_sales.quarantine_share_is_usual") == days
    del days[2:]
    run_of_january(made, instance)
    alerts = watch(platform, instance, made)
    assert alerts.outbox.open_subjects("clean_sales.quarantine_share_is_usual") == days
    del days[:]
    run_of_january(made, instance)
    assert watch(platform, instance, made).outbox.open_causes() == []
    assert len(receiver.texts) == 1


def test_what_was_found_and_ended_between_two_looks_is_not_open(
    platform: Platform, instance: dg.DagsterInstance
) -> None:
    reader = RunReader(platform, instance, None)
    cause = Cause("quarantine", "k", "t", "r", subjects=(Subject("2024-01-03"),), member="m")
    reader.found.add(cause)
    reader.found.end("m", "2024-01-01 to 2024-01-31")
    assert reader.found.ended_after == [("m", "2024-01-01 to 2024-01-31")]
    reader.found.add(cause)
    assert reader.found.ended_after == [("m", "2024-01-01 to 2024-01-02"), ("m", "2024-01-04 to 2024-01-31")]


def test_what_was_registered_before_is_not_what_a_failed_registration_is_about(
    platform: Platform, instance: dg.DagsterInstance, receiver: WebReceiver
) -> None:
    """A damaged file came beside a good one of the same day, and the alert had the lines and money of the good one."""
    day = dt.date(2024, 1, 5)

    @dg.asset(partitions_def=DAYS)
    def raw_sales_files() -> None:
        with failing_clearly():
            raise LandingError("b.csv.gz: the file ends too early.")

    made = dg.Definitions([raw_sales_files])
    for name in ("a.csv", "b.csv.gz"):
        platform.raw.write(f"{platform.source}/dt={day}/{name}", b"0123456789")
    run(made, instance)
    watch(platform, instance, made)
    [text] = receiver.texts
    assert f"*Concerned*: {day}: None of the 2 files is registered: their lines and money are not known.\n" in text
    Shop(platform).land(day, [line("A", 109, day)])
    run(made, instance, "2024-01-05")
    reader = RunReader(platform, instance, None)
    reader.read(instance.get_run_records(limit=1)[0], "", time.time())
    [cause] = reader.found.causes
    assert cause.subjects[0].concerned == (
        "1 of 2 files is not registered: its lines and money are not known. Registered before: 1 line in 1 file, "
        "USD 1.09."
    )


def test_files_that_a_run_took_along_are_what_it_is_about(platform: Platform) -> None:
    day = dt.date(2024, 1, 5)
    platform.raw.write(f"{platform.source}/dt={day}/a.csv", b"0123456789")
    Shop(platform).land(day, [line("A", 109, day)])
    sizes = [of_landings(platform.lake, day, day, "USD", raw=platform.raw, step=step).concerned
             for step in ("clean_sales", "raw_sales_files")]  # fmt: skip
    assert sizes == ["1 line in 1 file, USD 1.09.", "Registered before: 1 line in 1 file, USD 1.09."]


def write_landing(platform: Platform, day: dt.date) -> None:
    """Publish a cleaned landing of a clean and a rejected row."""
    source = platform.source
    sold, refused = [line("A", 100, day, source=source)], [rejected(3, day, cents=77) | {"source": source}]
    manifest = write(platform.lake, day, sold, refused)
    platform.lake.publish_raw(RawManifest(source, day, "contract", ()))
    platform.lake.publish_clean(
        replace(manifest, source=source, raw_digest=RawManifest(source, day, "contract", ()).digest)
    )


def run_of_january(made: dg.Definitions, instance: dg.DagsterInstance) -> None:
    job = made.resolve_implicit_global_asset_job_def()
    tags = {"dagster/asset_partition_range_start": "2024-01-01", "dagster/asset_partition_range_end": "2024-01-31"}
    job.execute_in_process(instance=instance, tags=tags, raise_on_error=False)


def landed_at_once(platform: Platform, last: dt.date, days: int = 40) -> None:
    for back in range(days):
        platform.raw.write(f"{platform.source}/dt={last - dt.timedelta(back)}/a.csv", b"x")


def test_a_late_landing_ends_when_a_run_has_registered_it(
    environ: dict[str, str], receiver: WebReceiver, instance: dg.DagsterInstance
) -> None:
    """The raw store is listed every ten minutes, and a file that came a minute after that was still called late."""
    platform = alerting(environ, receiver, ALERT_LANDED_BY="06:00")
    assert platform.settings.alerts is not None
    today = dt.datetime.now(dt.UTC).date()
    day = today - dt.timedelta(2)
    landed_at_once(platform, day - dt.timedelta(1))
    partitions = dg.DailyPartitionsDefinition(str(today - dt.timedelta(60)))

    @dg.asset(partitions_def=partitions)
    def raw_sales_files() -> None:
        pass

    made = dg.Definitions([raw_sales_files])
    assert str(day) in watch(platform, instance, made).outbox.open_subjects("late_landings")
    platform.raw.write(f"{platform.source}/dt={day}/a.csv", b"x")
    assert str(day) in watch(platform, instance, made).outbox.open_subjects("late_landings")
    run(made, instance, str(day))
    assert str(day) not in watch(platform, instance, made).outbox.open_subjects("late_landings")


def test_the_hour_counts_for_a_history_that_landed_at_once_whenever_it_was_looked_for_last(
    environ: dict[str, str], receiver: WebReceiver, instance: dg.DagsterInstance
) -> None:
    """A look at the empty store minutes before hid the days that were missing after a history had landed."""
    platform = alerting(environ, receiver, ALERT_LANDED_BY="06:00", START_DATE="2024-01-01")
    assert platform.settings.alerts is not None
    clock = dt.datetime(2024, 5, 15, 20, tzinfo=dt.UTC).timestamp()
    alerts = Alerts(platform, platform.settings.alerts, lambda: clock)
    alerts.collect(instance)
    landed_at_once(platform, dt.date(2024, 5, 13))
    alerts.collect(instance)
    assert alerts.outbox.open_causes() == []  # the sensor lists the store every ten minutes
    alerts.collect(instance, late_at_once=True)
    assert alerts.outbox.open_subjects("late_landings") == ["2024-05-14", "2024-05-15"]


def test_a_clock_that_was_a_year_ahead_hides_no_failure(
    platform: Platform, receiver: WebReceiver, instance: dg.DagsterInstance
) -> None:
    """How far the runs were read is a time: what failed before the first look with the right clock was not seen."""
    made = definitions(fail(WarehouseError("no such table")))
    assert platform.settings.alerts is not None
    wrong = Alerts(platform, platform.settings.alerts, lambda: time.time() + 365 * 86400)
    wrong.collect(instance, made.get_repository_def().asset_graph)
    run(made, instance)
    alerts = watch(platform, instance, made)
    assert len(receiver.texts) == 1
    assert float(alerts.outbox.mark("late") or 0) <= time.time()


def test_a_run_of_the_command_line_never_fails_because_of_its_alerts(
    platform: Platform, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError("https://hooks/secret")

    monkeypatch.setattr(Alerts, "collect", broken)
    assert after_run(platform, instance, None) == "Alerts were not sent: something unexpected happened (OSError)."
