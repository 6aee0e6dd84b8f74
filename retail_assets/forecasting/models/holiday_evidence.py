"""How much of what a holiday brought is believed, by its orders: for both memories of holidays.

Amounts of single orders are skewed, so that few orders make a ratio to usual days far above 1 by chance. The ratio is
therefore at most twice that of orders, and a step upward is shrunk by n / (n + 20) with n the orders of the past
occasions. A step downward ends at nothing, and needs no orders to be believed.
"""

from __future__ import annotations

from retail_assets.forecasting.data.series import ORDERS_THAT_PROVE_CLOSURE

# As many orders as prove a closed day weigh as much as no memory.
_ORDERS_OF_DOUBT = ORDERS_THAT_PROVE_CLOSURE
# Baskets of a holiday are larger than usual ones, but rarely more than twice as large.
_LARGEST_BASKETS = 2.0


def limited_by_orders(ratio: float, ratio_of_orders: float) -> float:
    """Limit the ratio of a holiday's sales to usual days to twice that of its orders; above 1 only.

    >>> limited_by_orders(7.0, 1.0), limited_by_orders(7.0, 5.0), limited_by_orders(0.4, 0.1)
    (2.0, 7.0, 0.4)
    """
    return min(ratio, max(_LARGEST_BASKETS * ratio_of_orders, 1.0))


def weight_of_orders(step: float, orders: float) -> float:
    """Weigh a step toward what the shop did before by the orders of then, 0 to 1; a step downward is not shrunk.

    >>> weight_of_orders(0.5, 20.0), weight_of_orders(-0.5, 3.0)
    (0.5, 1.0)
    """
    return orders / (orders + _ORDERS_OF_DOUBT) if step > 0 else 1.0
