"""Everything that imports Dagster: assets, checks, jobs, schedules, sensors, resources, and runs of the command line."""
