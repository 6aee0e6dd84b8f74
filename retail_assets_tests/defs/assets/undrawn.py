"""Runs of the forecast's assets without pictures, which take four fifths of a run: for tests of something else."""

from __future__ import annotations

import pytest

from retail_assets.forecasting.figures import accuracy, backtest, forecast
from retail_assets.plotting.left_out import none_of


def leave_pictures_out(patch: pytest.MonkeyPatch) -> None:
    """Make the forecast's assets of this process draw nothing."""
    for module, names in ((accuracy, (accuracy.FIGURE,)), (backtest, backtest.FIGURES), (forecast, forecast.FIGURES)):
        undrawn = none_of(names, "tests of something else draw nothing")
        patch.setattr(module, "draw_figures", lambda *_, undrawn=undrawn, **__: undrawn)
