"""The browser of the tests: it sees a page's errors, and lets no page out of this machine."""

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
    """The title of this page, opened from a file."""
    file = tmp_path / "page.html"
    file.write_text(html)
    with browser.page(width=390, dark=True) as page:
        page.goto(file.as_uri())
        return page.title()


def test_a_page_is_shown_as_wide_and_as_dark_as_asked_for(browser: Browser, tmp_path: Path) -> None:
    script = "document.title = [innerWidth, matchMedia('(prefers-color-scheme: dark)').matches]"
    assert opened(browser, tmp_path, f"<script>{script}</script>") == "390,true"


@pytest.mark.parametrize(
    ("html", "complaint"),
    [
        ("<script>console.error('broken')</script>", "console: broken"),
        ("<script>throw Error('thrown')</script>", "exception: thrown"),
        ("<img src='https://tracker.example/pixel.png'>", "request to https://tracker.example/pixel.png"),
    ],
)
def test_what_is_wrong_with_a_page_fails_the_test(browser: Browser, tmp_path: Path, html: str, complaint: str) -> None:
    with pytest.raises(AssertionError, match=complaint):
        opened(browser, tmp_path, html)
