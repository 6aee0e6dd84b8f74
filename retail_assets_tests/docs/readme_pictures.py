"""Writes the README's pictures from the outputs of the demo: `make readme-pictures`, after `make demo`.

The report is what Chromium shows of it in a window of 1080 x 1230 pixels, in light colors.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from PIL import Image

from retail_assets_tests.services.browser import CHROMIUM, chromium

IMAGES = Path(__file__).parents[2] / "docs" / "images"
FIGURES = ("forecast_total.png", "segment_revenue.png")
REPORT = "report.png"
WINDOW = (1080, 1230)
_COLORS = 64


def main(output: Path) -> None:
    """Write every picture from the files below `output`."""
    for name in FIGURES:
        _write(name, (output / "figures" / name).read_bytes())
    _write(REPORT, _screenshot(output / "report.html"))


def _screenshot(page: Path) -> bytes:
    if CHROMIUM is None:
        raise SystemExit("There is no Chromium to show the report in: apt install chromium")
    with chromium() as browser:
        shown = browser.new_page(viewport={"width": WINDOW[0], "height": WINDOW[1]}, color_scheme="light")
        shown.goto(page.resolve().as_uri(), wait_until="networkidle")
        picture = shown.screenshot()
    return picture


def _write(name: str, picture: bytes) -> None:
    """Write a picture in few colors: a clone of the repository carries every version of it."""
    small = Image.open(io.BytesIO(picture)).convert("RGB").quantize(_COLORS)
    small.save(IMAGES / name, optimize=True)
    sys.stdout.write(f"{IMAGES / name}: {(IMAGES / name).stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "output"))
