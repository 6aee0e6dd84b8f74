"""Which version is in use: decided against the current champion, on record, and left to people once they decide."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from retail_assets.errors import ModelFileError
from retail_assets.models import promotion
from retail_assets.models.kinds import FORECAST, SEGMENTS, ModelKind
from retail_assets.models.promotion import Decision, HeldVersion, InUse, removed_by_hand
from retail_assets.models.store import Champion, ModelStore, ModelStoreError, PromotionOvertakenError
from retail_assets.storage import Store
from retail_assets_tests.models.movers import stores, train
from retail_assets_tests.models.versions import AT, save


@pytest.fixture(params=[FORECAST, SEGMENTS], ids=lambda kind: kind.name)
def models(tmp_path: Path, request: pytest.FixtureRequest) -> ModelStore:
    kind: ModelKind = request.param
    return ModelStore(Store(str(tmp_path)), "shop", kind)


def accept(in_use: InUse[bytes]) -> Decision:
    return Decision(True, False, "better")


def decide(models: ModelStore, version: str, decision: Decision | None = None) -> Decision:
    def policy(in_use: InUse[bytes]) -> Decision:
        return decision or accept(in_use)

    return promotion.promote_if_better(models, models.manifest(version), policy, bytes, at=AT, run_id="run 1")


def in_use(models: ModelStore) -> str:
    return models.require_champion().version


def test_nothing_can_be_rolled_back_before_the_first_promotion(models: ModelStore) -> None:
    save(models)
    with pytest.raises(ModelStoreError, match="no earlier version"):
        promotion.rollback(models, at=AT)


def test_promotion_and_rollback_are_on_record(models: ModelStore) -> None:
    one, two, three = (save(models, data, day) for data, day in ((b"1", 1), (b"2", 2), (b"3", 3)))
    for version in (one, two, three):
        models.promote(version, at=AT, by="contest", reason="better")
    assert promotion.rollback(models, at=AT).version == two
    assert promotion.rollback(models, at=AT).version == one
    with pytest.raises(ModelStoreError, match="no earlier version"):
        promotion.rollback(models, at=AT)
    champion = models.promote(three, at=AT, by="user", reason="again")
    assert [move.version for move in champion.history] == [one, two, three, two, one, three]
    assert promotion.rollback(models, at=AT).version == one


def test_what_a_person_put_out_of_use_is_known_until_a_person_brings_it_back(models: ModelStore) -> None:
    first, second = save(models, b"a", 1), save(models, b"b", 2)
    models.promote(first, at=AT, by="contest", reason="first")
    models.promote(second, at=AT, by="contest", reason="won")
    assert removed_by_hand(models.champion()) == set()
    promotion.rollback(models, at=AT)
    assert removed_by_hand(models.champion()) == {second}
    models.promote(second, at=AT, by="user", reason="after all")
    assert removed_by_hand(models.champion()) == {first}


def test_a_rollback_verifies_the_version_that_it_returns_to(models: ModelStore) -> None:
    one, two = save(models, b"1", 1), save(models, b"2", 2)
    for version in (one, two):
        decide(models, version)
    models.store.write(f"{models.root}/versions/{one}/model.skops", b"evil")
    with pytest.raises(ModelStoreError, match="has been changed"):
        promotion.rollback(models, at=AT)
    assert in_use(models) == two


def test_a_training_promotes_what_its_policy_accepts_and_leaves_the_rest(models: ModelStore) -> None:
    one, two = save(models, b"1", 1), save(models, b"2", 2)
    assert decide(models, one).promote
    assert decide(models, two, Decision(False, False, "worse")) == Decision(False, False, "worse")
    [move] = models.require_champion().history
    assert (move.version, move.by, move.reason) == (one, "contest", "better")


def test_a_version_that_was_put_out_of_use_by_hand_stays_out(models: ModelStore) -> None:
    one, two = save(models, b"1", 1), save(models, b"2", 2)
    decide(models, one)
    decide(models, two)
    promotion.rollback(models, at=AT)
    decision = decide(models, two)
    assert not decision.promote
    assert "by hand" in decision.reason
    assert in_use(models) == one
    assert [manifest.version for manifest in promotion.set_aside(models)] == [two]
    promotion.promote_by_hand(models, two, at=AT, reason="after all")
    assert in_use(models) == two
    assert not decide(models, one).promote


def test_a_decision_is_made_again_where_a_person_moves_the_pointer_meanwhile(models: ModelStore) -> None:
    """The rollback comes between the decision and the promotion: the candidate was judged against what is gone."""
    one, two, three = (save(models, bytes([day]), day) for day in (1, 2, 3))
    decide(models, one)
    decide(models, two)
    judged_against: list[str] = []

    def policy(in_use: InUse[bytes]) -> Decision:
        assert in_use.champion is not None
        judged_against.append(in_use.champion.version)
        if len(judged_against) == 1:
            promotion.rollback(models, at=AT)
        return Decision(True, False, "better")

    promotion.promote_if_better(models, models.manifest(three), policy, bytes, at=AT)
    assert judged_against == [two, one]
    assert [move.version for move in models.require_champion().history] == [one, two, one, three]


def test_a_version_removed_while_it_is_judged_again_stays_removed(models: ModelStore) -> None:
    one, two = save(models, b"1", 1), save(models, b"2", 2)
    decide(models, one)

    def policy(in_use: InUse[bytes]) -> Decision:
        promotion.promote_by_hand(models, two, at=AT, reason="try it")
        promotion.rollback(models, at=AT, reason="no")
        return Decision(True, False, "better")

    assert not promotion.promote_if_better(models, models.manifest(two), policy, bytes, at=AT).promote
    assert in_use(models) == one


def test_a_rejection_is_made_again_where_the_champion_changes_meanwhile(models: ModelStore) -> None:
    one, two, three = (save(models, bytes([day]), day) for day in (1, 2, 3))
    decide(models, one)
    decide(models, two)

    def policy(in_use: InUse[bytes]) -> Decision:
        assert in_use.champion is not None
        beaten = in_use.champion.version == one
        if not beaten:
            promotion.rollback(models, at=AT)
        return Decision(beaten, False, "only the first is beaten")

    assert promotion.promote_if_better(models, models.manifest(three), policy, bytes, at=AT).promote
    assert in_use(models) == three


def test_a_champion_that_never_stands_still_ends_the_attempts(models: ModelStore) -> None:
    one, two, three = (save(models, bytes([day]), day) for day in (1, 2, 3))
    decide(models, one)

    def policy(in_use: InUse[bytes]) -> Decision:
        other = two if in_use.champion and in_use.champion.version == one else one
        promotion.promote_by_hand(models, other, at=AT, reason="again")
        return Decision(True, False, "better")

    with pytest.raises(PromotionOvertakenError, match=models.kind.trained_by):
        promotion.promote_if_better(models, models.manifest(three), policy, bytes, at=AT)
    assert in_use(models) in {one, two}


def test_what_cannot_be_used_is_no_rival_and_says_why(models: ModelStore) -> None:
    def refuse(data: bytes) -> bytes:
        raise ModelFileError("another format")

    assert promotion.read_in_use(models, bytes) == InUse(None, None, None, None)
    one = save(models)
    decide(models, one)
    readable = promotion.read_in_use(models, bytes)
    assert (readable.manifest, readable.model) == (models.manifest(one), b"one")
    refused = promotion.read_in_use(models, refuse)
    assert (refused.champion, refused.manifest, refused.unusable) == (models.champion(), None, "another format")
    models.store.write(f"{models.root}/champion.json", b"garbage")
    damaged = promotion.read_in_use(models, bytes)
    assert damaged.champion is None
    assert "champion.json cannot be read" in str(damaged.unusable)
    decide(models, save(models, b"two", 2))  # a promotion repairs the pointer
    assert promotion.read_in_use(models, bytes).unusable is None


def test_a_held_version_waits_until_it_is_promoted_or_released(models: ModelStore) -> None:
    one, two = save(models, b"1", 1), save(models, b"2", 2)
    assert promotion.held(models) is None
    decide(models, one)
    decide(models, two, Decision(False, True, "renames", 0.4))
    assert promotion.held(models) == HeldVersion(two, "2024-01-02", 0.4, "renames", "run 1")
    assert [manifest.version for manifest in promotion.set_aside(models)] == [two]
    promotion.promote_by_hand(models, two, at=AT, reason="seen")
    assert promotion.held(models) is None
    promotion.hold(models, HeldVersion("another", "2024-01-02", 0.4, "renames", "run 2"))
    decide(models, save(models, b"3", 3))
    assert promotion.held(models) is None
    promotion.release(models)
    assert promotion.held(models) is None


def test_the_record_of_a_held_version_is_the_one_of_earlier_releases(models: ModelStore) -> None:
    promotion.hold(models, HeldVersion("v", "2024-01-02", 0.4, "renames", "run"))
    stored = json.loads(models.store.read(f"{models.root}/waiting.json"))
    assert stored == {"version": "v", "last_day": "2024-01-02", "renamed": 0.4, "reason": "renames", "run_id": "run"}
    models.store.write(f"{models.root}/waiting.json", b"{")
    with pytest.raises(ModelStoreError, match=r"waiting.json cannot be read .*Delete it"):
        promotion.held(models)


def test_a_person_is_kept_from_losing_skill_by_accident_but_not_by_intent(models: ModelStore) -> None:
    good, bad = save(models, b"1", 1), save(models, b"2", 2, has_skill=False)
    decide(models, good)
    with pytest.raises(ModelStoreError, match=rf"{bad} {models.kind.lacks_skill} .*--force"):
        promotion.promote_by_hand(models, bad, at=AT, reason="x")
    assert in_use(models) == good
    promotion.promote_by_hand(models, bad, at=AT, reason="x", force=True)
    assert in_use(models) == bad
    assert promotion.promote_by_hand(models, good, at=AT, reason="back").version == good


def test_a_damaged_champion_keeps_nobody_from_promoting_another(models: ModelStore) -> None:
    one, two = save(models, b"1", 1), save(models, b"2", 2, has_skill=False)
    decide(models, one)
    models.store.write(f"{models.root}/versions/{one}/manifest.json", b"{}")
    assert promotion.promote_by_hand(models, two, at=AT, reason="the other is damaged").version == two


def test_the_published_card_is_that_of_the_model_in_use(models: ModelStore, tmp_path: Path) -> None:
    output = Store(str(tmp_path / "output"))
    key = models.kind.published_card
    assert key == f"{models.kind.name}/model_card.md"
    output.write(key, b"of another home")
    promotion.publish_card(models, output)
    assert not output.exists(key)
    for day in (1, 2):
        decide(models, save(models, bytes([day]), day, card=f"# card {day}\n"))
        promotion.publish_card(models, output)
        assert output.read(key) == f"# card {day}\n".encode()
    promotion.rollback(models, at=AT)
    assert output.read(key) == b"# card 2\n"  # as after a kill between the two
    promotion.publish_card(models, output)
    assert output.read(key) == b"# card 1\n"


def test_a_card_that_is_right_is_not_written_again(models: ModelStore, tmp_path: Path) -> None:
    output = Store(str(tmp_path / "output"))
    decide(models, save(models))
    promotion.publish_card(models, output)
    written = output.local_path(models.kind.published_card).stat().st_mtime_ns
    promotion.publish_card(models, output)
    assert output.local_path(models.kind.published_card).stat().st_mtime_ns == written


def test_a_card_written_after_the_pointer_moved_is_written_again(models: ModelStore, tmp_path: Path) -> None:
    """Two processes: ours reads the champion, the other moves it and writes its card, ours writes the old one last."""
    decide(models, save(models, b"1", 1, card="# card 1\n"))
    second = save(models, b"2", 2, card="# card 2\n")

    class Slow(Store):
        def write(self, key: str, data: bytes) -> None:
            if models.require_champion().version != second:
                promotion.promote_by_hand(models, second, at=AT, reason="meanwhile")
            super().write(key, data)

    output = Slow(str(tmp_path / "output"))
    promotion.publish_card(models, output)
    assert output.read(models.kind.published_card) == b"# card 2\n"


@pytest.mark.slow
def test_processes_that_train_promote_and_roll_back_at_once_lose_no_move(tmp_path: Path) -> None:
    """Every move is recorded once, trainings bring back nothing that people removed, the card is the champion's."""
    root = str(tmp_path)
    models, output = stores(root)
    for number in range(4):
        save(models, bytes([number]), number + 1, card=f"# card of {number}\n")
    # By hand first, every version could be one that a person has removed, and no training would promote any more.
    draw = random.Random(0)
    reported: list[str] = [next(reason for _ in range(100) if (reason := train(models, draw, "before")))]
    command = [sys.executable, "-m", "retail_assets_tests.models.movers", root]
    roles = [("train", "1"), ("train", "2"), ("by_hand", "3")]
    started = [
        subprocess.Popen([*command, role, seed, "60"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for role, seed in roles
    ]
    for process in started:
        printed, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        reported += printed.splitlines()

    champion = models.require_champion()
    history = champion.history
    assert sorted(move.reason for move in history) == sorted(reported)
    assert {move.by for move in history} == {"contest", "user", "rollback"}
    assert champion.version == history[-1].version
    for at, move in enumerate(history):
        before = Champion(history[at - 1].version, history[:at]) if at else None
        if move.by == "contest":
            assert move.version not in removed_by_hand(before), f"move {at} brought back what a person had removed"
            assert move.reason.endswith(f"over {before.version if before else 'none'}"), "decided against another"
        assert before is None or move.version != before.version
    assert output.read(SEGMENTS.published_card).decode() == models.card(champion.version)


def test_a_held_version_that_is_declined_is_not_held_again(models: ModelStore) -> None:
    one, two, three = (save(models, bytes([day]), day) for day in (1, 2, 3))
    decide(models, one)
    renames = Decision(False, True, "it would rename 30 %", 0.3)
    decide(models, two, renames)
    with pytest.raises(ModelStoreError, match=f"{one} is not held.*{two} is held"):
        promotion.decline(models, one, at=AT, reason="a mistake")
    declined = promotion.decline(models, two, at=AT, reason="the old names are good")
    assert declined.version == two
    assert promotion.held(models) is None
    assert promotion.declined(models) == {two}
    assert [manifest.version for manifest in promotion.set_aside(models)] == [two]
    with pytest.raises(ModelStoreError, match="no version is held"):
        promotion.decline(models, two, at=AT, reason="again")

    again = decide(models, two, renames)
    assert (again.promote, again.held) == (False, False)
    assert "declined" in again.reason
    assert promotion.held(models) is None
    assert in_use(models) == one
    decide(models, three, renames)  # another version is another question
    assert promotion.held(models) is not None

    promotion.promote_by_hand(models, two, at=AT, reason="after all")
    assert promotion.declined(models) == set()


def test_a_damaged_record_of_declined_versions_says_what_to_do(models: ModelStore) -> None:
    decide(models, save(models))
    models.store.write(f"{models.root}/declined.json", b"[1")
    with pytest.raises(ModelStoreError, match=r"declined\.json cannot be read.*Delete it"):
        promotion.declined(models)
