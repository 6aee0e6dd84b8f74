"""Concurrency pools: what runs share and must not use at the same time. `dagster.yaml` gives each pool one place.

With `granularity: run` a run waits in the queue until all its pools are free, so that landings are loaded one after the
other and the run of the whole graph comes after them. A run from the command line does not wait, but it counts.
"""

#: One Spark session has all cores and the memory of the machine; one process at a time writes to the warehouse.
SPARK, WAREHOUSE = "spark", "warehouse"
