"""What sentences about changes since the last run are made from, recomputed from the sales before and after the cut."""

from __future__ import annotations

from retail_assets_tests.wording.checks import Facts, recomputes
from retail_assets_tests.wording.earlier import cut_of, landings_of
from retail_assets_tests.wording.shops import Shop

#: What the pages of a shop say, by its name, before and now; the test puts it here.
PAGES: dict[str, tuple[list[str], list[str]]] = {}


@recomputes("changes.first_run")
def _first_run(shop: Shop, facts: Facts) -> Facts:
    return {}


@recomputes("changes.nothing")
def _nothing(shop: Shop, facts: Facts) -> Facts:
    months, last = shop.one("SELECT count(DISTINCT (year(sale_date), month(sale_date))), max(sale_date) FROM sales")
    return {"landings": months, "last_day": last}


@recomputes("changes.landings")
def _landings(shop: Shop, facts: Facts) -> Facts:
    cut = cut_of(shop)
    months = shop.ask(
        "SELECT CAST(date_trunc('month', sale_date) AS DATE), min(sale_date), max(sale_date) FROM sales GROUP BY 1"
    )
    new = sorted(month for month, first, _ in months if first > cut)
    return {
        "new": len(new),
        "rows": sum(landings_of(shop)[month][0] for month in new),
        "first": new[0] if new else None,
        "last": new[-1] if new else None,
        "again": sum(first <= cut < last for _, first, last in months),
        "gone": 0,
    }


@recomputes("changes.revenue")
def _revenue(shop: Shop, facts: Facts) -> Facts:
    cut = cut_of(shop)
    added, lines = shop.one("SELECT sum(total_amount), count(*) FROM sales WHERE sale_date > ?", cut)
    total, last = shop.one("SELECT sum(total_amount), max(sale_date) FROM sales")
    before = shop.one("SELECT max(sale_date) FROM sales WHERE sale_date <= ?", cut)
    return {
        "added": added,
        "lines": lines,
        "total": total,
        "last_day": last,
        "last_day_before": before,
        "currency": shop.currency,
    }


@recomputes("changes.turned")
def _turned(shop: Shop, facts: Facts) -> Facts:
    before, now = PAGES[shop.name]
    told = {"before": facts["before"], "now": facts["now"]}
    is_true = facts["before"] in before and facts["now"] in now and facts["now"] not in before
    return told if is_true else {"before": None, "now": None}


@recomputes("changes.new")
def _new(shop: Shop, facts: Facts) -> Facts:
    before, now = PAGES[shop.name]
    return {"sentence": facts["sentence"] if facts["sentence"] in now and facts["sentence"] not in before else None}


@recomputes("changes.gone")
def _gone(shop: Shop, facts: Facts) -> Facts:
    before, now = PAGES[shop.name]
    return {"sentence": facts["sentence"] if facts["sentence"] in before and facts["sentence"] not in now else None}


@recomputes("changes.more")
def _more(shop: Shop, facts: Facts) -> Facts:
    """No more than findings that are on one of the pages alone, and are not told."""
    before, now = (set(page) for page in PAGES[shop.name])
    return {"count": facts["count"] if 0 < facts["count"] <= len(before ^ now) else None}
