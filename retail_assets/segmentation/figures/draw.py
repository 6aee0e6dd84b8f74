"""Every figure of the segments by its file name."""

from __future__ import annotations

from retail_assets.segmentation.figures.customer_map import segment_map
from retail_assets.segmentation.figures.heatmaps import segment_categories, segment_migrations
from retail_assets.segmentation.figures.inputs import FigureInputs
from retail_assets.segmentation.figures.profiles import segment_profiles, segment_revenue
from retail_assets.segmentation.personas.catalog import DEFAULT, Catalog

FIGURES = (
    "segment_map.png",
    "segment_profiles.png",
    "segment_revenue.png",
    "segment_migrations.png",
    "segment_categories.png",
)
"""Names of all figures. Every run draws each of them; that of migrations only from the second segmentation on."""


def draw_figures(
    inputs: FigureInputs, *, catalog: Catalog = DEFAULT, currency: str | None = None, seed: int = 0
) -> dict[str, bytes]:
    """Draw the figures: PNG bytes by file name, in the order of `FIGURES`. The same input gives the same bytes."""
    days = int(inputs.sample["window_days"].max()) if len(inputs.sample) else 0
    figures = {
        "segment_map.png": segment_map(inputs, catalog=catalog, currency=currency, seed=seed),
        "segment_profiles.png": segment_profiles(inputs, catalog=catalog, currency=currency),
        "segment_revenue.png": segment_revenue(inputs.evaluation, days, catalog=catalog),
        "segment_categories.png": segment_categories(inputs.categories, inputs.evaluation["segments"], catalog=catalog),
    }
    if inputs.migrations:
        figures["segment_migrations.png"] = segment_migrations(inputs.migrations, catalog=catalog)
    return {name: figures[name] for name in FIGURES if name in figures}
