"""A verified bundle that questions are answered from. It never changes; another version is another object."""

from __future__ import annotations

import datetime as dt
import difflib
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from retail_assets.serving import schema, segment_numbers
from retail_assets.serving.database import Database
from retail_assets.serving.errors import BadBundleError
from retail_assets.serving.manifest import Manifest
from retail_assets.serving.results import Category, Profile, Provenance

Row = dict[str, Any]
T = TypeVar("T")

_MOST_FORECASTS = 50_000
"""Rows of the forecast that are held in memory: of 1,800 categories, and 40 MB."""


class OpenBundle:
    """The content of a bundle: small tables in memory, customers and the rest in the file.

    Raises BadBundleError, when it is opened and from every method, for content that cannot be.
    """

    def __init__(self, manifest: Manifest, database: Path, model: bytes) -> None:
        self.manifest = manifest
        self.provenance = Provenance(
            bundle=manifest.version,
            created=manifest.created,
            source=manifest.source,
            currency=manifest.currency,
            cutoff=dt.date.fromisoformat(manifest.cutoff),
            forecast_model=manifest.forecast_model,
            segment_model=manifest.segment_model,
        )
        self.numbers = segment_numbers.loads(model)
        if self.numbers.model_version != manifest.segment_model:
            raise BadBundleError("model.json is of another version than the manifest says.")
        if manifest.counts.get(schema.FORECAST.name, 0) > _MOST_FORECASTS:
            raise BadBundleError(f"The bundle has more than {_MOST_FORECASTS:,} rows of forecast.")
        self._database = Database(database, manifest.counts)
        self.forecasts = self._forecasts()
        self.categories = self._categories()

    def close(self) -> None:
        """Close the file; answers that are being made end first."""
        self._database.close()

    def rows(self, table: schema.Table, order: Sequence[str] = ()) -> list[Row]:
        """Return the rows of a small table, in the order of its key or of some columns."""
        sql = f"{table.select} ORDER BY {', '.join(order or table.key)}"
        return [dict(zip(table.names, row, strict=True)) for row in self._database.rows(sql)]

    def customer(self, customer_id: str) -> Row | None:
        """Return the row of a customer; None if there is none."""
        table = schema.CUSTOMER
        found = self._database.rows(f"{table.select} WHERE customer_id = ?", (customer_id,))
        return dict(zip(table.names, found[0], strict=True)) if found else None

    def customer_ids(self, after: str, most: int) -> list[str]:
        """Return ids of customers in order, from the first one after `after`."""
        sql = f"SELECT customer_id FROM {schema.CUSTOMER.name} WHERE customer_id > ? ORDER BY customer_id LIMIT ?"
        return [str(row[0]) for row in self._database.rows(sql, (after, most))]

    def daily_sales(self, category: str, first: dt.date) -> list[Row]:
        """Return the rows of a category's days from the first one."""
        table = schema.DAILY_SALES
        sql = f"{table.select} WHERE category = ? AND day >= ? ORDER BY day"
        return [
            dict(zip(table.names, row, strict=True)) for row in self._database.rows(sql, (category, first.isoformat()))
        ]

    @cached_property
    def profiles(self) -> Mapping[str, tuple[Profile, Mapping[str, Any] | None]]:
        """The personas in order of display, with their recommendation if there is one."""
        found = {}
        for row in self.rows(schema.PERSONA, ("place",)):
            advice = row["recommendation"]
            recommendation = None if advice is None else document(advice, "recommendation")
            profile = Profile(
                persona=text(row["persona"], "persona"),
                description=text(row["description"], "persona"),
                decided_by=text(row["decided_by"], "persona"),
                customers=int(number(row["customers"], "persona")),
                revenue=money(row["revenue"]),
                numbers=document(row["numbers"], "persona"),
            )
            found[profile.persona] = (profile, recommendation)
        return found

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What the recommendations cannot say."""
        return tuple(row["text"] for row in self.rows(schema.NOTE))

    def _forecasts(self) -> dict[str, list[Row]]:
        forecasts: dict[str, list[Row]] = {}
        for row in self.rows(schema.FORECAST):
            row["day"] = day(row["day"])
            for name, kind in schema.FORECAST.columns:
                if kind.startswith("REAL") and not (row[name] is None and kind.endswith("?")):
                    number(row[name], name)
            for name in ("category", "method", "model_version"):  # one text for all rows: a third of the memory
                row[name] = text(row[name], name)
            forecasts.setdefault(row["category"], []).append(row)
        return forecasts

    def _categories(self) -> tuple[Category, ...]:
        return tuple(
            Category(
                name=text(row["name"], "category"),
                revenue=money(row["revenue"]),
                recent_revenue=money(row["recent_revenue"]),
                first_day=day(row["first_day"]),
                last_day=day(row["last_day"]),
                has_forecast=row["name"] in self.forecasts,
            )
            for row in self.rows(schema.CATEGORY, ("place",))
        )


def parsed(read: Callable[[], T], what: str) -> T:
    """Return what `read` reads from a bundle. Raises BadBundleError where it cannot be."""
    try:
        return read()
    except (ValueError, TypeError, KeyError, AttributeError, InvalidOperation, RecursionError) as e:
        reason = f"{type(e).__name__}: {e}".replace("\n", " ")[:120]
        raise BadBundleError(f"The bundle's {what} is damaged ({reason}). Materialize serving_bundle again.") from None


def day(value: object) -> dt.date:
    """Return a day of a bundle."""
    return parsed(lambda: dt.date.fromisoformat(value), "day")  # type: ignore[arg-type]


def text(value: object, what: str) -> str:
    """Return a text of a bundle, the same object for the same text: the rows of a forecast repeat theirs."""
    if not isinstance(value, str):
        raise BadBundleError(f"The bundle's {what} is no text. Materialize serving_bundle again.")
    return sys.intern(value)


def money(value: object) -> Decimal:
    """Return exact money of a bundle."""

    def read() -> Decimal:
        amount = Decimal(value)  # type: ignore[arg-type]
        if not amount.is_finite():
            raise ValueError(value)
        return amount

    return parsed(read, "money")


def number(value: object, what: str) -> float:
    """Return a finite number of a bundle."""
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise BadBundleError(f"The bundle's {what} is no number. Materialize serving_bundle again.")
    return float(value)


def similar(wrong: str, names: Sequence[str]) -> list[str]:
    """Return the names that are most similar to a wrong one, whatever their case.

    >>> similar("beuty", ["Beauty", "Clothing"])
    ['Beauty']
    """
    by_fold = {name.casefold(): name for name in names}
    return [by_fold[each] for each in difflib.get_close_matches(wrong.casefold()[:200], list(by_fold), n=3)]


def document(value: object, what: str) -> dict[str, Any]:
    """Return a JSON object of a bundle."""

    def read() -> dict[str, Any]:
        content = json.loads(value)  # type: ignore[arg-type]
        if not isinstance(content, dict):
            raise TypeError("not an object")
        return content

    return parsed(read, what)
