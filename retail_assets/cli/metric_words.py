"""The metrics of models in words that a merchant reads, each with its unit and its name in the documentation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from retail_assets.wording import formats


@dataclass(frozen=True)
class Metric:
    """How a metric is shown: what it measures, a short head for a column, and how its value is written.

    `{currency}` in `words` stands for the currency of the sales.
    """

    words: str
    head: str
    form: Literal["share", "money", "number", "count"]

    def text(self, value: float | None) -> str:
        """Write a value; a dash where it was not measured.

        >>> METRICS["wape"].text(0.141), METRICS["mase"].text(0.8085), METRICS["wape"].text(None)
        ('14.1 %', '0.81', '–')
        """
        if value is None or value != value:
            return "–"
        if self.form == "share":
            return formats.percent(value).replace("\u22120.0 %", "0.0 %")
        return f"{value:,.0f}" if self.form == "count" else f"{value:,.2f}"


METRICS = {
    "wape": Metric("error per category, share of its revenue (WAPE)", "error", "share"),
    "total_wape": Metric("error of the total, share of its revenue (WAPE)", "error of total", "share"),
    "holiday_wape": Metric("error near holidays, share of revenue (WAPE)", "near holidays", "share"),
    "mae": Metric("mean error per category, {currency} per day (MAE)", "mean error", "money"),
    "rmse": Metric("error per category, large ones counting more (RMSE)", "typical error", "money"),
    "total_rmse": Metric("error of the total, {currency} per day (RMSE)", "typical error of total", "money"),
    "mase": Metric("error as a multiple of a simple rule's (MASE)", "times simple rule", "number"),
    "bias": Metric("too high (+) or too low (−) on average, share", "bias", "share"),
    "coverage80": Metric("days inside the 80 % interval", "in 80 %", "share"),
    "coverage95": Metric("days inside the 95 % interval", "in 95 %", "share"),
    "total_coverage80": Metric("days of the total inside its 80 % interval", "total in 80 %", "share"),
    "width80": Metric("mean width of the 80 % interval, {currency}", "width of 80 %", "money"),
    "k": Metric("segments", "segments", "count"),
    "silhouette": Metric("separation of the segments, −1 to 1 (silhouette)", "separation", "number"),
    "bootstrap_ari": Metric("customers that stay together in resamples, 0 to 1 (bootstrap ARI)", "stability", "number"),
    "renamed": Metric("customers whose segment got another name", "renamed", "share"),
    "least_name_fit": Metric("how well the worst-fitting name fits, 0 to 1", "name fit", "number"),
}
