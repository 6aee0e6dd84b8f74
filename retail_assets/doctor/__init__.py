"""Checks whether this machine has everything that a run needs: one finding per thing, with the fix for a problem.

The checks use the real thing (they list, write, start and open) and leave nothing behind. What does not belong here:
fixing anything, and printing.
"""

from retail_assets.doctor.examination import examine, run
from retail_assets.doctor.finding import Finding

__all__ = ["Finding", "examine", "run"]
