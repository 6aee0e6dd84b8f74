"""The model that names the customers: read from the model store, with the version to record beside the names."""

from __future__ import annotations

from retail_assets.errors import ModelFileError
from retail_assets.models.kinds import NO_MODEL
from retail_assets.models.store import ModelStore, ModelStoreError
from retail_assets.segmentation.model.segment_model import SegmentModel
from retail_assets.segmentation.model.serialization import loads


def model_in_use(models: ModelStore) -> tuple[SegmentModel | None, str]:
    """Read the model in use and its version; None and `NO_MODEL` before the first promotion.

    Raises:
        ModelStoreError: the store's record or the version is damaged.
        SegmentModelFileError: the version cannot be read by this code.
    """
    champion = models.champion()
    if champion is None:
        return None, NO_MODEL
    return loads(models.load(champion.version)), champion.version


def previous_model(models: ModelStore) -> SegmentModel | None:
    """Read the model that was in use before the present one; None if there was none or it cannot be read any more."""
    champion = models.champion()
    earlier = [move.version for move in champion.history if move.version != champion.version] if champion else []
    if not earlier:
        return None
    try:
        return loads(models.load(earlier[-1]))
    except (ModelStoreError, ModelFileError):
        return None
