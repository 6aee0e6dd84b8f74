"""The RETAIL_* and REDSHIFT_* variables, read and validated once. Nothing is opened here."""

from retail_assets.settings.environment import VARIABLES, Settings, load, load_serving_uri, store_uri

__all__ = ["VARIABLES", "Settings", "load", "load_serving_uri", "store_uri"]
