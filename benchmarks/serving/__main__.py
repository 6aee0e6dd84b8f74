"""Predictions next to their targets: `make bench-serving`, or `python -m benchmarks.serving core` for some parts.

Each part is a module with `measure(scratch) -> figures` and `TARGETS`, what figures may be at most. The figures of all
parts are in benchmarks/results/serving.json; those of a part that is not measured stay as they are.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import tempfile
from pathlib import Path

RESULTS = Path(__file__).parents[1] / "results" / "serving.json"
PARTS = ("core", "http", "lambda_package")


def main(arguments: list[str]) -> int:
    """Measure the parts that are named, or all; return 1 if a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all by default")
    missed = 0
    chosen = parser.parse_args(arguments).parts or PARTS
    if unknown := [name for name in chosen if name not in PARTS]:
        parser.error(f"{unknown[0]!r} is no part. Parts: {', '.join(PARTS)}")
    for name in chosen:
        part = importlib.import_module(f"benchmarks.serving.{name}")
        with tempfile.TemporaryDirectory(prefix="retail-bench-") as scratch:
            figures = {key: round(value, 4) for key, value in part.measure(Path(scratch)).items()}
        for key, value in figures.items():
            most = part.TARGETS.get(key)
            missed += most is not None and value > most
            print(f"{key:28} {value:12,.4f}{'' if most is None else f'   at most {most:,}'}")
        RESULTS.parent.mkdir(exist_ok=True)
        known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        RESULTS.write_text(json.dumps(known | figures, indent=2, sort_keys=True) + "\n")
    print(f"{missed} targets missed; written to {RESULTS}")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
