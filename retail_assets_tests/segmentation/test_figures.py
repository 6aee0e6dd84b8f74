"""Figures: all of them from any data, the same bytes again, and titles that say what was found."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from retail_assets.plotting.left_out import NothingToShow
from retail_assets.plotting.sheet import Sheet
from retail_assets.segmentation.evaluation.evaluate import evaluate
from retail_assets.segmentation.evaluation.evidence import Evidence
from retail_assets.segmentation.evaluation.fit import Fit
from retail_assets.segmentation.evaluation.name_stability import NameStability
from retail_assets.segmentation.evaluation.next_quarter import NextQuarter
from retail_assets.segmentation.figures import style
from retail_assets.segmentation.figures.draw import FIGURES, draw_figures
from retail_assets.segmentation.figures.heatmaps import segment_categories, segment_migrations
from retail_assets.segmentation.figures.inputs import FigureInputs
from retail_assets.segmentation.figures.profiles import segment_revenue
from retail_assets.segmentation.model.scoring import score
from retail_assets.segmentation.model.training import train
from retail_assets.segmentation.personas.catalog import DEFAULT, GROUPS, Catalog
from retail_assets_tests.segmentation.segment_rows import SCOPE, profile, share
from retail_assets_tests.segmentation.shoppers import PLANTED, customer, frame, planted

SOURCE = "Source: sales of the 365 days to 31 Dec 2023."
ODD_NAMES = ("優良顧客", "$x_2$ and $ per cent %", "A name that goes on and on, as names of segments sometimes do", "d")


@pytest.fixture
def titles(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The titles of the sheets that are drawn."""
    seen: list[str] = []
    original = Sheet.__init__

    def remembering(self: Sheet, title: str, *args: Any, **kwargs: Any) -> None:
        seen.append(title)
        original(self, title, *args, **kwargs)

    monkeypatch.setattr(Sheet, "__init__", remembering)
    return seen


def inputs(customers: list[dict[str, Any]] | None = None, catalog: Catalog = DEFAULT) -> FigureInputs:
    """What the figures of a shop show; planted customers by default."""
    sample = planted(tuple(PLANTED), 30)[0] if customers is None else frame(customers)
    trained = train(sample, catalog=catalog)
    names = score(trained.model, sample, catalog)["persona"].to_numpy()
    present = [p.name for p in catalog.display_order if p.name in set(names)]
    evidence = Evidence(
        trained.model,
        trained.why,
        "v",
        Fit(len(sample), 0.6, 0.5, 0.9, 0.9) if trained.model else None,
        NameStability(why="Too short."),
        NextQuarter(why="Too short."),
        [profile(name, customers=int((names == name).sum()) + 60) for name in present],
        SCOPE,
    )
    return FigureInputs(
        evaluate(evidence, catalog=catalog),
        names,
        trained.model.standardize(sample) if trained.model else np.zeros((len(sample), 0)),
        [moved("High-Value Customers", "Budget Shoppers", 3)],
        [],
        sample,
    )


def moved(goer: str, goal: str, customers: int, day: int = 31, version: str = "v") -> dict[str, Any]:
    return {
        "from_snapshot": dt.date(2023, 11, 30),
        "from_version": "v",
        "to_snapshot": dt.date(2023, 12, day),
        "to_version": version,
        "from_persona": goer,
        "to_persona": goal,
        "customers": customers,
        "revenue": Decimal(1),
    }


@pytest.mark.slow
def test_all_figures_are_drawn_and_are_the_same_bytes_again() -> None:
    habits = [share(p.name, c, 0.5, 0.4) for p in DEFAULT.clusters for c in ("Games", "Books")]
    shown = replace(inputs(), categories=habits)
    first = draw_figures(shown, currency="USD")
    assert tuple(first) == FIGURES
    assert all(png.startswith(b"\x89PNG") for png in first.values())
    assert draw_figures(shown, currency="USD") == first


@pytest.mark.slow
@pytest.mark.parametrize(
    "customers",
    [
        pytest.param([], id="nobody"),
        pytest.param([customer("a", 3, "30")], id="one"),
        pytest.param([customer(f"c{i}", 1, str(10 + i)) for i in range(40)], id="one purchase each"),
        pytest.param([customer(f"c{i}", 5, "50") for i in range(40)], id="all alike"),
        pytest.param([customer(f"c{i}", 3, "-50") for i in range(10)], id="returns only"),
        pytest.param(
            [customer("whale", 900, "99999999.99"), *(customer(f"c{i}", 2 + i % 5, str(20 + i)) for i in range(40))],
            id="one wholesaler",
        ),
        pytest.param([customer(f"c{i}", 2 + 8 * (i % 2), str(20 + 500 * (i % 2))) for i in range(4)], id="four"),
    ],
)
def test_any_shop_gives_each_figure_or_the_reason_why_not(customers: list[dict[str, Any]]) -> None:
    drawn = draw_figures(inputs(customers))
    assert {*drawn, *drawn.left_out} == set(FIGURES)
    assert all(reason.endswith(".") and len(reason) > 20 for reason in drawn.left_out.values())
    assert all(png.startswith(b"\x89PNG") for png in drawn.values())


