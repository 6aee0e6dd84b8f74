"""Orders of a fixed number of items, drawn without any liking of one item for another: how often two are together.

Large orders hold everything, so items meet in them by size alone. Given how many items an order has, and how often each
item is in orders of that size, the least that can be assumed is the distribution of maximum entropy: items are drawn
independently, and orders of another size are thrown away (Chen, Dempster & Liu 1994, Biometrika 81, 457-469).
"""

from __future__ import annotations

import numpy as np

_ROUNDS = 500
_NEAR_ENOUGH = 1e-10


def pairs_together(sizes: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return the share of orders that hold both of two items, by size: (s, n, n), zero on the diagonal.

    `sizes` (s,) are numbers of items from 1 to n; `shares` (s, n) are the shares of the orders of a size that hold an
    item, so each row adds up to its size.

    >>> pairs_together(np.array([2]), np.array([[1.0, 0.5, 0.5]]))[0].round(3).tolist()
    [[0.0, 0.5, 0.5], [0.5, 0.0, 0.0], [0.5, 0.0, 0.0]]
    """
    draws = _draws(sizes, shares)
    rows = np.arange(len(sizes))
    counts = _number_drawn(draws)
    of_size = counts[rows, sizes]
    without_one = _without(counts[:, None, :], draws)
    # Items before and after each other give the same, up to rounding; the mean is symmetric.
    n = shares.shape[1]
    together = np.zeros((len(sizes), n, n))
    for row in rows:
        without_two = _without(without_one[row][:, None, :], np.broadcast_to(draws[row], (n, n)))
        both = without_two[:, :, sizes[row] - 2] if sizes[row] > 1 else np.zeros((n, n))
        together[row] = draws[row][:, None] * draws[row][None, :] * both / of_size[row]
    together = (together + together.transpose(0, 2, 1)) / 2
    together[:, np.arange(n), np.arange(n)] = 0
    return together


def _draws(sizes: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Probabilities of independent draws, (s, n), that give `shares` among the orders of the size."""
    rows = np.arange(len(sizes))
    drawn = np.clip(shares, 0.0, 1.0)
    open_ = (drawn > 0) & (drawn < 1)
    wanted = _log_odds(np.where(open_, drawn, 0.5))
    log_odds = wanted.copy()
    for _ in range(_ROUNDS):
        draws = np.where(open_, 1 / (1 + np.exp(-log_odds)), drawn)
        counts = _number_drawn(draws)
        without_one = _without(counts[:, None, :], draws)
        given = draws * without_one[rows, :, sizes - 1] / counts[rows, sizes][:, None]
        if np.max(np.abs(given - drawn)[open_], initial=0.0) < _NEAR_ENOUGH:
            break
        given = np.where(open_, np.clip(given, 1e-12, 1 - 1e-12), 0.5)
        log_odds = log_odds + wanted - _log_odds(given)
    return draws


def _log_odds(share: np.ndarray) -> np.ndarray:
    return np.log(share / (1 - share))


def _number_drawn(draws: np.ndarray) -> np.ndarray:
    """The distribution of the number of items drawn, (s, n + 1), from their probabilities (s, n)."""
    counts = np.zeros((len(draws), draws.shape[1] + 1))
    counts[:, 0] = 1
    for item in draws.T:
        p = item[:, None]
        counts[:, 1:] = counts[:, 1:] * (1 - p) + counts[:, :-1] * p
        counts[:, 0] *= 1 - item
    return counts


def _without(counts: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """The distribution of the number drawn without one item: of `counts` (…, 1, n + 1), for each of `draws` (…, n).

    The recursion runs upward for items that are drawn rarely and downward for the others, so that errors shrink.
    """
    n = counts.shape[-1] - 1
    p = draws
    up = np.zeros((*p.shape, n + 1))
    down = np.zeros((*p.shape, n + 1))
    rare = p <= 0.5
    low, high = np.where(rare, p, 0.0), np.where(rare, 1.0, p)
    before = np.zeros_like(p)
    for at in range(n):
        before = (counts[..., at] - low * before) / (1 - low)
        up[..., at] = before
    after = np.zeros_like(p)
    for at in range(n, 0, -1):
        after = (counts[..., at] - (1 - high) * after) / high
        down[..., at - 1] = after
    return np.where(rare[..., None], up, down)
