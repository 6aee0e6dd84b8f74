"""Every check passes on good data, and fails on the damage it exists for with where and what to do."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import replace

import dagster as dg
import pytest

from retail_assets.cli.status import status_lines
from retail_assets.defs.build import build_defs
from retail_assets.defs.execute import waiting_landings
from retail_assets.eda.daily_quality import daily_quality
from retail_assets.lake.profile import ClockChanges, Control
from retail_assets.models import promotion
from retail_assets.models.kinds import FORECAST, SEGMENTS
from retail_assets.status import read_status
from retail_assets.tables import DAILY_QUALITY
from retail_assets_tests.defs.checks.conftest import NEXT, Damage, Shop, checks_of
from retail_assets_tests.warehouse.landings import DAY, line, publish, rejected


def test_every_check_of_the_graph_is_tested_here(shop: Shop) -> None:
    graph = build_defs(shop.platform.settings).resolve_asset_graph()
    in_graph = {(key.asset_key.to_user_string(), key.name) for key in graph.asset_check_keys}
    assert in_graph == set(checks_of(shop.platform)) == {(asset, name) for asset, name, _, _ in DAMAGES}


def test_every_check_passes_on_good_data(shop: Shop) -> None:
    results = {key: shop.check(*key) for key in checks_of(shop.platform)}
    assert {key: result.description for key, result in results.items() if not result.passed} == {}
    assert all(result.description is None for result in results.values())


@pytest.mark.slow
def test_every_check_passes_when_nothing_has_been_sold(empty_shop: Shop) -> None:
    empty_shop.load()
    empty_shop.derive()
    assert [key for key in checks_of(empty_shop.platform) if not empty_shop.check(*key).passed] == []


@pytest.mark.slow
def test_a_landing_without_files_is_conserved(shop: Shop) -> None:
    day = NEXT.replace(day=20)
    shop.load(shop.land(day, []))
    failing = {name for asset, name in checks_of(shop.platform) if not shop.check(asset, name).passed}
    assert failing == {"landing_is_not_empty"}


def test_checks_of_tables_that_are_not_there_say_what_to_materialize(empty_shop: Shop) -> None:
    for asset, name in checks_of(empty_shop.platform):
        if asset in ("raw_sales_files", "clean_sales"):
            assert empty_shop.check(asset, name).passed
        else:
            with pytest.raises(dg.Failure, match="Materialize"):
                empty_shop.check(asset, name)


def test_a_landing_that_was_refused_is_no_fault_of_daily_quality_and_keeps_no_other_from_loading(shop: Shop) -> None:
    """All of its rows were rejected: its state was `loaded`, and a check reported that rows do not add up."""
    day, source = NEXT + dt.timedelta(days=1), shop.platform.source
    with shop.platform.raw.writing(f"{source}/dt={day}/a.csv") as file:
        file.write(b"0123456789")  # the size in its manifest, which comes after it
    shop.land(day, [], [rejected(at, day) | {"source": source} for at in (2, 3)])
    shop.platform.warehouse.replace(DAILY_QUALITY, daily_quality(shop.platform.lake.clean_landings()))
    assert not shop.check("clean_sales", "enough_is_clean", day).passed
    assert shop.check("daily_quality", "rows_add_up_by_day").passed
    status = read_status(shop.platform)
    assert [landing.state for landing in status.landings if landing.landed_on == day] == ["refused"]
    assert "--landing 2024-03-03" in "\n".join(status_lines(status, 120))
    assert day not in {d for landings in waiting_landings(shop.platform) for d in landings}
    sql(f"UPDATE daily_quality SET clean = 1, quarantined = 1 WHERE landed_on = '{day}'")(shop)
    assert not shop.check("daily_quality", "rows_add_up_by_day").passed


def test_many_rejected_rows_are_reported_in_words(shop: Shop) -> None:
    """The reasons were a dictionary as Python prints it."""
    day = NEXT + dt.timedelta(days=1)
    source = shop.platform.source
    shop.land(day, [line(f"E{i}", 1, day, at=i, source=source) for i in range(2, 5)], [rejected(9, day)])
    text = shop.check("clean_sales", "quarantine_is_small", day).description or ""
    assert "{" not in text
    assert "invalid_date 1. Look at the rows: retail-assets quarantine summary --landing 2024-03-03." in text


# (asset, check, what is planted, what the description must say)


def lose_a_line(shop: Shop) -> None:
    shop.land(NEXT, [line("A", 100, NEXT)], lines=2)


def change_the_file(shop: Shop) -> None:
    raw = shop.platform.lake.raw(NEXT)
    shop.platform.lake.publish_raw(replace(raw, files=(replace(raw.files[0], sha256="other"),)))


def lose_a_cent(shop: Shop) -> None:
    shop.land(NEXT, [line("A", 100, NEXT)], control=Control(1, 0, "1.01"))


def reject_many(shop: Shop) -> None:
    shop.land(NEXT, [line(f"T{i}", 1, NEXT, at=i + 2) for i in range(9)], [rejected(100, NEXT)])


def remember_saturdays(shop: Shop) -> None:
    """Five Saturdays of a thousand rows, of which two were rejected."""
    days = [NEXT - dt.timedelta(weeks=week) for week in range(1, 6)]
    past = ", ".join(f"(DATE '{day}', 1000, 998, 2, 0, 0, 0, 0, 0, 0, 0.002)" for day in days)
    names = "landed_on, landed, clean, quarantined, superseded, excluded, clean_amount, quarantined_amount, "
    names += "superseded_amount, excluded_amount, quarantined_share"
    shop.damage(f"INSERT INTO daily_quality ({names}) VALUES {past}")


def reject_more_than_on_such_days(shop: Shop) -> None:
    """4 %, which no fixed limit minds, on a weekday that had 0.2 % for five weeks."""
    remember_saturdays(shop)
    good, bad = [line(f"T{i}", 1, NEXT, at=i + 2) for i in range(960)], [rejected(1000 + i, NEXT) for i in range(40)]
    shop.land(NEXT, good, bad)


def land_half(shop: Shop) -> None:
    remember_saturdays(shop)
    shop.land(NEXT, [line(f"T{i}", 1, NEXT, at=i + 2) for i in range(480)])


def reject_nearly_all(shop: Shop) -> None:
    shop.land(NEXT, [line("T1", 1, NEXT, at=2)], [rejected(9, NEXT), rejected(100, NEXT)])


def repeat_an_id(shop: Shop) -> None:
    """Case 08: an order id in a file with a line per product."""
    bought = ((500, "CHAIR"), (400, "PHONE"), (5, "PAPER"))
    shop.land(NEXT, [line("CA-1", cents, NEXT, at=2 + i, product_id=p) for i, (cents, p) in enumerate(bought)])


def restart_numbers(shop: Shop) -> None:
    shop.load(shop.land(NEXT, [line("A", 100, NEXT, sold_at=dt.datetime.combine(NEXT, dt.time(9)))]))


def say_unknown_words(shop: Shop) -> None:
    shop.land(NEXT, [line("A", 100, NEXT)])
    lake = shop.platform.lake
    lake.publish_clean(replace(lake.clean(NEXT), notes={"unknown_gender": 1}))


def clean_without_loading(shop: Shop) -> None:
    shop.land(NEXT, [line("A", 100, NEXT)], run="again")


def sql(*statements: str) -> Damage:
    return lambda shop: shop.damage(*statements)


def unknown_column(shop: Shop) -> None:
    shop.land(NEXT, [line("A", 100, NEXT)], unknown_columns=["Colour"])


def sell_in_a_skipped_hour(shop: Shop) -> None:
    shop.land(NEXT, [line("A", 100, NEXT)], clock_changes=ClockChanges(3, "2024-03-10 02:30"))


def another_separator(shop: Shop) -> None:
    shop.land(NEXT, [line("A", 100, NEXT)], delimiter=";")


def misspelled_folder(shop: Shop) -> None:
    shop.platform.raw.write(f"{shop.platform.source}/dt=2024-1-5/a.csv", b"x")


def nothing_landed(shop: Shop) -> None:
    shop.land(NEXT, [])


def null_in(table: str, column: str) -> Damage:
    return sql(f"ALTER TABLE {table} ALTER {column} DROP NOT NULL", f"UPDATE {table} SET {column} = NULL")


def twice(table: str) -> Damage:
    return sql(f"INSERT INTO {table} SELECT * FROM {table} LIMIT 1")


def hold_back(shop: Shop) -> None:
    """A training of this run renames too many customers."""
    promotion.hold(
        shop.platform.model_store(SEGMENTS), promotion.HeldVersion("v9", "2024-03-01", 0.4, "renames", "this run")
    )


def lose_skill(shop: Shop) -> None:
    """A model without skill is put in use by force."""
    models, at = shop.platform.model_store(FORECAST), dt.datetime(2024, 3, 1, tzinfo=dt.UTC)
    for day, skill in ((1, True), (2, False)):
        last = dt.date(2024, 3, day)
        metrics = {
            "family": "gradient_boosting", "has_skill": skill, "trained_at": "", "code_version": "", "libraries": {},
            "seed": 0, "horizon": 28, "features": [], "data": {"last_day": str(last)}, "metrics": {}, "scores": {},
            "verdict": "no pattern",
        }  # fmt: skip
        models.promote(models.save(bytes([day]), last, metrics, "").version, at=at, by="user", reason="test")


DAMAGES: tuple[tuple[str, str, Damage, str], ...] = (
    ("raw_sales_files", "landing_is_not_empty", nothing_landed, f"Nothing landed on {NEXT}"),
    ("raw_sales_files", "columns_match_contract", unknown_column, r"Colour \(in 1 of 2 files\)"),
    ("raw_sales_files", "local_times_exist", sell_in_a_skipped_hour, "3 time stamps never were on a clock in America"),
    (
        "eda_figures",
        "names_can_be_drawn",
        sql("UPDATE daily_category_sales SET product_category = '\U00012000'"),
        "No font here has all characters of Cuneiform",
    ),
    ("raw_sales_files", "nothing_is_overlooked", misspelled_folder, r"dt=2024-1-5 \(not .* is dt=2024-01-05 meant"),
    ("raw_sales_files", "schema_unchanged", another_separator, f"{NEXT} since {DAY}: separator: ',', now ';' in a.csv"),
    ("clean_sales", "rows_are_conserved", lose_a_line, f"The numbers of lines differ on {NEXT}"),
    ("clean_sales", "rows_are_conserved", change_the_file, f"Files changed since cleaning on {NEXT}"),
    (
        "clean_sales",
        "revenue_reconciles_with_raw",
        lose_a_cent,
        f"The money of raw files and of cleaned rows differs on {NEXT}",
    ),
    (
        "clean_sales",
        "quarantine_share_is_usual",
        reject_more_than_on_such_days,
        r"4\.0 % of the rows of 2 Mar 2024 were rejected \(40 of 1,000\); on the 5 Saturdays before it was 0\.2 %",
    ),
    ("clean_sales", "landing_size_is_usual", land_half, r"2 Mar 2024 has 480 rows, 52 % less than the usual 1,000 "),
    ("clean_sales", "quarantine_is_small", reject_many, f"Many rows were rejected on {NEXT}"),
    (
        "clean_sales",
        "enough_is_clean",
        reject_nearly_all,
        rf"Most rows were rejected on {NEXT}: 2 of 3 \(invalid_date 2\)",
    ),
    ("clean_sales", "ids_identify_sales", repeat_an_id, rf"2 of 3 rows on {NEXT} .*CA-1 \(a.csv line 2: CHAIR 5.00"),
    ("sales", "sales_keep_their_day", restart_numbers, rf"1 ids .*: A \(2024-02-29 in a.csv line 2, then {NEXT} in"),
    ("clean_sales", "values_are_understood", say_unknown_words, rf"unknown_gender': 1.* on {NEXT}"),
    ("sales", "revenue_reconciles_with_clean", clean_without_loading, f"differs from the lake on {NEXT}"),
    (
        "sales",
        "revenue_reconciles_with_clean",
        sql("DELETE FROM sales_clean WHERE transaction_id = 'A'"),
        f"differs from the lake on {DAY}",
    ),
    (
        "sales",
        "revenue_reconciles_with_clean",
        sql("DELETE FROM sales WHERE transaction_id = 'A'"),
        "61 rows for 62 transactions, 1 of them missing or not the latest",
    ),
    (
        "sales",
        "revenue_reconciles_with_clean",
        sql("UPDATE sales SET landed_on = DATE '2024-03-01' WHERE transaction_id = 'B'"),
        "62 rows for 62 transactions, 2 of them missing or not the latest",
    ),
    (
        "sales",
        "revenue_reconciles_with_clean",
        sql("UPDATE sales SET quantity = 7 WHERE transaction_id = 'B'"),
        "62 rows for 62 transactions, 2 of them",
    ),
    ("sales", "revenue_reconciles_with_clean", twice("sales"), "63 rows for 62 transactions"),
    (
        "daily_category_sales",
        "revenue_reconciles_with_sales",
        sql("UPDATE daily_category_sales SET revenue = revenue + 0.01 WHERE product_category = 'Tea'"),
        r"daily_category_sales has revenue 20\.81, .*sales has revenue 20\.80, ",
    ),
    *(
        (
            "daily_store_category_sales",
            "revenue_reconciles_with_daily_category_sales",
            sql(damage),
            "The stores do not add up to daily_category_sales on 2024-02-29 Tea",
        )
        for damage in (
            "UPDATE daily_store_category_sales SET revenue = revenue + 0.01 WHERE product_category = 'Tea'",
            "UPDATE daily_category_sales SET returned = returned - 0.01 WHERE product_category = 'Tea'",
            "DELETE FROM daily_store_category_sales WHERE product_category = 'Tea'",
            "DELETE FROM daily_category_sales WHERE product_category = 'Tea'",
        )
    ),
    (
        "sales",
        "matches_contract",
        null_in("sales", "product_category"),
        r"sales: NULL in rows: product_category 62",
    ),
    (
        "sales",
        "matches_contract",
        sql("ALTER TABLE sales DROP COLUMN store_id", "ALTER TABLE sales ALTER quantity TYPE DOUBLE"),
        r"missing columns: store_id; wrong types: quantity double, expected decimal",
    ),
    ("sales", "unique_transaction", twice("sales"), r"sales: repeated \(transaction_id\), such as transaction_id"),
    ("sales_quarantine", "matches_contract", null_in("sales_quarantine", "raw_text"), "NULL in rows: raw_text 1"),
    ("sales_quarantine", "key_is_unique", twice("sales_quarantine"), "source_file a.csv, source_line 9, times 2"),
    ("dim_date", "matches_contract", sql("ALTER TABLE dim_date ADD COLUMN moon INTEGER"), "other columns: moon"),
    ("dim_date", "key_is_unique", twice("dim_date"), "calendar_date 2024-02-29, times 2"),
    ("dim_customer", "matches_contract", null_in("dim_customer", "orders"), "NULL in rows: orders 2"),
    ("dim_customer", "key_is_unique", twice("dim_customer"), "customer_id (ann|bob), times 2"),
    ("dim_product", "matches_contract", null_in("dim_product", "units"), "NULL in rows: units 3"),
    ("dim_product", "key_is_unique", twice("dim_product"), "product_key .*, times 2"),
    ("dim_store", "matches_contract", null_in("dim_store", "units"), "NULL in rows: units 1"),
    ("dim_store", "key_is_unique", twice("dim_store"), r"store_id \(none\), times 2"),
    (
        "daily_store_category_sales",
        "matches_contract",
        null_in("daily_store_category_sales", "store_id"),
        "NULL in rows: store_id 2",
    ),
    (
        "daily_store_category_sales",
        "key_is_unique",
        twice("daily_store_category_sales"),
        r"sale_date 2024-02-29, store_id \(none\), product_category",
    ),
    (
        "daily_category_sales",
        "matches_contract",
        null_in("daily_category_sales", "revenue"),
        "NULL in rows: revenue 2",
    ),
    ("daily_category_sales", "key_is_unique", twice("daily_category_sales"), "sale_date 2024-02-29, product_category"),
    ("sales_forecast", "matches_contract", null_in("sales_forecast", "method"), "NULL in rows: method 9"),
    ("sales_forecast", "key_is_unique", twice("sales_forecast"), "product_category .*, forecast_date .*, times 2"),
    (
        "sales_forecast",
        "horizon_is_complete",
        sql("DELETE FROM sales_forecast WHERE product_category = 'Tea' AND horizon_day = 2"),
        "not finite: Tea",
    ),
    (
        "sales_forecast",
        "horizon_is_complete",
        sql("UPDATE sales_forecast SET horizon_day = 1 WHERE product_category = 'Tea' AND horizon_day = 2"),
        "not finite: Tea",
    ),
    (
        "sales_forecast",
        "horizon_is_complete",
        sql("UPDATE sales_forecast SET mean = 'nan' WHERE product_category = 'Tea' AND horizon_day = 3"),
        "not finite: Tea",
    ),
    (
        "sales_forecast",
        "horizon_is_complete",
        sql("UPDATE sales_forecast SET seasonal_naive = 'infinity' WHERE product_category = 'Books'"),
        "not finite: Books",
    ),
    (
        "sales_forecast",
        "horizon_is_complete",
        sql("UPDATE sales_forecast SET forecast_date = forecast_date + 1 WHERE product_category = 'Books'"),
        "not finite: Books",
    ),
    ("sales_forecast", "horizon_is_complete", sql("DELETE FROM sales_forecast"), "There are sales and no forecast"),
    (
        "sales_forecast",
        "intervals_are_ordered_and_totals_add_up",
        sql("UPDATE sales_forecast SET p10 = 99 WHERE horizon_day = 1 AND product_category = 'Tea'"),
        "1 rows have quantiles that cross",
    ),
    (
        "sales_forecast",
        "intervals_are_ordered_and_totals_add_up",
        sql("UPDATE sales_forecast SET mean = 99 WHERE horizon_day = 1 AND product_category = 'TOTAL'"),
        "TOTAL is not the sum of the categories on 2024",
    ),
    ("forecast_backtest", "matches_contract", null_in("forecast_backtest", "model"), "NULL in rows: model 1"),
    ("forecast_backtest", "key_is_unique", twice("forecast_backtest"), "model .*, times 2"),
    ("forecast_backtest", "skill_is_not_lost", lose_skill, "has no skill .*models rollback"),
    ("insights", "matches_contract", null_in("insights", "sentence"), "NULL in rows: sentence 1"),
    ("insights", "key_is_unique", twice("insights"), r"repeated \(id\).*, times 2"),
    ("daily_quality", "matches_contract", null_in("daily_quality", "clean"), "NULL in rows: clean 2"),
    ("daily_quality", "key_is_unique", twice("daily_quality"), "landed_on .*, times 2"),
    (
        "daily_quality",
        "rows_add_up_by_day",
        sql("UPDATE daily_quality SET superseded = superseded + 1, landed = landed WHERE landed_on = '2024-03-01'"),
        "Rows do not add up on 2024-03-01",
    ),
    ("daily_quality", "rows_add_up_by_day", sql("DELETE FROM sales_quarantine"), "Rows do not add up on 2024"),
    ("daily_quality", "rows_add_up_by_day", sql("DELETE FROM daily_quality"), "Rows do not add up on 2024"),
    (
        "daily_quality",
        "rows_add_up_by_day",
        sql("UPDATE daily_quality SET clean_amount = clean_amount + 0.01"),
        "Rows do not add up on 2024",
    ),
    ("summary_statistics", "matches_contract", null_in("summary_statistics", "mean"), "NULL in rows: mean 1"),
    ("summary_statistics", "key_is_unique", twice("summary_statistics"), "measure .*, times 2"),
    (
        "customer_months",
        "matches_contract",
        null_in("customer_months", "first_seen"),
        "NULL in rows: first_seen 1",
    ),
    ("customer_months", "key_is_unique", twice("customer_months"), "month_start.*, times 2"),
    ("customer_cohorts", "matches_contract", null_in("customer_cohorts", "active"), "NULL in rows: active 1"),
    ("customer_cohorts", "key_is_unique", twice("customer_cohorts"), "cohort .*, times 2"),
    (
        "product_concentration",
        "matches_contract",
        null_in("product_concentration", "items_share"),
        "NULL in rows: items_share 1",
    ),
    ("product_concentration", "key_is_unique", twice("product_concentration"), "items.*, times 2"),
    ("basket_affinity", "matches_contract", null_in("basket_affinity", "support"), "NULL in rows: support 1"),
    ("basket_affinity", "key_is_unique", twice("basket_affinity"), "level .*, times 2"),
    ("forecast_accuracy", "matches_contract", null_in("forecast_accuracy", "actual"), "NULL in rows: actual 1"),
    ("forecast_accuracy", "key_is_unique", twice("forecast_accuracy"), "product_category .*, times 2"),
    (
        "forecast_accuracy",
        "accuracy_has_not_drifted",
        sql(
            "INSERT INTO forecast_accuracy SELECT product_category, forecast_date - i::INTEGER, cutoff_date, i, mean, "
            "actual, error, seasonal_naive, false, false, model_version, issued_at, units, units_actual, "
            "units_inside80 FROM forecast_accuracy, range(1, 15) r(i)"
        ),
        "held only 7 % of the categories' sales of the last 15 forecast days",
    ),
    ("customer_segments", "matches_contract", null_in("customer_segments", "persona"), "NULL in rows: persona 2"),
    ("customer_segments", "key_is_unique", twice("customer_segments"), "customer_id .*, times 2"),
    (
        "customer_segments",
        "every_customer_has_a_segment",
        sql("UPDATE customer_segments SET customer_id = 'ann'"),
        "without a segment: 1; segments without a customer in sales: 0",
    ),
    (
        "customer_segments",
        "every_customer_has_a_segment",
        sql("UPDATE customer_segments SET customer_id = 'eve' WHERE customer_id = 'bob'"),
        "without a segment: 1; segments without a customer in sales: 1",
    ),
    ("customer_features", "matches_contract", null_in("customer_features", "frequency"), "frequency 2"),
    ("customer_features", "key_is_unique", twice("customer_features"), "customer_id .*, times 2"),
    (
        "segment_profiles",
        "matches_contract",
        null_in("segment_profiles", "customers"),
        "NULL in rows: customers 2",
    ),
    ("segment_profiles", "key_is_unique", twice("segment_profiles"), "persona .*, times 2"),
    (
        "segment_profiles",
        "profiles_add_up",
        sql("UPDATE segment_profiles SET customers = 7 WHERE persona = 'One Purchase'"),
        "does not add up to customer_segments: One Purchase",
    ),
    (
        "segment_profiles",
        "profiles_add_up",
        sql("DELETE FROM segment_profiles WHERE persona = 'No Net Spend'"),
        "does not add up to customer_segments: No Net Spend",
    ),
    (
        "segment_migrations",
        "matches_contract",
        null_in("segment_migrations", "revenue"),
        "NULL in rows: revenue 2",
    ),
    ("segment_migrations", "key_is_unique", twice("segment_migrations"), "from_persona .*, times 2"),
    (
        "segment_migrations",
        "migrations_add_up",
        sql("UPDATE segment_migrations SET revenue = revenue + 0.01 WHERE to_persona = 'One Purchase'"),
        "does not add up to customer_segments: One Purchase",
    ),
    (
        "segment_migrations",
        "migrations_add_up",
        sql("DELETE FROM segment_migrations"),
        "does not add up to customer_segments: No Net Spend, One Purchase",
    ),
    (
        "serving_bundle",
        "bundle_matches_tables",
        sql("UPDATE sales_forecast SET mean = mean + 1 WHERE product_category = 'TOTAL' AND horizon_day = 3"),
        "Materialize serving_bundle again",
    ),
    ("segment_model", "names_are_kept", hold_back, r"v9 is held: renames\. .*models promote v9"),
)


@pytest.mark.parametrize(
    ("asset", "name", "damage", "problem"),
    DAMAGES,
    ids=[f"{asset}-{name}-{i}" for i, (asset, name, _, _) in enumerate(DAMAGES)],
)
def test_a_check_fails_on_the_damage_it_exists_for(
    shop: Shop, asset: str, name: str, damage: Callable[[Shop], None], problem: str
) -> None:
    damage(shop)
    result = shop.check(asset, name)
    assert not result.passed
    assert result.description is not None
    assert re.search(problem, result.description)
    assert re.search("Materialize|Look at|Compare|Map them|Was the shop closed", result.description)


BY_LANDING = [d for d in DAMAGES if d[0] in ("clean_sales", "sales", "sales_quarantine")]


@pytest.mark.parametrize(("asset", "name", "damage", "problem"), BY_LANDING, ids=[f"{d[0]}-{d[1]}" for d in BY_LANDING])
def test_a_run_of_one_landing_finds_the_damage_in_it(
    shop: Shop, asset: str, name: str, damage: Callable[[Shop], None], problem: str
) -> None:
    assert all(shop.check(asset, name, day).passed for day in (DAY, NEXT))
    damage(shop)
    failed = [result for day in (DAY, NEXT) if not (result := shop.check(asset, name, day)).passed]
    assert failed
    words = re.sub(r"\d+", r"\\d+", problem)  # how many depends on how much was looked at
    assert any(re.search(words, result.description or "") for result in failed)


def test_a_run_of_one_landing_does_not_pay_for_the_others(shop: Shop) -> None:
    """A run ignores other landings; the check on its own looks at everything."""
    sql(f"DELETE FROM sales_clean WHERE landed_on = '{DAY}'")(shop)
    assert shop.check("sales", "revenue_reconciles_with_clean", NEXT).passed
    assert not shop.check("sales", "revenue_reconciles_with_clean", DAY).passed
    assert not shop.check("sales", "revenue_reconciles_with_clean").passed


@pytest.mark.parametrize(
    ("name", "damage"), [("landing_is_not_empty", nothing_landed), ("columns_match_contract", unknown_column)]
)
def test_a_check_of_the_landing_speaks_of_the_landings_of_its_run(shop: Shop, name: str, damage: Damage) -> None:
    """A day on which nothing landed would be reported by every later run of any day."""
    damage(shop)
    assert shop.check("raw_sales_files", name, DAY).passed
    assert not shop.check("raw_sales_files", name, NEXT).passed
    assert not shop.check("raw_sales_files", name, DAY, NEXT).passed
    assert not shop.check("raw_sales_files", name).passed


def test_lost_rows_and_money_stop_the_run_and_oddities_only_warn(shop: Shop) -> None:
    blocking = {
        (spec.asset_key.to_user_string(), spec.name)
        for check in checks_of(shop.platform).values()
        for spec in check.check_specs
        if spec.blocking
    }
    assert blocking >= {
        ("clean_sales", "rows_are_conserved"),
        ("clean_sales", "revenue_reconciles_with_raw"),
        ("sales", "revenue_reconciles_with_clean"),
        ("sales", "unique_transaction"),
        ("sales", "matches_contract"),
        ("daily_category_sales", "revenue_reconciles_with_sales"),
        ("daily_store_category_sales", "revenue_reconciles_with_daily_category_sales"),
    }
    nothing_landed(shop)
    assert shop.check("raw_sales_files", "landing_is_not_empty").severity == dg.AssetCheckSeverity.WARN
    unknown_column(shop)
    assert shop.check("raw_sales_files", "columns_match_contract").severity == dg.AssetCheckSeverity.WARN
    reject_many(shop)
    assert shop.check("clean_sales", "quarantine_is_small").severity == dg.AssetCheckSeverity.WARN


def test_a_cleaned_landing_that_is_not_yet_loaded_is_no_damage(shop: Shop) -> None:
    shop.land(NEXT.replace(day=3), [line("Z", 5, NEXT.replace(day=3))])
    assert shop.check("sales", "revenue_reconciles_with_clean").passed


def test_a_loaded_landing_without_a_manifest_is_reported(shop: Shop) -> None:
    stray = NEXT.replace(day=9)
    shop.load(publish(shop.platform.lake, stray, [line("Z", 5, stray)]))
    shop.platform.lake.store.delete([f"{shop.platform.source}/clean/dt={stray}/manifest.json"])
    result = shop.check("sales", "revenue_reconciles_with_clean")
    assert not result.passed
    assert result.description is not None
    assert f"differs from the lake on {stray}" in result.description


def test_landings_of_an_older_contract_are_counted_and_not_taken_for_damage(shop: Shop) -> None:
    lake = shop.platform.lake
    old = "retail_sales@0+00000000"
    lake.publish_clean(replace(lake.clean(DAY), contract=old))  # cleaned before the contract changed, registered after
    raw = lake.raw(DAY)
    lake.publish_raw(replace(raw, files=(replace(raw.files[0], control=Control(2, 0, "999.00")),)))
    conserved = shop.check("clean_sales", "rows_are_conserved")
    assert conserved.passed
    assert conserved.metadata["landings_cleaned_by_another_contract"].value == 1
    reconciled = shop.check("clean_sales", "revenue_reconciles_with_raw")
    assert reconciled.passed
    assert reconciled.metadata["landings_registered_by_another_contract"].value == 1


def test_columns_that_an_older_contract_did_not_know_are_not_held_against_this_one(shop: Shop) -> None:
    unknown_column(shop)
    lake = shop.platform.lake
    lake.publish_raw(replace(lake.raw(NEXT), contract="retail_sales@0+00000000"))
    result = shop.check("raw_sales_files", "columns_match_contract")
    assert result.passed
    assert result.metadata["landings_registered_by_another_contract"].value == 1


def test_a_column_of_somebody_else_is_no_damage_to_a_table_that_keeps_its_rows(shop: Shop) -> None:
    """Loads let such columns stay: a blocking check that fails on them would stop every run for good."""
    sql("ALTER TABLE sales ADD COLUMN remark VARCHAR", "ALTER TABLE sales_quarantine ADD COLUMN remark VARCHAR")(shop)
    assert shop.check("sales", "matches_contract").passed
    assert shop.check("sales_quarantine", "matches_contract").passed


def test_files_without_control_totals_are_counted_and_not_compared(shop: Shop) -> None:
    shop.land(NEXT, [line("A", 100, NEXT)], control=Control(note="unreadable by the second parser"))
    result = shop.check("clean_sales", "revenue_reconciles_with_raw")
    assert result.passed
    assert result.metadata["landings_without_control_total"].value == 1
