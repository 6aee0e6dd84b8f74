"""Names in any script are drawn where a font has them, and named where none has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager
from PIL import Image

from retail_assets.errors import SettingsError
from retail_assets.plotting import font_choice, fonts
from retail_assets.plotting.sheet import Sheet

THAI, HAN = "\u0e01\u0e02", "\u98f2\u6599"


def made(path: Path, family: str, characters: str) -> Path:
    """A font in which each of some characters is a filled square."""
    names = [".notdef", *(f"u{ord(c):04x}" for c in characters)]
    pen = TTGlyphPen(None)
    pen.moveTo((100, 0))
    for corner in ((100, 700), (800, 700), (800, 0)):
        pen.lineTo(corner)
    pen.closePath()
    square = pen.glyph()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap({ord(c): f"u{ord(c):04x}" for c in characters})
    builder.setupGlyf({name: square if name != ".notdef" else TTGlyphPen(None).glyph() for name in names})
    builder.setupHorizontalMetrics(dict.fromkeys(names, (900, 100)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": family, "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)
    return path


def forget() -> None:
    for cached in (fonts._lookup, fonts._candidates, fonts._characters, fonts._family):
        cached.cache_clear()


@pytest.fixture(autouse=True)
def only_the_bundled_fonts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As on a machine without fonts of its own."""
    bundled = [f for f in font_manager.fontManager.ttflist if "mpl-data" in f.fname]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", bundled)
    forget()
    font_choice.choose(None)
    yield
    font_choice.choose(None)
    forget()


def test_without_a_font_the_scripts_are_named_once_each() -> None:
    names = [
        THAI,
        HAN,
        "\u30c6\u30ec\u30d3",
        "\u0915\u092a\u0921\u093e",
        "\U0001f455",
        "Beauty",
        "\u039c\u03ae\u03bb\u03b1",
    ]
    assert fonts.missing_scripts(names) == [
        "Chinese or Japanese (Han)", "Hindi (Devanagari)", "Japanese", "Thai", "emoji and symbols",
    ]  # fmt: skip
    assert fonts.families(names) == ["DejaVu Sans"]


def test_fonts_of_the_machine_are_taken_for_what_the_ones_before_lack(tmp_path: Path) -> None:
    for family, characters in (("Thai Only", THAI), ("Han Only", HAN), ("Thai Half", THAI[:1])):
        font_manager.fontManager.addfont(made(tmp_path / f"{family}.ttf", family, characters))
    assert fonts.families(["Beauty", THAI]) == ["DejaVu Sans", "Thai Only"]
    assert fonts.families(["Beauty"]) == ["DejaVu Sans"]
    assert sorted(fonts.families([THAI, HAN])) == ["DejaVu Sans", "Han Only", "Thai Only"]
    assert fonts.missing_scripts([THAI, HAN]) == []
    assert fonts.missing_scripts([THAI, "\u0e03"]) == ["Thai"]


def test_the_chosen_font_comes_first_as_a_file_or_as_a_family(tmp_path: Path) -> None:
    path = made(tmp_path / "own.ttf", "My Own", THAI)
    font_choice.choose(str(path))
    assert fonts.families(["Beauty", THAI]) == ["My Own", "DejaVu Sans"]
    forget()
    font_choice.choose("my own")
    assert fonts.families([THAI]) == ["My Own", "DejaVu Sans"]


def test_what_is_no_font_is_refused_with_what_is_installed(tmp_path: Path) -> None:
    broken = tmp_path / "broken.ttf"
    broken.write_bytes(b"no font")
    for font, why in (
        (str(broken), "is not a font"),
        ("Deja Vu Sans", "Did you mean 'DejaVu Sans'"),
        ("Nope", "one of"),
    ):
        font_choice.choose(font)
        with pytest.raises(SettingsError, match=why):
            fonts.families(["a"])


def drawn(text: str) -> np.ndarray:
    sheet = Sheet(text, "", "")
    sheet.axes().set_yticks([0, 1], labels=["Beauty", text])
    return np.frombuffer(sheet.png(), dtype=np.uint8)


def test_a_title_and_a_label_are_drawn_with_the_font_that_has_them(tmp_path: Path) -> None:
    font_manager.fontManager.addfont(made(tmp_path / "thai.ttf", "Thai Only", THAI))
    with_font = drawn(THAI)
    forget()
    font_manager.fontManager.ttflist[:] = [f for f in font_manager.fontManager.ttflist if f.name != "Thai Only"]
    assert not np.array_equal(with_font, drawn(THAI))


def test_marks_that_choose_a_variant_are_not_drawn() -> None:
    assert np.array_equal(drawn("Hearts \u2764\ufe0f"), drawn("Hearts \u2764"))


def test_the_picture_is_a_picture(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(drawn("Beauty").tobytes())
    assert Image.open(tmp_path / "a.png").width == 1100
