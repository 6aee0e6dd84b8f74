"""Events and regressors: learnt from, and never known before they were said."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from retail_assets.forecasting.calendar import HolidayCalendar
from retail_assets.forecasting.features import FEATURES, feature_names, make_rows
from retail_assets.forecasting.models import GradientBoosting
from retail_assets.forecasting.regressors import NONE, RegressorsError, read
from retail_assets.forecasting.series import panel_at
from retail_assets_tests.forecasting.shop import FIRST, history, noisy_week, sales_of

EMPTY = HolidayCalendar("US", {})


def rows_of(regressors, origin=80):
    values = np.random.default_rng(0).gamma(2, 50, (1, 120))
    days = np.datetime64("2024-01-01") + np.arange(120)
    calendar = replace(EMPTY, regressors=regressors)
    return make_rows(values, days, np.array([0]), np.array([origin]), 28, calendar), calendar


def test_without_events_features_are_as_they_were():
    rows, calendar = rows_of(NONE)
    assert rows.x.shape[1] == len(FEATURES) == len(feature_names(calendar))


def test_a_value_is_a_feature_of_its_day_from_the_day_it_was_known():
    # Origin 80 is 2024-03-21; the third day ahead is 2024-03-24.
    text = "date,name,value,known_on\n2024-03-24,promo,2,{}\n"
    early, calendar = rows_of(read(text.format("2024-03-21"), "x"))
    late, _ = rows_of(read(text.format("2024-03-22"), "x"))
    assert feature_names(calendar)[-1] == "promo"
    assert early.x[:, -1].tolist() == [0, 0, 2] + [0] * 25
    assert not late.x[:, -1].any()


def test_of_several_values_the_latest_known_counts():
    said = [("5", "2024-03-20"), ("1", "2024-03-10"), ("9", "2024-03-25")]
    lines = [f"2024-03-24,rain,{value},{known_on}" for value, known_on in said]
    rows, _ = rows_of(read("\n".join(["date,name,value,known_on", *lines]), "x"))
    assert rows.x[2, -1] == 5


def test_a_planted_promotion_is_learnt():
    promoted = {day for day in range(10, 425) if day % 23 in (0, 1)}
    week = noisy_week(100, noise=0.05)
    sales = sales_of(history(400, {"a": lambda n: week(n) * (1.8 if n in promoted else 1.0)}))
    lines = [f"{FIRST + timedelta(days=day)},promo" for day in sorted(promoted)]
    events = read("date,name\n" + "\n".join(lines), "x")
    panel, ahead = panel_at(sales, sales.last_day), range(400, 420)
    said = []
    for regressors in (events, NONE):
        calendar = replace(EMPTY, regressors=regressors)
        made = GradientBoosting().fit(panel, calendar).predict(panel, calendar, 20)[0]
        usual = np.array([100 * (1.0, 0.9, 0.9, 1.0, 1.3, 1.8, 1.5)[day % 7] for day in ahead])
        said.append((made / usual)[[day in promoted for day in ahead]].mean())
    assert said[0] > 1.5 > said[1]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "column 'date' is missing"),
        ("date,nmae\n", "'nmae' is not known. Did you mean 'name'"),
        ("date,name\n2024-13-01,x\n", "line 2: date='2024-13-01' is not a day"),
        ("date,name\n2024-01-01,\n", "line 2: 'name' is empty"),
        ("date,name,value\n2024-01-01,x,much\n", "line 2: value='much' is not a number"),
        ("date,name,value\n2024-01-01,x,inf\n", "is not a number"),
        ("date,name,value\n2024-01-01,x,1e300\n", "is not a number up to 1e+12"),
        ("date,name,value\n2024-01-01,x,1,2\n", "line 2: more fields than the header"),
        ("date,name,name\n2024-01-01,x,y\n", "stands there twice"),
        ("date,name\n2024-01-01," + "x" * 140_000 + "\n", "not CSV"),
        ("date,name,known_on\n2024-01-01,x,soon\n", "known_on='soon' is not a day"),
        ("date,name\n" + "".join(f"2024-01-01,e{n}\n" for n in range(13)), "13 names; at most 12"),
    ],
)
def test_a_wrong_file_is_refused_by_line(text, told):
    with pytest.raises(RegressorsError, match=r"events\.csv") as error:
        read(text, "events.csv")
    assert told in str(error.value)


def test_dates_without_a_day_of_knowledge_were_known_all_along():
    assert read("\ufeffDate, Name\n2024-01-01,x\n", "x").known_on[0].astype(object).tolist() == [date.min]
