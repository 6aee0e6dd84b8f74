"""`insights.md`: what the sales show, in sentences computed from them, each with its numbers and its test.

No sentence is there by default: where the data cannot tell, the page says what is not known and why.
"""

from __future__ import annotations

from retail_assets.eda import findings
from retail_assets.eda.data import EdaData
from retail_assets.eda.queries import TOP_CATEGORIES
from retail_assets.plotting.wording import (
    WEEKDAYS,
    age_order,
    change,
    compared,
    day,
    listed,
    markdown,
    money,
    month,
    p_value,
    percent,
    plural,
)

_YEAR = 365


def write_insights(data: EdaData, *, currency: str, country: str | None) -> str:
    """A Markdown page. `currency` is printed as given; `country` (a code such as `US`) chooses the public holidays."""
    if data.empty:
        return "# What the sales show\n\nThere are no sales yet, so nothing is known.\n"
    sections = {
        "": _overview(data, currency),
        "Sales over time": [
            _trend(data, currency),
            _weekend(data, currency),
            *_weekdays(data),
            *_holidays(data, country),
            *_season(data, country),
            *_months(data, currency),
        ],
        "What is bought": _products(data, currency),
        "Who buys": [
            *_trait(data, currency, "gender", data.overview.gender_lines),
            *_trait(data, currency, "age_group", data.overview.age_lines),
            *_concentration(data, currency),
        ],
        "How far to trust this": _caveats(data, country),
    }
    lines = ["# What the sales show"]
    for heading, sentences in sections.items():
        lines += [f"\n## {heading}\n" if heading else "", *(f"- {s}" for s in sentences)]
    return "\n".join(lines) + "\n"


def _overview(data: EdaData, currency: str) -> list[str]:
    o = data.overview
    if o.first_date is None or o.last_date is None:
        return []
    span = (
        f"on {day(o.first_date)}" if o.first_date == o.last_date else f"from {day(o.first_date)} to {day(o.last_date)}"
    )
    who = f" by {plural(o.customers, 'known customer')}" if o.customers else ""
    closed = int((data.daily["orders"] == 0).sum())
    gaps = f", {plural(closed, 'day')} of them without a sale" if closed else ""
    return [
        f"**{money(float(o.revenue), currency)}** net of returns {span} ({plural(len(data.daily), 'day')}{gaps}): "
        f"{plural(o.orders, 'order')} with {plural(o.lines, 'line')}{who}."
    ]


def _noise(p: float) -> str:
    return f"within what chance gives ({p_value(p)})"


def _trend(data: EdaData, currency: str) -> str:
    found = findings.trend(data)
    if found is None:
        weeks = len(findings.full_weeks(data.daily))
        return (
            f"**Trend: not known.** There are {plural(weeks, 'full week')} of sales; a trend needs at least 12, "
            "above zero."
        )
    size = (
        f"{money(abs(found.slope), currency)} a week ({percent(abs(found.change))} of a median week over all of them)"
    )
    if found.p >= findings.NOISE:
        return f"**No clear trend** over {found.weeks} full weeks: the slope is {size}, {_noise(found.p)}."
    direction = "rising" if found.slope > 0 else "falling"
    return (
        f"**Sales are {direction}** by {size}, over {found.weeks} full weeks (Theil-Sen slope, Kendall's tau: "
        f"{p_value(found.p)})."
    )


def _weekend(data: EdaData, currency: str) -> str:
    found = findings.weekend(data)
    if found is None:
        weeks = len(findings.full_weeks(data.daily))
        pattern = findings.weekdays(data)
        if weeks >= findings.FEWEST_WEEKS and pattern is not None and pattern.closed:
            closed = listed(WEEKDAYS[d] + "s" for d in pattern.closed)
            return f"**Weekend against weekday: cannot be compared.** There are no sales on {closed}."
        return (
            f"**Weekend against weekday: not known.** There are {plural(weeks, 'full week')}; a comparison needs "
            f"at least {findings.FEWEST_WEEKS}."
        )
    pattern = findings.weekdays(data)
    shut = set(pattern.closed) if pattern is not None else set()
    free = listed(WEEKDAYS[d] for d in (5, 6) if d not in shut)
    work = "Monday to Friday" if shut.isdisjoint(range(5)) else "on other open days"
    means = f"{money(found.weekend, currency)} a day on {free}, {money(found.weekday, currency)} {work}"
    interval = f"difference {money(found.low, currency)} to {money(found.high, currency)} with 95 % confidence"
    test = f"{interval}, {p_value(found.p)}, over {found.weeks} full weeks"
    if found.p >= findings.NOISE:
        return f"**Weekends do not clearly differ from weekdays**: {means} ({test})."
    if found.weekday <= 0:
        more = "more" if found.weekend > found.weekday else "less"
    else:
        more = change(found.weekend / found.weekday)
    if found.weekend > found.weekday:
        return f"**Sales peak at weekends**: {more}, {means} ({test})."
    return f"**Weekends are weaker than weekdays**: {more}, {means} ({test})."


