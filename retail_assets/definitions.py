"""The definitions that Dagster loads: `-m retail_assets.definitions`, or `dg` in the checkout."""

import gc

import dagster  # noqa: F401 - before the objects are frozen

# What Dagster made while it was imported lives as long as the process. Without this the collector looks through it
# again for each few thousand objects of ours, which took a third of the time to load.
gc.freeze()

from retail_assets.defs.build import build_defs  # noqa: E402

defs = build_defs()
