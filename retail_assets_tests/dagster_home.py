"""A Dagster home for tests, as the project configures it."""

from __future__ import annotations

import shutil
from pathlib import Path

_CONFIGURATION = Path(__file__).parents[1] / "dagster.yaml"


def dagster_home(folder: Path) -> Path:
    """Make a folder a Dagster home with the project's own dagster.yaml, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(_CONFIGURATION, folder)
    return folder
