"""How many random cases a property test draws: few in the ordinary suite, many in `make soak`."""

from __future__ import annotations

import os

#: Set by `make soak`: more cases, and other ones on every run.
SOAK = bool(os.environ.get("RETAIL_TEST_SOAK"))


def trials(ordinary: int, soak: int) -> int:
    """Return the number of cases to draw: `soak` under `make soak`, else `ordinary`."""
    return soak if SOAK else ordinary
