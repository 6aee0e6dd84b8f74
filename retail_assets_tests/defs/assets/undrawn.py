"""Runs of the forecast's assets without pictures, which take four fifths of a run: for tests of something else."""

from __future__ import annotations

import pytest

from retail_assets.forecasting.figures import accuracy, backtest, forecast


def leave_pictures_out(patch: pytest.MonkeyPatch) -> None:
    """Make the forecast's assets of this process draw nothing."""
    patch.setattr(accuracy, "draw_figure", lambda *_, **__: None)
    patch.setattr(backtest, "draw_figures", lambda *_, **__: {})
    patch.setattr(forecast, "draw_figures", lambda *_, **__: {})
