"""The definitions that Dagster loads: `-m retail_assets.definitions`, or `dg` in the checkout."""

from retail_assets.defs.build import build_defs

defs = build_defs()
