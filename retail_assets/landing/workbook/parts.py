"""The parts of a workbook: its sheets, shared texts and number formats, read from the zip archive within bounds."""

from __future__ import annotations

import contextlib
import posixpath
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any
from xml.parsers import expat

from retail_assets.errors import LandingError
from retail_assets.landing.bounds import refuse_bomb
from retail_assets.landing.formats import suffix_of
from retail_assets.landing.replacement import use_instead

#: Bytes that a workbook may unpack to.
MOST_UNPACKED = 2 << 30
#: Characters of all texts of a sheet together.
MOST_TEXT = 512 << 20
_MOST_PARTS = 10_000
_MOST_OPEN = 16 << 20  # bytes of XML without the end of a tag or a text
_CHUNK = 256 << 10
_DATES = {*range(14, 23), *range(27, 37), *range(50, 59)}
_TIMES = {18, 19, 20, 21, 32, 33, 34, 35}
_DURATIONS = {45, 46, 47}
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
_OLD = b"\xd0\xcf\x11\xe0"


@dataclass(frozen=True)
class Sheet:
    """A worksheet: its name, its part in the archive, and whether people see it."""

    name: str
    part: str
    visible: bool


@dataclass
class Workbook:
    """An open workbook. `date_styles` says for each style of cells if it is a `date`, a `duration` or neither."""

    key: str
    archive: zipfile.ZipFile
    sheets: list[Sheet] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    styles: list[str] = field(default_factory=list)
    epoch_1904: bool = False
    texts_part: str = ""
    styles_part: str = ""


@contextlib.contextmanager
def open_workbook(handle: IO[bytes], key: str) -> Iterator[Workbook]:
    """Open a workbook and read its list of sheets and its styles.

    Raises LandingError, also for errors inside of the `with`, if it has a password, is damaged, is another format, or
    unpacks to more than MOST_UNPACKED.
    """
    head = handle.read(8)
    handle.seek(0)
    if head.startswith(_OLD):
        raise LandingError(
            f"{key} is protected by a password, or is an old Excel workbook (.xls). Open it in Excel and save it as "
            ".xlsx without a password."
        )
    try:
        with zipfile.ZipFile(handle) as archive:
            parts = archive.infolist()
            unpacked = sum(part.file_size for part in parts)
            if len(parts) > _MOST_PARTS or unpacked > MOST_UNPACKED:
                raise LandingError(
                    f"{key} unpacks to {unpacked >> 20:,} MB in {len(parts):,} parts; a workbook may have "
                    f"{MOST_UNPACKED >> 20:,} MB. Save its sheet as CSV, or split it."
                )
            for part in parts:
                refuse_bomb(part.compress_size, part.file_size, key)
            book = Workbook(key, archive)
            _read_sheets(book)
            yield book
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, ValueError, IndexError) as e:
        raise _damaged(key, e) from e
    except (expat.ExpatError, RuntimeError) as e:
        raise _damaged(key, e) from e


def _damaged(key: str, error: Exception) -> LandingError:
    why = str(error)[:200].strip('"')
    return LandingError(
        f"{key} is not a complete Excel workbook ({why}). Open it in Excel and save it as "
        f"{suffix_of(key) or '.xlsx'}. {use_instead(key, 'the saved file')}"
    )


def parse_part(
    book: Workbook,
    part: str,
    start: Callable[[str, dict[str, str]], Any] | None,
    end: Callable[[str], Any] | None = None,
    text: Callable[[str], Any] | None = None,
) -> Iterator[None]:
    """Parse a part of the archive piece by piece. The handlers get names of elements as they are written.

    Yields after each piece. Raises LandingError for a document type, which may define texts of any size.
    """
    parser = expat.ParserCreate()
    parser.buffer_text = True
    if start:
        parser.StartElementHandler = start
    if end:
        parser.EndElementHandler = end
    if text:
        parser.CharacterDataHandler = text

    def refuse(*_: object) -> None:
        raise LandingError(f"{book.key} has a document type in {part}, as no spreadsheet program writes it.")

    parser.StartDoctypeDeclHandler = refuse
    given = 0
    with book.archive.open(part) as handle:
        while piece := handle.read(_CHUNK):
            parser.Parse(piece)
            given += len(piece)
            if given - parser.CurrentByteIndex > _MOST_OPEN:
                raise LandingError(f"{book.key} has more than {_MOST_OPEN >> 20} MB in one cell or tag of {part}.")
            yield
        parser.Parse(b"", True)
        yield


def local_name(name: str) -> str:
    """Return the name of an element or attribute without its prefix.

    >>> local_name("x:row")
    'row'
    """
    return name.rpartition(":")[2]


