"""Every figure of the segments by its file name."""

from __future__ import annotations

from collections.abc import Callable

from retail_assets.plotting.left_out import Figures, draw_each
from retail_assets.segmentation.figures.customer_map import segment_map
from retail_assets.segmentation.figures.heatmaps import segment_categories, segment_migrations
from retail_assets.segmentation.figures.inputs import FigureInputs
from retail_assets.segmentation.figures.profiles import segment_profiles, segment_revenue
from retail_assets.segmentation.figures.style import source
from retail_assets.segmentation.personas.catalog import DEFAULT, Catalog

FIGURES = (
    "segment_map.png",
    "segment_profiles.png",
    "segment_revenue.png",
    "segment_migrations.png",
    "segment_categories.png",
)
"""Names of all figures. A run draws those that its customers give, that of migrations from the second on."""


def draw_figures(
    inputs: FigureInputs, *, catalog: Catalog = DEFAULT, currency: str | None = None, seed: int = 0
) -> Figures:
    """Draw those of `FIGURES` that the customers give: PNG bytes by file name. The same input gives the same bytes."""
    evaluation, days = inputs.evaluation, inputs.days
    figures: dict[str, Callable[[], bytes]] = {
        "segment_map.png": lambda: segment_map(inputs, catalog=catalog, currency=currency, seed=seed),
        "segment_profiles.png": lambda: segment_profiles(inputs, catalog=catalog, currency=currency),
        "segment_revenue.png": lambda: segment_revenue(evaluation, source(evaluation, days), catalog=catalog),
        "segment_migrations.png": lambda: segment_migrations(inputs.migrations, catalog=catalog),
        "segment_categories.png": lambda: segment_categories(
            inputs.categories, evaluation["segments"], source(evaluation, days), catalog=catalog
        ),
    }
    return draw_each({name: figures[name] for name in FIGURES})
