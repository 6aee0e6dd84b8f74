"""What happened: revenue by day, category and product, and what is bought together."""

from __future__ import annotations

import datetime as dt

from retail_assets.exports.report.charts.parts import (
    ALL,
    OTHERS,
    PERCENT_TICKS,
    ROOM_FOR_NAMES,
    Chart,
    Spec,
    choice,
    day_axis,
    days_of,
    height_of,
    labels,
    money_axis,
    spec_of,
)
from retail_assets.exports.report.facts import Facts, Row
from retail_assets.plotting.palette import SALES
from retail_assets.plotting.typography import PAGE_TEXT
from retail_assets.wording import report as sentences
from retail_assets.wording import sales_baskets as of_baskets
from retail_assets.wording.formats import percent
from retail_assets.wording.sales_baskets import Item

_PERIODS = {"all": 100_000, "last 12 months": 365, "last 90 days": 90, "last 28 days": 28}
_PAIRS_SHOWN = 12
_LONGEST_PAIR = 48


def sales(facts: Facts) -> Chart | None:
    """Lay out revenue by day, with lists of categories and periods to choose from."""
    if not facts.daily or facts.last_day is None:
        return None
    options = [ALL, *facts.named, *([OTHERS] if facts.others else [])]
    place = {name: at for at, name in enumerate([None, *facts.named])} | {None: len(facts.named) + 1}
    first: dt.date = facts.overview["first_day"]
    totals = dict.fromkeys(days_of(facts, first, facts.last_day), 0.0)
    lines: dict[int, dict[dt.date, float]] = {0: totals}
    for row in facts.daily:
        date, revenue = row["sale_date"], float(row["revenue"])
        totals[date] = totals.get(date, 0.0) + revenue
        lines.setdefault(place[row["product_category"]], {})[date] = revenue
    # Years of days of many categories: each day as its distance from the first, each line in one piece.
    values = [
        {"c": at, "d": [(day - first).days for day in line], "y": [round(y, 2) for y in line.values()]}
        for at, line in lines.items()
    ]
    best = max(totals, key=totals.__getitem__)
    return Chart(
        "sales",
        "Revenue by day",
        sentences.sales_by_day(
            first_day=facts.overview["first_day"],
            last_day=facts.last_day,
            best_day=best,
            best=totals[best],
            best_days=sum(round(total, 2) == round(totals[best], 2) for total in totals.values()),
            currency=facts.currency,
        ).text,
        spec_of(
            values,
            params=[
                choice("category", "Category", options),
                choice("period", "Period", list(_PERIODS), list(_PERIODS.values())),
            ],
            transform=[
                {"filter": "datum.c === category"},
                {"flatten": ["d", "y"]},
                {"filter": f"datum.d > {(facts.last_day - first).days} - period"},
                {"calculate": f"datetime({first.year}, {first.month - 1}, {first.day} + datum.d)", "as": "t"},
            ],
            mark={"type": "line", "color": SALES, "strokeWidth": 1.5, "tooltip": True},
            encoding={
                "x": {**day_axis(), "field": "t"},
                "y": money_axis("y", f"{facts.currency} per day"),
                "tooltip": [
                    {"field": "t", "type": "temporal", "title": "day", "format": "%a %-d %b %Y"},
                    {"field": "y", "type": "quantitative", "title": facts.currency, "format": ",.2f"},
                ],
            },
        ),
    )


def categories(facts: Facts) -> Chart | None:
    """Lay out revenue by category."""
    shown = [row for row in facts.categories[:15] if row["revenue"] > 0]
    if not shown or not facts.overview["revenue"] or facts.overview["revenue"] <= 0:
        return None
    total = float(facts.overview["revenue"])
    names = labels([str(row["product_category"]) for row in shown])
    values = [
        {"c": name, "y": round(float(row["revenue"]), 2), "s": percent(float(row["revenue"]) / total)}
        for name, row in zip(names, shown, strict=True)
    ]
    return Chart(
        "categories",
        "Revenue by category" if len(shown) == len(facts.categories) else "Revenue of the largest categories",
        sentences.largest_category(
            category=names[0],
            revenue=float(shown[0]["revenue"]),
            share=float(shown[0]["revenue"]) / total,
            second=names[1] if len(shown) > 1 else None,
            second_revenue=float(shown[1]["revenue"]) if len(shown) > 1 else None,
            currency=facts.currency,
        ).text,
        spec_of(
            values,
            height=height_of(len(values)),
            layer=[
                {"mark": {"type": "bar", "color": SALES, "tooltip": True}},
                {
                    "mark": {"type": "text", "align": "left", "dx": 4, "fontSize": PAGE_TEXT},
                    "encoding": {"text": {"field": "s"}},
                },
            ],
            encoding={
                "y": {"field": "c", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 220}},
                "x": money_axis("y", facts.currency),
                "tooltip": [
                    {"field": "c", "title": "category"},
                    {"field": "y", "type": "quantitative", "title": facts.currency, "format": ",.2f"},
                    {"field": "s", "title": "share"},
                ],
            },
        ),
    )


