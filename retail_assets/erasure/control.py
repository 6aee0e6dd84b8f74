"""Control totals of a file after erasing: those before, minus those of the erased lines alone.

The lines are read by the parser of the control totals, which is not that of cleaning, so the totals stay an independent
count; and a large file need not be read again for a few lines.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import IO, cast

from retail_assets.contracts.model import Contract
from retail_assets.contracts.references import priced_by
from retail_assets.erasure.scratch import scratch
from retail_assets.lake.profile import Control, FileProfile
from retail_assets.landing.inspection.control_totals import control_totals
from retail_assets.landing.inspection.text_stream import uncompressed
from retail_assets.landing.land import sha256_of
from retail_assets.landing.text_lines import only
from retail_assets.storage import Store


def control_without(
    store: Store, profile: FileProfile, contract: Contract, landed_on: dt.date, lines: Sequence[int]
) -> Control | None:
    """Return the control totals of a text file without some of its lines, before these are erased.

    None where the lines alone do not show them: in Parquet and Excel, where cells are filled from the lines
    above, and where money depends on reference files.
    """
    before = profile.control
    if profile.format not in ("csv", "jsonl") or profile.fill_down or priced_by(contract.references, contract.columns):
        return None
    if before.rows is None or before.amount is None:
        return before  # there were none before
    if sha256_of(store, profile.key) != profile.sha256:  # rewritten already, by a run that was cut short
        return None
    with scratch() as folder:
        name = "lines.jsonl" if profile.format == "jsonl" else "lines.csv"
        with store.open(profile.key) as handle, (folder / name).open("wb") as sink:
            source = uncompressed(handle, profile.compression)
            header = range(1, profile.header_lines + 1)
            only(source, cast(IO[bytes], sink), [*header, *lines], profile.encoding, profile.line_end)
        of_lines = replace(profile, key=name, compression=None, totals_from=0, lines=len(lines))
        gone, _ = control_totals(Store(str(folder)), of_lines, contract, landed_on, lost_text=profile.format == "csv")
    if gone.rows is None or gone.amount is None:
        return None
    with contextlib.suppress(ArithmeticError):
        amount = str(Decimal(before.amount) - Decimal(gone.amount))
        return replace(
            before, rows=before.rows - gone.rows, rejected=(before.rejected or 0) - (gone.rejected or 0), amount=amount
        )
    return None
