"""What is bought together, and on how few products revenue rests, order by order and product by product."""

from __future__ import annotations

from decimal import Decimal
from itertools import accumulate

from retail_assets.wording.sales_baskets import Item
from retail_assets_tests.wording.checks import Facts, recomputes
from retail_assets_tests.wording.days import near
from retail_assets_tests.wording.pairs import corrected, frequent, later_from, measured, named
from retail_assets_tests.wording.shops import Shop


def _item(shop: Shop, of: str, place: int) -> Item:
    name = frequent(shop, of)[place]
    if of == "category":
        return Item(name)
    return Item(name, shop.one("SELECT max(product_category) FROM sales WHERE product_id = ?", name))


def _last_day(shop: Shop) -> object:
    return shop.one("SELECT max(sale_date) FROM sales")


@recomputes("sales.bought_together")
def _bought_together(shop: Shop, facts: Facts) -> Facts:
    of = "category" if facts["first"].category is None else "product"
    [pair] = [
        pair for pair in named(shop, of)[:3] if facts["first"] == _item(shop, of, pair[0])
        and facts["second"] == _item(shop, of, pair[1])
    ]  # fmt: skip
    found = measured(shop, of, True)[pair]
    return {
        "first": _item(shop, of, pair[0]),
        "second": _item(shop, of, pair[1]),
        "later_from": later_from(shop),
        "last_day": _last_day(shop),
        "together": found["together"],
        "of_first": found["together"] / found["first"],
        "of_second": found["together"] / found["second"],
        **{end: near(facts[end], found[end]) for end in ("lift", "low", "high")},
        "tested": len(corrected(shop, of)),
        "p": near(facts["p"], corrected(shop, of)[pair], 1e-2),
    }


@recomputes("title.bought_together")
def _bought_together_title(shop: Shop, facts: Facts) -> Facts:
    of = "category" if facts["first"].category is None else "product"
    pair = named(shop, of)[0]
    return {
        "first": _item(shop, of, pair[0]),
        "second": _item(shop, of, pair[1]),
        "lift": near(facts["lift"], measured(shop, of, True)[pair]["lift"]),
    }


@recomputes("reading.bought_together")
def _bought_together_reading(shop: Shop, facts: Facts) -> Facts:
    found = len(named(shop, facts["of"]))
    return {
        "of": facts["of"],
        "later_from": later_from(shop),
        "last_day": _last_day(shop),
        "shown": min(found, 10),
        "found": found,
        "tested": len(corrected(shop, facts["of"])),
    }


@recomputes("sales.no_pair")
def _no_pair(shop: Shop, facts: Facts) -> Facts:
    assert not named(shop, facts["of"])
    return {"of": facts["of"], "tested": len(corrected(shop, facts["of"]))}


@recomputes("sales.items_left_out", "note.items_left_out")
def _items_left_out(shop: Shop, facts: Facts) -> Facts:
    column = "product_category" if facts["of"] == "category" else "product_id"
    items, compared = shop.one(f"SELECT count(DISTINCT {column}) FROM sales"), len(frequent(shop, facts["of"]))
    return {"of": facts["of"], "compared": compared, "left_out": items - compared}


def _concentration(shop: Shop) -> Facts:
    products = shop.one("SELECT count(product_id) FROM sales") > 0
    column = "product_id" if products else "product_category"
    revenue = [
        r for (r,) in shop.ask(f"SELECT sum(total_amount) FROM sales WHERE {column} IS NOT NULL GROUP BY {column}")
    ]
    best = sorted((r for r in revenue if r > 0), reverse=True)
    up_to, total = list(accumulate(best)), sum(best)
    half = next(n for n, amount in enumerate(up_to, 1) if amount >= total / 2)
    four_fifths = next(n for n, amount in enumerate(up_to, 1) if amount >= total * Decimal("0.8"))
    return {
        "of": "product" if products else "category",
        "items": len(best),
        "half": half,
        "half_share": half / len(best),
        "four_fifths": four_fifths,
        "four_fifths_share": four_fifths / len(best),
        "without": len(revenue) - len(best),
        "without_revenue": float(sum(r for r in revenue if r <= 0)),
        "returned": shop.one("SELECT count(*) FROM sales WHERE total_amount < 0") > 0,
        "currency": shop.currency,
    }


@recomputes("sales.product_concentration")
def _product_concentration(shop: Shop, facts: Facts) -> Facts:
    return _concentration(shop)


@recomputes("title.product_concentration")
def _product_concentration_title(shop: Shop, facts: Facts) -> Facts:
    found = _concentration(shop)
    return {name: found[name] for name in ("of", "items", "half", "half_share")}


@recomputes("axis.product_concentration")
def _product_concentration_axis(shop: Shop, facts: Facts) -> Facts:
    found = _concentration(shop)
    return {name: found[name] for name in ("of", "items", "without", "returned")}


@recomputes("note.without_revenue")
def _without_revenue(shop: Shop, facts: Facts) -> Facts:
    found = _concentration(shop)
    return {
        "of": found["of"],
        "without": found["without"],
        "revenue": found["without_revenue"],
        "returned": found["returned"],
        "currency": shop.currency,
    }
