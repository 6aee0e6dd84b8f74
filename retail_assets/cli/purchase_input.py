"""Purchases from a file or a pipe, as CSV in the shop's notation or as JSON."""

from __future__ import annotations

import datetime as dt
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import IO

from retail_assets.serving.purchase_file import PurchaseFileError, Purchases, read_purchase_file
from retail_assets.serving.purchases import read_purchases
from retail_assets.serving.segment_numbers import Notation


def read_input(source: Path | IO[bytes], form: Notation) -> Purchases:
    """Read purchases from a path or a binary stream; JSON is known by its first character.

    Raises:
        PurchaseFileError: the file is missing or cannot be read; the message has its line.
        BadRequestError: JSON whose purchases are wrong; the message has the purchase.
    """
    where = str(source) if isinstance(source, Path) else "stdin"
    try:
        data = source.read_bytes() if isinstance(source, Path) else source.read()
    except OSError as e:
        raise PurchaseFileError(f"{where} cannot be read: {e.strerror}.") from None
    if data.lstrip()[:1] in (b"[", b"{"):
        return _json(data, where)
    text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline="")
    return read_purchase_file(text, where, form)


def _json(data: bytes, where: str) -> Purchases:
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as e:
        raise PurchaseFileError(f"{where} is not JSON: {str(e)[:200]}.") from None
    given = content.get("purchases") if isinstance(content, dict) else content
    if not isinstance(given, list):
        raise PurchaseFileError(f"{where} has no purchases. Give a list of objects with customer_id, date and amount.")
    # Later dates are rejected by the predictor, which knows how late it is.
    return Purchases(read_purchases(given, dt.date.max), 0, Decimal(0))
