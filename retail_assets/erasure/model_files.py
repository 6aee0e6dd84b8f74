"""Erasing a customer from the versions of models: their cards and records lose the id.

A model holds numbers about groups of customers, and no ids. A version whose bytes have the id nevertheless is removed.
"""

from __future__ import annotations

from retail_assets.erasure.mentions import Mentions
from retail_assets.erasure.outputs import parts_of
from retail_assets.storage import Store

_TEXTS = (".md", ".json")


def erase_from_models(models: Store, source: str, mentions: Mentions, *, dry_run: bool = False) -> dict[str, int]:
    """Erase a customer from every file of the model store. Returns how many files were edited and removed."""
    edited = removed = 0
    for entry in models.list(source):
        data = models.read(entry.key)
        if not any(mentions.may_be_in(part) for part in parts_of(data)):
            continue
        if entry.key.endswith(_TEXTS):
            text = data.decode("utf-8", "surrogateescape")
            new = mentions.without(text)
            if new != text:
                edited += 1
                if not dry_run:
                    models.write(entry.key, new.encode("utf-8", "surrogateescape"))
        elif any(map(mentions.is_in, parts_of(data))):
            removed += 1
            if not dry_run:
                models.delete([entry.key])
    return {"model_files_edited": edited, "model_files_removed": removed}
