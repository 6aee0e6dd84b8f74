"""How many random cases a property test draws: many in `make soak`, few in `make test-fast`."""

from __future__ import annotations

import os

#: Set by `make soak`: more cases, and other ones on every run.
SOAK = bool(os.environ.get("RETAIL_TEST_SOAK"))
#: Set by `make test-fast`: a tenth of the cases.
FAST = bool(os.environ.get("RETAIL_TEST_FAST"))


def trials(ordinary: int, soak: int | None = None) -> int:
    """Return the number of cases to draw: `soak` under `make soak` where it is given, else `ordinary`."""
    if SOAK and soak is not None:
        return soak
    return max(3, ordinary // 10) if FAST else ordinary
