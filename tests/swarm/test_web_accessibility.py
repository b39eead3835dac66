"""Our pages can be used by everybody: the rules of WCAG 2.2 AA that a machine can check, and narrow screens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.accessibility.axe import contrast, violations
from tests.browser import Browser, running_browser
from tests.swarm.test_web_pages import choose, locust_at

if TYPE_CHECKING:
    from playwright.sync_api import Page

LOOKS = [(1280, False), (1280, True), (390, False), (390, True)]
BORDERS = """() => [...document.querySelectorAll("select, input:not([type=checkbox]):not([type=hidden])")]
  .map(getComputedStyle).map(({ borderTopColor, backgroundColor }) => [borderTopColor, backgroundColor])"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as running:
        yield running


def hexadecimal(rgb: str) -> str:
    """A computed colour, ``rgb(1, 2, 3)``, as ``#010203``."""
    return "#" + "".join(f"{int(part):02x}" for part in rgb.removeprefix("rgb(").removesuffix(")").split(","))


def check(page: Page, width: int) -> None:
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for border, background in page.evaluate(BORDERS):
        assert contrast(hexadecimal(border), hexadecimal(background)) >= 3


def test_every_page_in_light_and_dark_on_a_desk_and_on_a_phone(browser: Browser, tmp_path: Path) -> None:
    with locust_at(tmp_path) as locust:
        for width, dark in LOOKS:
            with browser.page(width=width, dark=dark) as page:
                page.goto(f"{locust}/softphone/")
                choose(page, "long")
                check(page, width)
        with browser.page() as page:
            page.goto(f"{locust}/softphone/")
            choose(page, "long")
            page.get_by_role("button", name="Start").click()
            page.locator("#phase").get_by_text("running").wait_for()
        for width, dark in LOOKS:
            with browser.page(width=width, dark=dark) as page:
                page.goto(f"{locust}/softphone/")
                page.locator("#limited .main-svg").first.wait_for()
                check(page, width)
        with browser.page() as page:
            page.goto(f"{locust}/softphone/")
            page.get_by_role("button", name="Stop").click()
            page.locator("#phase").get_by_text("invalid").wait_for()
        for width, dark in LOOKS:
            with browser.page(width=width, dark=dark) as page:
                page.goto(f"{locust}/softphone/")
                page.locator("#plan").get_by_text(": the last softphone starts").wait_for()
                page.locator("#limited .main-svg").first.wait_for()
                check(page, width)
                page.get_by_role("link", name="Finished runs").click()
                page.get_by_role("checkbox").wait_for()
                check(page, width)
