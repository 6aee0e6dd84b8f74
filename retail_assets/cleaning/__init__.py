"""Cleaning in PySpark: read landed files, judge every record, keep one version a landing, write Parquet."""
