"""Each landing day accounts for every row that landed on it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from retail_assets.eda.daily_quality import daily_quality
from retail_assets.lake.manifests import STATUSES, CleanManifest, LakeFile
from retail_assets.tables import DAILY_QUALITY
from retail_assets_tests.trials import trials

DAY = dt.date(2024, 1, 31)


def landing(day: dt.date, counts: tuple[int, ...], reasons: dict[str, int] | None = None) -> CleanManifest:
    """A landing with so many rows of each status, in two files each, of -0.01 to 0.02 a file."""
    files = {
        status: (LakeFile("a", rows, rows, "-0.01", 1), LakeFile("b", 0, 0, "0.02", 1))
        for status, rows in zip(STATUSES, counts, strict=True)
    }
    return CleanManifest("s", day, "r", "c", "d", files, reasons or {})  # type: ignore[arg-type]


counts = st.lists(st.tuples(*[st.integers(0, 10**9)] * 4), max_size=5)


@given(counts=counts)
@settings(max_examples=trials(60))
def test_landed_rows_are_the_sum_on_every_day(counts: list[tuple[int, ...]]) -> None:
    landings = [landing(DAY - dt.timedelta(days=at), each) for at, each in enumerate(counts)]
    rows = daily_quality(landings).to_pylist()
    assert [row["landed_on"] for row in rows] == sorted(m.landed_on for m in landings)
    for row, (clean, quarantined, superseded, excluded) in zip(rows, reversed(counts), strict=True):
        assert row["landed"] == row["clean"] + row["quarantined"] + row["superseded"] + row["excluded"]
        assert (row["clean"], row["quarantined"]) == (clean, quarantined)
        assert (row["superseded"], row["excluded"]) == (superseded, excluded)
        assert row["quarantined_share"] == (quarantined / row["landed"] if row["landed"] else None)
        assert row["clean_amount"] == row["excluded_amount"] == Decimal("0.01")


def test_the_top_reason_is_the_most_frequent_and_among_equals_the_first() -> None:
    reasons = {"invalid_date": 2, "duplicate": 3, "amount_missing": 3}
    [row] = daily_quality([landing(DAY, (1, 5, 0, 0), reasons)]).to_pylist()
    assert (row["top_reason"], row["top_reason_rows"]) == ("amount_missing", 3)


def test_nothing_landed_and_an_empty_landing() -> None:
    assert daily_quality([]).schema.equals(DAILY_QUALITY.arrow_schema())
    [row] = daily_quality([landing(DAY, (0, 0, 0, 0))]).to_pylist()
    assert (row["landed"], row["quarantined_share"], row["top_reason"]) == (0, None, None)
