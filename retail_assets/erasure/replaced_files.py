"""Planned files that another file has taken the place of, between an erasing that was cut short and the next attempt.

Where a planned row was, a rewritten file has none. One that has is another file, with rows of other people there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from retail_assets.contracts.model import Contract
from retail_assets.erasure.file_ids import IdReader
from retail_assets.erasure.journal import PlannedFile
from retail_assets.erasure.person import engine
from retail_assets.errors import LandingError
from retail_assets.lake.lake import Lake
from retail_assets.lake.profile import FileProfile
from retail_assets.landing.land import sha256_of
from retail_assets.storage import Store


def is_replaced(raw: Store, profile: FileProfile, contract: Contract, file: PlannedFile) -> bool:
    """Return whether a file that was planned is now another one. `profile` says how to read it."""
    if not raw.exists(file.key) or sha256_of(raw, file.key) == file.sha256:
        return False
    planned = np.array(file.rows.line, dtype=np.int64)
    try:
        with engine() as con:
            return any(np.isin(rows.line, planned).any() for rows in IdReader(profile, contract, con).rows(raw))
    except LandingError:
        return True


def with_replaced(raw: Store, lake: Lake, contract: Contract, files: Sequence[PlannedFile]) -> tuple[PlannedFile, ...]:
    """Mark the planned files in whose place another one was registered: the lake may have its rows by their lines."""
    days = sorted({dt.date.fromisoformat(file.landed_on) for file in files if file.landed_on})
    manifests = lake.registered(days)
    registered = {profile.key: profile for manifest in manifests for profile in manifest.files}
    rewritten = {(erased.key, erased.sha256) for manifest in manifests for erased in manifest.erasures}

    def marked(file: PlannedFile) -> PlannedFile:
        profile = registered.get(file.key)
        if profile is None or profile.sha256 == file.sha256:
            return file
        if not raw.exists(file.key) or sha256_of(raw, file.key) != profile.sha256:  # yet another one waits
            other = (profile.key, profile.sha256) not in rewritten
        else:
            other = is_replaced(raw, profile, contract, file)
        return replace(file, replaced=file.replaced or other)

    return tuple(map(marked, files))
