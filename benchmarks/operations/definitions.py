"""How long the definitions take to load, against `import dagster`: CPU of fresh processes, measured in pairs."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile

_PAIRS = 9


def measure() -> dict[str, float]:
    """Return `definitions_import_ratio`: the median ratio of the pairs."""
    with tempfile.TemporaryDirectory() as home:
        pairs = [(_seconds("dagster", home), _seconds("retail_assets.definitions", home)) for _ in range(_PAIRS + 1)]
    # The first pair writes the byte code.
    ratios = [ours / dagsters for dagsters, ours in pairs[1:]]
    return {"definitions_import_ratio": round(statistics.median(ratios), 2)}


def _seconds(module: str, home: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    code = f"import os; os.environ['RETAIL_HOME'] = {home!r}; import {module}"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
