"""A person's rollback stands, for both kinds of model: against the next runs, trainings on demand, and other processes.

It was once undone by the next ordinary run of the segments, and would have made every daily run train.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from retail_assets.cli.app import app
from retail_assets.models import promotion
from retail_assets_tests.defs.assets.model_shops import SHOPS, ModelShop
from retail_assets_tests.defs.assets.undrawn import leave_pictures_out
from retail_assets_tests.models.versions import AT


@pytest.fixture(scope="module", autouse=True)
def no_pictures() -> Iterator[None]:
    """Draw nothing in this process; the training of another process draws all."""
    with pytest.MonkeyPatch.context() as patch:
        leave_pictures_out(patch)
        yield


@pytest.fixture(scope="module", params=SHOPS, ids=lambda shop: shop.kind.name)
def two_versions(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ModelShop:
    """A shop whose ordinary runs have trained two versions, the second in use."""
    folder = tmp_path_factory.mktemp("shop")
    shop: ModelShop = request.param(str(folder / "home"), str(folder / "output"))
    for day in shop.trainings:
        shop.sell(day)
        assert shop.run()["promoted"]
    assert len({move.version for move in shop.models.require_champion().history}) == 2
    return shop


@pytest.fixture
def shop(two_versions: ModelShop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelShop:
    """A copy of it, which the command line works on."""
    copy = type(two_versions)(str(tmp_path / "home"), str(tmp_path / "output"))
    shutil.copytree(two_versions.home, copy.home)
    shutil.copytree(two_versions.output, copy.output)
    for name, value in copy.environment.items():
        monkeypatch.setenv(name, value)
    return copy


def versions(shop: ModelShop) -> tuple[str, str]:
    first, second = (move.version for move in shop.models.require_champion().history[:2])
    return first, second


def command(shop: ModelShop, *arguments: str) -> str:
    result = CliRunner().invoke(app, ["models", *arguments, "--kind", shop.kind.name], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_rollback_stands_over_ordinary_runs_and_trainings_that_come_to_the_same_model(shop: ModelShop) -> None:
    first, second = versions(shop)
    assert f"In use again: {first}" in command(shop, "rollback")
    for _ in range(2):
        done = shop.run()
        assert (done["trained"], done["used"]) == (False, first)
    done = shop.run(retrain=True)
    assert (done["trained"], done["model_version"], done["promoted"]) == (True, second, False)
    assert "removed by hand" in done["decision"]
    assert (done["used"], shop.in_use) == (first, first)
    shop.sell(shop.next_day)
    done = shop.run()
    assert (done["trained"], done["used"]) == (False, first), "a rollback must not make every daily run train"


def test_a_version_that_was_removed_comes_back_by_hand(shop: ModelShop) -> None:
    first, second = versions(shop)
    command(shop, "rollback")
    shop.run()
    assert f"In use: {second}" in command(shop, "promote", second)
    done = shop.run()
    assert (done["trained"], done["used"]) == (False, second)
    assert promotion.removed_by_hand(shop.models.champion()) == {first}
    moves = [(move.version, move.by) for move in shop.models.require_champion().history]
    assert moves == [(first, "contest"), (second, "contest"), (first, "rollback"), (second, "user")]


def test_the_published_card_follows_rollback_and_promotion(shop: ModelShop) -> None:
    first, second = versions(shop)
    assert shop.card == shop.models.card(second)
    command(shop, "rollback")
    assert shop.card == shop.models.card(first) != shop.models.card(second)
    command(shop, "promote", second)
    assert shop.card == shop.models.card(second)


def test_the_next_run_repairs_the_card_of_a_command_that_was_killed(shop: ModelShop) -> None:
    first, second = versions(shop)
    promotion.rollback(shop.models, at=AT)  # killed before it wrote the card
    assert shop.card == shop.models.card(second)
    shop.run()
    assert shop.card == shop.models.card(first)


def test_an_output_that_cannot_be_written_does_not_undo_a_rollback(shop: ModelShop) -> None:
    first, _ = versions(shop)
    folder = Path(shop.output) / shop.kind.name
    shutil.rmtree(folder)
    folder.write_text("no folder")
    output = command(shop, "rollback")
    assert f"In use again: {first}" in output
    assert "The model card was not published" in output
    assert shop.in_use == first


def test_a_rollback_during_a_training_of_another_process_stands(shop: ModelShop) -> None:
    first, second = versions(shop)
    environment = os.environ | shop.environment
    training = subprocess.Popen(
        [sys.executable, "-m", "retail_assets_tests.defs.assets.model_shops", shop.kind.name, shop.home, shop.output],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert training.stdout is not None
    assert training.stdout.readline() == "ready\n", training.communicate()[1]
    rollback = subprocess.run(
        [sys.executable, "-m", "retail_assets.cli", "models", "rollback", "--kind", shop.kind.name],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert rollback.returncode == 0, rollback.stderr
    printed, errors = training.communicate(timeout=240)
    assert training.returncode == 0, errors
    assert printed.split() == [second], "the training came to another model: the test would prove nothing"
    assert shop.in_use == first
    assert [move.by for move in shop.models.require_champion().history] == ["contest", "contest", "rollback"]
    done = shop.run()
    assert (done["trained"], done["used"]) == (False, first)
    assert shop.card == shop.models.card(first)
