"""What the starter workbook shows: four dashboards, their sheets, and the fields of the extract that each one uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from retail_assets.exports.tableau.contents import ABOUT
from retail_assets.tables import (
    CUSTOMER_SEGMENTS,
    DAILY_QUALITY,
    DAILY_STORE_CATEGORY_SALES,
    FORECAST_ACCURACY,
    SALES_FORECAST,
    SEGMENT_PROFILES,
    Table,
)

#: How a field is used: as it is (a date too), summed up, averaged, counted, or by the day, week, month or weekday.
Use = Literal["none", "date", "sum", "avg", "cnt", "day", "week", "month", "weekday"]


@dataclass(frozen=True)
class Field:
    """A column of a table as a sheet uses it."""

    column: str
    use: Use = "none"


@dataclass(frozen=True)
class Only:
    """A filter: rows whose `column` is `value`, or, with `without`, all others."""

    column: str
    value: str
    without: bool = False


@dataclass(frozen=True)
class Sheet:
    """A sheet on one table: a bar or line per `category` (or point of time), or a table of texts.

    `measures` with more than one field are lines on one axis. `sorted` puts the largest first.
    """

    name: str
    table: Table
    mark: Literal["Bar", "Line", "Text"]
    by: tuple[Field, ...]
    measures: tuple[Field, ...]
    only: Only | None = None
    sorted: bool = False
    across: bool = False  # the measure goes up and `by` goes to the right, as for time


@dataclass(frozen=True)
class Dashboard:
    """Sheets on one page, two in a row."""

    name: str
    sheets: tuple[Sheet, ...]


TOTAL = "TOTAL"

_REVENUE = (Field("revenue", "sum"),)
_CATEGORY = (Field("product_category"),)

# Orders and customers are not summed up: one that bought in two categories or stores would count twice.
DASHBOARDS: tuple[Dashboard, ...] = (
    Dashboard(
        "Sales",
        (
            Sheet(
                "Revenue per week",
                DAILY_STORE_CATEGORY_SALES,
                "Line",
                (Field("sale_date", "week"),),
                _REVENUE,
                across=True,
            ),
            Sheet("Revenue per category", DAILY_STORE_CATEGORY_SALES, "Bar", _CATEGORY, _REVENUE, sorted=True),
            Sheet(
                "Returns per month",
                DAILY_STORE_CATEGORY_SALES,
                "Bar",
                (Field("sale_date", "month"),),
                (Field("returned", "sum"),),
                across=True,
            ),
            Sheet(
                "Units per category",
                DAILY_STORE_CATEGORY_SALES,
                "Bar",
                _CATEGORY,
                (Field("units", "sum"),),
                sorted=True,
            ),
        ),
    ),
    Dashboard(
        "Forecast",
        (
            # Quantiles of categories do not add up, so the intervals are those of the total.
            Sheet(
                "Forecast per day, with 80 and 95 % prediction intervals",
                SALES_FORECAST,
                "Line",
                (Field("forecast_date", "day"),),
                tuple(Field(name, "sum") for name in ("mean", "p025", "p10", "p90", "p975")),
                only=Only("product_category", TOTAL),
                across=True,
            ),
            Sheet(
                "Forecast per category",
                SALES_FORECAST,
                "Bar",
                _CATEGORY,
                (Field("mean", "sum"),),
                only=Only("product_category", TOTAL, without=True),
                sorted=True,
            ),
            # A day may have several past forecasts, of several cut-offs.
            Sheet(
                "Past forecasts and actual revenue per day, means over the cut-offs",
                FORECAST_ACCURACY,
                "Line",
                (Field("forecast_date", "day"),),
                (Field("mean", "avg"), Field("actual", "avg")),
                only=Only("product_category", TOTAL),
                across=True,
            ),
        ),
    ),
    Dashboard(
        "Customers",
        (
            Sheet(
                "Customers per segment",
                SEGMENT_PROFILES,
                "Bar",
                (Field("persona"),),
                (Field("customers", "sum"),),
                sorted=True,
            ),
            Sheet("Revenue per segment", SEGMENT_PROFILES, "Bar", (Field("persona"),), _REVENUE, sorted=True),
            Sheet(
                "Median basket per segment",
                SEGMENT_PROFILES,
                "Bar",
                (Field("persona"),),
                (Field("median_average_basket", "sum"),),
                sorted=True,
            ),
            Sheet(
                "Customers per segment and lapse risk",
                CUSTOMER_SEGMENTS,
                "Bar",
                (Field("persona"), Field("lapsed_risk")),
                (Field("customer_id", "cnt"),),
            ),
        ),
    ),
    Dashboard(
        "Stores and quality",
        (
            Sheet(
                "Revenue per store",
                DAILY_STORE_CATEGORY_SALES,
                "Bar",
                (Field("store_id"),),
                _REVENUE,
                sorted=True,
            ),
            Sheet(
                "Revenue per weekday",
                DAILY_STORE_CATEGORY_SALES,
                "Bar",
                (Field("sale_date", "weekday"),),
                _REVENUE,
                across=True,
            ),
            Sheet(
                "Rows per landing day: clean, rejected, superseded, excluded, erased",
                DAILY_QUALITY,
                "Line",
                (Field("landed_on", "day"),),
                tuple(Field(name, "sum") for name in ("clean", "quarantined", "superseded", "excluded", "erased")),
                across=True,
            ),
            Sheet(
                "What this extract holds",
                ABOUT,
                "Text",
                (Field("table_name"), Field("last_sale_date", "date"), Field("note")),
                (Field("row_count", "sum"),),
            ),
        ),
    ),
)


def dashboards_on(there: frozenset[str]) -> tuple[Dashboard, ...]:
    """Return the dashboards with those of their sheets whose tables are `there`, and without empty ones."""
    shown = (Dashboard(d.name, tuple(s for s in d.sheets if s.table.name in there)) for d in DASHBOARDS)
    return tuple(d for d in shown if d.sheets)
