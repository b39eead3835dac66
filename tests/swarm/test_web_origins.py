"""A page of another site can neither start or stop a run nor read anything, in a real browser too."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from locust_softphone.commands.locust_process import unused_port
from tests.browser import running_browser
from tests.edge.softphone import eventually
from tests.swarm.locust_process import running_locust
from tests.swarm.web_ui import WebUI

if TYPE_CHECKING:
    from playwright.sync_api import Page

FORM = "user_count=1&spawn_rate=1&softphone_profile="
READ = """async (urls) => Promise.all(
  urls.map((url) => fetch(url).then((response) => response.text(), () => "unreadable")))"""
POST = """(action) => {
  const form = Object.assign(document.createElement("form"), { method: "post", action });
  for (const [name, value] of [["softphone_profile", "smoke"], ["user_count", 1], ["spawn_rate", 1]])
    form.append(Object.assign(document.createElement("input"), { name, value }));
  document.body.append(form);
  form.submit();
}"""


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    port, folder = unused_port(), tmp_path_factory.mktemp("locust")
    where = ("--web-host", "127.0.0.1", "--web-port", str(port), "--softphone-allowed-host", "allowed.test,other.test")
    with running_locust(folder, *where, profile=None):
        eventually(WebUI(port).is_there)
        yield port


def status(port: int, method: str, path: str, headers: dict[str, str], body: str = "") -> tuple[int, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    typed = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
    try:
        connection.request(method, path, body, {**typed, **headers})
        answer = connection.getresponse()
        answer.read()
        return answer.status, dict(answer.headers)
    finally:
        connection.close()


CHANGES = ("/swarm", "/stop", "/softphone/stop", "/stats/reset")

HEADERS = [
    # of another site
    ({"Origin": "http://evil.example"}, 403),
    ({"Origin": "http://evil.example:{port}"}, 403),
    ({"Origin": "http://127.0.0.1:1"}, 403),
    ({"Origin": "http://localhost:{port}"}, 403),  # asked at 127.0.0.1
    ({"Origin": "null"}, 403),
    ({"Origin": ""}, 200),  # as good as none
    ({"Origin": "http://[broken"}, 403),
    ({"Origin": "http://127.0.0.1:{port}@evil.example"}, 403),
    ({"Referer": "http://evil.example/page"}, 403),
    ({"Sec-Fetch-Site": "cross-site"}, 403),
    ({"Sec-Fetch-Site": "same-site"}, 403),
    # of its own pages, of an allowed name, and of programs
    ({"Origin": "http://127.0.0.1:{port}"}, 200),
    ({"Origin": "http://127.0.0.1:{port}", "Sec-Fetch-Site": "same-origin"}, 200),
    ({"Referer": "http://127.0.0.1:{port}/softphone/"}, 200),
    ({"Origin": "https://allowed.test"}, 200),
    ({}, 200),
]


@pytest.mark.parametrize(("headers", "expected"), HEADERS)
def test_what_changes_something_must_come_from_an_own_page(port: int, headers: dict[str, str], expected: int) -> None:
    sent = {name: value.format(port=port) for name, value in headers.items()}
    for path in CHANGES:
        body = f"{FORM}no-such" if path == "/swarm" else ""
        assert status(port, "POST", path, sent, body)[0] == expected, path


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1:{port}", 200),
        ("localhost:{port}", 200),
        ("here.localhost", 200),
        ("[::1]:{port}", 200),
        ("192.0.2.7", 200),  # a page cannot be led to another address than the one in its own
        ("ALLOWED.test:{port}", 200),
        ("other.test", 200),
        ("victim.test:{port}", 403),
        ("127.0.0.1.victim.test", 403),
        ("localhost.victim.test", 403),
        ("", 403),
    ],
)
def test_a_foreign_host_name_is_refused(port: int, host: str, expected: int) -> None:
    for path in ("/", "/stats/requests", "/softphone/", "/softphone/live", "/softphone/metrics"):
        assert status(port, "GET", path, {"Host": host.format(port=port)})[0] == expected, path


READERS = (("http://allowed.test", True), ("http://evil.example", False), ("null", False), ("https://other.test", True))


def test_only_an_allowed_origin_may_read_answers(port: int) -> None:
    for path in ("/stats/requests", "/softphone/live", "/logs", "/"):
        for origin, readable in READERS:
            headers = status(port, "GET", path, {"Origin": origin})[1]
            assert headers.get("Access-Control-Allow-Origin") == (origin if readable else None), path
            assert headers.get("Cross-Origin-Resource-Policy") == (None if readable else "same-origin"), path


def test_a_browser_with_a_page_of_another_site(port: int, tmp_path: Path) -> None:
    """Names without https: the browser leaves ``Sec-Fetch-Site`` out."""
    web = WebUI(port)
    with running_browser("--host-resolver-rules=MAP *.test 127.0.0.1, MAP *.example 127.0.0.1") as browser:
        page: Page = browser.chromium.new_page()
        page.route("http://evil.example/", lambda route: route.fulfill(body="<body>", content_type="text/html"))
        for host in ("127.0.0.1", "allowed.test", "victim.test"):
            page.goto("http://evil.example/")
            urls = [f"http://{host}:{port}{path}" for path in ("/softphone/live", "/stats/requests", "/logs")]
            assert page.evaluate(READ, urls) == ["unreadable"] * 3
            with page.expect_navigation():
                page.evaluate(POST, f"http://{host}:{port}/swarm")
            assert "is not a name of this machine" in page.content() or "another site" in page.content()
            assert web.live()["phase"] == "idle"
        page.goto(f"http://victim.test:{port}/softphone/")
        page.get_by_text("--softphone-allowed-host").wait_for()

        page.goto(f"http://allowed.test:{port}/softphone/")
        page.get_by_label("Profile").select_option("smoke")
        page.get_by_role("button", name="Start").click()
        page.locator("#totals").wait_for()
        assert web.live()["run"]["profile"] == "smoke"
