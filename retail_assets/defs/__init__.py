"""Everything that imports Dagster: assets, checks, jobs, schedules, sensors, resources, and command-line runs."""
