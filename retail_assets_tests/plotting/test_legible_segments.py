"""Every figure of the segments can be read, whatever the shop: no text overlaps, is crossed, cut off or lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from retail_assets.segmentation.figures.draw import FIGURES, draw_figures
from retail_assets.segmentation.figures.inputs import FigureInputs
from retail_assets.segmentation.personas.catalog import DEFAULT, GROUPS, Catalog, Persona
from retail_assets_tests.plotting.legible import faults_of
from retail_assets_tests.plotting.strange import NAMES
from retail_assets_tests.segmentation.segment_rows import profile, share
from retail_assets_tests.segmentation.shoppers import customer
from retail_assets_tests.segmentation.test_figures import inputs, moved


def catalog_of(names: Sequence[str]) -> Catalog:
    """Personas of clusters that bear `names`, and as many more as the model needs."""
    distinct = list(dict.fromkeys(names))[: len(DEFAULT.clusters)]
    spare = [persona.name for persona in DEFAULT.clusters]
    named = [*distinct, *spare[len(distinct) :]]
    return Catalog(tuple(replace(p, name=n) for p, n in zip(DEFAULT.clusters, named, strict=True)), GROUPS)


def habits(personas: Sequence[str], categories: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of `segment_categories`: what each persona spends on each category."""
    return [
        share(persona, category, 0.1 + 0.05 * ((i + j) % 7), 0.2)
        for i, persona in enumerate(personas)
        for j, category in enumerate(categories)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
def test_segments_and_categories_of_any_name_can_be_read(names: list[str]) -> None:
    catalog = catalog_of(names)
    made = inputs(catalog=catalog)
    personas = [p.name for p in catalog.clusters]
    moves = [moved(one, other, 3) for one in personas for other in [*personas, "(new)"]]
    shown = replace(made, categories=habits(personas, list(dict.fromkeys(names))), migrations=moves)
    # One category is nothing to compare.
    drawn = [name for name in FIGURES if name != "segment_categories.png" or len(set(names)) > 1]
    assert faults_of(lambda: draw_figures(shown, catalog=catalog, currency="$"), drawn) == []


def amounts(scale: str, next_quarter: bool) -> FigureInputs:
    """The planted segments with money of another size, and with every group that a rule defines."""
    made = inputs()
    personas: list[Persona] = [*DEFAULT.clusters, *DEFAULT.groups.values()]
    profiles = {
        p.name: {
            **profile(p.name, customers=1_234_567 // 10**at + 60),
            "revenue": str(Decimal(scale) * (1 if at else -1)),
            "revenue_share": (-0.02, 0.9, 0.0001, 0.05, 0.03, 0.02, 0.0, 0.01)[at % 8],
            "customers_share": 1 / len(personas),
            "median_monetary": float(scale),
            "median_average_basket": float(scale) / 3,
            "median_frequency": float(scale) / 7,
        }
        for at, p in enumerate(personas)
    }
    evaluation = {**made.evaluation, "segments": profiles}
    if next_quarter:
        later = {name: {"next_revenue_share": 0.1} for name in list(profiles)[::2]}
        evaluation |= {
            "next_quarter": {"segments": later, "segments_as_of": "2023-09-30", "revenue_until": "2023-12-31"},
            "high_value": {**made.evaluation["high_value"], "next_revenue_share": 0.4},
        }
    names = [p.name for p in personas]
    moves = [moved(one, other, 10 ** (at % 7)) for at, one in enumerate(names) for other in names]
    return replace(made, evaluation=evaluation, migrations=moves, categories=habits(names, ["Food", *names]))


@pytest.mark.slow
@pytest.mark.parametrize(("scale", "next_quarter"), [("0.0123", True), ("98765.43", False), ("9876543210", True)])
def test_segments_of_any_amount_can_be_read(scale: str, next_quarter: bool) -> None:
    assert faults_of(lambda: draw_figures(amounts(scale, next_quarter), currency="Kčs per piece")) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "customers",
    [
        pytest.param([], id="nobody"),
        pytest.param([customer("a", 3, "30")], id="one"),
        pytest.param([customer(f"c{i}", 1, str(10 + i)) for i in range(40)], id="one purchase each"),
        pytest.param([customer(f"c{i}", 1, f"0.0{1 + i % 9}") for i in range(40)], id="cents"),
        pytest.param([customer(f"c{i}", 1, str(10**i)) for i in range(11)], id="eleven decades"),
        pytest.param([customer(f"c{i}", 5, "50") for i in range(40)], id="all alike"),
        pytest.param([customer(f"c{i}", 3, "-50") for i in range(10)], id="returns only"),
    ],
)
def test_segments_of_any_shop_can_be_read(customers: list[dict[str, Any]]) -> None:
    assert faults_of(lambda: draw_figures(inputs(customers), currency="USD")) == []


def test_moves_between_few_segments_can_be_read() -> None:
    a, b = "High-Value Customers", "Budget Shoppers"
    made = FigureInputs({}, np.array([]), np.zeros((0, 5)), [moved(a, a, 80), moved(a, b, 20)], [], inputs([]).sample)
    from retail_assets.segmentation.figures.heatmaps import segment_migrations

    assert faults_of(lambda: segment_migrations(made.migrations)) == []
