"""One interface to every object: a `Store` over a local folder, S3 or Azure. What objects mean does not belong here."""

from retail_assets.storage.objects import Entry
from retail_assets.storage.store import Store

__all__ = ["Entry", "Store"]
