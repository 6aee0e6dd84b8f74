"""Figures of the forecast; the title of each states the finding.

`forecast` draws what is expected, `backtest` what the models were worth, `accuracy` past forecasts against actuals.
"""