def _weekdays(data: EdaData) -> list[str]:
    found = findings.weekdays(data)
    if found is None or found.p is None or found.average <= 0:
        return []
    best, worst = found.best, found.worst
    if not found.real:
        return [f"**No weekday stands out**: {WEEKDAYS[best]} has the highest mean, {_noise(found.p)}."]
    high, low = (compared(found.mean[d] / found.average) for d in (best, worst))
    return [
        f"**{WEEKDAYS[best]}** is the strongest day, {high} the mean of the weekdays, and **{WEEKDAYS[worst]}** the "
        f"weakest, {low} it; weekdays differ by more than chance ({p_value(found.p)}, Friedman test)."
    ]


def _holidays(data: EdaData, country: str | None) -> list[str]:
    o = data.overview
    if o.first_date is None or o.last_date is None:
        return []
    sentences = []
    if not country:
        sentences.append("**Holidays: not known.** No country is set, so its public holidays are not known.")
    elif findings.public_holidays(country, o.first_date, o.last_date) is None:
        sentences.append(f"**Holidays: not known.** There is no holiday calendar for the country {markdown(country)}.")
    elif (found := findings.holiday_effect(data, country)) is None:
        sentences.append(
            "**Holidays: not known.** A comparison needs three public holidays among 120 days with weeks around them."
        )
    else:
        size = f"{compared(found.ratio)} the same weekdays of the four weeks before and after"
        what = f"the day of a public holiday ({country.upper()}) and the three before it bring {size}"
        names = listed(f"{markdown(h.name)} {h.date.year} ({h.ratio:.2f} times the usual)" for h in found.each[:3])
        if found.p < findings.NOISE:
            verdict = "Sales peak towards" if found.ratio > 1 else "Sales dip round"
            sentences.append(
                f"**{verdict} public holidays**: {what} ({p_value(found.p)}, against the "
                f"calendar shifted along the data). Of {plural(len(found.each), 'holiday')} the highest: {names}."
            )
        else:
            sentences.append(f"**Public holidays in general show no peak**: {what}, {_noise(found.p)}.")
        if found.standing_out:
            out = listed(
                f"{markdown(h.name)} {h.date.year} ({h.ratio:.2f} times the usual)" for h in found.standing_out[:8]
            )
            sentences.append(f"**Single holidays stand out** against all ordinary spans of four days: {out}.")
    peaks = findings.peaks(data)
    if peaks:
        days = listed(f"{day(p.date)} ({p.ratio:.1f} times)" for p in peaks)
        sentences.append(f"Days far above the same weekday of the weeks around them: {days}.")
    return sentences


def _season(data: EdaData, country: str | None) -> list[str]:
    found = findings.christmas_season(data, country)
    if found is None:
        return [
            "**Christmas season: not known.** It needs a country that keeps Christmas, and a whole 24 Nov to 24 Dec."
        ]
    size = f"the average day from 24 Nov to 24 Dec {found.year} brought {compared(found.ratio)} the other days"
    windows = f"{percent(found.rank)} of all windows of 31 days sold at least as much"
    if found.rank <= findings.NOISE and found.ratio > 1:
        return [f"**The weeks to Christmas are a season**: {size}; {windows}."]
    return [f"**The weeks to Christmas do not stand out**: {size}; {windows}."]


def _months(data: EdaData, currency: str) -> list[str]:
    found = findings.months(data)
    if found is None or len(found.whole) < 3 or found.p is None:
        return []
    best, worst = max(found.whole, key=lambda m: m.mean), min(found.whole, key=lambda m: m.mean)
    high, low = money(best.mean, currency), money(worst.mean, currency)
    if not found.real:
        return [f"**No month stands out**: {month(best.start)} is highest with {high} a day, {_noise(found.p)}."]
    return [
        f"**{month(best.start)}** is the strongest month with {high} a day, **{month(worst.start)}** the weakest with "
        f"{low}; months differ by more than chance ({p_value(found.p)}, Kruskal-Wallis over weeks)."
    ]


