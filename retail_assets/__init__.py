"""Retail sales files to tables, figures, a forecast and customer segments, as software-defined assets."""

__version__ = "0.2.0"
