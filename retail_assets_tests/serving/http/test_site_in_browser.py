"""The server's pages in a real browser: light, dark, on a phone, by keyboard, and for people who do not see them.

Pictures of each are kept below the folder of the test, whose name is printed: `pytest -s`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from retail_assets.serving.http.site import PATHS
from retail_assets_tests.services.browser import IN_BROWSER, chromium
from retail_assets_tests.serving.http.running import Running, running
from retail_assets_tests.serving.shop import shop_at

pytestmark = IN_BROWSER

SHOWN = (*PATHS, "/customers?id=Once", "/?category=Books")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("site")
    shop = shop_at(folder / "shop")
    shop.publish()
    print(f"\npictures: {folder}")
    with running(folder, shop.uri, "--rate", "0") as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


def opened(browser: Any, server: Running, problems: list[str], **options: Any) -> Any:
    """A page whose complaints, and requests to elsewhere, go to `problems`."""
    page = browser.new_context(**{"viewport": {"width": 1100, "height": 900}, **options}).new_page()
    page.set_default_timeout(30_000)
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("requestfailed", lambda request: problems.append(request.url))

    def elsewhere(request: Any) -> None:
        if not request.url.startswith((server.url, "data:")):
            problems.append(request.url)

    page.on("request", elsewhere)
    return page


def picture(server: Running, page: Any, name: str) -> None:
    page.screenshot(path=str(server.log_file.parent / f"{name}.png"), full_page=True)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("light", {"color_scheme": "light"}),
        ("dark", {"color_scheme": "dark"}),
        ("phone", {"viewport": {"width": 360, "height": 740}}),
        ("without-scripts", {"java_script_enabled": False}),
    ],
)
def test_pages_are_whole_and_complain_of_nothing(
    browser: Any, server: Running, name: str, options: dict[str, Any]
) -> None:
    problems: list[str] = []
    page = opened(browser, server, problems, **options)
    for number, path in enumerate(SHOWN):
        assert page.goto(server.url + path).status == 200
        assert page.locator("h1").count() == 1
        assert page.locator("nav a[aria-current=page]").count() == 1
        picture(server, page, f"{name}-{number}")
        if name != "without-scripts":
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= page.viewport_size["width"], path
    assert problems == []


def test_light_and_dark_are_readable(browser: Any, server: Running) -> None:
    colors = {}
    for scheme in ("light", "dark"):
        page = opened(browser, server, [], color_scheme=scheme)
        page.goto(server.url)
        script = "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
        colors[scheme] = page.evaluate(script)
        text = page.locator("svg text").first
        assert text.evaluate("each => getComputedStyle(each).fill") == colors[scheme][1]
    assert colors["light"][0] == "rgb(255, 255, 255)"
    assert colors["light"][0] != colors["dark"][0]


def test_a_chart_lies_inside_its_frame(browser: Any, server: Running) -> None:
    page = opened(browser, server, [])
    for path in ("/", "/customers", "/health"):
        page.goto(server.url + path)
        frame = page.locator(".chart").first.bounding_box()
        texts = page.locator("svg text").all()
        assert texts
        for text in texts:
            box = text.bounding_box()
            if box and box["width"]:
                assert box["x"] >= frame["x"] - 1, text.text_content()
                assert box["x"] + box["width"] <= frame["x"] + frame["width"] + 1, text.text_content()


def test_everything_is_reached_by_keyboard(browser: Any, server: Running) -> None:
    page = opened(browser, server, [])
    page.goto(server.url)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    names = []
    for _ in range(12):
        page.keyboard.press("Tab")
        names.append(page.evaluate("document.activeElement.name || document.activeElement.textContent.trim()"))
    assert names[:7] == ["Forecast", "What to stock", "Customers", "Rejected rows", "Health", "category", "Show"]
    page.locator("select[name=category]").focus()
    page.keyboard.type("Books")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?category=Books")
    assert page.locator("h2").first.text_content() == "Forecast of Books"
    page.locator("nav a", has_text="Customers").focus()
    page.keyboard.press("Enter")
    page.locator("input[name=id]").fill("Once")
    page.keyboard.press("Enter")
    page.wait_for_url("**/customers?id=Once")
    assert "Customer Once" in page.locator("h2").first.text_content()


def test_axe_finds_nothing_that_keeps_people_out(browser: Any, server: Running) -> None:
    from axe_playwright_python.sync_playwright import Axe

    for scheme in ("light", "dark"):
        page = browser.new_context(bypass_csp=True, color_scheme=scheme).new_page()
        for path in SHOWN:
            page.goto(server.url + path)
            found = Axe().run(page)
            assert found.violations_count == 0, f"{path}: {found.generate_report()}"


def test_a_shop_whose_names_are_markup_runs_nothing(browser: Any, server: Running) -> None:
    problems: list[str] = []
    page = opened(browser, server, problems)
    page.on("dialog", lambda dialog: problems.append(dialog.message))
    evil = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    page.goto(f"{server.url}/customers?{httpx.QueryParams({'id': evil})}")
    assert page.locator("input[name=id]").input_value() == evil
    assert page.locator("main img, main script").count() == 0
    assert [each for each in problems if "404" not in each] == []
