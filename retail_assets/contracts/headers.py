"""Matching a file's header to the columns of a contract."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from retail_assets.contracts.header_names import normalize_header
from retail_assets.contracts.model import Contract
from retail_assets.contracts.references import owners
from retail_assets.errors import LandingError

_MOST, _LONGEST = 30, 40  # headers that a message shows, and characters of each


@dataclass(frozen=True)
class HeaderMatch:
    """`positions` maps every raw column of the contract that the file has to its index.

    `unknown` are headers of the file that are not in the contract, `missing` columns of the contract that are not in
    the file.
    """

    positions: dict[str, int]
    unknown: tuple[str, ...]
    missing: tuple[str, ...]


def match_header(header: list[str], contract: Contract, where: str) -> HeaderMatch:
    """Find the contract's columns in `header`. `where` names the file in errors.

    Raises LandingError if a required column is missing, if two headers mean the same column, or if the contract rejects
    unknown columns. The message lists the headers, the expected columns and the nearest matches.
    """
    by_name: dict[str, list[int]] = {}
    for i, name in enumerate(header):
        by_name.setdefault(normalize_header(name), []).append(i)
    positions: dict[str, int] = {}
    used: set[int] = set()
    for column, names in contract.raw_columns().items():
        hits = sorted({i for n in names for i in by_name.get(normalize_header(n), [])})
        if len(hits) > 1:
            twice = ", ".join(f"{header[i][:_LONGEST]!r} (column {i + 1})" for i in hits[:10])
            raise LandingError(
                f"{where}: the headers {twice} all mean {column!r}. Rename or remove all but one, "
                f"or change the aliases in contract {contract.name!r}."
            )
        if hits:
            positions[column] = hits[0]
            used.update(hits)
    needed = required_raw_columns(contract)
    missing = [c for c in needed if c not in positions]
    unknown = tuple(h.strip() or f"(no name, column {i + 1})" for i, h in enumerate(header) if i not in used)
    if missing:
        lines = [f"{where} does not fit contract {contract.name!r}.", f"  headers found:  {_shown(header)}"]
        lines.append("  not found:      " + "; ".join(_with_nearest(c, contract, unknown) for c in missing))
        lines.append("  expected:       " + ", ".join(repr(c) for c in contract.raw_columns()))
        lines.append(
            "  Choose the right contract (RETAIL_SOURCE), add an alias to it, or check that the first line is a header "
            "(lines above it: `file: {skip_top: N}`)."
        )
        lines.append(
            "  A file of another kind: `retail-assets contract draft FILE` drafts a contract that fits its columns."
        )
        raise LandingError("\n".join(lines))
    ignored = {normalize_header(c) for c in contract.ignore_columns}
    unknown = tuple(h for h in unknown if normalize_header(h) not in ignored)
    if unknown and contract.unknown_columns == "reject":
        raise LandingError(
            f"{where}: columns {_shown(unknown)} are not in contract {contract.name!r}, which rejects unknown columns. "
            "Add them under `ignore_columns`, or set `unknown_columns: warn`."
        )
    return HeaderMatch(positions, unknown, tuple(c for c in contract.raw_columns() if c not in positions))


def _shown(headers: Sequence[str]) -> str:
    return ", ".join(repr(h[:_LONGEST]) for h in headers[:_MOST]) + (", …" if len(headers) > _MOST else "")


def required_raw_columns(contract: Contract) -> list[str]:
    """Return the raw columns that a file must have: those of required fields, of composed ids, and of the money."""
    needed: list[str] = []
    for name in ("transaction_id", "sold_at", "product_category", "quantity"):
        rule = contract.columns[name]
        needed += [header for header, default in rule.origins if default is None]
    for rule in contract.columns.values():
        if rule.required:
            needed += [header for header, default in rule.origins if default is None or rule.header]
        elif rule.expression:
            needed += [header for header, default in rule.origins if default is None]
    money = [contract.columns[name] for name in ("total_amount", "unit_price") if name in contract.columns]
    if len(money) == 1 and money[0].header:
        needed.append(money[0].header)
    if contract.cancellations:
        needed.append(contract.cancellations.column)
    if contract.currencies and contract.currencies.default is None:
        needed.append(contract.currencies.column)
    needed += contract.columns["sold_at"].beside
    needed += [u.column for u in contract.quantity_units]
    needed += contract.file.fill_down[:1]
    needed += contract.rows.columns if contract.rows else ()
    if contract.references:
        elsewhere = owners(contract.references)
        needed = [c for c in needed if normalize_header(c) not in elsewhere]
        needed += [contract.columns[rule.on].header or "" for rule in contract.references.values()]
    by_normal = {normalize_header(n): c for c, names in contract.raw_columns().items() for n in names}
    return list(dict.fromkeys(by_normal[normalize_header(c)] for c in needed))


def _with_nearest(column: str, contract: Contract, unknown: tuple[str, ...]) -> str:
    candidates = {normalize_header(h[:_LONGEST]): h[:_LONGEST] for h in unknown[:1000]}
    for name in map(normalize_header, contract.raw_columns()[column]):
        if match := difflib.get_close_matches(name, list(candidates), n=1, cutoff=0.6):
            return f"{column!r} (nearest: {candidates[match[0]]!r})"
    return repr(column)
