"""A headless Chromium for tests, driven by Playwright. An error of a page, or a request to another machine, fails the
test.

with running_browser() as browser, browser.page(width=390, dark=True) as page:
    page.goto("http://127.0.0.1:8089/")
    page.get_by_role("button", name="Start").click()

``page`` is Playwright's own. Where Playwright or Chromium is missing, the test is skipped. A running browser keeps an
asyncio loop in this thread, so it should live no longer than a test or a module: ``asyncio.run`` fails meanwhile.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser as Chromium
    from playwright.sync_api import ConsoleMessage, Error, Page, Request, Route, WebSocket

__all__ = ["Browser", "running_browser"]

TIMEOUT_MS = 20_000.0  # of every wait for a page
HEIGHT = 900
FLAGS = (
    "--no-sandbox",  # or it does not start as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
LOOPBACK = ("127.0.0.1", "localhost", "::1")
LOCAL_SCHEMES = ("about", "blob", "data", "file")


@dataclass(frozen=True)
class Browser:
    """A running browser."""

    chromium: Chromium

    @contextmanager
    def page(self, *, width: int = 1280, height: int = HEIGHT, dark: bool = False) -> Iterator[Page]:
        """A new page in a profile of its own.

        Args:
            width: of the page, in CSS pixels; a phone has 390.
            height: of what is seen of it at once.
            dark: whether its reader prefers dark colours.

        Raises:
            AssertionError: at the end, for errors on its console, exceptions, and requests beyond loopback. These are
                never made.
        """
        context = self.chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light"
        )
        context.set_default_timeout(TIMEOUT_MS)
        errors: list[str] = []

        def heard(message: ConsoleMessage) -> None:
            if message.type == "error":
                errors.append(f"console: {message.text}")

        def raised(error: Error) -> None:
            errors.append(f"exception: {error}")

        def asked(request: Request | WebSocket) -> None:
            if not is_local(request.url):
                errors.append(f"request to {request.url}")

        def only_local(route: Route) -> None:
            if is_local(route.request.url):
                route.continue_()
            else:
                route.abort()

        context.on("request", asked)
        context.route("**/*", only_local)
        page = context.new_page()
        page.on("console", heard)
        page.on("pageerror", raised)
        page.on("websocket", asked)
        try:
            yield page
        finally:
            context.close()
        assert not errors, "\n".join(errors)


def is_local(url: str) -> bool:
    """Whether a request for this leaves the machine alone."""
    parts = urlsplit(url)
    return parts.scheme in LOCAL_SCHEMES or parts.hostname in LOOPBACK


@contextmanager
def running_browser(*flags: str) -> Iterator[Browser]:
    """Debian's Chromium, without a window, with these flags besides the usual ones."""
    api = pytest.importorskip("playwright.sync_api", reason="no Playwright (pip install playwright)")
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("no chromium (apt-get install chromium)")
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=[*FLAGS, *flags], timeout=TIMEOUT_MS)
        try:
            yield Browser(chromium)
        finally:
            chromium.close()
