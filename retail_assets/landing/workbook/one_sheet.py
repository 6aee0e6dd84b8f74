"""A workbook with one of its sheets, in which some cells have other texts, and nothing else that a text may hide in.

The sheet keeps its cells, their formats and their types. The other sheets are blank, so that each keeps its number.
Formulas, filters, comments, pictures, macros and caches of pivot tables are gone: each may repeat what a cell had.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from typing import IO, cast
from xml.sax.saxutils import escape, quoteattr

from retail_assets.errors import LandingError
from retail_assets.landing.workbook.emptied_rows import texts_of, without_cells, without_texts
from retail_assets.landing.workbook.parts import Workbook, open_workbook

_SHEET_DATA = re.compile(rb"<((?:\w+:)?)sheetData\b[^>]*?>(.*)</\1sheetData\s*>", re.DOTALL)
_ROW = re.compile(rb"<((?:\w+:)?row)\b([^>]*?)(?:/>|>(.*?)</\1\s*>)", re.DOTALL)
_CELL = re.compile(rb"<((?:\w+:)?)c\b([^>]*?)(?:/>|>(.*?)</\1c\s*>)", re.DOTALL)
_FORMULA = re.compile(rb"<((?:\w+:)?f)\b[^>]*?(?:/>|>.*?</\1\s*>)", re.DOTALL)
_VALUE = re.compile(rb"<(?:\w+:)?(?:v|is)\b")
_MERGED = re.compile(rb"<((?:\w+:)?mergeCells)\b[^>]*?>.*?</\1\s*>", re.DOTALL)
_COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)
_PLACE = re.compile(rb"\br\s*=\s*[\"']([A-Za-z$]*)(\d*)[\"']")
_KIND = re.compile(rb"\s\bt\s*=\s*(\"[^\"]*\"|'[^']*')")
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_TIME = (1980, 1, 1, 0, 0, 0)  # the same cells give the same bytes
_IN_MEMORY = 32 << 20
_BLANK = f'<worksheet xmlns="{_MAIN}"><sheetData/></worksheet>'

#: `{row: {column: text}}`; the first row is 1, the first column 0.
Cells = Mapping[int, Mapping[int, str]]


def with_one_sheet(source: IO[bytes], sink: IO[bytes], sheet: str, cells: Cells, key: str) -> None:
    """Copy one sheet of a workbook with other texts in some cells. Raises LandingError if it is damaged.

    `key` names the workbook in messages.
    """
    with open_workbook(source, key) as book, zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as new:
        [part] = [s.part for s in book.sheets if s.name == sheet]
        xml = _with_cells(book.archive.read(part), cells, key)
        parts = {"xl/workbook.xml": _workbook(book).encode()}
        relations = [(f"sheet{n}", "worksheet", f"worksheets/sheet{n}.xml") for n in range(1, len(book.sheets) + 1)]
        for number, other in enumerate(book.sheets, 1):
            parts[f"xl/worksheets/sheet{number}.xml"] = xml if other.name == sheet else _BLANK.encode()
        if book.styles_part:
            parts["xl/styles.xml"] = book.archive.read(book.styles_part)
            relations.append(("styles", "styles", "styles.xml"))
        if book.texts_part:
            texts = book.archive.read(book.texts_part)
            parts["xl/sharedStrings.xml"] = _used_only(texts, texts_of(xml))
            relations.append(("texts", "sharedStrings", "sharedStrings.xml"))
        parts["xl/_rels/workbook.xml.rels"] = _relations(relations)
        parts["_rels/.rels"] = _relations([("book", "officeDocument", "xl/workbook.xml")])
        macros = key.lower().endswith(".xlsm")
        for name, data in {"[Content_Types].xml": _types(len(book.sheets), parts, macros=macros), **parts}.items():
            info = zipfile.ZipInfo(name, _TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(info, data)


def without_rows(source: IO[bytes], sink: IO[bytes], sheet: str, rows: Iterable[int], key: str) -> None:
    """Copy one sheet of a workbook with some of its rows (1 = the first) empty.

    A sheet that is written in an unusual way stays in its workbook, whose other parts may repeat what the cells had.
    Raises LandingError if the workbook is damaged.
    """
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as spooled:
        emptied = cast(IO[bytes], spooled)
        without_cells(source, emptied, sheet, rows)
        emptied.seek(0)
        try:
            with_one_sheet(emptied, sink, sheet, {}, key)
        except LandingError:
            emptied.seek(0)
            sink.seek(0)
            sink.truncate()
            shutil.copyfileobj(emptied, sink)


def _with_cells(xml: bytes, cells: Cells, key: str) -> bytes:
    xml = _COMMENT.sub(b"", xml)
    found = _SHEET_DATA.search(xml)
    if found is None or b"<![CDATA[" in xml:
        raise LandingError(f"{key}: its sheet is written in an unusual way. Save it again in Excel, or as CSV.")
    row = 0

    def replaced_row(match: re.Match[bytes]) -> bytes:
        nonlocal row
        place = _PLACE.search(match[2])
        row = int(place[2]) if place else row + 1
        if match[3] is None:
            return match[0]
        start = match.start(3) - match.start()
        end = match.end(3) - match.start()
        return match[0][:start] + _cells_of(match[3], cells.get(row, {}), key) + match[0][end:]

    rows = _ROW.sub(replaced_row, found[2])
    merged = _MERGED.search(xml, found.end())
    end = b"</%sworksheet>" % found[1]
    return xml[: found.start(2)] + rows + xml[found.end(2) : found.end()] + (merged[0] if merged else b"") + end


def _cells_of(xml: bytes, texts: Mapping[int, str], key: str) -> bytes:
    """Return the cells of a row with other texts in some, and without formulas."""
    column, left = -1, set(texts)

    def replaced(match: re.Match[bytes]) -> bytes:
        nonlocal column
        place = _PLACE.search(match[2])
        column = _number_of(place[1]) if place else column + 1
        prefix, attributes, inner = match[1], match[2], match[3] or b""
        if column in left:
            left.remove(column)
            text = escape(texts[column]).encode()
            kept = _KIND.sub(b"", attributes).rstrip()
            return b'<%sc%s t="inlineStr"><%sis><%st>%s</%st></%sis></%sc>' % (
                *(prefix, kept, prefix, prefix, text, prefix, prefix, prefix),
            )
        if not match[3] or not _FORMULA.search(inner):
            return match[0]
        formula = b"" if _VALUE.search(inner) else b"<%sf>NA()</%sf>" % (prefix, prefix)
        return b"<%sc%s>%s</%sc>" % (prefix, attributes, _FORMULA.sub(formula, inner), prefix)

    new = _CELL.sub(replaced, xml)
    if left:
        raise LandingError(f"{key}: a cell of its sheet is not where its rows say. Save it again in Excel, or as CSV.")
    return new


def _number_of(letters: bytes) -> int:
    number = 0
    for letter in letters.decode().upper().replace("$", ""):
        number = number * 26 + ord(letter) - 64
    return number - 1


def _used_only(xml: bytes, used: set[int]) -> bytes:
    count = len(re.findall(rb"<(?:\w+:)?si\b", xml))
    return without_texts(_COMMENT.sub(b"", xml), set(range(count)) - used)


def _workbook(book: Workbook) -> str:
    sheets = ""
    for number, sheet in enumerate(book.sheets, 1):
        state = "visible" if sheet.visible else "hidden"
        name = quoteattr(sheet.name)
        sheets += f'<sheet name={name} sheetId="{number}" state="{state}" r:id="sheet{number}"/>'
    epoch = '<workbookPr date1904="1"/>' if book.epoch_1904 else ""
    return f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">{epoch}<sheets>{sheets}</sheets></workbook>'


def _relations(relations: list[tuple[str, str, str]]) -> bytes:
    lines = "".join(
        f'<Relationship Id="{name}" Type="{_OFFICE}/{kind}" Target="{target}"/>' for name, kind, target in relations
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{lines}</Relationships>'.encode()


def _types(sheets: int, parts: Mapping[str, bytes], *, macros: bool) -> bytes:
    main = "application/vnd.ms-excel.sheet.macroEnabled.main+xml" if macros else f"{_TYPE}.sheet.main+xml"
    kinds = {"xl/workbook.xml": main, "xl/styles.xml": f"{_TYPE}.styles+xml"}
    kinds["xl/sharedStrings.xml"] = f"{_TYPE}.sharedStrings+xml"
    kinds |= {f"xl/worksheets/sheet{n}.xml": f"{_TYPE}.worksheet+xml" for n in range(1, sheets + 1)}
    lines = "".join(
        f'<Override PartName="/{name}" ContentType="{kind}"/>' for name, kind in kinds.items() if name in parts
    )
    rels = '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    xml = '<Default Extension="xml" ContentType="application/xml"/>'
    return f'<Types xmlns="{_PACKAGE}/content-types">{rels}{xml}{lines}</Types>'.encode()
