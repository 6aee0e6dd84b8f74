"""The report in a real browser: as drawn by scripts and without them, light, dark, on a phone, on paper, by keyboard.

Pictures of each are kept below the folder of the test, whose name is printed: `pytest -s`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from retail_assets.exports.report.write import write_report
from retail_assets.storage import Store
from retail_assets_tests.exports.outputs import fill_outputs
from retail_assets_tests.services.browser import IN_BROWSER, chromium
from retail_assets_tests.wording.shops import open_shop

pytestmark = IN_BROWSER


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a shop whose category names are markup."""
    folder = tmp_path_factory.mktemp("report")
    shop, output = open_shop("young", folder), Store(str(folder / "output"))
    fill_outputs(shop, output)
    write_report(shop.warehouse, output, "young", shop.currency)
    print(f"\nreport and pictures: {folder}")
    return folder / "output" / "report.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def problems() -> list[str]:
    return []


def opened(browser: Any, report: Path, problems: list[str], **options: Any) -> Any:
    """Open the report from its file; whatever it complains about or fetches goes to `problems`."""
    page = browser.new_context(**{"viewport": {"width": 1100, "height": 900}, **options}).new_page()
    page.set_default_timeout(30_000)
    page.on("console", lambda message: problems.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: problems.append(request.url) if not request.url.startswith("file:") else None)
    page.goto(report.as_uri())
    return page


def drawn(page: Any) -> None:
    """Scroll through the page until every chart is drawn by script."""
    charts = page.locator(".chart")
    for at in range(charts.count()):
        charts.nth(at).scroll_into_view_if_needed()
        charts.nth(at).locator(".vega-embed svg").wait_for()


def photographed(page: Any, report: Path, name: str) -> None:
    page.screenshot(path=report.parent.parent / f"{name}.png", full_page=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1100, 380])
def test_it_is_drawn_without_complaint_and_nothing_is_wider_than_the_screen(
    browser: Any, report: Path, problems: list[str], scheme: str, width: int
) -> None:
    page = opened(browser, report, problems, color_scheme=scheme, viewport={"width": width, "height": 900})
    drawn(page)
    photographed(page, report, f"{scheme}-{width}")
    assert problems == []
    assert page.locator(".static").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_it_is_complete_without_scripts(browser: Any, report: Path, problems: list[str]) -> None:
    page = opened(browser, report, problems, java_script_enabled=False)
    charts = page.locator(".chart .static svg")
    assert charts.count() == page.locator("figure").count() >= 6
    assert all(charts.nth(at).bounding_box()["height"] > 50 for at in range(charts.count()))
    photographed(page, report, "without-scripts")
    assert problems == []


REDRAWN = "before => document.querySelector('.chart path[aria-roledescription]').getAttribute('d') !== before"


def test_the_lists_choose_what_a_chart_shows(browser: Any, report: Path, problems: list[str]) -> None:
    page = opened(browser, report, problems)
    drawn(page)
    chart = page.locator('.chart[data-chart="sales"]')
    line = chart.locator("svg path[aria-roledescription='line mark']")
    category, period = chart.locator("select").nth(0), chart.locator("select").nth(1)
    labels = category.locator("option").all_inner_texts()
    assert labels[0] == "All categories"
    assert set(labels[1:]) == {"Bread & Cake", "Hot <drinks>", "*Snacks*"}
    everything = line.get_attribute("d")
    category.select_option(label="Hot <drinks>")
    page.wait_for_function(
        f"document.querySelector('.chart path[aria-roledescription]').getAttribute('d') !== '{everything}'"
    )
    drinks = line.get_attribute("d")
    period.select_option(label="last 28 days")
    page.wait_for_function(
        f"document.querySelector('.chart path[aria-roledescription]').getAttribute('d') !== '{drinks}'"
    )
    assert str(line.get_attribute("d")).count("L") == 27
    assert problems == []


def test_a_day_is_the_same_day_on_every_clock(browser: Any, report: Path, problems: list[str]) -> None:
    """A date without an hour is midnight in Greenwich for a browser, which is the day before in America."""
    seen = []
    for zone in ("UTC", "America/Los_Angeles", "Pacific/Auckland"):
        page = opened(browser, report, problems, timezone_id=zone)
        drawn(page)
        labels = page.locator(".chart svg .role-axis-label text").all_text_contents()
        seen.append([label for label in labels if re.fullmatch(r"\d+ \w{3} \d\d", label)])
        page.context.close()
    assert len(seen[0]) > 10
    assert seen[0] == seen[1] == seen[2]
    assert problems == []


def test_tables_are_sorted_by_keyboard_and_downloaded_as_csv(browser: Any, report: Path, problems: list[str]) -> None:
    page = opened(browser, report, problems)
    table = page.locator("#categories")
    head = table.locator("th button").nth(0)
    first = table.locator("tbody tr td:first-child")
    head.focus()
    page.keyboard.press("Enter")
    assert table.locator("th").nth(0).get_attribute("aria-sort") == "descending"
    assert first.all_inner_texts()[0] == "Hot <drinks>"
    page.keyboard.press("Enter")
    assert table.locator("th").nth(0).get_attribute("aria-sort") == "ascending"
    with page.expect_download() as download:
        page.get_by_role("button", name="Download as CSV: Revenue by category").click()
    rows = list(csv.reader(Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()))
    assert rows[0][0] == "Category"
    assert {row[0] for row in rows[1:]} == {"Bread & Cake", "Hot <drinks>", "*Snacks*"}
    assert all(re.fullmatch(r"-?[\d.]+", row[1]) for row in rows[1:])
    formula = page.evaluate("csvCell('=cmd|x') + csvCell('-1.5') + csvCell('@sum(1)')")
    assert formula == '"\'=cmd|x""-1.5""\'@sum(1)"'
    assert problems == []


def test_every_control_is_reached_by_the_tab_key(browser: Any, report: Path, problems: list[str]) -> None:
    page = opened(browser, report, problems)
    drawn(page)
    page.evaluate("window.scrollTo(0, 0)")
    wanted = page.locator("a[href], button, select, summary").count()
    reached = set()
    for _ in range(wanted + 40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("[...document.querySelectorAll('*')].indexOf(document.activeElement)"))
    controls = page.evaluate(
        "[...document.querySelectorAll('a[href], button, select, summary')].filter(e => e.checkVisibility())"
        ".map(e => [...document.querySelectorAll('*')].indexOf(e))"
    )
    assert set(controls) <= reached


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Any, report: Path, problems: list[str], scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = opened(browser, report, problems, color_scheme=scheme)
    drawn(page)
    violations = Axe().run(page).response["violations"]
    serious = [v for v in violations if v["impact"] in ("serious", "critical")]
    found = [(v["id"], v["help"], [node["html"][:200] for node in v["nodes"][:3]]) for v in serious]
    assert found == []


def test_it_prints_on_a4(browser: Any, report: Path, problems: list[str]) -> None:
    page = opened(browser, report, problems)
    drawn(page)
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible()
    assert not page.locator("button.csv").first.is_visible()
    paper = report.parent.parent / "a4.pdf"
    page.pdf(path=paper, prefer_css_page_size=True)
    written = paper.read_bytes()
    assert written.startswith(b"%PDF")
    boxes = set(re.findall(rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)", written))
    assert {(round(float(w)), round(float(h))) for w, h in boxes} == {(595, 842)}
