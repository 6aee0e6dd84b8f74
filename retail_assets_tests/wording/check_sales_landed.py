"""What sentences about landed rows are made from, recomputed from the rows that were planted."""

from __future__ import annotations

from decimal import Decimal

from retail_assets_tests.wording.checks import Facts, recomputes
from retail_assets_tests.wording.landings import ASSUMED, rejected_days, rows
from retail_assets_tests.wording.shops import Shop


@recomputes("sales.landed")
def _landed(shop: Shop, facts: Facts) -> Facts:
    statuses = ("clean", "quarantined", "superseded", "excluded")
    counts = tuple((status, sum(r.rows for r in rows(shop) if r.status == status)) for status in statuses)
    return {"total": sum(count for _, count in counts), "rows": counts}


def _of(shop: Shop, status: str) -> Facts:
    own = [r for r in rows(shop) if r.status == status]
    total = sum(r.rows for r in rows(shop))
    return {
        "rows": sum(r.rows for r in own),
        "total": total,
        "share": sum(r.rows for r in own) / total,
        "amount": sum((r.rows * r.amount for r in own if r.amount is not None), Decimal(0)),
        "currency": shop.currency,
    }


@recomputes("sales.quarantined")
def _quarantined(shop: Shop, facts: Facts) -> Facts:
    without = sum(r.rows for r in rows(shop) if r.status == "quarantined" and r.amount is None)
    return {**_of(shop, "quarantined"), "without_amount": without}


@recomputes("sales.excluded")
def _excluded(shop: Shop, facts: Facts) -> Facts:
    return _of(shop, "excluded")


@recomputes("sales.days_missing")
def _days_missing(shop: Shop, facts: Facts) -> Facts:
    return {"days": len(rejected_days(shop))}


@recomputes("sales.assumed")
def _assumed(shop: Shop, facts: Facts) -> Facts:
    return {"guesses": ASSUMED[shop.name]}
