"""docs/architecture.md is a map: every room, module and function on it is where it says, in the order it says."""

from __future__ import annotations

import ast
import functools
import re
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import pytest

from retail_assets_tests.docs.pages import ROOT

PACKAGE = ROOT / "retail_assets"
PAGE = (ROOT / "docs" / "architecture.md").read_text()
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
LAYERS = {contract["containers"][0]: contract["layers"] for contract in CONTRACTS if contract["type"] == "layers"}

#: `room/module.py` and `room/module.py: name, other`, in code.
NAMED = re.compile(r"`([\w/]+\.py)(?:: ([\w., ]+?)(?:\(\))?)?`")


def _module(path: str) -> Path | None:
    return next((base / path for base in (PACKAGE, ROOT) if (base / path).is_file()), None)


@functools.cache
def _names(module: Path) -> frozenset[str]:
    """Functions and classes of a module, nested ones too, `Class.method`, and names assigned at its top."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    names = {node.name for node in ast.walk(tree) if isinstance(node, (*functions, ast.ClassDef))}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{part.name}" for part in node.body if isinstance(part, functions)}
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return frozenset(names)


def test_every_module_and_function_it_names_exists() -> None:
    missing = []
    for path, names in NAMED.findall(PAGE):
        module = _module(path)
        if module is None:
            missing.append(path)
            continue
        missing += [f"{path}: {name}" for name in re.split(r",\s*", names) if name and name not in _names(module)]
    assert missing == []


def test_no_docstring_or_comment_names_a_module_that_is_gone() -> None:
    folders = ("airflow_bridge", "benchmarks", "retail_assets", "retail_assets_tests")
    modules = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    there = {path.relative_to(ROOT).as_posix() for path in modules}
    stale = []
    for path in modules:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            names = re.findall(r"`([\w/]+\.py)`", line) if path != Path(__file__) else []
            stale += [
                f"{path.relative_to(ROOT)}:{number}: {name}"
                for name in names
                if not any(f"/{module}".endswith(f"/{name}") for module in there)
            ]
    assert stale == []


def test_every_room_has_a_line_in_the_table_of_what_belongs_where() -> None:
    rooms = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    first_cells = re.findall(r"^\| (`[^|]+`) \|", PAGE[PAGE.index("## What belongs where") :], re.MULTILINE)
    listed = {name for cell in first_cells for name in re.findall(r"`(\w+)`", cell)}
    assert rooms - {"__init__"} - listed == set()


def test_the_order_of_the_rooms_is_the_import_contract() -> None:
    written = " → ".join(f"`{layer}`" for layer in LAYERS["retail_assets"])
    assert written in re.sub(r"\s+", " ", PAGE)


@pytest.mark.parametrize("room", ["forecasting", "segmentation"])
def test_the_order_inside_a_large_room_is_the_import_contract(room: str) -> None:
    assert f"- `{room}`: " + " → ".join(f"`{layer}`" for layer in LAYERS[f"retail_assets.{room}"]) in PAGE


def test_the_picture_shows_the_layers_of_the_import_contract() -> None:
    picture = ElementTree.parse(ROOT / "docs" / "images" / "rooms.svg")
    shown = [group.get("data-layer") for group in picture.iter("{http://www.w3.org/2000/svg}g")]
    assert shown == LAYERS["retail_assets"]
