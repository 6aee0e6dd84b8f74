"""Airflow schedules, Dagster materializes: the DAGs, and an operator that waits for runs outside of worker slots."""
