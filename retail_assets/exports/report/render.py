"""Write the report: one HTML file that needs nothing else, complete without JavaScript."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markdown_it import MarkdownIt
from markupsafe import Markup

from retail_assets import __version__
from retail_assets.exports.report.charts.parts import Chart
from retail_assets.exports.report.drawing import VEGA_LITE, svg
from retail_assets.exports.report.facts import Facts
from retail_assets.exports.report.page_parts import Parts, lay_out
from retail_assets.exports.report.tables import Cell, Head, Line, Table, words
from retail_assets.serving.http.templates import shared_css, templates, text_of
from retail_assets.wording.formats import money, span

SECTIONS = {
    "happened": "What happened",
    "will-happen": "What will happen",
    "who-buys": "Who buys",
    "to-do": "What to do",
    "how-good": "How far to trust it",
    "how-made": "How it was made",
}
_MARKDOWN = MarkdownIt("commonmark", {"html": False})


@dataclass(frozen=True)
class CheckResult:
    """What a check of the platform found last.

    Attributes:
        name: of the check and what it is on.
        passed: whether it passed.
        severity: of a failure: `ERROR` blocks, `WARN` does not.
        text: what it found.
    """

    name: str
    passed: bool
    severity: str
    text: str


@dataclass(frozen=True)
class Run:
    """The run that makes the page: its id, and the address of its page in Dagster where that is known."""

    id: str
    link: str | None = None


@dataclass(frozen=True)
class _Number:
    key: str
    name: str
    text: str
    value: str


def render(
    facts: Facts,
    source: str,
    *,
    parts: Parts | None = None,
    checks: Sequence[CheckResult] = (),
    run: Run | None = None,
) -> bytes:
    """Write the page. The same facts give the same bytes.

    Args:
        facts: see `read_facts`.
        source: name of the shop's contract.
        parts: the charts and tables of the facts, where they have been laid out already.
        checks: what the checks found.
        run: the run that makes the page.
    """
    parts = parts or lay_out(facts)
    laid_out = dict(parts.tables)
    if checks:
        laid_out["checks"] = _checks(checks)
    return (
        templates(__package__, "page")
        .get_template("report.html.j2")
        .render(
            title=f"{source}: sales, forecast and customers",
            subtitle=_subtitle(facts),
            sections=list(SECTIONS.items()),
            numbers=_numbers(facts),
            charts={key: _drawn(chart) for key, chart in parts.charts.items()},
            tables=laid_out,
            reasons=parts.reasons,
            changes=[_inline(each["sentence"]) for each in facts.changes.get("statements", [])],
            last_change=[_inline(sentence) for sentence in facts.changes.get("last_change", [])],
            insights=_markdown(_without_title(facts.insights)),
            stock=[entry["text"] for entry in facts.recommendations.get("stock", [])],
            advice_notes=facts.recommendations.get("notes", []),
            verdicts=[text for text in [facts.evaluation.get("verdict")] if text],
            run=run,
            version=__version__,
            footer=f"Made by retail-assets {__version__} from the warehouse's tables.",
            css=Markup(shared_css() + text_of(__package__, "page", "report.css")),  # noqa: S704 - files of this package
            script=Markup(text_of(__package__, "page", "report.js")),  # noqa: S704
            library=Markup(_library()),  # noqa: S704
            licenses=Markup(text_of(__package__, "page", "licenses.txt")),  # noqa: S704
        )
        .encode()
    )


def _subtitle(facts: Facts) -> str:
    first, last = facts.overview["first_day"], facts.overview["last_day"]
    return "There are no sales yet." if first is None else f"Sales from {span(first, last)}."


def _numbers(facts: Facts) -> list[_Number]:
    o = facts.overview
    if o["first_day"] is None:
        return []
    shown = [
        _Number("revenue", "Revenue, net of returns", money(float(o["revenue"]), facts.currency), str(o["revenue"])),
        *(
            _Number(key, head, f"{o[key]:,}", str(o[key]))
            for key, head in (("orders", "Orders"), ("customers", "Known customers"))
            if o[key]
        ),
        _Number("lines", "Order lines", f"{o['lines']:,}", str(o["lines"])),
        _Number("categories", "Categories", f"{o['categories']:,}", str(o["categories"])),
    ]
    return shown


def _checks(checks: Sequence[CheckResult]) -> Table:
    """Failed ones first; all that passed in one line."""
    failed = [check for check in checks if not check.passed]
    lines = [
        Line([words(check.name), words("failed" if check.severity == "ERROR" else "warning"), _as_markdown(check.text)])
        for check in sorted(failed, key=lambda check: (check.severity != "ERROR", check.name))
    ]
    passed = len(checks) - len(failed)
    lines.append(Line([words(f"{passed} of {len(checks)} checks"), words("passed"), words("")]))
    return Table("checks", "Checks", [Head("Check"), Head("Result"), Head("What it found")], lines)


def _as_markdown(text: str) -> Cell:
    """A cell with what a check says, which is Markdown for Dagster's pages."""
    return Cell(_inline(text), text)


def _inline(text: str) -> Markup:
    """One line of Markdown. HTML within it stays text."""
    return Markup(_MARKDOWN.renderInline(text))  # noqa: S704


def _drawn(chart: Chart) -> dict[str, Any]:
    return {
        "key": chart.key,
        "title": chart.title,
        "text": chart.text,
        "svg": Markup(svg(chart.spec)),  # noqa: S704 - Vega escapes the texts in it
        "json": Markup(_script_json(chart.spec)),  # noqa: S704
    }


def _script_json(value: Any) -> str:
    """Write JSON that cannot end the script element it stands in."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _markdown(text: str) -> Markup:
    """Render a page of the platform. Markup within it that is HTML stays text."""
    return Markup(_MARKDOWN.render(text))  # noqa: S704


def _without_title(page: str) -> str:
    """The page without its first heading, and its sections one level lower."""
    body = page.split("\n", 1)[1] if page.startswith("# ") and "\n" in page else page
    return "\n".join("#" + line if line.startswith("## ") else line for line in body.split("\n"))


@functools.cache
def _library() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script, which sets `vegaEmbed`."""
    import vl_convert

    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=VEGA_LITE)
    return bundle.replace("</script", "<\\/script")
