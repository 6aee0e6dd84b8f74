"""Write the report and its digest from a warehouse to a store."""

from __future__ import annotations

from collections.abc import Sequence

from retail_assets.exports import DIGEST, REPORT
from retail_assets.exports.report.digest import digest
from retail_assets.exports.report.facts import Facts, read_facts
from retail_assets.exports.report.page_parts import lay_out
from retail_assets.exports.report.render import CheckResult, Run, render
from retail_assets.storage import Store
from retail_assets.warehouse.protocol import Warehouse


def write_report(
    warehouse: Warehouse,
    output: Store,
    source: str,
    currency: str,
    *,
    checks: Sequence[CheckResult] = (),
    run: Run | None = None,
) -> tuple[Facts, bytes]:
    """Write `report.html` and `digest.md`, and return what they show and the page.

    Raises:
        NotReadyError: there are no sales in the warehouse yet.
        StorageError, WarehouseError: a store or the warehouse refuses.
    """
    facts = read_facts(warehouse, output, currency)
    parts = lay_out(facts)
    page = render(facts, source, parts=parts, checks=checks, run=run)
    output.write(DIGEST, digest(facts, parts, source).encode())
    output.write(REPORT, page)
    return facts, page
