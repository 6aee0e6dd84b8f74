"""Scales of colors, and the color of the text that stands on one."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.image import AxesImage
from matplotlib.typing import ColorType

from retail_assets.plotting.palette import BELOW_AND_ABOVE, INK, MUCH, WHITE

LITTLE_TO_MUCH = LinearSegmentedColormap.from_list("little_to_much", MUCH)
BELOW_TO_ABOVE = LinearSegmentedColormap.from_list("below_to_above", BELOW_AND_ABOVE)


def text_on(image: AxesImage, value: float) -> str:
    """Return the color of a text on a cell of this value that has the larger contrast to the cell."""
    red, green, blue, _ = np.asarray(image.cmap(image.norm(np.array([value])))[0], dtype=float)
    behind = luminance((red, green, blue))
    return WHITE if contrast(1.0, behind) > contrast(luminance(INK), behind) else INK


def luminance(color: ColorType) -> float:
    """Return the relative luminance of a color, 0 for black to 1 for white (WCAG 2.2)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: float, other: float) -> float:
    """Return the contrast of two luminances, 1 to 21 (WCAG 2.2)."""
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)
