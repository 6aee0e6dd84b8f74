"""The kinds of model that are versioned here: what each is called, who trains it, and where its card is published."""

from __future__ import annotations

from dataclasses import dataclass

NO_MODEL = "none"
"""The version that is recorded where rules alone have decided, because no model has been put in use."""


@dataclass(frozen=True)
class ModelKind:
    """The words and places of one kind of model.

    Attributes:
        name: as in the store's paths and in `--kind`.
        subject: what a retraining retrains, as in "Retrain the forecast".
        trained_by: the asset that trains it.
        used_by: the assets to materialize after another version was put in use, comma-separated.
        lacks_skill: of a version without skill: "… has no skill".
        has_skill: of a version that has it, in the same sentence.
        risk: what happens where a version without skill is put in use all the same.
    """

    name: str
    subject: str
    trained_by: str
    used_by: str
    lacks_skill: str
    has_skill: str
    risk: str

    @property
    def published_card(self) -> str:
        """Key of the published model card in the output store."""
        return f"{self.name}/model_card.md"


FORECAST = ModelKind(
    name="forecast",
    subject="the forecast",
    trained_by="forecast_backtest",
    used_by="sales_forecast",
    lacks_skill="has no skill",
    has_skill="has",
    risk="the blocking check of forecast_backtest will then stop new forecasts",
)
SEGMENTS = ModelKind(
    name="segments",
    subject="the segments",
    trained_by="segment_model",
    used_by="customer_segments,segment_profiles,segment_migrations,segment_report",
    lacks_skill="is not stable",
    has_skill="is",
    risk="the segments may then change from one training to the next",
)
KINDS = {kind.name: kind for kind in (FORECAST, SEGMENTS)}
