"""RETAIL_* and REDSHIFT_* variables, read and validated once. Not here: anything that opens what they name."""

from retail_assets.settings.environment import VARIABLES, Settings, load

__all__ = ["VARIABLES", "Settings", "load"]
