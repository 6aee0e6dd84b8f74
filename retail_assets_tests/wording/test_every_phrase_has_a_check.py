"""No sentence without its check: whoever adds a phrase has to add a test that recomputes it from the warehouse."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import retail_assets.wording
import retail_assets_tests.wording
from retail_assets.wording import statement
from retail_assets.wording.statement import Statement, phrase, phrases, recorded
from retail_assets_tests.wording import checks


def test_every_phrase_has_a_check_and_every_check_a_phrase() -> None:
    for module in pkgutil.iter_modules(retail_assets.wording.__path__, "retail_assets.wording."):
        importlib.import_module(module.name)
    for module in pkgutil.iter_modules(retail_assets_tests.wording.__path__, "retail_assets_tests.wording."):
        if ".check_" in module.name:
            importlib.import_module(module.name)
    assert checks.checked() == set(phrases())


def test_a_number_that_is_no_fact_is_seen() -> None:
    @phrase("test.example")
    def example(*, count: int, share: float) -> str:
        return f"{count:,} orders of 95 % size, {share * 100:.1f} % of all, and {count * 2:,} more."

    try:
        with recorded() as statements:
            example(count=1234, share=0.087)
        assert statements == [
            Statement(
                "test.example",
                "1,234 orders of 95 % size, 8.7 % of all, and 2,468 more.",
                {"count": 1234, "share": 0.087},
            )
        ]
        assert checks.unexplained(statements[0]) == ["2,468"]
        with pytest.raises(ValueError, match="two phrases"):
            phrase("test.example")(lambda: "")
    finally:
        del statement._PHRASES["test.example"]
