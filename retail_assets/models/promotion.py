"""Promotion and rollback: the one guarded way to change which version is in use, for every kind of model.

A domain brings its policy (which of two models wins, and when a training is due). What is here holds for all of them: a
decision is made against the current champion and repeated if that changes in the meantime; a version that a person has
removed or declined comes back only by hand; a version that is held waits for a person.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Generic, TypeVar

from retail_assets.errors import ModelFileError
from retail_assets.models.store import (
    BY_ROLLBACK,
    BY_TRAINING,
    BY_USER,
    Champion,
    Manifest,
    ModelStore,
    ModelStoreError,
    PromotionOvertakenError,
)
from retail_assets.storage import Store
from retail_assets.storage.records import RecordError, read_record

Model = TypeVar("Model")

_BY_HAND = (BY_USER, BY_ROLLBACK)
_HELD = "waiting.json"
_DECLINED = "declined.json"
#: Times a decision is repeated because another process has put a version in use meanwhile.
_ATTEMPTS = 5


@dataclass(frozen=True)
class Decision:
    """The outcome of a promotion policy, and its reason in words for the record.

    Attributes:
        promote: put the candidate in use.
        held: the candidate waits for a person to promote it.
        reason: why, as a clause.
        renamed: share of the customers that the candidate names differently from the champion, 0 to 1.
    """

    promote: bool
    held: bool
    reason: str
    renamed: float = 0.0


@dataclass(frozen=True)
class HeldVersion:
    """A version that waits for a person: `run_id` is the run that trained it, `reason` why it was held."""

    version: str
    last_day: str
    renamed: float
    reason: str
    run_id: str


@dataclass(frozen=True)
class InUse(Generic[Model]):
    """The champion as this code finds it: with manifest and model, or with the reason why neither can be used.

    All are None before the first promotion.
    """

    champion: Champion | None
    manifest: Manifest | None
    model: Model | None
    unusable: str | None


def read_in_use(models: ModelStore, loads: Callable[[bytes], Model]) -> InUse[Model]:
    """Read what is in use. A version that is damaged, or that `loads` refuses with ModelFileError, is `unusable`."""
    champion: Champion | None = None
    try:
        champion = models.champion()
        if champion is None:
            return InUse(None, None, None, None)
        manifest, data = models.load_with_manifest(champion.version)
        return InUse(champion, manifest, loads(data), None)
    except (ModelStoreError, ModelFileError) as e:
        return InUse(champion, None, None, str(e))


def promote_if_better(
    models: ModelStore,
    candidate: Manifest,
    policy: Callable[[InUse[Model]], Decision],
    loads: Callable[[bytes], Model],
    *,
    at: dt.datetime,
    run_id: str = "",
) -> Decision:
    """Put a newly trained version in use, hold it, or leave it, as the policy decides against the champion.

    Where another process puts a version in use in the meantime, the decision is repeated. A version that a person has
    removed or declined is left without asking the policy.

    Args:
        models: the store that holds the candidate.
        candidate: its manifest.
        policy: decides against what is in use.
        loads: reads a stored model; raises ModelFileError where it cannot be used.
        at: the time that goes on record.
        run_id: the run that trained the candidate, for the record of a held version.

    Raises:
        PromotionOvertakenError: other processes kept changing the champion.
        ModelStoreError: the candidate is damaged.
    """
    for _ in range(_ATTEMPTS):
        in_use = read_in_use(models, loads)
        if candidate.version in removed_by_hand(in_use.champion):
            return Decision(False, False, "it was removed by hand: retail-assets models promote brings it back")
        if candidate.version in declined(models):
            return Decision(False, False, "it was declined by hand: retail-assets models promote puts it in use")
        decision = policy(in_use)
        if decision.promote:
            try:
                models.promote(candidate.version, at=at, by=BY_TRAINING, reason=decision.reason, over=in_use.champion)
            except PromotionOvertakenError:
                continue
        if decision.held:
            hold(models, HeldVersion(
                candidate.version, candidate.data["last_day"], decision.renamed, decision.reason, run_id
            ))  # fmt: skip
        else:
            release(models)
        if decision.promote or models.champion_or_none() == in_use.champion:
            return decision
    raise PromotionOvertakenError(
        f"Other processes keep putting versions in use. Materialize {models.kind.trained_by} again."
    )


def promote_by_hand(models: ModelStore, version: str, *, at: dt.datetime, reason: str, force: bool = False) -> Champion:
    """Put a version in use as a person's decision. Returns the champion.

    Raises ModelStoreError where the version lacks skill and the one in use has it, unless `force` is given. A champion
    that cannot be read is no reason to refuse.
    """
    chosen = models.manifest(version)
    for _ in range(_ATTEMPTS):
        champion = models.champion_or_none()
        in_use = readable_manifest(models, champion)
        if in_use is not None and in_use.has_skill and not chosen.has_skill and not force:
            kind = models.kind
            raise ModelStoreError(
                f"{chosen.version} {kind.lacks_skill} ({chosen.verdict}), and {in_use.version}, which is in use, "
                f"{kind.has_skill}. Nothing was changed. To do it anyway: --force; {kind.risk}."
            )
        try:
            return models.promote(chosen.version, at=at, by=BY_USER, reason=reason, over=champion)
        except PromotionOvertakenError:
            continue
    raise PromotionOvertakenError("Other processes keep putting versions in use at the same time. Try again.")


def readable_manifest(models: ModelStore, champion: Champion | None) -> Manifest | None:
    """Read the manifest of the champion; None without one, or where it cannot be read."""
    try:
        return models.manifest(champion.version) if champion else None
    except ModelStoreError:
        return None


def rollback(models: ModelStore, *, at: dt.datetime, reason: str = "rolled back") -> Champion:
    """Put the version in use that was in use before the present one. Raises ModelStoreError where there is none."""

    def earlier(champion: Champion | None) -> str:
        versions = _earlier_versions(champion)
        if not versions:
            raise ModelStoreError("There is no earlier version to roll back to.")
        return versions[-1]

    return models.move(earlier, at=at, by=BY_ROLLBACK, reason=reason)


def removed_by_hand(champion: Champion | None) -> set[str]:
    """List the versions that a person has removed and nobody has promoted since: no training may promote them.

    >>> from retail_assets.models.store import Champion, Promotion
    >>> moves = [("v1", "contest"), ("v2", "contest"), ("v1", "rollback")]
    >>> removed_by_hand(Champion("v1", tuple(Promotion(version, "", by, "") for version, by in moves)))
    {'v2'}
    """
    removed: set[str] = set()
    before: str | None = None
    for move in champion.history if champion else ():
        if move.by in _BY_HAND and before is not None:
            removed.add(before)
        removed.discard(move.version)
        before = move.version
    return removed


def set_aside(models: ModelStore) -> list[Manifest]:
    """List the manifests of versions that only a person can put in use: held, declined, or removed by hand."""
    waiting = held(models)
    names = removed_by_hand(models.champion_or_none()) | declined(models) | ({waiting.version} if waiting else set())
    return [manifest for manifest in models.versions() if manifest.version in names]


def hold(models: ModelStore, version: HeldVersion) -> None:
    """Record that a version waits for a person to promote it."""
    models.store.write(_held_key(models), json.dumps(asdict(version), indent=2).encode() + b"\n")


def release(models: ModelStore) -> None:
    """Record that no version waits: a later training was decided otherwise."""
    models.store.delete([_held_key(models)])


def held(models: ModelStore) -> HeldVersion | None:
    """Read which version waits for a person; None if none does, or a person has decided. Raises ModelStoreError."""
    data = models.store.read_if_exists(_held_key(models))
    if data is None:
        return None
    try:
        version = read_record(data, HeldVersion)
    except RecordError as e:
        raise ModelStoreError(
            f"{models.store.uri_of(_held_key(models))} cannot be read ({e}). Delete it: the next "
            "training decides again."
        ) from None
    return None if version.version in _ever_promoted(models) | declined(models) else version


def decline(models: ModelStore, version: str, *, at: dt.datetime, reason: str) -> HeldVersion:
    """Record that a person does not want the held version. The one in use stays, and no training holds it again.

    Raises ModelStoreError where the version is not held.
    """
    chosen, waiting = models.manifest(version), held(models)
    if waiting is None or waiting.version != chosen.version:
        waits = f"{waiting.version} is" if waiting else "no version is"
        raise ModelStoreError(
            f"{chosen.version} is not held, so there is nothing to decline; {waits} held. Nothing was changed."
        )
    record = {"version": chosen.version, "at": at.isoformat(timespec="seconds"), "reason": reason}
    records = [*_declined_records(models), record]
    models.store.write(_declined_key(models), json.dumps(records, indent=2).encode() + b"\n")
    release(models)
    return waiting


def declined(models: ModelStore) -> set[str]:
    """List the versions that a person has declined and nobody has promoted since. Raises ModelStoreError."""
    names = {str(record["version"]) for record in _declined_records(models)}
    return names - _ever_promoted(models) if names else names


def _declined_records(models: ModelStore) -> list[dict[str, str]]:
    data = models.store.read_if_exists(_declined_key(models))
    if data is None:
        return []
    try:
        records = read_record(data, list[dict[str, str]])
        if not all("version" in record for record in records):
            raise RecordError("a record has no version")
        return records
    except RecordError as e:
        raise ModelStoreError(
            f"{models.store.uri_of(_declined_key(models))} cannot be read ({e}). Delete it: versions that were "
            "declined may then be held again."
        ) from None


def _ever_promoted(models: ModelStore) -> set[str]:
    champion = models.champion_or_none()
    return {move.version for move in champion.history} if champion else set()


def publish_card(models: ModelStore, output: Store) -> None:
    """Write the card of the model in use to the output store, or remove it where no model is in use.

    Nothing is written where the right card is there already. Called after every change of the champion and by every
    run, so that a run repairs what an interrupted one has left. Raises ModelStoreError, StorageError.
    """
    key = models.kind.published_card
    for _ in range(_ATTEMPTS):
        champion = models.champion()
        published = output.read_if_exists(key)
        if champion is None:
            if published is not None:
                output.delete([key])
        elif published == (card := models.card(champion.version).encode()):
            return
        else:
            output.write(key, card)
        # Another process may have moved the pointer and written its card before ours: then ours is of the past.
        if models.champion() == champion:
            return
    raise PromotionOvertakenError(
        f"Other processes keep putting versions in use: {output.uri_of(key)} may be of another version. Try again."
    )


def _held_key(models: ModelStore) -> str:
    return f"{models.root}/{_HELD}"


def _declined_key(models: ModelStore) -> str:
    return f"{models.root}/{_DECLINED}"


def _earlier_versions(champion: Champion | None) -> list[str]:
    """Versions to roll back to, the next one last: a rollback takes the promotion before it off the pile."""
    pile: list[str] = []
    for move in champion.history if champion else ():
        if move.by == BY_ROLLBACK and len(pile) > 1:
            pile.pop()
        else:
            pile.append(move.version)
    return pile[:-1]