def _parse(book: Workbook, part: str, start: Callable[[str, dict[str, str]], Any]) -> None:
    for _ in parse_part(book, part, lambda name, attributes: start(local_name(name), attributes)):
        pass


def _relations(book: Workbook, of_part: str) -> dict[str, tuple[str, str]]:
    """Return `{id: (kind, part)}` of the parts that a part refers to."""
    folder, name = posixpath.split(of_part)
    found: dict[str, tuple[str, str]] = {}

    def start(element: str, attributes: dict[str, str]) -> None:
        if element == "Relationship" and attributes.get("TargetMode") != "External":
            target = attributes.get("Target", "")
            part = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
            found[attributes.get("Id", "")] = (attributes.get("Type", "").rpartition("/")[2], part)

    _parse(book, posixpath.join(folder, "_rels", f"{name}.rels"), start)
    return found


def _read_sheets(book: Workbook) -> None:
    main = next((part for kind, part in _relations(book, "").values() if kind == "officeDocument"), "xl/workbook.xml")
    relations = _relations(book, main)

    def start(element: str, attributes: dict[str, str]) -> None:
        if element == "sheet":
            identifier = next((v for k, v in attributes.items() if local_name(k) == "id" and k != "id"), "")
            kind, part = relations.get(identifier, ("", ""))
            if kind == "worksheet":
                visible = attributes.get("state", "visible") == "visible"
                book.sheets.append(Sheet(attributes.get("name", ""), part, visible))
        elif element == "workbookPr":
            book.epoch_1904 = attributes.get("date1904", "0") in ("1", "true")

    _parse(book, main, start)
    if not book.sheets:
        raise LandingError(f"{book.key} has no worksheet. Save the sales as a sheet of an .xlsx workbook, or as CSV.")
    by_kind = {kind: part for kind, part in relations.values()}
    if "styles" in by_kind:
        book.styles_part = by_kind["styles"]
        _read_styles(book, book.styles_part)
    book.texts_part = by_kind.get("sharedStrings", "")


def read_texts(book: Workbook) -> None:
    """Read the shared texts of the workbook. Raises LandingError if they are longer than MOST_TEXT together."""
    if not book.texts_part or book.texts:
        return
    pieces: list[str] = []
    inside = phonetic = False
    length = 0

    def start(name: str, _: dict[str, str]) -> None:
        nonlocal inside, phonetic
        element = local_name(name)
        if element == "si":
            pieces.clear()
        elif element == "rPh":
            phonetic = True
        elif element == "t":
            inside = not phonetic

    def end(name: str) -> None:
        nonlocal inside, phonetic, length
        element = local_name(name)
        if element == "t":
            inside = False
        elif element == "rPh":
            phonetic = False
        elif element == "si":
            book.texts.append(unescaped("".join(pieces)))
            length += len(book.texts[-1])

    def text(data: str) -> None:
        if inside:
            pieces.append(data)

    for _ in parse_part(book, book.texts_part, start, end, text):
        if length > MOST_TEXT:
            raise too_much_text(book.key)


def unescaped(text: str) -> str:
    """Return a text with the characters that a workbook writes as `_x000D_`.

    >>> unescaped("a_x0041_b")
    'aAb'
    """
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text


def too_much_text(key: str) -> LandingError:
    """Return the error for a workbook with more than MOST_TEXT characters."""
    return LandingError(f"{key} has more than {MOST_TEXT >> 20:,} million characters of text. Split it, or land CSV.")


def _read_styles(book: Workbook, part: str) -> None:
    formats: dict[str, str] = {}
    in_cells = False

    def start(element: str, attributes: dict[str, str]) -> None:
        nonlocal in_cells
        if element == "numFmt":
            formats[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif element in ("cellXfs", "cellStyleXfs", "dxfs", "cellStyles"):
            in_cells = element == "cellXfs"
        elif element == "xf" and in_cells:
            number = attributes.get("numFmtId", "0")
            book.styles.append(_of_code(formats[number]) if number in formats else _of_number(number))

    _parse(book, part, start)


def _of_number(number: str) -> str:
    builtin = int(number) if number.isdecimal() else 0
    return "duration" if builtin == 46 else "date" if builtin in _DATES | _TIMES | _DURATIONS else ""


def _of_code(code: str) -> str:
    """Return `date`, `duration` or nothing for a number format such as `dd.mm.yyyy` or `#,##0.00 "USD"`."""
    first = re.sub(r'"[^"]*"|\\.|[_*].', "", code).split(";", 1)[0]
    if re.search(r"\[(h+|m+|s+)\]", first, re.IGNORECASE):
        return "duration"
    return "date" if re.search(r"[ymdhs]", re.sub(r"\[[^\]]*\]", "", first), re.IGNORECASE) else ""
