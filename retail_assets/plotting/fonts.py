"""Fonts for the scripts of the data: matplotlib's own first, then those of the machine that have what it lacks.

Fonts are chosen by the characters that they have, so nothing depends on their names. RETAIL_FONT comes before all.
"""

from __future__ import annotations

import contextlib
import functools
import unicodedata
import warnings
from collections.abc import Iterable, Iterator

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

from retail_assets.errors import SettingsError, nearest
from retail_assets.plotting import font_choice

BUNDLED = "DejaVu Sans"
#: Fonts of formulas, of boxes for any character, and of colors, which draw nothing here.
_NOT_FOR_TEXT = ("Last Resort", "STIX", "cm", "DejaVu", "Color")
#: Of several fonts that have the same characters, these come first.
_PREFERRED = ("Noto Sans", "Arial Unicode", "Source Han Sans", "WenQuanYi", "Microsoft YaHei", "Hiragino", "PingFang")
#: Controls, joiners, marks on other characters, and what is no character.
_NOT_LETTERS = ("Cc", "Cf", "Mn", "Cs", "Co", "Cn")
_SCRIPTS = {
    "CJK": "Chinese or Japanese (Han)",
    "HIRAGANA": "Japanese",
    "KATAKANA": "Japanese",
    "KATAKANA-HIRAGANA": "Japanese",
    "HANGUL": "Korean",
    "DEVANAGARI": "Hindi (Devanagari)",
}


def families(texts: Iterable[str]) -> list[str]:
    """Return the families that draw some texts: one by one, each draws what the ones before it lack.

    Raises SettingsError if RETAIL_FONT is no font, or a family that is not installed.
    """
    return list(_lookup(frozenset("".join(texts)), font_choice.chosen())[0])


def missing_scripts(texts: Iterable[str]) -> list[str]:
    """Return the scripts of some texts of which no font has every character: these would be drawn as boxes.

    Raises SettingsError as `families` does.
    """
    missing = _lookup(frozenset("".join(texts)), font_choice.chosen())[1]
    return sorted({_script(character) for character in missing})


@contextlib.contextmanager
def boxes_unsaid() -> Iterator[None]:
    """Let matplotlib measure and draw characters that no font has without a warning for each.

    They become boxes, which the check `names_can_be_drawn` reports once for all figures.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing", category=UserWarning)
        yield


@functools.lru_cache(maxsize=8)
def _family(font: str) -> str:
    """The family of the font that a person has chosen."""
    if "/" in font:
        try:
            font_manager.fontManager.addfont(font)
            return str(FT2Font(font).family_name)
        except (OSError, RuntimeError, ValueError) as e:
            raise SettingsError(f"RETAIL_FONT={font!r} is not a font that can be drawn ({e}).") from None
    installed = {entry.name for entry in font_manager.fontManager.ttflist}
    for name in installed:
        if name.casefold() == font.casefold():
            return name
    known = sorted(name for name in installed if not name.startswith(_NOT_FOR_TEXT[:3]))
    raise SettingsError(
        f"RETAIL_FONT={font!r} is not an installed family.{nearest(font, known)} Give the path of a .ttf, .otf or .ttc "
        f"file, or one of {', '.join(known[:20])}."
    )


@functools.lru_cache(maxsize=256)
def _lookup(characters: frozenset[str], chosen: str | None) -> tuple[tuple[str, ...], frozenset[str]]:
    """The families for some characters, and the characters that no font has."""
    found = list(dict.fromkeys([*([_family(chosen)] if chosen else []), BUNDLED]))
    wanted = {c for c in characters if not c.isspace() and unicodedata.category(c) not in _NOT_LETTERS}
    for family in found:
        wanted -= _of_family(family)
    while wanted:
        best = max(_candidates(), key=lambda name: (len(_of_family(name) & wanted), *_rank(name)), default=None)
        if best is None or not (has := _of_family(best) & wanted):
            break
        found.append(best)
        wanted -= has
    return tuple(found), frozenset(wanted)


@functools.lru_cache(maxsize=1)
def _candidates() -> tuple[str, ...]:
    names = {entry.name for entry in font_manager.fontManager.ttflist}
    return tuple(sorted(name for name in names if not name.startswith(_NOT_FOR_TEXT[:4]) and "Color" not in name))


def _rank(name: str) -> tuple[int, int, str]:
    place = next((n for n, start in enumerate(_PREFERRED) if name.startswith(start)), len(_PREFERRED))
    return -place, -len(name), name


def _of_family(family: str) -> frozenset[str]:
    """The characters of the regular face that matplotlib takes for a family."""
    faces = [entry for entry in font_manager.fontManager.ttflist if entry.name == family]
    faces.sort(key=lambda entry: (entry.style != "normal", abs(_weight(entry.weight) - 400), entry.fname))
    return _characters(faces[0].fname) if faces else frozenset()


def _weight(weight: int | str) -> int:
    return weight if isinstance(weight, int) else font_manager.weight_dict.get(weight, 400)


@functools.lru_cache(maxsize=1024)
def _characters(path: str) -> frozenset[str]:
    try:
        return frozenset(map(chr, FT2Font(path).get_charmap()))
    except (OSError, RuntimeError, ValueError):  # not scalable, or damaged
        return frozenset()


def _script(character: str) -> str:
    if unicodedata.category(character) == "So":
        return "emoji and symbols"
    word = unicodedata.name(character, "unnamed").split()[0]
    return _SCRIPTS.get(word, word.capitalize())
