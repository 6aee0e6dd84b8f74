"""Reference files with pseudonyms in place of ids, so that sales are joined as they were with the ids."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path

from retail_assets.contracts.header_names import normalize_header
from retail_assets.contracts.model import Contract
from retail_assets.contracts.references import ReferenceRule
from retail_assets.errors import LandingError
from retail_assets.lake.profile import FileProfile
from retail_assets.landing.land import shown_path
from retail_assets.landing.reference_rows import Content, keyed_rows, profile_of
from retail_assets.landing.references import reference_folder, rule_of
from retail_assets.pseudonyms.clear_ids import first_clear_line
from retail_assets.pseudonyms.pseudonym import CUSTOMER, OtherKeyError, Pseudonyms
from retail_assets.pseudonyms.replaced_columns import Replaced, others
from retail_assets.pseudonyms.rewritten import rewritten
from retail_assets.storage import Store


@contextlib.contextmanager
def pseudonymized_reference(path: Path, contract: Contract, name: str, pseudonyms: Pseudonyms) -> Iterator[Path]:
    """Yield a reference file with pseudonyms in place of ids; it is deleted at the end.

    That is the file itself if it has no column to be replaced. The result is read again, and joins the same. Raises
    LandingError if the file cannot be rewritten, and OtherKeyError.
    """
    rule = rule_of(contract, name)
    content = Content(str(path), path.read_bytes())
    profile = profile_of(content, rule)
    columns = _columns(profile, contract, rule)
    if not columns:
        yield path
        return
    with rewritten(path, profile, columns, pseudonyms) as target:
        after = keyed_rows([Content(str(target), target.read_bytes())], rule)
        before = keyed_rows([content], rule)
        if rule.on == "customer_id":
            before = {pseudonyms.replacement(key) or key: row for key, row in before.items()}
        if after != before:
            raise LandingError(
                f"{shown_path(path)} cannot be copied with pseudonyms row by row. Nothing was landed. Save it as CSV "
                "in UTF-8 and land that."
            )
        yield target


def refuse_clear_references(raw: Store, contract: Contract, pseudonyms: Pseudonyms) -> None:
    """Raise LandingError for the first landed reference file that has an id as it is."""
    for name, rule in contract.references.items():
        for entry in raw.list(reference_folder(contract.name, name)):
            if any(part.startswith("_") for part in entry.key.split("/")):
                continue  # what engines write next to their data
            content = Content(entry.key, raw.read(entry.key))
            profile = profile_of(content, rule)
            columns = _columns(profile, contract, rule)
            if not columns:  # such as a product master, whose rows are read by its own parser
                continue
            try:
                line = first_clear_line(io.BytesIO(content.data), profile, columns, pseudonyms)
            except OtherKeyError as e:
                raise LandingError(f"{entry.key}: {e}") from None
            if line is not None:
                raise LandingError(
                    f"{entry.key}, line {line}: there is an id that has no pseudonym, and the contract "
                    f"{contract.name!r} says `pseudonymize`. Nothing was registered. Delete this file from {raw.uri} "
                    f"and land it with `retail-assets land --reference {name} FILE`, which replaces ids."
                )


def _columns(profile: FileProfile, contract: Contract, rule: ReferenceRule) -> list[Replaced]:
    found = others(profile.header, contract)
    if rule.on == "customer_id":
        key = normalize_header(rule.key)
        found |= {n: CUSTOMER for n, header in enumerate(profile.header) if normalize_header(header) == key}
    return [Replaced(n, profile.header[n], found[n]) for n in sorted(found)]
