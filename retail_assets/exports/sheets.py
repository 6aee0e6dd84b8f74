"""The tables of the workbook, sheet by sheet. Definitions read them without loading what writes Excel files."""

from __future__ import annotations

from retail_assets.tables import (
    BASKET_AFFINITY,
    CUSTOMER_COHORTS,
    CUSTOMER_MONTHS,
    DAILY_CATEGORY_SALES,
    DAILY_QUALITY,
    FORECAST_ACCURACY,
    FORECAST_BACKTEST,
    INSIGHTS,
    PRODUCT_CONCENTRATION,
    SALES_FORECAST,
    SEGMENT_MIGRATIONS,
    SEGMENT_PROFILES,
    SUMMARY_STATISTICS,
    Table,
)

#: Each with the order of its rows.
SHEETS: tuple[tuple[Table, str], ...] = (
    (INSIGHTS, "place"),
    (DAILY_CATEGORY_SALES, "sale_date, product_category"),
    (SALES_FORECAST, "product_category, forecast_date"),
    (FORECAST_BACKTEST, "measure, product_category, horizon, kind_of_day, model"),
    (FORECAST_ACCURACY, "product_category, forecast_date, cutoff_date"),
    (SEGMENT_PROFILES, "revenue DESC, persona"),
    (DAILY_QUALITY, "landed_on"),
    (SUMMARY_STATISTICS, "measure, scope, product_category"),
    (SEGMENT_MIGRATIONS, "from_snapshot, from_version, from_persona, to_persona"),
    (CUSTOMER_MONTHS, "month_start"),
    (CUSTOMER_COHORTS, "cohort, periods_since"),
    (PRODUCT_CONCENTRATION, "items"),
    (BASKET_AFFINITY, "level, adjusted_p_value, first_item, second_item"),
)
