"""Versions of trained models: bytes, manifest and card of each, and the pointer to the one in use with its history.

A version is named by the last day it has seen and the digest of its bytes, so that the same training is the same
version. Putting another version in use moves one small pointer, and only if nobody else has moved it meanwhile. What
does not belong here: what a model is, and who decides which version is in use (`promotion`).
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from types import EllipsisType
from typing import Any

from retail_assets.errors import NotReadyError, RetailError, nearest
from retail_assets.models.kinds import ModelKind
from retail_assets.storage import Entry, Store
from retail_assets.storage.records import RecordError, read_record

_POINTER, _VERSIONS, _MANIFEST, _MODEL, _CARD = "champion.json", "versions", "manifest.json", "model.skops", "card.md"
_ATTEMPTS = 5
#: Who moved the pointer, as its history records it: a training, a person, or a rollback by a person.
BY_TRAINING, BY_USER, BY_ROLLBACK = "contest", "user", "rollback"


class ModelStoreError(RetailError):
    """A version is unknown or damaged, or a promotion is refused."""


class PromotionOvertakenError(ModelStoreError):
    """Another version was put in use since the decision was made: decide again."""

    retryable = True


class UnreadablePointerError(ModelStoreError):
    """The pointer to the version in use is damaged; `tag` is what a write over it must match."""

    def __init__(self, message: str, tag: str | None) -> None:
        super().__init__(message)
        self.tag = tag


@dataclass(frozen=True)
class Manifest:
    """The facts of a version. `scores` holds the error by which candidate models are ranked, by name: lower wins."""

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
    """One move of the pointer. `by` says who moved it: `BY_TRAINING`, `BY_USER` or `BY_ROLLBACK`."""

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

    def __init__(self, store: Store, source: str, kind: ModelKind) -> None:
        self.store = store
        self.root = f"{source}/{kind.name}"
        self.kind = kind

    def save(self, data: bytes, last_day: dt.date, facts: Mapping[str, Any], card: str) -> Manifest:
        """Store a version. The same bytes for the same day are the version that is stored already.

        A stored version that is damaged is written again, so that training again repairs it. One that other code has
        trained gets the new facts and card: the record says that today's code comes to the same model.

        Args:
            data: the model, serialized.
            last_day: last day of sales that the model has seen.
            facts: the fields of `Manifest` that do not follow from the bytes.
            card: the model card, Markdown.
        """
        digest = hashlib.sha256(data).hexdigest()
        version = f"{last_day:%Y%m%d}-{digest[:10]}"
        manifest = Manifest(version=version, sha256=digest, **facts)
        try:
            stored, _ = self.load_with_manifest(version)
            if stored.code_version == manifest.code_version and self.card(version):
                return stored
        except ModelStoreError:
            pass  # not stored yet, or damaged
        self.store.write(self._key(version, _MODEL), data)
        self.store.write(self._key(version, _CARD), card.encode())
        # Last: a version without a manifest is no version.
        self.store.write(self._key(version, _MANIFEST), _json(asdict(manifest)))
        return manifest

    def remove(self, version: str) -> bool:
        """Remove a version that is not in use. Returns False, and keeps it, where it is or has just come into use.

        The manifest goes first, so that nobody finds the version from then on. Whoever had verified it just before, and
        puts it in use meanwhile, gets its files back: here, or by `move`, whichever is later.
        """
        files = {entry.key: self.store.read_if_exists(entry.key) for entry in self.files().get(version, ())}
        order = sorted(files, key=lambda key: not key.endswith(f"/{_MANIFEST}"))
        if self._is_champion(version):
            return False
        for key in order:
            self.store.delete([key])
            if self._is_champion(version):
                for written in reversed(order):
                    if (data := files[written]) is not None:
                        self.store.write(written, data)
                return False
        if self.store.is_local:
            with contextlib.suppress(OSError):
                self.store.local_path(f"{self.root}/{_VERSIONS}/{version}").rmdir()
        return True

    def _is_champion(self, version: str) -> bool:
        champion = self.champion()
        return champion is not None and champion.version == version

    def keys(self, version: str) -> list[str]:
        """Return the keys of the files without which a version cannot be used."""
        return [self._key(version, name) for name in (_MODEL, _MANIFEST)]

    def files(self) -> dict[str, list[Entry]]:
        """List the files of every version, also of those that have no manifest: a training that was cut short."""
        files: dict[str, list[Entry]] = {}
        for entry in self.store.list(folder := f"{self.root}/{_VERSIONS}"):
            files.setdefault(entry.key.removeprefix(f"{folder}/").partition("/")[0], []).append(entry)
        return files

    def versions(self) -> list[Manifest]:
        """List every version whose manifest can be read, the oldest data first."""
        manifests = [manifest for manifest in self._manifests().values() if isinstance(manifest, Manifest)]
        return sorted(manifests, key=lambda m: (m.data.get("last_day", ""), m.trained_at, m.version))

    def damaged(self) -> dict[str, str]:
        """Name the versions whose manifest cannot be read, and say why: a person has to look at these."""
        return {name: str(error) for name, error in self._manifests().items() if isinstance(error, ModelStoreError)}

    def _manifests(self) -> dict[str, Manifest | ModelStoreError]:
        manifests: dict[str, Manifest | ModelStoreError] = {}
        for name in self.store.folders(f"{self.root}/{_VERSIONS}"):
            data = self.store.read_if_exists(self._key(name, _MANIFEST))
            if data is not None:  # else a training that was cut short: no version yet
                try:
                    manifests[name] = _manifest(data, name)
                except ModelStoreError as e:
                    manifests[name] = e
        return manifests

    def manifest(self, version: str) -> Manifest:
        """Return the manifest of a version, given by its name or any part that no other has. Raises ModelStoreError."""
        data = self.store.read_if_exists(self._key(version, _MANIFEST)) if version and "/" not in version else None
        if data is not None:
            return _manifest(data, version)
        stored = self.versions()
        matching = [m for m in stored if version and version in m.version]
        if len(matching) == 1:
            return matching[0]
        names = [m.version for m in stored]
        if len(matching) > 1:
            raise ModelStoreError(
                f"{version!r} may be any of {', '.join(m.version for m in matching)}. Give more of its name."
            )
        shown = f"Stored: {', '.join(names[-10:])}." if names else "None is stored yet."
        raise ModelStoreError(f"There is no model version {version!r}.{nearest(version, names)} {shown}")

    def load(self, version: str) -> bytes:
        """Return the bytes of a version. Raises ModelStoreError where their digest is not that of the manifest."""
        return self.load_with_manifest(version)[1]

    def load_with_manifest(self, version: str) -> tuple[Manifest, bytes]:
        """Return the manifest and the bytes of a version; see `load`."""
        manifest = self.manifest(version)
        data = self.store.read_if_exists(key := self._key(manifest.version, _MODEL))
        if data is None or hashlib.sha256(data).hexdigest() != manifest.sha256:
            wrong = "is gone" if data is None else "has been changed: its sha256 is not that of the manifest"
            raise ModelStoreError(
                f"{self.store.uri_of(key)} {wrong}. Retrain {self.kind.subject}, or roll back: "
                f"retail-assets models rollback --kind {self.kind.name}"
            )
        return manifest, data

    def card(self, version: str) -> str:
        """Return the model card of a version, Markdown."""
        key = self._key(self.manifest(version).version, _CARD)
        data = self.store.read_if_exists(key)
        try:
            if data:
                return data.decode()
        except UnicodeDecodeError:
            pass
        raise ModelStoreError(
            f"{self.store.uri_of(key)} is {'damaged' if data else 'gone or empty'}. Training on the same sales writes "
            f"it again: materialize {self.kind.trained_by}; or put another version in use: retail-assets models "
            f"promote VERSION --kind {self.kind.name}"
        )

    def champion(self) -> Champion | None:
        """Return the version in use; None before the first promotion."""
        return self._pointer()[0]

    def champion_or_none(self) -> Champion | None:
        """Return the version in use; None also where the pointer is damaged, which the next promotion repairs."""
        try:
            return self.champion()
        except UnreadablePointerError:
            return None

    def require_champion(self) -> Champion:
        """Return the version in use. Raises NotReadyError before the first promotion."""
        champion = self.champion()
        if champion is None:
            raise NotReadyError(
                f"No {self.kind.name} model is in use yet. Materialize the asset `{self.kind.trained_by}` first."
            )
        return champion

    def promote(
        self, version: str, *, at: dt.datetime, by: str, reason: str, over: Champion | EllipsisType | None = ...
    ) -> Champion:
        """Put a version in use, once its bytes are verified. Raises ModelStoreError.

        `over` is the champion that the decision was made against. Raises PromotionOvertakenError where the champion is
        another by now.
        """

        def target(champion: Champion | None) -> str:
            if over is not ... and champion != over:
                raise PromotionOvertakenError(f"Another version than {version} was put in use in the meantime.")
            return version

        return self.move(target, at=at, by=by, reason=reason)

    def move(self, choose: Callable[[Champion | None], str], *, at: dt.datetime, by: str, reason: str) -> Champion:
        """Move the pointer to the version that `choose` names for the current champion; returns the new champion.

        The bytes of the version are verified first. Where another process moves the pointer in between, `choose` is
        called again. Nothing is recorded where the chosen version is in use already. Raises ModelStoreError.
        """
        for _ in range(_ATTEMPTS):
            try:
                champion, tag = self._pointer()
            except UnreadablePointerError as e:
                # Its content is lost; putting a version in use is how it is repaired.
                champion, tag = None, e.tag
            manifest, model = self.load_with_manifest(choose(champion))
            version = manifest.version
            if champion is not None and champion.version == version:
                return champion
            history = champion.history if champion else ()
            moved = Champion(version, (*history, Promotion(version, at.isoformat(timespec="seconds"), by, reason)))
            if self.store.swap(f"{self.root}/{_POINTER}", _json(asdict(moved)), tag):
                if not self.store.exists(self._key(version, _MANIFEST)):  # removed since it was verified
                    self.store.write(self._key(version, _MODEL), model)
                    self.store.write(self._key(version, _MANIFEST), _json(asdict(manifest)))
                return moved
        raise PromotionOvertakenError("Other processes keep putting versions in use at the same time. Try again.")

    def _pointer(self) -> tuple[Champion | None, str | None]:
        tagged = self.store.read_tagged(f"{self.root}/{_POINTER}")
        if tagged is None:
            return None, None
        data, tag = tagged
        try:
            return read_record(data, Champion), tag
        except RecordError as e:
            raise UnreadablePointerError(
                f"{self.store.uri_of(f'{self.root}/{_POINTER}')} cannot be read ({e}). "
                f"Put a version in use again: retail-assets models promote VERSION --kind {self.kind.name}",
                tag,
            ) from None

    def _key(self, version: str, name: str) -> str:
        return f"{self.root}/{_VERSIONS}/{version}/{name}"


def _manifest(data: bytes, version: str) -> Manifest:
    try:
        manifest = read_record(data, Manifest)
        if not isinstance(manifest.data.get("last_day"), str):
            raise RecordError("data.last_day: Input should be a valid string")
    except RecordError as e:
        raise ModelStoreError(
            f"The manifest of model version {version} cannot be read ({e}). Training on the same "
            "sales writes it again; or put another version in use: retail-assets models promote VERSION"
        ) from None
    if manifest.version != version:
        raise ModelStoreError(f"The manifest of model version {version} is that of {manifest.version}. Retrain.")
    return manifest


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=2, allow_nan=False, sort_keys=True).encode() + b"\n"
