"""Pictures of the segments as PNG bytes; each title says what was found.

A picture that the data do not give is still drawn, as a sentence that says why: a figure of an earlier run must not
stand beside a report that contradicts it. Migrations are the exception: before the first move there is no such picture.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, PercentFormatter

from retail_assets.plotting.labels import plain
from retail_assets.plotting.palette import INK, MARKED, MARKED_GRAY, MUTED
from retail_assets.segmentation.evaluation.buying_habits import LEAST_CUSTOMERS, MOST_TIMES, times
from retail_assets.segmentation.figures.style import label, statement
from retail_assets.segmentation.figures.style import sheet as new_sheet
from retail_assets.segmentation.model.features import MODEL_FEATURES, eligible
from retail_assets.segmentation.personas.catalog import DEFAULT, NAMING_FEATURES, Catalog

FIGURES = (
    "segment_map.png",
    "segment_profiles.png",
    "segment_revenue.png",
    "segment_migrations.png",
    "segment_categories.png",
)
"""Names of all figures. Every run draws each of them; that of migrations only from the second segmentation on."""

MAP_CUSTOMERS = 4_000
"""More points than this hide each other; a seeded sample is drawn instead."""
CATEGORIES_SHOWN = 12
_CLOUD = 0.5
_FEW_DECADES = 3.5

_WORDS = {
    "frequency": "purchases",
    "monetary": "money",
    "average_basket": "basket",
    "recency": "days since\nthe last sale",
    "top_month_share": "share of the\nbest month",
}
_TOWARDS = {
    "frequency": ("more purchases", "fewer purchases"),
    "monetary": ("more money", "less money"),
    "average_basket": ("larger basket", "smaller basket"),
}
_LOADED = 0.3
"""Loading from which a feature counts as part of what an axis means."""
_MEDIANS = ("median_frequency", "median_monetary", "median_average_basket", "median_recency_days")

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Pictured:
    """What the figures show.

    Attributes:
        evaluation: the dict of `evaluation.evaluate`.
        names: persona of each customer of `sample`.
        scores: standardised `NAMING_FEATURES` of the same (n x 5); unused without a model.
        migrations: rows of `segment_migrations`, of any moves.
        categories: rows of `queries.segment_categories`.
        sample: features frame.
    """

    evaluation: Mapping[str, Any]
    names: np.ndarray
    scores: np.ndarray
    migrations: Rows
    categories: Rows
    sample: pd.DataFrame


def draw_figures(
    pictured: Pictured, *, catalog: Catalog = DEFAULT, currency: str | None = None, seed: int = 0
) -> dict[str, bytes]:
    """File name → PNG, for all `FIGURES` that there is something to draw for. The same input gives the same bytes."""
    figures = {
        "segment_map.png": segment_map(pictured, catalog=catalog, currency=currency, seed=seed),
        "segment_profiles.png": segment_profiles(pictured, catalog=catalog, currency=currency),
        "segment_revenue.png": segment_revenue(pictured.evaluation),
        "segment_categories.png": segment_categories(
            pictured.categories, pictured.evaluation["segments"], catalog=catalog
        ),
    }
    if pictured.migrations:
        figures["segment_migrations.png"] = segment_migrations(pictured.migrations, catalog=catalog)
    return {name: figures[name] for name in FIGURES if name in figures}


def segment_map(pictured: Pictured, *, catalog: Catalog = DEFAULT, currency: str | None = None, seed: int = 0) -> bytes:
    """Clustered customers on the two main axes of what the clusters are made of (PCA), coloured by persona.

    Without clusters there is nothing to map, and the distribution of baskets is drawn instead.
    """
    evaluation = pictured.evaluation
    if evaluation["k"] is None:
        return _baskets(pictured, currency)
    chosen = np.flatnonzero(eligible(pictured.sample))
    if len(chosen) < 2:
        return statement("There are too few customers to map", evaluation["verdict"])
    points, axes_told = _projected(pictured.scores[chosen][:, : len(MODEL_FEATURES)])
    drawn = np.random.default_rng(seed).permutation(len(chosen))[:MAP_CUSTOMERS]
    names = pictured.names[chosen]
    silhouette = evaluation["silhouette"] or 0.0
    kinds = len(set(names))
    title = (
        f"{kinds} kinds of shopper stand apart (silhouette {silhouette:.2f})"
        if silhouette > _CLOUD
        else f"Shoppers form one cloud, which {kinds} segments divide (silhouette {silhouette:.2f})"
    )
    foot = f"{len(chosen):,} customers in clusters" + (
        f", {len(drawn):,} of them drawn by chance." if len(drawn) < len(chosen) else "."
    )
    others = evaluation["customers"] - evaluation["clustered_customers"]
    if others:
        foot += f" {others:,} customers of the shop are in groups made by a rule and not on the map."
    sheet = new_sheet(
        title,
        "Each point is a customer. The axes are the two directions in which purchases, money and basket, made normal "
        "and standardised, differ most (principal components).",
        foot,
    )
    axes = sheet.axes("both")
    styles = _styles(catalog)
    for name in _ordered(set(names), catalog):
        colour, marker = styles.get(name, MARKED_GRAY[0])
        own = drawn[names[drawn] == name]
        axes.scatter(
            points[own, 0], points[own, 1], s=15, marker=marker, color=colour, alpha=0.55, linewidths=_width(marker)
        )
        axes.scatter(
            [], [], s=45, marker=marker, color=colour, label=f"{label(name)}: {_count(evaluation, name, names)}"
        )
    axes.set_xlabel(plain(axes_told[0]), color=MUTED, fontsize=9.5)
    axes.set_ylabel(plain(axes_told[1]), color=MUTED, fontsize=9.5)
    axes.xaxis.set_major_locator(MaxNLocator(7))
    axes.yaxis.set_major_locator(MaxNLocator(6))
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=9, borderaxespad=0)
    return sheet.png()


def segment_profiles(pictured: Pictured, *, catalog: Catalog = DEFAULT, currency: str | None = None) -> bytes:
    """How far the mean customer of each persona is from the average one, by feature; medians are written beside."""
    evaluation = pictured.evaluation
    chosen = eligible(pictured.sample)
    segments = evaluation["segments"]
    names = [n for n in _ordered(set(pictured.names[chosen]), catalog) if n in segments]
    if evaluation["k"] is None or not names:
        return statement("There are no clusters to compare", evaluation["verdict"])
    means = np.array([pictured.scores[chosen & (pictured.names == name)].mean(axis=0) for name in names])
    apart = means.max(axis=0) - means.min(axis=0)
    strongest = _WORDS[NAMING_FEATURES[int(apart.argmax())]].replace("\n", " ")
    sheet = new_sheet(
        f"The segments differ most in {strongest}" if len(names) > 1 else f"There is one segment: {names[0]}",
        "Bars: mean of the segment in standard deviations from the average customer. Numbers: the median customer"
        + (f", money in {currency}." if currency else "."),
        f"{evaluation['clustered_customers']:,} customers in clusters; purchases and money of the "
        f"{int(pictured.sample['window_days'].max())} days until {evaluation['snapshot']}.",
        height=max(3.4, 2.2 + 0.62 * len(names)),
    )
    styles = _styles(catalog)
    reach = max(0.5, float(np.abs(means).max()) * 1.75)
    places = np.arange(len(names))
    for number, (axes, feature) in enumerate(zip(sheet.panels(len(NAMING_FEATURES)), NAMING_FEATURES, strict=True)):
        colours = [styles.get(name, MARKED_GRAY[0])[0] for name in names]
        axes.barh(places, means[:, number], height=0.62, color=colours)
        axes.axvline(0, color=MUTED, linewidth=0.8)
        axes.set_xlim(-reach, reach)
        axes.set_title(_WORDS[feature], fontsize=9.5, color=INK)
        axes.xaxis.set_major_locator(MaxNLocator(3, symmetric=True, integer=reach > 1.2))
        axes.spines["left"].set_visible(False)
        axes.set_yticks(places, [label(name) for name in names])
        for place, name, value in zip(places, names, means[:, number], strict=True):
            axes.annotate(
                _median(segments[name], number),
                (value, place),
                (3 if value >= 0 else -3, 0),
                textcoords="offset points",
                ha="left" if value >= 0 else "right",
                va="center",
                fontsize=8,
                color=INK,
            )
    sheet.figure.axes[0].invert_yaxis()
    return sheet.png()


def segment_revenue(evaluation: Mapping[str, Any]) -> bytes:
    """Each persona's share of customers, of revenue, and, out of time, of the next quarter's revenue."""
    segments: Mapping[str, Any] = evaluation["segments"]
    if not segments:
        return statement("There are no segments", evaluation["verdict"])
    names = list(segments)
    later = evaluation["next_quarter"]["segments"] if evaluation["high_value"]["next_revenue_share"] else {}
    series: list[tuple[str, str, list[float | None]]] = [
        ("share of customers", "#BBBBBB", [segments[name]["customers_share"] for name in names]),
        ("share of revenue", "#0072B2", [segments[name]["revenue_share"] for name in names]),
    ]
    foot = "Revenue of the window, net of returns."
    if later:
        series.append(
            ("share of the next quarter", "#56B4E9", [later.get(n, {}).get("next_revenue_share") for n in names])
        )
        foot += (
            f" Next quarter: segments as of {evaluation['next_quarter']['segments_as_of']}, revenue until "
            f"{evaluation['next_quarter']['revenue_until']}."
        )
    sheet = new_sheet(
        _revenue_finding(segments),
        "A segment whose share of revenue exceeds its share of customers is worth more than the average customer.",
        foot,
        height=max(3.6, 2.0 + 0.78 * len(names)),
    )
    axes = sheet.axes("x")
    axes.spines["left"].set_visible(False)
    height = 0.8 / len(series)
    places = np.arange(len(names))
    for number, (told, colour, shares) in enumerate(series):
        offset = (number - (len(series) - 1) / 2) * height
        # Who has no share of the next quarter had no customers when it began.
        _bars(axes, places + offset, shares, height * 0.9, colour, told, "undefined" if number < 2 else "nobody then")
    axes.set_yticks(places, [label(name) for name in names])
    axes.set_ylim(len(names) - 0.45, -0.55)
    known = [share for _, _, shares in series for share in shares if share is not None]
    low, high = min(0.0, *known, 0.0), max(*known, 0.05)
    axes.set_xlim(low * 1.25, high * 1.15)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.axvline(0, color=MUTED, linewidth=0.8)
    axes.legend(loc="upper left", bbox_to_anchor=(0, -0.06), ncols=3, frameon=False, fontsize=9, handlelength=1.2)
    return sheet.png()


def segment_migrations(migrations: Rows, *, catalog: Catalog = DEFAULT) -> bytes:
    """Where the customers of each persona went at the latest move: a heat map of shares with numbers of customers.

    `migrations` has at least one row.
    """
    last = max((row["to_snapshot"], row["from_snapshot"], row["from_version"]) for row in migrations)
    latest = [row for row in migrations if (row["to_snapshot"], row["from_snapshot"], row["from_version"]) == last]
    origins = _ordered({row["from_persona"] for row in latest}, catalog)
    goals = _ordered({row["to_persona"] for row in latest}, catalog)
    counts = np.zeros((len(origins), len(goals)))
    for row in latest:
        counts[origins.index(row["from_persona"]), goals.index(row["to_persona"])] += int(row["customers"])
    known = [i for i, name in enumerate(origins) if name in {p.name for p in catalog.display_order}]
    before = counts[known].sum()
    stayed = sum(counts[i, goals.index(origins[i])] for i in known if origins[i] in goals)
    versions = sorted({str(row["to_version"]) for row in latest} | {str(row["from_version"]) for row in latest})
    change = f"from {last[1]} to {last[0]}"
    sheet = new_sheet(
        f"{stayed / before:.0%} of {before:,.0f} customers kept their name {change}"
        if before
        else f"All customers are new {change}",
        "Rows: name before; columns: name after. Colour: share of the row. Numbers: customers.",
        f"Model{'s' if len(versions) > 1 else ''} {', '.join(label(v, 41) for v in versions)}.",
        height=max(3.6, 2.4 + 0.5 * len(origins)),
    )
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    _heat(sheet.axes(), shares, [[f"{c:,.0f}" if c else "" for c in row] for row in counts], origins, goals, (0, 1))
    return sheet.png()


def segment_categories(
    categories: Rows, segments: Mapping[str, Mapping[str, Any]], *, catalog: Catalog = DEFAULT
) -> bytes:
    """What each persona buys more and less of than all customers: a heat map of share indices.

    Personas of so few customers that their tastes are chance are left out.
    """
    large = {name for name, profile in segments.items() if int(profile["customers"]) >= LEAST_CUSTOMERS}
    categories = [row for row in categories if row["persona"] in large]
    parts = {row["product_category"]: float(row["all_share"]) for row in categories}
    shown = sorted(parts, key=lambda c: (-parts[c], c))[:CATEGORIES_SHOWN]
    names = _ordered({row["persona"] for row in categories}, catalog)
    if len(parts) < 2 or len(names) < 2:
        return statement(
            "There is nothing to compare between segments",
            f"Tastes need two categories and two segments of {LEAST_CUSTOMERS} customers or more. Here: "
            f"{_counted(len(parts), 'category', 'categories')} in {_counted(len(names), 'segment', 'segments')} of "
            "that size.",
        )
    index = np.zeros((len(names), len(shown)))
    for row in categories:
        if row["product_category"] in shown:
            index[names.index(row["persona"]), shown.index(row["product_category"])] = float(row["share_index"])
    where = np.unravel_index(int(np.argmax(index)), index.shape)
    top = float(index[where])
    sheet = new_sheet(
        f"{label(names[where[0]], 31)}: {times(top)} the usual share of {label(shown[where[1]], 31)}"
        if top >= 1.1
        else "All segments buy the same mix of categories",
        "1 × is the share of the category in the money of all customers; above it the segment buys more of it than "
        "others do.",
        (
            f"The {len(shown)} largest of {len(parts)} categories, largest first."
            if len(parts) > len(shown)
            else "Largest category first."
        ),
        height=max(3.8, 2.8 + 0.45 * len(names)),
    )
    depth = np.clip(np.log2(np.maximum(index, 0.25)), -2, 2)
    texts = [["> 10" if value > MOST_TIMES else f"{value:.1f}" for value in row] for row in index]
    _heat(sheet.axes(), depth, texts, names, shown, (-2, 2), diverging=True)
    return sheet.png()


def _projected(points: np.ndarray) -> tuple[np.ndarray, tuple[str, str]]:
    """Points on the first two principal components, and what each axis means.

    Signs are fixed: more money is to the right, larger baskets are up.
    """
    centred = points - points.mean(axis=0)
    _, sizes, directions = np.linalg.svd(centred, full_matrices=False)
    part = sizes**2 / max(float((sizes**2).sum()), 1e-12)
    money, basket = MODEL_FEATURES.index("monetary"), MODEL_FEATURES.index("average_basket")
    for row, feature in ((0, money), (1, basket)):
        if directions[row, feature] < 0:
            directions[row] *= -1
    told = []
    for row in range(2):
        loads = directions[row]
        meaning = [
            _TOWARDS[feature][int(load < 0)]
            for feature, load in zip(MODEL_FEATURES, loads, strict=True)
            if abs(load) > _LOADED
        ]
        told.append(f"{', '.join(meaning)} →  ({part[row]:.0%} of the differences)")
    return centred @ directions[:2].T, (told[0], told[1])


def _baskets(pictured: Pictured, currency: str | None) -> bytes:
    """The distribution of baskets, where there is no map; a sentence without any."""
    basket = pictured.sample["average_basket"].to_numpy(dtype=float)
    basket = basket[basket > 0]
    verdict = pictured.evaluation["verdict"]
    if not len(basket):
        return statement("There are no segments", verdict)
    sheet = new_sheet(
        "There are no segments; this is what customers spend at a time",
        verdict,
        f"{len(basket):,} customers who paid something.",
    )
    axes = sheet.axes("y")
    low, high = np.log10(basket.min()), np.log10(basket.max())
    if high - low < 0.01:
        low, high = low - 0.5, high + 0.5
    axes.hist(
        basket, bins=list(np.logspace(low - 1e-9, high + 1e-9, 25)), color="#56B4E9", edgecolor="white", linewidth=0.6
    )
    axes.set_xscale("log")
    # 1, 2, 5, 10 over few decades, powers of ten over many; matplotlib's own labels would be 2 × 10¹.
    axes.xaxis.set_major_locator(
        LogLocator(subs=(1.0, 2.0, 5.0) if high - low <= _FEW_DECADES else (1.0,), numticks=12)
    )
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    unit = f" ({currency}, log scale)" if currency else " (log scale)"
    axes.set_xlabel(plain(f"Average basket{unit}"), color=MUTED)
    axes.set_ylabel("Customers", color=MUTED)
    return sheet.png()


def _bars(
    axes: Axes,
    places: np.ndarray,
    shares: Sequence[float | None],
    height: float,
    colour: str,
    told: str,
    missing: str = "undefined",
) -> None:
    bars = axes.barh(places, [share or 0.0 for share in shares], height=height, color=colour, label=told)
    for bar, share in zip(bars, shares, strict=True):
        value = share or 0.0
        axes.annotate(
            missing if share is None else _share(share),
            (value, bar.get_y() + bar.get_height() / 2),
            (3 if value >= 0 else -3, 0),
            textcoords="offset points",
            va="center",
            ha="left" if value >= 0 else "right",
            fontsize=8,
            color=INK if share is not None else MUTED,
        )


def _heat(
    axes: Axes,
    values: np.ndarray,
    texts: Sequence[Sequence[str]],
    rows: Sequence[str],
    columns: Sequence[str],
    limits: tuple[float, float],
    *,
    diverging: bool = False,
) -> None:
    axes.imshow(values, aspect="auto", cmap="PuOr_r" if diverging else "Blues", vmin=limits[0], vmax=limits[1])
    middle = (limits[0] + limits[1]) / 2
    for place, row in enumerate(texts):
        for column, text in enumerate(row):
            share = values[place, column]
            deep = abs(share - middle) > 0.6 * (limits[1] - middle) if diverging else share > 0.55
            axes.text(column, place, text, ha="center", va="center", fontsize=9, color="white" if deep else INK)
    axes.set_yticks(np.arange(len(rows)), [label(name) for name in rows])
    width = max(8, 66 // max(len(columns), 1))
    slanted = any(len(label(name)) > width for name in columns) and len(columns) > 6
    shown = [label(name, 21) if slanted else textwrap.fill(label(name), width) for name in columns]
    axes.set_xticks(np.arange(len(columns)), shown)
    if slanted:
        for tick in axes.get_xticklabels():
            tick.set(rotation=35, ha="right", rotation_mode="anchor")
    axes.spines[:].set_visible(False)
    axes.set_xticks(np.arange(len(columns) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(rows) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=2)
    axes.tick_params(which="minor", length=0)


def _revenue_finding(segments: Mapping[str, Any]) -> str:
    if len(segments) == 1:
        (name,) = segments
        return f"There is only one group of customers: {name}"
    leading = max(segments, key=lambda name: float(segments[name]["revenue"]))
    profile = segments[leading]
    if profile["revenue_share"] is None:
        return "Returns outweigh sales, so shares of revenue are undefined"
    return f"{leading}: {profile['customers_share']:.0%} of customers, {profile['revenue_share']:.0%} of revenue"


def _styles(catalog: Catalog) -> dict[str, tuple[str, str]]:
    """Colour and marker of each name of a catalog."""
    named = {p.name: MARKED[i % len(MARKED)] for i, p in enumerate(catalog.clusters)}
    groups = {p.name: MARKED_GRAY[i % len(MARKED_GRAY)] for i, p in enumerate(catalog.groups.values())}
    return groups | named


def _ordered(names: set[str], catalog: Catalog) -> list[str]:
    order = {persona.name: place for place, persona in enumerate(catalog.display_order)}
    return sorted(names, key=lambda name: (order.get(name, len(order)), name))


def _count(evaluation: Mapping[str, Any], name: str, names: np.ndarray) -> str:
    """Customers of a persona: of the whole shop where the evaluation has them, else of the sample."""
    profile = evaluation["segments"].get(name)
    return f"{int(profile['customers']) if profile else int((names == name).sum()):,}"


def _median(profile: Mapping[str, Any], feature: int) -> str:
    if feature == len(_MEDIANS):
        share = profile["median_top_month_share"]
        return "–" if share is None else f"{share:.0%}"
    value = float(profile[_MEDIANS[feature]])
    return f"{value:,.1f}" if abs(value) < 10 and value % 1 else f"{value:,.0f}"


def _counted(number: int, one: str, many: str) -> str:
    return f"{number or 'no'} {one if number == 1 else many}"


def _share(share: float) -> str:
    if 0 < abs(share) < 0.0005:
        return "< 0.1%" if share > 0 else "> -0.1%"
    return f"{share:.0%}" if abs(share) >= 0.095 or share == 0 else f"{share:.1%}"


def _width(marker: str) -> float:
    """Line width of a marker: those that are lines need one."""
    return 0.8 if marker in "x+123" else 0.0
