"""Who is promoted, and when a training is due."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from retail_assets.forecasting.lifecycle.promotion_policy import decide, reason_to_train
from retail_assets.models.store import Manifest

CHAMPION = Manifest(
    "old", "0", "gradient_boosting", True, "2024-01-01", "1", {}, 0, 28, [], {"last_day": "2024-01-01"}, {},
    {"gradient_boosting": 100.0, "auto_ets": 110.0}, "has skill",
)  # fmt: skip
NEWER = replace(CHAMPION, version="new", data={"last_day": "2024-01-08"})


@pytest.mark.parametrize(
    ("candidate", "promoted", "phrase"),
    [
        (NEWER, True, "gradient boosting again, fitted to sales up to 8 Jan 2024"),
        (CHAMPION, False, "the same model"),
        (replace(NEWER, has_skill=False), False, "no skill"),
        (replace(NEWER, data={"last_day": "2023-12-01"}), False, "before those"),
        (
            replace(NEWER, family="auto_ets", scores={"gradient_boosting": 100.0, "auto_ets": 98.0}),
            True,
            "2.0 % better than",
        ),
        (replace(NEWER, family="auto_ets", scores={"gradient_boosting": 100.0, "auto_ets": 99.5}), False, "not more"),
        (replace(NEWER, family="auto_ets", scores={"auto_ets": 99.5}), True, "took no part"),
    ],
)
def test_a_candidate_is_promoted_only_if_it_wins(candidate: Manifest, promoted: bool, phrase: str) -> None:
    decision = decide(candidate, CHAMPION)
    assert (decision.promote, phrase in decision.reason) == (promoted, True), decision


def test_a_model_that_cannot_be_read_is_no_rival() -> None:
    decision = decide(replace(NEWER, has_skill=False), None, unusable="another format")
    assert decision.promote
    assert "another format" in decision.reason


def test_a_model_of_days_that_are_gone_gives_way() -> None:
    stray = replace(CHAMPION, data={"first_day": "2099-12-31", "last_day": "2099-12-31"})
    assert decide(replace(NEWER, data={"first_day": "2023-01-01", "last_day": "2024-01-08"}), stray).promote


def test_the_first_model_is_promoted_even_without_skill() -> None:
    assert decide(replace(NEWER, has_skill=False), None).promote


def test_a_model_without_skill_gives_way_to_another() -> None:
    assert decide(replace(NEWER, family="weekday_mean", has_skill=False), replace(CHAMPION, has_skill=False)).promote


@pytest.mark.parametrize(
    ("changes", "phrase"),
    [
        ({}, None),
        ({"demanded": True}, "on demand"),
        ({"champion": None}, "no model is in use"),
        ({"alike": []}, "other code or other events than those of old"),
        ({"alarm": "WAPE is high"}, "WAPE is high"),
        ({"alarm": "WAPE is high", "last_day": dt.date(2024, 1, 1)}, None),
        ({"last_day": dt.date(2024, 1, 8)}, "no model has seen the last 7 days"),
        ({"last_day": dt.date(2024, 1, 8), "alike": [CHAMPION, NEWER]}, None),
        ({"last_day": dt.date(2023, 12, 8)}, "end before"),
        ({"last_day": None}, None),
    ],
)
def test_a_training_is_due_for_a_reason(changes: dict[str, object], phrase: str | None) -> None:
    usual = {
        "champion": CHAMPION, "alike": [CHAMPION], "last_day": dt.date(2024, 1, 5), "alarm": None, "demanded": False,
    }  # fmt: skip
    reason = reason_to_train(**(usual | changes))  # type: ignore[arg-type]
    assert reason is None if phrase is None else phrase in (reason or "")
