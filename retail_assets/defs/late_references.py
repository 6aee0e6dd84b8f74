"""What the sensor of landings does about reference files: landings that another version changes are requested again.

Each version is compared once with the landings that were joined with an older one, some at a tick. Only landings of
which a row would change are requested, so a product master that comes each day does not start the whole history.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Collection
from dataclasses import dataclass

from retail_assets.errors import DamagedError, LandingError
from retail_assets.lake.manifests import RawManifest
from retail_assets.platform import Platform

#: At a tick, so many landings are compared and so many are requested, and comparing ends after so many seconds.
COMPARED_PER_TICK = 50
REQUESTED_PER_TICK = 10
_SECONDS_PER_TICK = 20.0


@dataclass
class Progress:
    """How far the landings are compared: with the reference files of this digest, up to the day `after`.

    `after` is None when all are; the digest is empty before any reference file has landed.
    """

    digest: str = ""
    after: dt.date | None = None

    @property
    def is_done(self) -> bool:
        return self.after is None


@dataclass(frozen=True)
class Late:
    """The days whose landings another version of a reference file changes, and notes about what was left alone."""

    days: list[dt.date]
    notes: list[str]


def late(
    platform: Platform, progress: Progress, digest: str, landings: Collection[dt.date], already: Collection[dt.date]
) -> Late:
    """Compare the next landings with the reference files whose digest this is, and update the progress.

    `landings` are those that may be requested; those in `already` are requested anyway. A landing that has not been
    registered or cleaned is requested: its run may have failed because the reference file was missing.
    """
    if digest == progress.digest and progress.is_done:
        return Late([], [])
    from retail_assets.cleaning.reference_changes import Unaffected, changes, is_outdated, keep_unaffected
    from retail_assets.landing.references import LandedReferences

    if digest != progress.digest:
        progress.digest, progress.after = digest, dt.date.min
    contract, lake = platform.settings.contract, platform.lake
    landed = LandedReferences(platform.raw, platform.source, contract)
    unaffected = Unaffected.read(lake)
    waiting = sorted(day for day in landings if day > (progress.after or dt.date.min))
    until = time.monotonic() + _SECONDS_PER_TICK
    days: list[dt.date] = []
    same: list[RawManifest] = []
    compared = 0
    try:
        for day in waiting:
            if len(days) >= REQUESTED_PER_TICK or compared >= COMPARED_PER_TICK or time.monotonic() > until:
                note = f"compared with the reference files up to {progress.after}; the next tick continues"
                return Late(days, [note])
            progress.after = day
            try:
                raw = lake.raw_if_registered(day)
                if day in already or (raw is not None and not is_outdated(raw, contract, landed, unaffected)):
                    continue
                compared += 1
                clean = lake.clean_landings([day])
                is_late = raw is None or not clean or changes(lake, raw, clean[0], contract, landed)
            except DamagedError:  # its run says what to do
                is_late = True
            if is_late:
                days.append(day)
            elif raw is not None:
                same.append(raw)
    except LandingError as e:
        progress.after = None  # the version that replaces it is compared again
        return Late(days, [f"a reference file cannot be used: {e}"])
    finally:
        keep_unaffected(lake, same, landed)
    progress.after = None
    return Late(days, [])
