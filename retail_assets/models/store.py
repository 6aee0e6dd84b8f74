"""Versions of trained models: bytes and a manifest each, one of them the champion, every promotion on record.

A version is named by the last day it has seen and the digest of its bytes, so that the same training is the same
version. Nothing is overwritten; promotion and rollback move one small pointer, and only if nobody else has moved it
meanwhile. What does not belong here: what a model is, and which is better.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from types import EllipsisType
from typing import Any

from retail_assets.errors import NotReadyError, RetailError, nearest
from retail_assets.storage import Store

_POINTER, _VERSIONS, _MANIFEST, _MODEL, _CARD = "champion.json", "versions", "manifest.json", "model.skops", "card.md"
_ATTEMPTS = 5
#: Who moves the pointer: the contest of a training, or a person.
CONTEST, USER, ROLLBACK = "contest", "user", "rollback"
BY_HAND = (USER, ROLLBACK)
#: kind of model -> (what is retrained, the asset that trains it)
_TRAINED_BY = {"forecast": ("the forecast", "forecast_backtest"), "segments": ("the segments", "segment_model")}


class ModelStoreError(RetailError):
    """A version is unknown or damaged, or a promotion is refused."""


class PromotionOvertakenError(ModelStoreError):
    """Another version was put in use since the decision was made: decide again."""


class UnreadablePointerError(ModelStoreError):
    """The record of what is in use is damaged; `tag` is what a write over it must match."""

    def __init__(self, message: str, tag: str | None) -> None:
        super().__init__(message)
        self.tag = tag


@dataclass(frozen=True)
class Manifest:
    """What is known of a version. `scores` are what models are ranked by, by name: lower is better."""

    version: str
    sha256: str
    family: str
    has_skill: bool
    trained_at: str
    code_version: str
    libraries: dict[str, str]
    seed: int
    horizon: int
    features: list[str]
    data: dict[str, Any]
    metrics: dict[str, float | None]
    scores: dict[str, float]
    verdict: str


@dataclass(frozen=True)
class Promotion:
    """One move of the pointer. `by` is who moved it: the contest of a training, a user, or a rollback."""

    version: str
    at: str
    by: str
    reason: str


@dataclass(frozen=True)
class Champion:
    """The pointer: the version in use, and every promotion that led to it, oldest first."""

    version: str
    history: tuple[Promotion, ...] = field(default=())


class ModelStore:
    """The versions of one kind of model of one source, below `<source>/<kind>/` of a store."""

    def __init__(self, store: Store, source: str, kind: str = "forecast") -> None:
        self.store = store
        self.root = f"{source}/{kind}"
        self.kind = kind

    def save(self, data: bytes, last_day: dt.date, known: Mapping[str, Any], card: str) -> Manifest:
        """Store a version; the same bytes of the same day are the version that is there already.

        `known` holds the fields of a Manifest that do not follow from the bytes. A version that is there and damaged is
        written anew: training again mends it.
        """
        digest = hashlib.sha256(data).hexdigest()
        version = f"{last_day:%Y%m%d}-{digest[:10]}"
        try:
            self.load(version)
            return self.manifest(version)
        except ModelStoreError:
            pass  # unknown yet, or damaged
        manifest = Manifest(version=version, sha256=digest, **known)
        self.store.write(self._key(version, _MODEL), data)
        self.store.write(self._key(version, _CARD), card.encode())
        # Last: a version without a manifest is no version.
        self.store.write(self._key(version, _MANIFEST), _json(asdict(manifest)))
        return manifest

    def versions(self) -> list[Manifest]:
        """Every version whose manifest can be read, the oldest data first."""
        manifests = [found for found in self._found().values() if isinstance(found, Manifest)]
        return sorted(manifests, key=lambda m: (m.data.get("last_day", ""), m.trained_at, m.version))

    def damaged(self) -> dict[str, str]:
        """Versions whose manifest cannot be read, and why: a person has to look at these."""
        return {name: str(found) for name, found in self._found().items() if isinstance(found, ModelStoreError)}

    def _found(self) -> dict[str, Manifest | ModelStoreError]:
        found: dict[str, Manifest | ModelStoreError] = {}
        for name in self.store.folders(f"{self.root}/{_VERSIONS}"):
            data = self.store.read_if_exists(self._key(name, _MANIFEST))
            if data is not None:  # else a training that was cut short: no version yet
                try:
                    found[name] = _manifest(data, name)
                except ModelStoreError as e:
                    found[name] = e
        return found

    def manifest(self, version: str) -> Manifest:
        """The manifest of a version, which may be shortened if it stays unique. Raises ModelStoreError."""
        data = self.store.read_if_exists(self._key(version, _MANIFEST)) if version and "/" not in version else None
        if data is not None:
            return _manifest(data, version)
        known = self.versions()
        matching = [m for m in known if version and version in m.version]
        if len(matching) == 1:
            return matching[0]
        names = [m.version for m in known]
        if len(matching) > 1:
            raise ModelStoreError(
                f"{version!r} may be any of {', '.join(m.version for m in matching)}. Say more of it."
            )
        shown = f"Known: {', '.join(names[-10:])}." if names else "None is stored yet."
        raise ModelStoreError(f"There is no model version {version!r}.{nearest(version, names)} {shown}")

    def load(self, version: str) -> bytes:
        """The bytes of a version. Raises ModelStoreError where they are not those of its manifest."""
        manifest = self.manifest(version)
        data = self.store.read_if_exists(key := self._key(manifest.version, _MODEL))
        if data is None or hashlib.sha256(data).hexdigest() != manifest.sha256:
            wrong = "is gone" if data is None else "has been changed: its sha256 is not that of the manifest"
            raise ModelStoreError(
                f"{self.store.uri_of(key)} {wrong}. Retrain {_TRAINED_BY[self.kind][0]}, or roll back: "
                f"retail-assets models rollback --kind {self.kind}"
            )
        return data

    def card(self, version: str) -> str:
        """The model card of a version, Markdown."""
        return self.store.read(self._key(self.manifest(version).version, _CARD)).decode()

    def champion(self) -> Champion | None:
        """The version in use; None before the first promotion."""
        return self._pointer()[0]

    def champion_or_none(self) -> Champion | None:
        """The version in use; None where the record of it is damaged, which a promotion mends."""
        try:
            return self.champion()
        except UnreadablePointerError:
            return None

    def require_champion(self) -> Champion:
        """The version in use. Raises NotReadyError before the first promotion."""
        champion = self.champion()
        if champion is None:
            raise NotReadyError(
                f"No {self.kind} model is in use yet. Materialize the asset `{_TRAINED_BY[self.kind][1]}` first."
            )
        return champion

    def promote(
        self, version: str, *, at: dt.datetime, by: str, reason: str, over: Champion | EllipsisType | None = ...
    ) -> Champion:
        """Put a version in use. Its bytes are verified first. Raises ModelStoreError.

        `over` is what was in use when the promotion was decided; where that is no more, PromotionOvertakenError.
        """
        manifest = self.manifest(version)
        self.load(manifest.version)

        def target(champion: Champion | None) -> str:
            if over is not ... and champion != over:
                raise PromotionOvertakenError(f"Another version than {manifest.version} was put in use meanwhile.")
            return manifest.version

        return self._move(target, at, by, reason)

    def rollback(self, *, at: dt.datetime, reason: str = "rolled back") -> Champion:
        """Put the version in use that was before the present one. Raises ModelStoreError where there is none."""

        def before(champion: Champion | None) -> str:
            earlier = _undoable(champion)
            if not earlier:
                raise ModelStoreError("There is no earlier version to roll back to.")
            return earlier[-1]

        target = before(self.champion())
        self.load(target)
        return self._move(before, at, ROLLBACK, reason)

    def _move(self, target: Any, at: dt.datetime, by: str, reason: str) -> Champion:
        for _ in range(_ATTEMPTS):
            try:
                champion, tag = self._pointer()
            except UnreadablePointerError as e:
                # What it said is lost; putting a version in use is how it is mended.
                champion, tag = None, e.tag
            version = target(champion)
            if champion is not None and champion.version == version:
                return champion
            history = champion.history if champion else ()
            moved = Champion(version, (*history, Promotion(version, at.isoformat(timespec="seconds"), by, reason)))
            if self.store.swap(f"{self.root}/{_POINTER}", _json(asdict(moved)), tag):
                return moved
        raise ModelStoreError("Others keep promoting versions at the same time. Try again.")

    def _pointer(self) -> tuple[Champion | None, str | None]:
        found = self.store.read_tagged(f"{self.root}/{_POINTER}")
        if found is None:
            return None, None
        data, tag = found
        try:
            told = json.loads(data)
            return Champion(told["version"], tuple(Promotion(**item) for item in told["history"])), tag
        except (ValueError, KeyError, TypeError) as e:
            raise UnreadablePointerError(
                f"{self.store.uri_of(f'{self.root}/{_POINTER}')} cannot be read ({e}). "
                f"Put a version in use again: retail-assets models promote VERSION --kind {self.kind}",
                tag,
            ) from None

    def _key(self, version: str, name: str) -> str:
        return f"{self.root}/{_VERSIONS}/{version}/{name}"


def taken_out_by_hand(champion: Champion | None) -> set[str]:
    """Versions that a person has put out of use, and nobody back in: no contest may bring them back."""
    out: set[str] = set()
    before: str | None = None
    for move in champion.history if champion else ():
        if move.by in BY_HAND and before is not None:
            out.add(before)
        out.discard(move.version)
        before = move.version
    return out


def _undoable(champion: Champion | None) -> list[str]:
    """Versions to roll back to, the next one last: a rollback takes the promotion before it off the pile."""
    pile: list[str] = []
    for move in champion.history if champion else ():
        if move.by == ROLLBACK and len(pile) > 1:
            pile.pop()
        else:
            pile.append(move.version)
    return pile[:-1]


def _manifest(data: bytes, version: str) -> Manifest:
    try:
        told = json.loads(data)
        # A later version of this program may have told more.
        manifest = Manifest(**{item.name: told[item.name] for item in fields(Manifest)})
    except (ValueError, TypeError, KeyError) as e:
        raise ModelStoreError(
            f"The manifest of model version {version} cannot be read ({type(e).__name__}: {e}). Training on the same "
            "sales writes it anew; or put another version in use: retail-assets models promote VERSION"
        ) from None
    if manifest.version != version:
        raise ModelStoreError(f"The manifest of model version {version} is that of {manifest.version}. Retrain.")
    return manifest


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=2, allow_nan=False, sort_keys=True).encode() + b"\n"
