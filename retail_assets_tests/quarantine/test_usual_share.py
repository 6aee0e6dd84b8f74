"""A landing is compared with its own past: weekdays and seasons that are dirty are no news, others are."""

from __future__ import annotations

import datetime as dt

import numpy as np

from retail_assets.quarantine.usual_share import unusual_share

MONDAY = dt.date(2024, 12, 2)


def past(share_of: dict[int, float], days: int = 800, rows: int = 1000) -> dict[dt.date, tuple[int, int]]:
    """Landings before MONDAY with rejected rows drawn for the share of their weekday; 0.5 % on others."""
    rng = np.random.default_rng(3)
    found = {}
    for n in range(1, days + 1):
        day = MONDAY - dt.timedelta(n)
        found[day] = (int(rng.binomial(rows, share_of.get(day.weekday(), 0.005))), rows)
    return found


def test_a_dirty_weekday_is_usual_and_a_clean_one_that_becomes_as_dirty_is_not() -> None:
    history = past({5: 0.10})
    saturday, sunday = MONDAY - dt.timedelta(2), MONDAY - dt.timedelta(1)
    assert unusual_share(saturday, 105, 1000, history) is None
    sentence = unusual_share(sunday, 105, 1000, history)
    assert sentence is not None
    assert str(sentence).startswith(
        "10.5 % of the rows of 1 Dec 2024 were rejected (105 of 1,000); on the 12 Sundays before"
    )


def test_a_season_that_was_dirty_a_year_ago_is_usual() -> None:
    history = past({})
    assert unusual_share(MONDAY, 60, 1000, history) is not None
    for n in range(-30, 31):
        history[MONDAY - dt.timedelta(364 + n)] = (60, 1000)
    assert unusual_share(MONDAY, 60, 1000, history) is None
    sentence = unusual_share(MONDAY, 200, 1000, history)
    assert sentence is not None
    assert "and 6.0 % in 9 landings around that day a year before" in str(sentence)


def test_a_short_past_an_empty_landing_and_few_rows_say_nothing() -> None:
    assert unusual_share(MONDAY, 900, 1000, past({}, days=20)) is None
    assert unusual_share(MONDAY, 0, 0, past({})) is None
    assert unusual_share(MONDAY, 3, 4, past({}, rows=4)) is None
    assert unusual_share(MONDAY, 9, 1000, {day: (0, 1000) for day in past({})}) is None


def test_ordinary_landings_are_hardly_ever_called_unusual() -> None:
    """Of two years of landings that vary by chance, more than chance would allow are not reported."""
    history = past({5: 0.04, 6: 0.02}, days=1200)
    days = sorted(history)[400:]
    reported = [day for day in days if unusual_share(day, *history[day], history)]
    assert len(days) == 800
    assert len(reported) <= 4


def test_more_dirt_than_usual_is_found_whatever_the_size_of_landings() -> None:
    for rows in (300, 5_000, 200_000):
        history = past({}, rows=rows)
        assert unusual_share(MONDAY, round(0.06 * rows), rows, history) is not None
