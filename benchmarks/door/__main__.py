"""Runs every file of the catalogue and writes benchmarks/results/door.json: `make bench-door`.

Exits with 1 if a file is read silently wrong, wrongly refused, or crashes.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

from benchmarks.door.catalogue import all_cases
from benchmarks.door.outcome import VERDICTS, outcome_of, verdict_on

RESULTS = Path(__file__).parents[1] / "results" / "door.json"


def main() -> int:
    """Print each file with a wrong result, and the counts."""
    counts: Counter[str] = Counter()
    cases = all_cases()
    for case, files in cases:
        verdict, difference = verdict_on(case, outcome_of(case.contract, files))
        counts[verdict] += 1
        if difference:
            print(f"{verdict}: {case.group}: {case.what}: {difference}")
    report: dict[str, int] = {"cases": len(cases), **{verdict: counts[verdict] for verdict in VERDICTS}}
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(report))
    return int(any(counts[verdict] for verdict in ("silently_wrong", "wrongly_refused", "crashed")))


if __name__ == "__main__":
    sys.exit(main())
