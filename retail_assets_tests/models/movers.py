"""A process that trains, promotes or rolls back at random on a store that others use, and prints every move it made.

Run as `python -m retail_assets_tests.models.movers ROOT ROLE SEED MOVES`.
"""

from __future__ import annotations

import contextlib
import random
import sys

from retail_assets.models import promotion
from retail_assets.models.kinds import SEGMENTS
from retail_assets.models.promotion import Decision, InUse
from retail_assets.models.store import ModelStore, ModelStoreError, PromotionOvertakenError
from retail_assets.storage import Store
from retail_assets_tests.models.versions import AT, save


def stores(root: str) -> tuple[ModelStore, Store]:
    """Models and output below a folder."""
    return ModelStore(Store(f"{root}/models"), "shop", SEGMENTS), Store(f"{root}/output")


def train(models: ModelStore, draw: random.Random, name: str) -> str | None:
    """Train one of few models, so that versions that were removed come again; decide by chance, but on a champion."""
    number = draw.randrange(4)
    version = save(models, bytes([number]), number + 1, card=f"# card of {number}\n")

    def policy(in_use: InUse[bytes]) -> Decision:
        if in_use.champion and in_use.champion.version == version:
            return Decision(False, False, "the same")
        chance = draw.random()
        seen = in_use.champion.version if in_use.champion else "none"
        return Decision(chance < 0.8, chance > 0.9, f"{name} over {seen}")

    decision = promotion.promote_if_better(models, models.manifest(version), policy, bytes, at=AT)
    return decision.reason if decision.promote else None


def by_hand(models: ModelStore, draw: random.Random, name: str) -> str | None:
    """Roll back, or promote any version; a move to the version in use is none."""
    if draw.random() < 0.5:
        champion = promotion.rollback(models, at=AT, reason=name)
    else:
        champion = promotion.promote_by_hand(models, draw.choice(models.versions()).version, at=AT, reason=name)
    return name if any(move.reason == name for move in champion.history) else None


def main(root: str, role: str, seed: str, moves: str) -> None:
    models, output = stores(root)
    draw = random.Random(int(seed))
    for number in range(int(moves)):
        name = f"{role}-{seed}-{number}"
        try:
            reason = {"train": train, "by_hand": by_hand}[role](models, draw, name)
        except (PromotionOvertakenError, ModelStoreError):  # overtaken, or nothing to roll back to
            continue
        if reason:
            print(reason, flush=True)
        publish(models, output)


def publish(models: ModelStore, output: Store) -> None:
    """Publish the card; again where others have overtaken it, as a failed run is repeated."""
    while True:
        with contextlib.suppress(PromotionOvertakenError):
            return promotion.publish_card(models, output)


if __name__ == "__main__":
    main(*sys.argv[1:])
