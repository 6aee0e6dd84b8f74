"""Daily sales by category, 28 days ahead: series, features, models, backtest, figures.

What does not belong here: reading tables, writing files, Dagster. Import the modules; this package imports nothing.
"""
