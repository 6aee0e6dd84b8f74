"""Events and regressors: the model learns from them, and never knows them before they were known."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given

from retail_assets.forecasting.data.calendar import HolidayCalendar
from retail_assets.forecasting.data.regressors import (
    COLUMNS,
    NONE,
    Regressors,
    RegressorsError,
    from_warehouse,
    read,
    together,
)
from retail_assets.forecasting.data.series import panel_at
from retail_assets.forecasting.models.boosting import GradientBoosting
from retail_assets.forecasting.models.family_holidays import FAMILY_FEATURES
from retail_assets.forecasting.models.features import FEATURES, SHOP_FEATURES, feature_names, make_rows
from retail_assets.tables import Column, Table
from retail_assets.warehouse.duckdb import DuckDBWarehouse
from retail_assets_tests.forecasting.sales_histories import FIRST, history, noisy_week, sales_of

EMPTY = HolidayCalendar("US", {})


def rows_of(regressors, origin=80):
    values = np.random.default_rng(0).gamma(2, 50, (1, 120))
    days = np.datetime64("2024-01-01") + np.arange(120)
    calendar = replace(EMPTY, regressors=regressors)
    return make_rows(values, days, np.array([0]), np.array([origin]), 28, calendar), calendar


def test_without_events_features_are_as_they_were():
    rows, calendar = rows_of(NONE)
    assert rows.x.shape[1] == len(FEATURES)
    assert feature_names(calendar) == (*FEATURES, *SHOP_FEATURES, *FAMILY_FEATURES)


def test_a_value_is_a_feature_of_its_day_from_the_day_it_was_known():
    # Origin 80 is 2024-03-21; the third day ahead is 2024-03-24.
    text = "date,name,value,known_on\n2024-03-24,promo,2,{}\n"
    early, calendar = rows_of(read(text.format("2024-03-21"), "x"))
    late, _ = rows_of(read(text.format("2024-03-22"), "x"))
    assert feature_names(calendar)[len(FEATURES)] == "promo"
    assert early.x[:, -1].tolist() == [0, 0, 2] + [0] * 25
    assert not late.x[:, -1].any()


def test_of_several_values_the_latest_known_counts():
    entries = [("5", "2024-03-20"), ("1", "2024-03-10"), ("9", "2024-03-25")]
    lines = [f"2024-03-24,rain,{value},{known_on}" for value, known_on in entries]
    rows, _ = rows_of(read("\n".join(["date,name,value,known_on", *lines]), "x"))
    assert rows.x[2, -1] == 5


def test_a_planted_promotion_is_learnt():
    promoted = {day for day in range(10, 425) if day % 23 in (0, 1)}
    week = noisy_week(100, noise=0.05)
    sales = sales_of(history(400, {"a": lambda n: week(n) * (1.8 if n in promoted else 1.0)}))
    lines = [f"{FIRST + timedelta(days=day)},promo" for day in sorted(promoted)]
    events = read("date,name\n" + "\n".join(lines), "x")
    panel, ahead = panel_at(sales, sales.last_day), range(400, 420)
    effects = []
    for regressors in (events, NONE):
        calendar = replace(EMPTY, regressors=regressors)
        predicted = GradientBoosting().fit(panel, calendar).predict(panel, calendar, 20)[0]
        usual = np.array([100 * (1.0, 0.9, 0.9, 1.0, 1.3, 1.8, 1.5)[day % 7] for day in ahead])
        effects.append((predicted / usual)[[day in promoted for day in ahead]].mean())
    assert effects[0] > 1.5 > effects[1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "column 'date' is missing"),
        ("date,nmae\n", "unknown column 'nmae'. Did you mean 'name'"),
        ("date,name\n2024-13-01,x\n", "line 2: date='2024-13-01' is not a date"),
        ("date,name\n2024-01-01,\n", "line 2: 'name' is empty"),
        ("date,name,value\n2024-01-01,x,much\n", "line 2: value='much' is not a number"),
        ("date,name,value\n2024-01-01,x,inf\n", "is not a number"),
        ("date,name,value\n2024-01-01,x,1e300\n", "is not a number up to 1e+12"),
        ("date,name,value\n2024-01-01,x,1,2\n", "line 2: more fields than the header"),
        ("date,name,name\n2024-01-01,x,y\n", "named twice"),
        ("date,name\n2024-01-01," + "x" * 140_000 + "\n", "not CSV"),
        ("date,name,known_on\n2024-01-01,x,soon\n", "known_on='soon' is not a date"),
        ("date,name\n" + "".join(f"2024-01-01,e{n}\n" for n in range(13)), "13 names; at most 12"),
    ],
)
def test_a_wrong_file_is_refused_by_line(text, message):
    with pytest.raises(RegressorsError, match=r"events\.csv") as error:
        read(text, "events.csv")
    assert message in str(error.value)


def test_dates_without_a_day_of_knowledge_were_known_all_along():
    assert read("\ufeffDate, Name\n2024-01-01,x\n", "x").known_on[0].astype(object).tolist() == [date.min]


day_numbers = st.integers(0, 12)


@given(
    entries=st.lists(st.tuples(day_numbers, st.integers(-9, 9), st.one_of(st.none(), day_numbers)), max_size=30),
    origins=st.lists(day_numbers, min_size=1, max_size=4),
)
def test_a_forecast_sees_the_latest_value_known_by_its_day_and_nothing_later(entries, origins):
    first = np.datetime64("2024-01-01")
    known = [np.datetime64("0001-01-01") if day is None else first + day for _, _, day in entries]
    days, values = (
        first + np.array([day for day, _, _ in entries], dtype=int),
        np.array([float(v) for _, v, _ in entries]),
    )
    regressors = Regressors(("x",), (days,), (values,), (np.array(known, dtype="datetime64[D]"),))
    looked_up = regressors.as_known(first + np.array(origins), first + np.array(origins)[:, None] + np.arange(1, 6))
    for pair, origin in enumerate(origins):
        for step in range(5):
            day = origin + step + 1
            rows = [(-1 if k is None else k, at, v) for at, (d, v, k) in enumerate(entries) if d == day]
            heard = sorted(row for row in rows if row[0] <= origin)
            assert looked_up[pair, step, 0] == (heard[-1][2] if heard else 0)


def table(kinds):
    return Table(
        "weather", "weather by day", tuple(Column(n, k, n, nullable=True) for n, k in kinds.items()), ("date",)
    )


KINDS = {"date": "date", "name": "varchar(64)", "value": "double", "known_on": "timestamp"}


@pytest.fixture
def warehouse(tmp_path):
    return DuckDBWarehouse(tmp_path / "w.duckdb", "shop")


def fill(warehouse, rows, kinds=KINDS):
    target = table(kinds)
    warehouse.replace(
        target, pa.Table.from_pylist([dict(zip(kinds, r, strict=True)) for r in rows], target.arrow_schema())
    )


def test_a_table_of_the_warehouse_says_the_same_as_a_file(warehouse):
    rows: list[tuple[str, str, float, str | None]]
    rows = [("2024-03-24", "rain", 2.5, "2024-03-20"), ("2024-03-24", "rain", 1.0, "2024-03-22")]
    rows += [("2024-03-25", "heat", -3.0, None)]
    lines = [",".join(str("" if v is None else v) for v in row) for row in rows]
    expected = read("\n".join([",".join(COLUMNS), *lines]), "x")
    at = [
        (date.fromisoformat(d), n, v, None if k is None else datetime.fromisoformat(f"{k} 18:30"))
        for d, n, v, k in rows
    ]
    fill(warehouse, at)
    for name in ("weather", "shop.weather"):
        read_back = from_warehouse(warehouse, name)
        assert read_back.names == expected.names == ("heat", "rain")
        targets = np.array([["2024-03-24", "2024-03-25"]], dtype="datetime64[D]")
        for origin in ("2024-03-19", "2024-03-20", "2024-03-21", "2024-03-22"):
            origins = np.array([origin], dtype="datetime64[D]")
            assert read_back.as_known(origins, targets).tolist() == expected.as_known(origins, targets).tolist()
        assert read_back.digest == from_warehouse(warehouse, "weather").digest


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([(date(2024, 1, 1), "", 1.0, None)], "2024-01-01 '': 'name' is empty"),
        ([(date(2024, 1, 1), "rain", None, None)], "2024-01-01 'rain': value='nothing' is not a number"),
        ([(date(2024, 1, 1), "rain", float("inf"), None)], "is not a number"),
        ([(None, "rain", 1.0, None)], "date='None' is not a date"),
        ([(date(2024, 1, 1), f"n{n}", 1.0, None) for n in range(13)], "13 names; at most 12"),
    ],
)
def test_a_wrong_table_is_refused_by_row(warehouse, rows, message):
    fill(warehouse, rows)
    with pytest.raises(RegressorsError, match="RETAIL_REGRESSORS='weather'") as error:
        from_warehouse(warehouse, "weather")
    assert message in str(error.value)


def test_a_table_that_is_missing_or_lacks_a_column_is_reported(warehouse):
    fill(warehouse, [], {name: kind for name, kind in KINDS.items() if name != "known_on"})
    with pytest.raises(RegressorsError, match="column 'known_on' is missing"):
        from_warehouse(warehouse, "weather")
    for name in ("wheather", "other.weather"):
        with pytest.raises(RegressorsError, match=rf"RETAIL_REGRESSORS='{name}': duckdb:.* has no such table"):
            from_warehouse(warehouse, name)


def test_file_and_table_go_together():
    file, other = read("date,name\n2024-01-01,promo\n", "x"), read("date,name,value\n2024-01-01,rain,2\n", "y")
    assert together(file, NONE) is file
    assert together(NONE, NONE) is NONE
    both = together(file, other)
    assert both.names == ("promo", "rain")
    assert both.digest not in ("", file.digest, other.digest)
    origins, targets = np.array(["2023-12-31"], "datetime64[D]"), np.array([["2024-01-01"]], "datetime64[D]")
    assert both.as_known(origins, targets).tolist() == [[[1.0, 2.0]]]
    many = [read("date,name\n" + "".join(f"2024-01-01,{k}{n}\n" for n in range(7)), "x") for k in "ab"]
    with pytest.raises(RegressorsError, match="14 names; at most 12"):
        together(*many)
