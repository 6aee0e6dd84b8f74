"""Tableau: an extract of the warehouse's tables, a starter workbook on it, and data sources on a Tableau server."""
