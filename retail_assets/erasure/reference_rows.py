"""Erasing customers from reference files that describe customers, and from their copies in the lake.

Landings that were joined with such a file are registered with the one without the customer: no other sale is joined
otherwise, so what was cleaned from them stands.
"""

from __future__ import annotations

import codecs
import gzip
import io
from collections.abc import Sequence
from dataclasses import replace

import pyarrow.compute as pc
import pyarrow.parquet as pq

from retail_assets.contracts.model import Contract
from retail_assets.contracts.references import ReferenceRule
from retail_assets.erasure.person import Among
from retail_assets.lake.lake import Lake
from retail_assets.landing.formats import format_of
from retail_assets.landing.parquet_rows import without_rows
from retail_assets.landing.partitions import REFERENCES
from retail_assets.landing.reference_rows import Content, keys_of, text_of
from retail_assets.landing.references import LandedReferences, are_current, reference_folder, register_references
from retail_assets.landing.workbook import one_sheet
from retail_assets.landing.workbook.parts import open_workbook
from retail_assets.storage import Store


def current_landings(raw: Store, lake: Lake, contract: Contract) -> tuple[str, ...]:
    """Return the landings that are registered with the reference files as they are now, by this contract."""
    if not _rules(contract):
        return ()
    landed = LandedReferences(raw, lake.source, contract)
    days = []
    for manifest in lake.registered(lake.days("raw")):
        same = manifest.contract == contract.digest and manifest.references
        if same and are_current(manifest.references, landed.digests(manifest.landed_on)):
            days.append(manifest.landed_on.isoformat())
    return tuple(days)


def erase_from_reference_files(
    raw: Store, source: str, contract: Contract, among: Among, *, dry_run: bool = False
) -> int:
    """Rewrite the landed reference files that describe customers without some of them. Returns the rows erased."""
    rows = 0
    for name, rule in _rules(contract).items():
        for entry in raw.list(reference_folder(source, name)):
            content = Content(entry.key, raw.read(entry.key))
            keys = keys_of(content, rule)
            gone = among({key for _, key in keys})
            if not gone:
                continue
            rows += sum(key in gone for _, key in keys)
            if not dry_run:
                raw.write(entry.key, _without(content, rule, keys, gone))
    return rows


def register_again(raw: Store, lake: Lake, contract: Contract, days: Sequence[str]) -> None:
    """Register landings with the reference files as they are now. Repeating it changes nothing."""
    landed = LandedReferences(raw, lake.source, contract)
    wanted = set(days)
    for manifest in lake.registered(lake.days("raw")):
        if manifest.landed_on.isoformat() in wanted:
            versions = register_references(landed, lake, contract, manifest.landed_on)
            if versions != manifest.references:
                lake.publish_raw(replace(manifest, references=versions))


def erase_from_copies(lake: Lake, contract: Contract, customer_id: str, *, dry_run: bool = False) -> int:
    """Erase a customer from the copies of reference files in the lake. Returns how many copies had them."""
    found = 0
    named = {r.key for m in lake.registered(lake.days("raw")) for r in m.references}
    for name in _rules(contract):
        for entry in lake.store.list(f"{lake.source}/{REFERENCES}/{name}"):
            if not entry.key.endswith(".parquet"):
                continue
            table = pq.read_table(io.BytesIO(lake.store.read(entry.key)))
            theirs = pc.fill_null(pc.equal(table["key"], customer_id), False)
            if not pc.any(theirs).as_py():
                continue
            found += 1
            if dry_run:
                continue
            if entry.key not in named:
                lake.store.delete([entry.key])
                continue
            with lake.store.writing(entry.key) as sink:  # of a landing that has to be registered again anyway
                pq.write_table(table.filter(pc.invert(theirs)), sink)
    return found


def _rules(contract: Contract) -> dict[str, ReferenceRule]:
    return {name: rule for name, rule in contract.references.items() if rule.on == "customer_id"}


def _without(content: Content, rule: ReferenceRule, keys: Sequence[tuple[int, str]], gone: set[str]) -> bytes:
    kind, compression = format_of(content.key)
    sink = io.BytesIO()
    lines = [line for line, key in keys if key in gone]
    if kind == "parquet":
        without_rows(io.BytesIO(content.data), sink, lines)
        return sink.getvalue()
    if kind == "xlsx":
        with open_workbook(io.BytesIO(content.data), content.key) as book:
            [sheet] = [s.name for s in book.sheets if s.visible]
        one_sheet.without_rows(io.BytesIO(content.data), sink, sheet, lines, content.key)
        return sink.getvalue()
    text, encoding = text_of(content, rule)
    if kind == "jsonl":
        physical, dropped = [line + "\n" for line in text.split("\n")], set(lines)
        physical[-1] = physical[-1][:-1]
    else:
        physical, dropped = _physical(text), _lines_of(text, keys, gone)
    data = _encoded("".join(line for n, line in enumerate(physical, 1) if n not in dropped), encoding, content.data)
    return gzip.compress(data, mtime=0) if compression else data


def _lines_of(text: str, keys: Sequence[tuple[int, str]], gone: set[str]) -> set[int]:
    """Return the physical lines of the rows that go: each ends on its line, and begins after the row before it."""
    skipped = len(_physical(text[: len(text) - len(text.lstrip("\r\n"))]))
    ends = [skipped + line for line, _ in keys]
    # The header is one line, unless a quote is open at its end.
    header = skipped + 1 if _physical(text)[skipped].count('"') % 2 == 0 else ends[0] - 1
    dropped: set[int] = set()
    for before, end, (_, key) in zip([header, *ends], ends, keys, strict=False):
        if key in gone:
            dropped |= set(range(before + 1, end + 1))
    return dropped


def _physical(text: str) -> list[str]:
    """Return the lines of a text with their ends, as the parser of CSV counts them."""
    return list(io.StringIO(text, newline=""))


def _encoded(text: str, encoding: str, before: bytes) -> bytes:
    if encoding == "utf-16" and before.startswith(codecs.BOM_UTF16_BE):
        return codecs.BOM_UTF16_BE + text.encode("utf-16-be")
    if encoding == "utf-16":
        return codecs.BOM_UTF16_LE + text.encode("utf-16-le")
    return text.encode(encoding)
