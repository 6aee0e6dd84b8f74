"""The clean job measured against the same job as DuckDB SQL and as Polars, on generated files, in one run."""
