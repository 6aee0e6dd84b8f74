"""Cleaning with PySpark: read landed files, type and judge rows, keep the latest version of each, write Parquet."""
