"""Daily sales by category, 28 days ahead: data, models, evaluation, figures, lifecycle.

What does not belong here: Dagster, the settings and the clock, which are arguments. Import the modules; this package
imports nothing.
"""
