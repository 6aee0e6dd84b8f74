"""docs/redshift.md names every setting as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from retail_assets.settings.redshift import VARIABLES

DOCS = (Path(__file__).parents[3] / "docs" / "redshift.md").read_text()


@pytest.mark.parametrize("variable", VARIABLES)
def test_every_setting_stands_in_the_table_with_its_default_and_meaning(variable: str) -> None:
    default, meaning = VARIABLES[variable]
    assert f"| `{variable}` | {default} | {meaning} |" in DOCS
