"""The facts of the report in a few lines of Markdown, for an e-mail or a chat."""

from __future__ import annotations

from retail_assets.exports.report.facts import Facts
from retail_assets.exports.report.page_parts import Parts
from retail_assets.storage.markdown_text import as_cell
from retail_assets.wording.formats import money, span

_INSIGHTS = 5
#: Charts whose sentence is in the digest, with the heading that it stands under.
_SENTENCES = {
    "What will happen": ("forecast",),
    "Who buys": ("segments", "new_customers"),
    "How far to trust it": ("backtest", "landings"),
}


def digest(facts: Facts, parts: Parts, source: str) -> str:
    """Write the digest of the facts and of what is laid out of them; text from the data is no markup in it."""
    o = facts.overview
    title = f"# {as_cell(source)}: digest\n"
    if o["first_day"] is None:
        return f"{title}\nThere are no sales yet.\n"
    revenue = money(float(o["revenue"]), facts.currency)
    sentences = {key: chart.text for key, chart in parts.charts.items()}
    lines = [
        title,
        f"Sales from {span(o['first_day'], o['last_day'])}: {revenue} net of returns.",
        "",
        "## What happened",
        "",
        *_insights(facts),
    ]
    if facts.changes.get("statements"):  # Markdown already
        lines += ["", "## Since the last run", "", *(f"- {each['sentence']}" for each in facts.changes["statements"])]
    for heading, keys in _SENTENCES.items():
        found = [sentences[key] for key in keys if key in sentences]
        if found:
            lines += ["", f"## {heading}", "", *(f"- {as_cell(text)}" for text in found)]
    advice = [as_cell(entry["text"]) for entry in facts.recommendations.get("stock", [])]
    if actions := parts.tables.get("actions"):
        advice += [
            f"**{as_cell(name.value)}**: {as_cell(text.value)}" for name, text in (r.cells for r in actions.rows)
        ]
    if advice:
        lines += ["", "## What to do", "", *(f"- {text}" for text in advice)]
    return "\n".join(lines) + "\n"


def _insights(facts: Facts) -> list[str]:
    """The first sentences of `insights.md`, which are Markdown already."""
    return [line for line in facts.insights.splitlines() if line.startswith("- ")][:_INSIGHTS]
