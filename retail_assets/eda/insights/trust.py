"""What is said of the rows that are not in the numbers: quarantined, excluded and superseded, with their money."""

from __future__ import annotations

from collections.abc import Sequence

from retail_assets.eda.data import EdaData
from retail_assets.eda.landed import NAMES
from retail_assets.wording import sales_landed as words
from retail_assets.wording.statement import Statement


def sentences(data: EdaData, currency: str) -> list[Statement]:
    """Say what became of the landed rows that are no sales; nothing if all are."""
    landed = data.landed
    if landed.total == landed.count("clean"):
        return []
    rows_by_status = [(name, landed.count(name)) for name in NAMES]
    if landed.erased:
        rows_by_status.append(("erased", landed.erased))
    said = [words.landed(total=landed.total, rows=tuple(rows_by_status))]
    if rows := landed.count("quarantined"):
        said.append(
            words.quarantined(
                rows=rows,
                total=landed.total,
                share=rows / landed.total,
                amount=float(landed.amount("quarantined")),
                without_amount=landed.without_amount,
                currency=currency,
            )
        )
    if data.days_rejected:
        said.append(words.days_missing(days=len(data.days_rejected)))
    if rows := landed.count("excluded"):
        amount = float(landed.amount("excluded"))
        share = rows / landed.total
        said.append(words.excluded(rows=rows, total=landed.total, share=share, amount=amount, currency=currency))
    return said


def assumed(guesses: Sequence[str]) -> list[Statement]:
    """Say which guesses of a drafted contract nobody has confirmed; nothing without any."""
    return [words.assumed(guesses=tuple(guesses))] if guesses else []
