"""What lands of a local file: the file itself, or a copy with pseudonyms where the contract asks for them."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

from retail_assets.contracts.model import Contract
from retail_assets.lake.profile import FileProfile
from retail_assets.landing.register import check_before_landing
from retail_assets.pseudonyms.pseudonym import Pseudonyms
from retail_assets.pseudonyms.reference_files import pseudonymized_reference
from retail_assets.pseudonyms.rewritten import pseudonymized


@contextlib.contextmanager
def as_landed(
    path: Path,
    contract: Contract,
    landed_on: dt.date,
    reference: str | None,
    pseudonyms: Pseudonyms | None,
    profile: FileProfile | None = None,
) -> Iterator[Path]:
    """Yield the file that lands in place of a local one, of sales or of a reference.

    With pseudonyms, a file whose header does not fit the contract does not land: nobody can tell where its ids are.
    `profile` is what `check_before_landing` returned for a file of sales, if the caller has it already.
    Raises LandingError, and OtherKeyError.
    """
    if pseudonyms is None:
        yield path
    elif reference is not None:
        with pseudonymized_reference(path, contract, reference, pseudonyms) as copied:
            yield copied
    else:
        profile = profile or check_before_landing(path, contract, landed_on)
        with pseudonymized(path, profile, contract, pseudonyms) as copied:
            yield copied
