"""Which landings of a replay share a Dagster run, and the report for people."""

from __future__ import annotations

import datetime as dt
import itertools

from hypothesis import given
from hypothesis import strategies as st

from retail_assets.cli.rejected_rows import replay_lines
from retail_assets.defs.replay import Report, stretches
from retail_assets.quarantine.move import Replayed
from retail_assets.quarantine.rows import Selection

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


def test_the_report_adds_up_and_says_what_was_cleaned_as_a_whole() -> None:
    day = dt.date(2024, 3, 1)
    results = (Replayed(day, 5, 3, 1, 1, reasons={"invalid_date": 1}), Replayed(day + DAY, 7, whole="of that"))
    report = Report("shop@2", Selection(reason="invalid_date"), results, dry_run=True)
    text = "\n".join(replay_lines(report))
    assert "judged 5 rejected rows of 1 landing again" in text
    assert "The landing of 2024-03-02 would be cleaned again from its files: of that." in text
    assert text.endswith("Nothing was changed.")
    data = report.to_json()
    assert (data["selected"], data["cleaned"], data["selection"]) == (12, 3, "reason invalid_date")


def test_a_report_of_nothing_says_so() -> None:
    assert replay_lines(Report("shop@2", Selection())) == [
        "Nothing to replay: no row was rejected by a contract other than shop@2."
    ]
