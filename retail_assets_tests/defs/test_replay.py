"""Which landings of a replay share a Dagster run."""

from __future__ import annotations

import datetime as dt
import itertools

from hypothesis import given
from hypothesis import strategies as st

from retail_assets.defs.replay import stretches

DAY = dt.timedelta(days=1)
days = st.lists(st.dates(dt.date(2024, 2, 20), dt.date(2024, 3, 10)), max_size=15)


@given(days)
def test_runs_take_each_landing_once_and_no_day_without_one(chosen: list[dt.date]) -> None:
    groups = stretches(chosen)
    assert [day for group in groups for day in group] == sorted(set(chosen))
    for group in groups:
        assert group == [group[0] + DAY * n for n in range(len(group))]
    for before, after in itertools.pairwise(groups):
        assert after[0] - before[-1] > DAY
