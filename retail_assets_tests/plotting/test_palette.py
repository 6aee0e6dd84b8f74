"""Colors that can be told apart by everybody, on white and on black, and defined once."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb

import retail_assets
from retail_assets.plotting.color_maps import BELOW_TO_ABOVE, LITTLE_TO_MUCH, contrast, luminance
from retail_assets.plotting.palette import (
    BASELINE,
    BLUE,
    FORECAST,
    GREEN,
    INK,
    MUTED,
    ORANGE,
    OTHER,
    PALE,
    SALES,
    SERIES,
    WHITE,
    WORSE,
)  # fmt: skip

DEUTERANOPIA = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]]
)
PROTANOPIA = np.array(
    [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
)
"""Machado, Oliveira & Fernandes (2009), severity 1, on linear RGB."""
BLACK_PAGE = "#14191f"
TOGETHER = [(SALES, FORECAST), (SALES, ORANGE), (FORECAST, BASELINE), (FORECAST, WORSE), (FORECAST, OTHER),
            (BLUE, PALE), (ORANGE, PALE), (ORANGE, GREEN), *itertools.combinations(SERIES[:4], 2)]  # fmt: skip
"""Colors that stand next to each other in a figure."""


def lab(color: str, vision: np.ndarray) -> np.ndarray:
    """A color in CIELAB as it is seen with some vision."""
    rgb = np.array(to_rgb(color))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(vision @ linear, 0, 1)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = np.array(to_xyz @ seen) / np.array([0.9505, 1.0, 1.089])
    f = [float(np.cbrt(t)) if t > 0.008856 else 7.787 * float(t) + 16 / 116 for t in (x, y, z)]
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("vision", [np.eye(3), DEUTERANOPIA, PROTANOPIA], ids=["usual", "deuteranopia", "protanopia"])
def test_colors_that_stand_together_differ_for_every_vision(vision: np.ndarray) -> None:
    """A difference of 10 in CIELAB is seen at once; red and green of equal lightness have less than 5 here."""
    close = {pair: float(np.linalg.norm(lab(pair[0], vision) - lab(pair[1], vision))) for pair in TOGETHER}
    assert min(close.values()) > 15, close


def test_what_is_drawn_is_seen_on_white_and_on_the_dark_page_of_the_report() -> None:
    """WCAG 2.2 asks for 3 : 1 of lines and bars, and for 4.5 : 1 of text."""
    for color in (SALES, FORECAST, BASELINE, WORSE):
        assert contrast(luminance(color), luminance(WHITE)) >= 3, color
        assert contrast(luminance(color), luminance(BLACK_PAGE)) >= 3, color
    for color in (INK, MUTED):
        assert contrast(luminance(color), luminance(WHITE)) >= 4.5, color


def test_the_scale_from_little_to_much_gets_darker_all_along() -> None:
    lightness = [luminance(LITTLE_TO_MUCH(share)) for share in np.linspace(0, 1, 20)]
    assert lightness == sorted(lightness, reverse=True)
    ends = luminance(BELOW_TO_ABOVE(0.0)), luminance(BELOW_TO_ABOVE(0.5)), luminance(BELOW_TO_ABOVE(1.0))
    assert ends[1] > max(ends[0], ends[2]) + 0.5


def test_no_other_module_has_colors_of_its_own() -> None:
    """Twenty-two pictures once had three styles."""
    package = Path(retail_assets.__file__).parent
    paths = [
        *package.rglob("figures/*.py"),
        *package.glob("plotting/*.py"),
        *package.glob("exports/report/charts/*.py"),
    ]
    assert len(paths) > 20
    with_colors = [path for path in paths if re.search(r"#[0-9a-fA-F]{6}\b", path.read_text())]
    assert [path.name for path in with_colors] == ["palette.py"]
