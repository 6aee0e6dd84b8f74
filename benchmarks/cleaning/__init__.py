"""The cleaning job measured against the same job in DuckDB SQL and in Polars, on generated files, in one run."""
