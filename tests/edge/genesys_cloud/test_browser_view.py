"""What a browser sees of caps on sessions: close code 1006 and no reason, whether it was refused or evicted."""

from __future__ import annotations

from typing import Any

from tests.browser import running_browser
from tests.edge.conftest import StartEdge
from tests.edge.genesys_cloud.agent import Agent

POLICY = """
limits:
  sessions:
  - {kind: evicting-cap, cap: 1, key: [user]}
  - {kind: session-cap, cap: 2, refusal: {after: 100ms}}
"""

CONNECT = """
url => new Promise(resolve => {
    const socket = new WebSocket(url, "xmpp")
    const seen = {opened: false}
    socket.onopen = () => { seen.opened = true; resolve(seen) }
    socket.onclose = event => {
        Object.assign(seen, {code: event.code, clean: event.wasClean, reason: event.reason})
        resolve(seen)
    }
    window.seen = [...(window.seen ?? []), seen]
})
"""


def test_a_browser_sees_1006_for_a_refused_and_for_an_evicted_session(start_edge: StartEdge) -> None:
    edge = start_edge(POLICY)

    def uri(user: str) -> str:
        channel: dict[str, Any] = Agent(edge, user).channel().json()
        return str(channel["connectUri"])

    with running_browser() as browser:
        page = browser.chromium.new_page()  # a page of tests.browser would report the errors that are wanted here
        assert page.evaluate(CONNECT, uri("ann")) == {"opened": True}
        assert page.evaluate(CONNECT, uri("ann"))["opened"]
        page.wait_for_function("window.seen[0].code")
        dropped = {"opened": True, "code": 1006, "clean": False, "reason": ""}
        assert page.evaluate("window.seen[0]") == dropped
        assert page.evaluate(CONNECT, uri("bob"))["opened"]
        refused = {"opened": False, "code": 1006, "clean": False, "reason": ""}
        assert page.evaluate(CONNECT, uri("cec")) == refused
        page.close()
    stats = edge.stats()
    assert stats["cuts"]["evicted"] == 1
    assert stats["refused_by"]["handshake"] == {"session-cap": 1}
