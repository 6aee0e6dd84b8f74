"""What is switched on: a known word or a refusal in words, never something else than was meant."""

from __future__ import annotations

import pytest

from retail_assets import settings
from retail_assets.errors import SettingsError


def test_nothing_runs_by_itself_unless_it_is_switched_on() -> None:
    assert settings.load({}).automation == frozenset()
    assert settings.load({"RETAIL_AUTOMATION": " off "}).automation == frozenset()
    assert settings.load({"RETAIL_AUTOMATION": "On"}).automation == {"landings", "follow_sales"}
    assert settings.load({"RETAIL_AUTOMATION": "landings, retraining,landings"}).automation == {
        "landings",
        "retraining",
    }


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("landing", r"'landing' is not usable.*Did you mean 'landings'\?"),
        ("landings,folow_sales", r"Did you mean 'follow_sales'\?"),
        ("landings,", "is not usable. Allowed: on, off, or some of landings, follow_sales, retraining"),
        ("on,landings", "is not usable"),
        ("landings,off", "is not usable"),
        ("landings retraining", "is not usable"),
        ("yes", "is not usable"),
        ("1", "is not usable"),
        ("alerts", "alerts are on as soon as RETAIL_ALERT_WEBHOOK"),
        ("landings,lineage", "lineage is on as soon as RETAIL_LINEAGE_URL is set"),
    ],
)
def test_a_word_that_it_does_not_know_is_refused(value: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        settings.load({"RETAIL_AUTOMATION": value})
