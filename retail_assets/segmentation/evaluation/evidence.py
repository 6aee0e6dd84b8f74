"""Everything that an evaluation is written from: the model, what was measured, and rows of the warehouse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from retail_assets.segmentation.evaluation.fit import Fit
from retail_assets.segmentation.evaluation.name_stability import NameStability
from retail_assets.segmentation.evaluation.next_quarter import NextQuarter
from retail_assets.segmentation.model.segment_model import SegmentModel


@dataclass(frozen=True)
class Evidence:
    """What was measured of the segments.

    Attributes:
        model: the model in use; None if the customers could not be clustered.
        why: the reason, in a sentence, where there is no model.
        version: of the model in the store.
        fit: `fit.measure` of the model on today's customers; None without a model.
        stability: how long customers kept their names over the past months.
        quarter: the money that the segments of a quarter ago have brought since.
        profiles: rows of `segment_profiles`, one per persona.
        scope: the row of `queries.sales.SCOPE`.
        agreement_with_previous: share of today's clustered customers to whom the previous model gives the same name.
        defining: what each name claims of today's customers, and whether it is true (`segment_model.name_findings`).
    """

    model: SegmentModel | None
    why: str | None
    version: str
    fit: Fit | None
    stability: NameStability
    quarter: NextQuarter
    profiles: Sequence[Mapping[str, Any]]
    scope: Mapping[str, Any]
    agreement_with_previous: float | None = None
    defining: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
