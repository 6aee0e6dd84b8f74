"""What cleaning should find in generated sales: rows by kind and landing, and their money."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal

from retail_assets.samples.dirt import DIRT


@dataclass
class Expected:
    """What was generated, to compare with the result of cleaning. Filled while `generate` is consumed.

    `kinds` counts rows by kind (plain ones as "plain"). `clean_cents` is the money in cents of the rows that are clean
    and not superseded in their landing.
    """

    rows: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    rows_by_landing: Counter[dt.date] = field(default_factory=Counter)
    clean_cents: int = 0

    @property
    def reasons(self) -> dict[str, int]:
        """Rows that should be quarantined, by reason."""
        return {k.reason: self.kinds[k.name] for k in DIRT if k.reason and self.kinds[k.name]}

    @property
    def quarantined(self) -> int:
        return sum(self.reasons.values())

    @property
    def superseded(self) -> int:
        """Rows whose id is repeated later in the same landing."""
        return self.kinds["repeated_id"]

    @property
    def clean(self) -> int:
        """Rows of `sales_clean` over all landings, where a corrected sale counts in both landings."""
        return self.rows - self.quarantined - self.superseded

    @property
    def current(self) -> int:
        """Rows of `sales`, one per distinct transaction."""
        return self.clean - self.kinds["corrected_row"]

    @property
    def clean_amount(self) -> Decimal:
        return Decimal(self.clean_cents) / 100