def _products(data: EdaData, currency: str) -> list[str]:
    categories = data.categories
    first = categories[0]
    share = findings.revenue_share(data, first)
    sentences = []
    if share is None:
        sentences.append("Returns outweigh sales, so shares of revenue mean nothing.")
    elif len(categories) == 1:
        sentences.append(f"All sales are in one category, **{markdown(first.name)}**.")
    else:
        often = findings.order_share(data, first)
        text = (
            f"**{markdown(first.name)} earns most**: {percent(share)} of revenue "
            f"({money(float(first.revenue), currency)}) from {percent(often)} of the orders"
        )
        more = [c for c in categories[1:] if c.orders > first.orders]
        if more:
            rival = max(more, key=lambda c: c.orders)
            text += (
                f". It is bought less often than **{markdown(rival.name)}** ({first.orders:,} against "
                f"{rival.orders:,} orders), which earns {percent(findings.revenue_share(data, rival) or 0.0)}"
            )
            if rival.orders < first.orders * 1.05:
                text += "; the two are bought almost equally often"
        else:
            text += ", and no category is bought more often"
        sentences.append(text + ".")
        top = [
            f"{markdown(c.name)} {percent(findings.revenue_share(data, c) or 0.0)} of revenue in "
            f"{percent(findings.order_share(data, c))} of orders"
            for c in categories[1:5]
        ]
        sentences.append(f"Next: {listed(top)}.")
    if len(categories) > TOP_CATEGORIES and share is not None:
        rest = sum(float(c.revenue) for c in categories[TOP_CATEGORIES:]) / float(data.overview.revenue)
        sentences.append(
            f"The {len(categories) - TOP_CATEGORIES} smallest of {len(categories)} categories bring {percent(rest)}."
        )
    sentences.append(_returns(data, currency))
    return [*sentences, *_basket(data, currency)]


def _returns(data: EdaData, currency: str) -> str:
    o = data.overview
    if o.returned == 0 and o.return_lines == 0:
        return "**No returns** are recorded: no line has a negative quantity or amount."
    gross = o.revenue - o.returned
    text = (
        f"**Returns** are {money(float(-o.returned), currency)}, {plural(o.return_lines, 'line')} of negative quantity"
    )
    if gross > 0:
        text += f": {percent(float(-o.returned / gross))} of what was sold"
    worst = min(data.categories, key=lambda c: c.returned)
    if len(data.categories) > 1 and worst.returned < 0:
        text += f"; the most come from {markdown(worst.name)} ({money(float(-worst.returned), currency)})"
    return text + "."


def _basket(data: EdaData, currency: str) -> list[str]:
    median = findings.quartile(data, "basket_amount", "p50")
    mean = findings.quartile(data, "basket_amount", "mean")
    if median is None or mean is None or data.basket_lines.empty:
        return []
    lines = data.basket_lines
    single = float(lines.loc[lines["line_count"] == 1, "orders"].sum() / lines["orders"].sum())
    return [
        f"The median order brings {money(median, currency)} and the mean {money(mean, currency)}; {percent(single)} "
        "of the orders that sell something have a single line."
    ]


