"""Versions for the tests of the model store: any bytes will do."""

from __future__ import annotations

import datetime as dt
from typing import Any

from retail_assets.models.store import ModelStore

AT = dt.datetime(2024, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
FACTS: dict[str, Any] = {
    "family": "gradient_boosting", "has_skill": True, "trained_at": "2024-01-02T03:04:05+00:00", "code_version": "1",
    "libraries": {}, "seed": 0, "horizon": 28, "features": ["step"], "data": {"last_day": "2024-01-01"},
    "metrics": {"wape": 0.1}, "scores": {"gradient_boosting": 10.0}, "verdict": "Has skill.",
}  # fmt: skip


def save(models: ModelStore, data: bytes = b"one", day: int = 1, card: str = "# card\n", **facts: Any) -> str:
    """Store a version of these bytes, with sales up to a day of January 2024; returns its name."""
    last = dt.date(2024, 1, day)
    return models.save(data, last, FACTS | {"data": {"last_day": str(last)}} | facts, card).version
