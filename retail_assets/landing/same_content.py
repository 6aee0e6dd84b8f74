"""Whether the files of a landing are still those that were registered. The definitions load it: no engine here."""

from __future__ import annotations

from retail_assets.errors import StorageError
from retail_assets.lake.manifests import RawManifest
from retail_assets.landing.land import sha256_of
from retail_assets.storage import Store

#: Files whose times changed are read, up to so many bytes per landing, to see whether their content changed.
_BYTES_COMPARED = 256 << 20


def has_content_of(store: Store, raw: RawManifest) -> bool:
    """Return whether the files of a landing are still those of its manifest, byte by byte.

    For files whose times say nothing: their owner, links or times can change without the content, and a file can be
    put in place with an old time. False if they cannot be read, or are too many bytes to read for this.
    """
    if raw.size > _BYTES_COMPARED:
        return False
    try:
        return all(sha256_of(store, f.key) == f.sha256 for f in raw.files)
    except StorageError:  # the landing's run says what is wrong
        return False
