"""Contracts, personas and dagster.yaml: whatever a YAML file is, the answer is one sentence within a second."""

from __future__ import annotations

import itertools
import os
import time
from pathlib import Path

import pytest

from retail_assets.contracts import loading, yaml_text
from retail_assets.doctor import configuration
from retail_assets.errors import ContractError
from retail_assets.segmentation.personas import persona_file

LEVELS = "abcdefgh"
BOMB = 'a: &a ["lol","lol","lol","lol","lol","lol","lol","lol","lol"]\n' + "".join(
    f"{this}: &{this} [{','.join([f'*{before}'] * 9)}]\n" for before, this in itertools.pairwise(LEVELS)
)
MERGES = "b0: &b0 {x: 1}\n" + "".join(
    f"b{n}: &b{n} {{<<: [{', '.join([f'*b{n - 1}'] * 9)}], x{n}: 1}}\n" for n in range(1, 9)
)
HOSTILE = {
    "bomb": (BOMB + "name: *h\ntimezone: *h\ncolumns: {sold_at: {header: *h, aliases: *h}}\n", "10,000 values"),
    "merged": (MERGES, "10,000 values"),
    "itself": ("name: &a [*a]\n", r"\*a stands for itself"),
    "nested": ("name: " + "[" * 50_000, "20 levels"),
    "mappings": ("name: " + "{a: " * 5_000, "20 levels"),
    "blocks": ("\n".join(" " * n + "a:" for n in range(500)), "20 levels"),
    "dashes": ("- " * 5_000 + "a", "20 levels"),
    "many": ("name: [" + "1," * 60_000 + "]", "10,000 values"),
    "long": ("name: " + "1:" * 20_000 + "1", "10,000 characters"),
    "large": ("# " + "x" * 300_000, "256 KiB"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_contract_is_refused_within_a_second(name: str, tmp_path: Path) -> None:
    text, why = HOSTILE[name]
    path = tmp_path / "contract.yaml"
    path.write_text(text)
    began = time.process_time()
    with pytest.raises(ContractError, match=why) as refused:
        loading.load(str(path))
    assert time.process_time() - began < 1
    assert len(str(refused.value)) < 1000


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_persona_file_is_refused_within_a_second(name: str, tmp_path: Path) -> None:
    text, why = HOSTILE[name]
    path = tmp_path / "personas.yaml"
    path.write_text(text.replace("name: ", "personas: ", 1))
    began = time.process_time()
    with pytest.raises(persona_file.PersonaFileError, match=why) as refused:
        persona_file.load(path)
    assert time.process_time() - began < 1
    assert len(str(refused.value)) < 1000


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_dagster_yaml_is_a_finding(name: str, tmp_path: Path) -> None:
    text, why = HOSTILE[name]
    (tmp_path / "dagster.yaml").write_text(text)
    finding = configuration.dagster({"DAGSTER_HOME": str(tmp_path)})
    assert not finding.ok
    assert why.replace("\\", "") in finding.detail


def test_no_regular_file_is_waited_for_or_read(tmp_path: Path) -> None:
    fifo = tmp_path / "pipe.yaml"
    os.mkfifo(fifo)
    folder = tmp_path / "folder.yaml"
    folder.mkdir()
    broken = tmp_path / "latin.yaml"
    broken.write_bytes(b"name: my_shop\ncountry: \xe9\n")
    for path, why in (
        (fifo, "not a regular file"),
        (Path("/dev/zero"), "not a regular file"),
        (folder, "a folder"),
        (broken, r"not UTF-8 text \(line 2\)"),
        (tmp_path / "none.yaml", "No such file"),
    ):
        with pytest.raises(ContractError, match=why):
            loading.load(str(path))
        with pytest.raises(persona_file.PersonaFileError, match=why):
            persona_file.load(path)


def test_aliases_and_merges_of_people_are_read() -> None:
    yaml_text.refuse_beyond_bounds("a: &a {x: 1}\nb: {<<: *a, y: 2}\nc: [*a, *a]\n")
