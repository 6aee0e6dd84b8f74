"""The pseudonyms of a source, with the key that its landings were made with, or a refusal.

With another key every customer would be two. The lake keeps the key's fingerprint, from the first landing on.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from retail_assets.errors import LandingError
from retail_assets.lake.lake import Lake
from retail_assets.pseudonyms.pseudonym import Pseudonyms
from retail_assets.settings import Settings
from retail_assets.storage.records import RecordError, read_record
from retail_assets.storage.secret_keys import KeyPlace

FILE = "pseudonym.key"
VARIABLE = "RETAIL_PSEUDONYM_KEY"


@dataclass(frozen=True)
class _Record:
    """The file. `fingerprint` says which key made the pseudonyms."""

    fingerprint: str


def record_key(source: str) -> str:
    """Return the key of the fingerprint in the lake."""
    return f"{source}/pseudonyms/key.json"


def key_place(settings: Settings) -> KeyPlace:
    """Return where the key is, or is going to be."""
    return KeyPlace(
        settings.pseudonym_key,
        settings.home / FILE,
        VARIABLE,
        "The key of pseudonyms",
        "nobody has the pseudonym that they had before",
    )


def pseudonyms_of(settings: Settings, lake: Lake, *, landing: bool) -> Pseudonyms | None:
    """Return the pseudonyms of the settings' source; None if its contract does not ask for any.

    With `landing`, the first call makes the key, unless it is set, and notes its fingerprint. Raises LandingError if
    the key is missing or another one, and if the source has landings of the other kind; SettingsError if it cannot be
    read.
    """
    tagged = lake.store.read_tagged(record_key(lake.source))
    if settings.contract.pseudonymize is None:
        if tagged is not None:
            raise LandingError(
                f"The customers of {lake.source} have pseudonyms in all that has landed, and its contract does not ask "
                "for any now: every customer would be two. Put `pseudonymize: true` back into the contract, or give "
                "it another `name` and land all files as that."
            )
        return None
    place = key_place(settings)
    if tagged is None:
        _refuse_clear_landings(lake)
    key = place.key(create=landing and tagged is None)
    if key is None:
        raise LandingError(
            f"The key that made the pseudonyms of {lake.source} is not here. {_WAY_OUT}"
            if tagged is not None
            else f"Nothing has landed with pseudonyms in {lake.source} yet, and there is no key. Land a file with "
            "`retail-assets land`, which makes one."
        )
    pseudonyms = Pseudonyms(key, settings.contract)
    if tagged is None and landing:
        text = json.dumps(asdict(_Record(pseudonyms.fingerprint()))).encode()
        if lake.store.swap(record_key(lake.source), text, None):
            return pseudonyms
        tagged = lake.store.read_tagged(record_key(lake.source))  # another process was faster
    if tagged is not None and _read(lake, tagged[0]).fingerprint != pseudonyms.fingerprint():
        raise LandingError(
            f"The pseudonyms of {lake.source} were made with another key than the one here: with this one every "
            f"customer would be two. {_WAY_OUT}"
        )
    return pseudonyms


_WAY_OUT = (
    f"Set {VARIABLE} as where its files landed before, or put the {FILE} of that home into RETAIL_HOME. If the key is "
    "lost, give the contract another `name` and land all files as that."
)


def _refuse_clear_landings(lake: Lake) -> None:
    if days := lake.days("raw"):
        raise LandingError(
            f"{len(days):,} landings of {lake.source} were registered before its contract said `pseudonymize`, so they "
            "have ids as they are. Give the contract another `name`, land all files as that, and delete what "
            f"{lake.source} has in the stores (docs/pseudonyms.md)."
        )


def _read(lake: Lake, data: bytes) -> _Record:
    try:
        return read_record(data, _Record)
    except RecordError as e:
        raise LandingError(
            f"{lake.store.uri_of(record_key(lake.source))} cannot be read ({e}), so nobody knows which key made the "
            "pseudonyms. Restore it from a backup."
        ) from None
