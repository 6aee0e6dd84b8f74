"""The benchmark as one figure: CPU, wall time and memory of the three engines, ours split into its parts."""

from __future__ import annotations

from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

_NAMES = {"ours": "retail-assets\n(PySpark)", "duckdb": "DuckDB\nby hand", "polars": "Polars\nby hand"}
_COLORS = {"ours": "#2f6b9a", "duckdb": "#9aa5ad", "polars": "#c5ccd1"}
_PARTS = {"raw_sales_files": "#8fb8d8", "session start": "#c7d9e8", "clean_sales": "#2f6b9a"}
_MEASURES = (("cpu_s", "CPU seconds of the process tree"), ("wall_s", "Wall seconds"), ("peak_mb", "Peak memory, MB"))


def figure(result: dict[str, Any]) -> Figure:
    """Draw three panels of horizontal bars; the title states the measured ratio."""
    fig = Figure(figsize=(11, 3.9), layout="constrained")
    FigureCanvasAgg(fig)
    ratio, rows = result["cpu_ratio_duckdb"], result["rows"]
    equal = "with equal results" if result["outputs_equal"] else "BUT THE RESULTS DIFFER"
    fig.suptitle(
        f"Cleaning {rows / 1e6:g} million rows takes {ratio:.1f} × the CPU of hand-written DuckDB SQL, {equal}",
        x=0.01,
        ha="left",
        fontsize=13,
        fontweight="bold",
    )
    order = list(reversed(_NAMES))
    for axes, (key, label) in zip(fig.subplots(1, 3), _MEASURES, strict=True):
        values = [result[engine][key] for engine in order]
        axes.barh(range(3), values, color=[_COLORS[engine] for engine in order], height=0.62)
        if key != "peak_mb":
            _split(axes, result, key)
        for place, value in enumerate(values):
            axes.text(value, place, f" {value:,.0f}", va="center")
        axes.set_yticks(range(3), [_NAMES[engine] for engine in order] if key == "cpu_s" else [""] * 3)
        axes.set_title(label, loc="left", fontsize=10)
        axes.set_xlim(0, max(values) * 1.18)
        axes.tick_params(length=0)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.grid(axis="x", alpha=0.25)
        axes.set_axisbelow(True)
    handles, labels = fig.axes[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower left", ncols=len(labels), frameon=False, fontsize=9)
    return fig


def _split(axes: Any, result: dict[str, Any], key: str) -> None:
    """Draw our bar in parts over the whole; the rest is starting Python and ending the session."""
    left = 0.0
    for name, color in _PARTS.items():
        width = result["parts"][name][key]
        axes.barh(2, width, left=left, color=color, height=0.62, label=name, edgecolor="white", linewidth=0.5)
        left += width