@pytest.mark.slow
def test_names_in_any_script_with_any_sign_and_of_any_length_are_drawn() -> None:
    renamed = tuple(replace(p, name=name) for p, name in zip(DEFAULT.clusters, ODD_NAMES, strict=True))
    catalog = Catalog(renamed, GROUPS)
    categories = [
        share(name, cat, 0.5, 0.4)
        for name in ODD_NAMES
        for cat in ("食品・飲料とお菓子", "$a$", "A long category's name " * 4)
    ]
    shown = replace(inputs(catalog=catalog), categories=categories, migrations=[moved(ODD_NAMES[0], ODD_NAMES[1], 3)])
    assert len(draw_figures(shown, catalog=catalog, currency="$")) == len(FIGURES)


def test_a_title_says_how_many_kept_their_segment(titles: list[str]) -> None:
    a, b = "High-Value Customers", "Budget Shoppers"
    segment_migrations([moved(a, a, 80), moved(a, b, 20), moved("(new)", b, 500)])
    assert titles == ["80 % of 100 customers kept their segment from 30 Nov to 31 Dec 2023"]


def test_a_retraining_on_the_same_day_is_no_time_span(titles: list[str]) -> None:
    a = "High-Value Customers"
    segment_migrations([moved(a, a, 80) | {"from_snapshot": dt.date(2023, 12, 31)}])
    assert titles == ["100 % of 80 customers kept their segment when the model changed on 31 Dec 2023"]


def test_a_name_that_takes_a_year_to_know_is_no_move(titles: list[str]) -> None:
    segment_migrations([moved("Occasional Shoppers", "Seasonal Shoppers", 80)])
    assert titles[0].startswith("100 % of 80 customers kept their segment")


def test_only_the_latest_move_is_drawn(titles: list[str]) -> None:
    a, b = "High-Value Customers", "Budget Shoppers"
    segment_migrations([moved(a, a, 10), moved(a, b, 90, day=15)])
    assert "100 % of 10 customers" in titles[0]


@pytest.mark.slow
def test_before_the_first_move_there_is_no_figure_of_migrations() -> None:
    """An empty picture that says "Nobody has moved yet" is one more picture to click through for nothing."""
    drawn = draw_figures(replace(inputs(), migrations=[]))
    assert list(drawn.left_out) == ["segment_migrations.png", "segment_categories.png"]


def test_customers_who_are_all_new_have_moved_from_nowhere(titles: list[str]) -> None:
    segment_migrations([moved("(new)", "Budget Shoppers", 5)])
    assert "All customers of 31 Dec 2023 are new since 30 Nov 2023" in titles[0]


def test_a_title_names_what_is_bought_beyond_the_usual(titles: list[str]) -> None:
    segments = {name: {"customers": 60} for name in ("High-Value Customers", "Budget Shoppers")}
    rows = [
        share("High-Value Customers", "Games", 0.6, 0.4),
        share("High-Value Customers", "Books", 0.4, 0.6),
        share("Budget Shoppers", "Games", 0.2, 0.4),
        share("Budget Shoppers", "Books", 0.8, 0.6),
    ]
    segment_categories(rows, segments, SOURCE)
    assert titles == ["High-Value Customers: 1.5 × the usual share of Games"]
    segment_categories([row | {"buyers": 49} if row["share"] == 0.6 else row for row in rows], segments, SOURCE)
    assert titles[1] == "Budget Shoppers: 1.3 × the usual share of Books", "what a few bought is no preference"
    with pytest.raises(NothingToShow, match="two segments of at least 50 customers"):
        segment_categories(rows, {**segments, "Budget Shoppers": {"customers": 3}}, SOURCE)


def test_a_title_says_where_there_is_one_segment_and_where_shares_are_undefined(titles: list[str]) -> None:
    evaluation = dict(inputs([customer(f"c{i}", 1, str(10 + i)) for i in range(40)]).evaluation)
    segment_revenue(evaluation, SOURCE)
    assert titles == ["All known customers are in one segment: One Purchase"]
    two = {name: {**profile(name), "revenue": "-5", "revenue_share": None} for name in ("One Purchase", "Dormant")}
    segment_revenue({**evaluation, "segments": two}, SOURCE)
    assert titles[1] == "Returns exceed sales, so shares of revenue are undefined"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("short", "short"),
        ("x" * 40, "x" * 16 + "…" + "x" * 8),
        ("食" * 40, "食" * 8 + "…" + "食" * 4),
        ("two\nlines\tand a $", "two lines and a \\$"),
    ],
)
def test_labels_fit(name: str, shown: str) -> None:
    assert style.label(name) == shown
