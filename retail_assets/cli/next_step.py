"""What to do where something has not been computed yet: land, materialize, or name the source that has landed."""

from __future__ import annotations

import contextlib
import shlex

from retail_assets.cli.options import settings_for


def next_step() -> str:
    """Return the command that comes next, on a line of its own; an empty text where it cannot be known."""
    with contextlib.suppress(Exception):
        from retail_assets.storage import Store

        settings = settings_for()
        landed = [name for name in Store(settings.raw_uri).folders("") if not name.startswith(".")]
        if settings.source in landed:
            return "Next:  retail-assets materialize"
        if landed:
            others = f"Nothing of {settings.source} has landed, but of {', '.join(landed)}."
            return f"{others}\nNext:  export RETAIL_SOURCE={shlex.quote(landed[0])}"
        return "Next:  retail-assets land FILE    (or a sample: retail-assets sample synthetic)"
    return ""
