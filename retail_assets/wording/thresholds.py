"""From when on a difference is worth a sentence: one threshold each for insights, segments and decisions."""

from __future__ import annotations

NOISE = 0.05
"""p-value from which a difference counts as chance."""
WORTH_ACTING_ON = 0.02
"""Share of a group's spending: a smaller difference from the others changes no merchant's plan."""
ALIKE = 0.05
"""Share of an amount within which the next is called about the same: none of them is then named the highest."""
