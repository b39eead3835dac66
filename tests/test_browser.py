"""The tests' browser: it reports the errors of a page, and blocks requests to other machines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import Browser, running_browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as running:
        yield running


def opened(browser: Browser, tmp_path: Path, html: str) -> str:
    """Open this page from a file; returns its title."""
    file = tmp_path / "page.html"
    file.write_text(html)
    with browser.page(width=390, dark=True) as page:
        page.goto(file.as_uri())
        return page.title()


def test_a_page_has_the_wanted_width_and_colour_scheme(browser: Browser, tmp_path: Path) -> None:
    script = "document.title = [innerWidth, matchMedia('(prefers-color-scheme: dark)').matches]"
    assert opened(browser, tmp_path, f"<script>{script}</script>") == "390,true"


@pytest.mark.parametrize(
    ("html", "error"),
    [
        ("<script>console.error('broken')</script>", "console: broken"),
        ("<script>throw Error('thrown')</script>", "exception: thrown"),
        ("<img src='https://tracker.example/pixel.png'>", "request to https://tracker.example/pixel.png"),
    ],
)
def test_an_error_of_a_page_fails_the_test(browser: Browser, tmp_path: Path, html: str, error: str) -> None:
    with pytest.raises(AssertionError, match=error):
        opened(browser, tmp_path, html)
