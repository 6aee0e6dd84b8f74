"""Airflow schedules, Dagster materializes: DAGs, an operator that waits outside of worker slots, and what it needs."""
