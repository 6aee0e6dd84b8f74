"""Where Dagster keeps its records. Needs no Dagster."""

from __future__ import annotations

import os
from pathlib import Path


def dagster_home() -> Path | None:
    """Return the folder in DAGSTER_HOME, which may not exist; None if it is not set."""
    text = os.environ.get("DAGSTER_HOME", "").strip()
    return Path(text) if text else None
