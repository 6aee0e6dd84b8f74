"""The font that RETAIL_FONT names, kept for whatever draws. Needs no matplotlib, unlike `fonts`, which looks it up."""

from __future__ import annotations

_chosen: list[str] = []


def choose(font: str | None) -> None:
    """Draw with a font from now on: the path of a file or the name of an installed family; None: the bundled one."""
    _chosen[:] = [font] if font else []


def chosen() -> str | None:
    """Return what was chosen."""
    return _chosen[0] if _chosen else None
