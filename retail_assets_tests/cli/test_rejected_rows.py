"""The report of a replay for people; the other output about rejected rows is tested with `quarantine/`."""

from __future__ import annotations

import datetime as dt

from retail_assets.cli.rejected_rows import replay_lines
from retail_assets.defs.replay import Report
from retail_assets.quarantine.move import Replayed
from retail_assets.quarantine.rows import Selection

DAY = dt.timedelta(days=1)


def test_the_report_adds_up_and_says_what_was_cleaned_as_a_whole() -> None:
    day = dt.date(2024, 3, 1)
    results = (Replayed(day, 5, 3, 1, 1, reasons={"invalid_date": 1}), Replayed(day + DAY, 7, whole="of that"))
    report = Report("shop@2", Selection(reason="invalid_date"), results, dry_run=True)
    text = "\n".join(replay_lines(report))
    assert "judged 5 rejected rows of 1 landing again" in text
    assert "The landing of 2 Mar 2024 would be cleaned again from its files: of that." in text
    assert text.endswith("Nothing was changed.")
    data = report.to_json()
    assert (data["selected"], data["cleaned"], data["selection"]) == (12, 3, "reason invalid_date")


def test_a_report_of_nothing_says_so() -> None:
    assert replay_lines(Report("shop@2", Selection())) == [
        "Nothing to replay: no row was rejected by a contract other than shop@2."
    ]