def _trait(data: EdaData, currency: str, trait: str, known_lines: int) -> list[str]:
    name, title = ("gender", "Gender") if trait == "gender" else ("age", "Age")
    if known_lines == 0:
        return [
            f"**{title}: not known.** The source does not have it, so nothing can be said of who buys what by {name}."
        ]
    found = findings.groups(data, trait)
    if found is None:
        return [
            f"**{title}: not known.** Fewer than two groups have {findings.FEWEST_BUYERS} customers, too few to "
            "compare."
        ]
    members = sorted(found.members, key=age_order) if trait == "age_group" else list(found.members)
    spend = listed(f"{markdown(m)} {money(found.total.spend[m], currency)} ({found.buyers[m]:,})" for m in members)
    p = found.total.p_spend
    if p is None:
        verdict = "whether they differ by more than chance cannot be tested, for some group does not vary"
    elif p < findings.NOISE:
        verdict = f"the groups differ by more than chance ({p_value(p)})"
    else:
        verdict = f"no difference worth acting on, {_noise(p)}"
    sentences = [f"**{title} and spending** a customer (number of customers): {spend}; {verdict}."]
    acting = [c for c in found.contrasts if c.worth_acting_on]
    if acting:
        for c in sorted(acting, key=lambda c: -c.gap)[:5]:
            high, low = max(members, key=c.share.__getitem__), min(members, key=c.share.__getitem__)
            sentences.append(
                f"**{markdown(c.category)}** takes {percent(c.share[high])} of the spending of {_who(trait, high)} and "
                f"{percent(c.share[low])} of {_who(trait, low)} ({p_value(c.p_share or 0.0)} after Holm's correction)."
            )
    else:
        widest = max(found.contrasts, key=lambda c: c.gap)
        high, low = max(members, key=widest.share.__getitem__), min(members, key=widest.share.__getitem__)
        gap = (
            f"{markdown(widest.category)}, {percent(widest.share[high])} of the spending of {_who(trait, high)} "
            f"against {percent(widest.share[low])} of {_who(trait, low)}"
        )
        if widest.p_share is not None:
            gap += f" ({p_value(widest.p_share)} after Holm's correction)"
        sentences.append(
            f"**What is bought shows no difference by {name} worth acting on**: the widest gap is {gap}."
            if len(found.contrasts) > 1
            else f"With one category, what is bought cannot depend on {name}."
        )
    if trait == "gender" and len(found.contrasts) > 1:
        top = [
            f"{markdown(m)}: {listed(f'{markdown(c.category)} {percent(c.share[m])}' for c in found.contrasts[:5])}"
            for m in members
        ]
        sentences.append(f"Mean share of a customer's spending by category: {'; '.join(top)}.")
        spending = [c for c in found.contrasts if c.p_spend is not None and c.p_spend < findings.NOISE]
        for c in spending[:5]:
            high, low = max(members, key=c.spend.__getitem__), min(members, key=c.spend.__getitem__)
            sentences.append(
                f"{markdown(high)} customers spend more on **{markdown(c.category)}**: "
                f"{money(c.spend[high], currency)} each against "
                f"{money(c.spend[low], currency)} of {markdown(low)} ones ({p_value(c.p_spend or 0.0)} after Holm's "
                "correction)."
            )
        if not spending:
            sentences.append(
                "In no category does the money spent a customer differ between genders by more than chance."
            )
    if found.small:
        left = listed(markdown(m) for m in found.small)
        sentences.append(f"Left out for having fewer than {findings.FEWEST_BUYERS} customers: {left}.")
    return sentences


def _who(trait: str, member: str) -> str:
    return f"{markdown(member)} customers" if trait == "gender" else f"customers aged {markdown(member)}"


def _concentration(data: EdaData, currency: str) -> list[str]:
    found = findings.concentration(data)
    if found is None:
        if data.overview.customers == 0:
            return [
                "**Customers: not known.** The source does not name them, so neither loyalty nor concentration is "
                "known."
            ]
        return [f"**Concentration: not known.** {plural(data.overview.customers, 'known customer')}, too few to say."]
    text = (
        f"**The best 20 % of customers bring {percent(found.of_best(0.2))}** of the revenue of known customers, the "
        "best 10 % "
        f"{percent(found.of_best(0.1))}; {percent(found.half())} bring half of it."
    )
    orders = float(data.customer_tiles["orders"].sum()) / found.known
    if found.once == found.known:
        repeat = "Every known customer ordered exactly once: how often customers come back is not known."
    else:
        repeat = (
            f"A known customer ordered {orders:.1f} times on average; {percent(found.once / found.known)} ordered once."
        )
    return [text, repeat]


def _caveats(data: EdaData, country: str | None) -> list[str]:
    o = data.overview
    found = []
    days = len(data.daily)
    if days < _YEAR:
        found.append(
            f"The data span {plural(days, 'day')}, less than a year: nothing can be said of seasons of the year."
        )
    elif days < 2 * _YEAR:
        found.append(
            f"The data span {plural(days, 'day')}, less than two years: a season seen once cannot be told from a "
            "coincidence."
        )
    if o.orders / days < findings.FEWEST_ORDERS:
        found.append(
            f"There are {o.orders / days:.1f} orders a day on average, so single days and months swing widely by "
            "chance."
        )
    concentration = findings.concentration(data)
    if concentration is not None and concentration.once / concentration.known > 0.9:
        found.append(
            f"{percent(concentration.once / concentration.known)} of the known customers ordered once: what looks "
            "like good "
            "customers are large orders."
        )
    for what, lines in (("gender", o.gender_lines), ("age", o.age_lines)):
        if 0 < lines < o.lines:
            found.append(
                f"The {what} is known for {percent(lines / o.lines)} of the lines only; the others may differ."
            )
    if o.anonymous_lines > 0:
        found.append(
            f"{percent(o.anonymous_lines / o.lines)} of the lines have no customer; they count in sales, not in "
            "customers."
        )
    if o.timed_lines == 0:
        found.append("Sales have a date and no time of day: busy hours are not known.")
    found.append(
        f"A difference counts as more than chance below p = {findings.NOISE:.2f}, and a preference as worth acting on "
        f"from {findings.WORTH_ACTING_ON * 100:.0f} percentage points of a customer's spending. No difference tells "
        "cause from effect."
    )
    return found