def concentration(facts: Facts) -> Chart | None:
    """Lay out on how few products the revenue rests."""
    if not facts.concentration:
        return None
    last = facts.concentration[-1]
    values = [{"x": row["items_share"], "y": row["revenue_share"], "n": row["items"]} for row in facts.concentration]
    many = {"category": "categories", "product": "products"}[last["of_items"]]
    share: Spec = {"type": "quantitative", "axis": {"labelExpr": PERCENT_TICKS, "tickCount": 5}}
    return Chart(
        "concentration",
        f"Revenue by share of {many}",
        of_baskets.product_concentration_title(
            of=last["of_items"],
            items=last["items"],
            half=last["half_items"],
            half_share=last["half_items"] / last["items"],
        ).text
        + ".",
        spec_of(
            values,
            encoding={
                "x": {**share, "field": "x", "title": f"share of the {many} that bring money, best first"},
                "y": {**share, "field": "y", "title": "share of their revenue"},
            },
            layer=[
                {"mark": {"type": "area", "color": SALES, "opacity": 0.15}},
                {"mark": {"type": "line", "color": SALES, "strokeWidth": 2}},
                {
                    "mark": {"type": "point", "color": SALES, "filled": True, "size": 20, "tooltip": True},
                    "encoding": {
                        "tooltip": [
                            {"field": "n", "type": "quantitative", "title": many, "format": ","},
                            {"field": "x", "type": "quantitative", "title": f"share of {many}", "format": ".1%"},
                            {"field": "y", "type": "quantitative", "title": "share of revenue", "format": ".1%"},
                        ]
                    },
                },
            ],
        ),
    )


def pairs(facts: Facts) -> Chart | None:
    """Lay out the pairs that are bought together; those of products where no pair of categories stands out."""
    found = [row for row in facts.pairs if row["found"]]
    shown = [row for row in found if row["level"] == found[0]["level"]]
    if not shown:
        return None
    of = shown[0]["level"]
    names = labels([pair_name(row) for row in shown[:_PAIRS_SHOWN]], _LONGEST_PAIR)
    values = [
        {
            "c": name,
            "y": row["lift"],
            "low": row["lift_low"],
            "high": row["lift_high"],
            "n": row["orders"],
        }
        for name, row in zip(names, shown, strict=False)
    ]
    first = shown[0]
    return Chart(
        "pairs",
        "Categories in one order" if of == "category" else "Products in one order",
        f"""{
            of_baskets.bought_together_title(
                first=_item(first, "first"), second=_item(first, "second"), lift=first["lift"]
            ).text
        }. {
            of_baskets.bought_together_reading(
                of=of,
                later_from=first["later_from"],
                last_day=first["last_day"],
                shown=len(values),
                found=len(shown),
                tested=sum(row["level"] == of for row in facts.pairs),
            ).text
        }""",
        spec_of(
            values,
            height=height_of(len(values)),
            padding=ROOM_FOR_NAMES,
            encoding={"y": {"field": "c", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 320}}},
            layer=[
                {
                    "mark": {"type": "rule", "strokeDash": [4, 4], "color": "currentColor", "opacity": 0.6},
                    "encoding": {"x": {"datum": 1}, "y": {"value": 0}, "y2": {"value": "height"}},
                },
                {
                    "mark": {"type": "rule", "color": SALES, "strokeWidth": 2, "opacity": 0.6},
                    "encoding": {
                        "x": {
                            "field": "low",
                            "type": "quantitative",
                            "title": "orders with both / orders expected by chance (1: chance)",
                            "axis": {"tickCount": 6},
                            "scale": {"zero": False},
                        },
                        "x2": {"field": "high"},
                    },
                },
                {
                    "mark": {"type": "point", "filled": True, "size": 90, "color": SALES, "tooltip": True},
                    "encoding": {
                        "x": {"field": "y", "type": "quantitative"},
                        "tooltip": [
                            {"field": "c", "title": "pair"},
                            {"field": "y", "type": "quantitative", "title": "times as often", "format": ".2f"},
                            {"field": "low", "type": "quantitative", "title": "95 % from", "format": ".2f"},
                            {"field": "high", "type": "quantitative", "title": "95 % to", "format": ".2f"},
                            {"field": "n", "type": "quantitative", "title": "orders with both", "format": ","},
                        ],
                    },
                },
            ],
        ),
    )


def pair_name(row: Row) -> str:
    """Name a pair, products with their category."""
    return " + ".join(
        item.name if item.category is None else f"{item.name} ({item.category})"
        for item in (_item(row, "first"), _item(row, "second"))
    )


def _item(row: Row, place: str) -> Item:
    """The first or second item of a row of `basket_affinity`."""
    return Item(str(row[f"{place}_item"]), str(row[f"{place}_category"]) if row["level"] == "product" else None)
