"""Who buys: new against returning customers, and how many come back."""

from __future__ import annotations

from collections.abc import Iterable

from retail_assets.eda.data import EdaData
from retail_assets.eda.findings import loyalty
from retail_assets.wording import sales_loyalty as words
from retail_assets.wording.statement import Statement


def sentences(data: EdaData) -> Iterable[Statement]:
    """Write the sentences; none where the months are too few, or where nobody is seen in a second month."""
    found = loyalty.newcomers(data)
    if found is None or not found.anybody_returns:
        return
    counted = found.counted
    active = found.first_seen + found.returning
    yield words.new_customers(
        first_month=counted[0].start,
        last_month=counted[-1].start,
        customers=found.first_seen,
        active=active,
        customers_share=found.first_seen / active if active else 0.0,
        share=found.revenue_share,
        burn_in=found.burn_in.months,
        mistaken=found.burn_in.mistaken,
        told_apart=found.burn_in.told_apart,
    )
    back = loyalty.comeback(data)
    if back is not None and back.clear:
        yield words.comeback(
            first_month=back.start,
            last_month=back.end,
            customers=back.first,
            share=back.back / back.first,
            before=back.before,
            low=back.low,
            high=back.high,
            p=back.p,
        )
