"""What `dagster` loads: `-m retail_assets.definitions`."""

from retail_assets.defs.build import build_defs

defs = build_defs()
