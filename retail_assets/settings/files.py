"""Files that settings name: they must be there when the settings are read."""

from __future__ import annotations

import difflib
from pathlib import Path

from retail_assets.errors import unusable

#: A folder with more entries is not searched for a similar name.
_MOST_ENTRIES = 10_000


def existing_file(name: str, text: str, path: str, allowed: str = "the path of a file") -> str:
    """Return the absolute `path` that a setting's `text` means. Raises SettingsError if no file is there.

    What may not be looked at is left to whoever reads it.
    """
    file = Path(path)
    try:
        if file.is_file() or (file.exists() and not file.is_dir()):  # a pipe can be read as well
            return path
        problem = "it is a folder" if file.is_dir() else f"there is no file {path}"
    except OSError:
        return path
    raise unusable(name, text, f"{allowed} ({problem}).{_similar(file)}")


def _similar(file: Path) -> str:
    """Return `" Did you mean '…'?"` for the file of the same folder whose name is nearest, or an empty string."""
    try:
        names = [entry.name for entry, _ in zip(file.parent.iterdir(), range(_MOST_ENTRIES), strict=False)]
    except OSError:
        return ""
    match = difflib.get_close_matches(file.name, sorted(names), n=1, cutoff=0.6)
    return f" Did you mean {str(file.parent / match[0])!r}?" if match else ""
