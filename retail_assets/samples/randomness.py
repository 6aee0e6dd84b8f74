"""Random numbers as a pure function of seed, row and decision, the same on any machine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]

#: Streams of randomness, one per decision.
KIND, SHOPPER, GROUP, SLOT, ITEM, QUANTITY, RETURN, LAG, VARIANT, PERSON = range(10)


def random_bits(numbers: Numbers, seed: int, stream: int) -> NDArray[np.uint64]:
    """Return 32 random bits per number: splitmix64 (Steele, Lea, Flood, 2014) as a hash of number, seed and stream.

    A counter-based hash instead of a numpy generator, because it needs no state and never changes with numpy.
    """
    with np.errstate(over="ignore"):
        x = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        x += np.uint64(((seed + 1) * 0xD1B54A32D192ED03 + (stream + 1) * 0x8CB92BA72F3D8DD7) & (2**64 - 1))
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            x ^= x >> np.uint64(shift)
            x *= np.uint64(factor)
        x ^= x >> np.uint64(31)
        return x >> np.uint64(32)


def below(random: NDArray[np.uint64], n: int) -> Numbers:
    """Return numbers in [0, n) from 32 random bits."""
    return ((random * np.uint64(n)) >> np.uint64(32)).astype(np.int64)
