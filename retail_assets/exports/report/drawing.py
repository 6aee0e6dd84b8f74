"""A chart's specification drawn as SVG, without JavaScript in the reader's browser: for the report and for bundles."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any

VEGA_LITE = "v6.4"
#: Pixels of a chart; the page scales it.
_WIDTH = 860
#: Drawings kept: a bundle's pictures, most of which are those of the bundle before.
_KEPT = 64


def svg(spec: Mapping[str, Any]) -> str:
    """Draw a specification of Vega-Lite; the texts in it are escaped. The same specification gives the same bytes."""
    return _drawn(json.dumps({**spec, "width": _WIDTH}))


@functools.lru_cache(maxsize=_KEPT)
def _drawn(spec: str) -> str:
    import vl_convert

    drawing: str = vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE)
    return drawing[drawing.index("<svg") :]
