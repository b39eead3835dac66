"""The fault matrix: what goes wrong, and what a softphone makes of it."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

from tests.faults.proxies import Proxy, haproxy, nginx, through
from tests.faults.scripted_edge import Fault, Visit, answer, reply, scripted_edge
from tests.signaling.scripted_server import accept_lines, close_frame, frame, resets, waits_for_the_client

__all__ = ["CASES", "Case", "Seen"]

QUICK = {"timeout": "1s"}
OFTEN = 10_000


@dataclass(frozen=True)
class Seen:
    """What came of a fault.

    Args:
        outcome: of the attempt that met it, or how the connection that was held ended.
        code: the close code that was counted for it; none where no WebSocket was concerned.
        then: what the next try did.
    """

    outcome: str
    code: int | None
    then: str


@dataclass(frozen=True)
class Case:
    """One fault.

    Args:
        name: what goes wrong.
        step: where: a step, or ``hold``.
        edge: runs whatever it takes; yields the URL to call.
        seen: what is to come of it.
        by: what does it.
        softphone: how the softphone behaves, beyond the usual.
        hold: how long a call is held: not at all, until it is dropped, or briefly.
    """

    name: str
    step: str
    edge: Callable[[], AbstractContextManager[str]]
    seen: Seen
    by: str = "a script"
    softphone: Mapping[str, Any] = field(default_factory=dict)
    hold: str = ""


def scripted(name: str, step: str, fault: Fault, seen: Seen, **more: Any) -> Case:
    """A fault that no well-kept server has."""
    hold = more.pop("hold", "until dropped" if step == "hold" else "")
    return Case(name, step, lambda: scripted_edge({step: [fault]}), seen, softphone=more, hold=hold)


# What a server says.


def says(data: bytes) -> Fault:
    """Say so, then leave with a FIN once the client has nothing more to say."""

    def fault(visit: Visit) -> None:
        visit.connection.sendall(data)
        visit.connection.shutdown(socket.SHUT_WR)
        waits_for_the_client(visit.connection)

    return fault


def refuses(status: str, *headers: str) -> Fault:
    return says(reply(status, b"no", *headers))


def is_silent(visit: Visit) -> None:
    waits_for_the_client(visit.connection)


def drips(visit: Visit) -> None:
    """A byte at a time, without end."""
    visit.connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nX-Drip: ")
    visit.connection.settimeout(0.05)
    while True:
        visit.connection.sendall(b"x")
        with suppress(TimeoutError):
            visit.connection.recv(1)


def wrong_key(visit: Visit) -> None:
    lines = accept_lines(visit.head).replace(b"Accept: ", b"Accept: x")
    visit.connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\n" + lines + b"\r\n")
    waits_for_the_client(visit.connection)


def leaves(visit: Visit) -> None:
    visit.connection.shutdown(socket.SHUT_WR)
    waits_for_the_client(visit.connection)


def cuts(visit: Visit) -> None:
    resets(visit.connection)


def answers(change: Callable[[dict[str, str]], dict[str, str] | bytes]) -> Fault:
    """An answer with something changed."""

    def fault(visit: Visit) -> None:
        changed = change(answer(visit.body))
        body = changed if isinstance(changed, bytes) else json.dumps(changed).encode()
        visit.connection.sendall(reply("201 Created", body))
        waits_for_the_client(visit.connection)

    return fault


def answers_twice(visit: Visit) -> None:
    """The token's response, and right behind it another one: it would pass for the next request's."""
    token = b'{"access_token": "t", "expires_in": 3600}'
    visit.connection.sendall(reply("200 OK", token) + reply("201 Created", b'{"type": "answer", "sdp": "stale"}'))
    waits_for_the_client(visit.connection)


def sdp(old: str, new: str) -> Callable[[dict[str, str]], dict[str, str]]:
    return lambda message: {**message, "sdp": message["sdp"].replace(old, new)}


def sends(*frames: bytes) -> Fault:
    """Frames, and then nothing until the client leaves."""

    def fault(visit: Visit) -> None:
        for each in frames:
            visit.connection.sendall(each)
        waits_for_the_client(visit.connection)

    return fault


def sends_on(*frames: bytes) -> Fault:
    """Frames, and then as if nothing had been."""
    return lambda visit: visit.connection.sendall(b"".join(frames))


AGAIN = "after 0.2 s: ok"
AT_ONCE = "at once, with a new token: ok"
NEVER = "none, trying again cannot help"
UP_AGAIN = "after 0.2 s: the call is up again"
STAYS = "the call goes on"

HANDSHAKES = [
    scripted("no answer", "handshake", is_silent, Seen("timed_out", 1006, AGAIN), **QUICK),
    scripted("an answer a byte at a time", "handshake", drips, Seen("timed_out", 1006, AGAIN), **QUICK),
    scripted("FIN before the answer", "handshake", leaves, Seen("lost", 1006, AGAIN)),
    scripted("RST before the answer", "handshake", cuts, Seen("reset", 1006, AGAIN)),
    scripted("FIN in the middle of it", "handshake", says(b"HTTP/1.1 101 Swit"), Seen("lost", 1006, AGAIN)),
    scripted("101 with a wrong accept key", "handshake", wrong_key, Seen("malformed", 1006, AGAIN)),
    scripted("no HTTP", "handshake", says(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), Seen("malformed", 1006, AGAIN)),
    scripted("200", "handshake", says(reply("200 OK")), Seen("malformed", 1006, AGAIN)),
    scripted("302", "handshake", refuses("302 Found", "Location: /elsewhere"), Seen("redirected", 1006, NEVER)),
    scripted("401", "handshake", refuses("401 Unauthorized"), Seen("unauthorized", 1006, AT_ONCE)),
    scripted("403", "handshake", refuses("403 Forbidden"), Seen("unauthorized", 1006, AGAIN)),
    scripted("404", "handshake", refuses("404 Not Found"), Seen("rejected", 1006, NEVER)),
    scripted("429", "handshake", refuses("429 Slow"), Seen("rate_limited", 1006, AGAIN)),
    scripted(
        "429 with Retry-After: 3",
        "handshake",
        refuses("429 Slow", "Retry-After: 3"),
        Seen("rate_limited", 1006, "after 3 s: ok"),
    ),
    scripted(
        "429 with a body shorter than its Content-Length, Retry-After: 3",
        "handshake",
        says(b"HTTP/1.1 429 Slow\r\nRetry-After: 3\r\nContent-Length: 900\r\n\r\nToo"),
        Seen("rate_limited", 1006, "after 3 s: ok"),
    ),
    scripted("500", "handshake", refuses("500 Oops"), Seen("server_error", 1006, AGAIN)),
    scripted("502", "handshake", refuses("502 Bad Gateway"), Seen("proxy_error", 1006, AGAIN)),
    scripted(
        "503 with Retry-After: 3",
        "handshake",
        refuses("503 Busy", "Retry-After: 3"),
        Seen("unavailable", 1006, "after 3 s: ok"),
    ),
]

OFFERS = [
    scripted(
        "429 with Retry-After: 1",
        "offer",
        refuses("429 Slow", "Retry-After: 1"),
        Seen("rate_limited", None, "after 1 s: ok"),
    ),
    scripted("503", "offer", refuses("503 Busy"), Seen("unavailable", None, AGAIN)),
    scripted("no answer", "offer", is_silent, Seen("timed_out", None, AGAIN), **QUICK),
    scripted("RST", "offer", cuts, Seen("reset", None, AGAIN)),
    scripted(
        "an answer for another call",
        "offer",
        answers(lambda message: {**message, "sessionId": "another"}),
        Seen("bad_answer", None, NEVER),
    ),
    scripted("no JSON", "offer", answers(lambda _: b"<html>"), Seen("bad_answer", None, NEVER)),
    scripted("malformed SDP", "offer", answers(sdp("v=0", "v=1")), Seen("bad_answer", None, NEVER)),
    scripted(
        "an SDP that does not match the offer (another mid)",
        "offer",
        answers(sdp("a=mid:0", "a=mid:7")),
        Seen("bad_answer", None, NEVER),
    ),
    scripted(
        "an SDP that does not match the offer (an m-section too many)",
        "offer",
        answers(lambda message: {**message, "sdp": message["sdp"] + message["sdp"][message["sdp"].index("m=") :]}),
        Seen("bad_answer", None, NEVER),
    ),
]

TOKENS = [
    scripted("500", "token", refuses("500 Oops"), Seen("server_error", None, AGAIN)),
    scripted("401", "token", refuses("401 Unauthorized"), Seen("unauthorized", None, AGAIN)),
    scripted("an answer without a token", "token", says(reply("200 OK", b"{}")), Seen("malformed", None, AGAIN)),
    scripted("two answers to one request", "token", answers_twice, Seen("ok", None, "none needed")),
]

HELD = [
    scripted("RST", "hold", cuts, Seen("reset", 1006, UP_AGAIN)),
    scripted("FIN without a close frame", "hold", leaves, Seen("lost", 1006, UP_AGAIN)),
    *(
        scripted(f"close {code}", "hold", sends(close_frame(code)), Seen("closed", code, UP_AGAIN))
        for code in (1000, 1001, 1008, 1011, 1013, 4001)
    ),
    scripted("a close frame without a code", "hold", sends(frame(8)), Seen("closed", 1005, UP_AGAIN)),
    scripted(
        "close 1006, which no frame may carry", "hold", sends(close_frame(1006)), Seen("malformed", 1006, UP_AGAIN)
    ),
    scripted(
        "a frame too large (1 GB announced)",
        "hold",
        sends(b"\x81\x7f" + struct.pack("!Q", 2**30)),
        Seen("malformed", 1006, UP_AGAIN),
    ),
    scripted("invalid UTF-8", "hold", sends(frame(1, b"\xff\xfe")), Seen("malformed", 1006, UP_AGAIN)),
    scripted("a reserved bit", "hold", sends(frame(1, b"x", rsv=1)), Seen("malformed", 1006, UP_AGAIN)),
    scripted("a continuation of nothing", "hold", sends(frame(0, b"x")), Seen("malformed", 1006, UP_AGAIN)),
    scripted("half a frame, then FIN", "hold", lambda visit: says(b"\x81\x05he")(visit), Seen("lost", 1006, UP_AGAIN)),
    scripted(
        "a fragmented message with a ping in between",
        "hold",
        sends_on(frame(1, b"x", fin=False), frame(9), frame(0, b"y")),
        Seen("ok, 1 ping answered", None, STAYS),
        hold="briefly",
    ),
    scripted(
        f"{OFTEN} pings at once",
        "hold",
        sends(frame(9, b"?") * OFTEN, close_frame(1013)),
        Seen("closed", 1013, UP_AGAIN),
    ),
    scripted(
        "ready a second time",
        "hold",
        sends_on(frame(1, b'{"type":"ready"}')),
        Seen("ok", None, STAYS),
        hold="briefly",
    ),
    scripted(
        "silence",
        "hold",
        is_silent,
        Seen("ok", None, f"{STAYS}; its goodbye ends with timed_out (1006)"),
        hold="briefly",
        **QUICK,
    ),
]


# No connection at all.


@contextmanager
def nothing_listens() -> Any:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    yield f"http://127.0.0.1:{port}"


@contextmanager
def no_such_host() -> Any:
    yield "http://no-such-host.invalid"


def asked_once(proxy: Proxy) -> None:
    """Use up the one request a minute that there is."""
    with suppress(HTTPError):
        urlopen(f"{proxy.url}/signaling", timeout=20)


def without_tls() -> Any:
    """https to a port of nginx that has none."""

    @contextmanager
    def running() -> Any:
        with nginx() as proxy:
            yield proxy.url.replace("http:", "https:")

    return running


CONNECTIONS = [
    Case(
        "nothing listens",
        "token",
        nothing_listens,
        Seen("connect_refused", None, "after 0.2 s: connect_refused"),
        "the kernel",
    ),
    Case(
        "no such host", "look-up", no_such_host, Seen("unresolved", None, "none: looked up once, before the run"), "DNS"
    ),
    Case("no TLS behind https", "token", without_tls(), Seen("tls_failed", None, NEVER), "nginx"),
]

NGINX = [
    Case(
        "limit_req: 503 by default, and no Retry-After",
        "handshake",
        through(lambda: nginx("limit_req zone=one;"), first=asked_once),
        Seen("unavailable", 1006, "after 0.2 s: unavailable"),
        "nginx",
    ),
    Case(
        "limit_req with limit_req_status 429 and a Retry-After: 3 that was added",
        "handshake",
        through(
            lambda: nginx("limit_req zone=one; limit_req_status 429; add_header Retry-After $retry_after always;"),
            first=asked_once,
        ),
        Seen("rate_limited", 1006, "after 3 s: rate_limited"),
        "nginx",
    ),
    Case(
        "limit_req with a burst, without nodelay: the limit shows as a delay only",
        "handshake",
        through(lambda: nginx("limit_req zone=one burst=5;"), first=asked_once),
        Seen("timed_out", 1006, "after 0.2 s: timed_out"),
        "nginx",
        QUICK,
    ),
    Case(
        "the upstream is gone",
        "handshake",
        through(lambda: nginx(signaling="127.0.0.1:9")),
        Seen("proxy_error", 1006, "after 0.2 s: proxy_error"),
        "nginx",
    ),
    Case(
        "proxy_read_timeout, nothing said for 1 s",
        "hold",
        through(lambda: nginx("proxy_read_timeout 1s;")),
        Seen("lost", 1006, UP_AGAIN),
        "nginx",
        hold="until dropped",
    ),
    Case(
        "the worker is killed",
        "hold",
        through(nginx, once_answered=Proxy.kill_worker),
        Seen("lost", 1006, UP_AGAIN),
        "nginx",
        hold="until dropped",
    ),
    Case(
        "reload, and worker_shutdown_timeout passes",
        "hold",
        through(nginx, once_answered=Proxy.reload),
        Seen("lost", 1006, UP_AGAIN),
        "nginx",
        hold="until dropped",
    ),
    Case(
        "the upstream is killed",
        "hold",
        through(nginx, once_answered=Proxy.kill_edge),
        Seen("lost", 1006, "after 0.2 s: the call is not up again"),
        "nginx",
        hold="until dropped",
    ),
]

HAPROXY = [
    Case(
        "429 with Retry-After: 3",
        "handshake",
        through(
            lambda: haproxy("http-request return status 429 hdr Retry-After 3 if { path /signaling }"),
        ),
        Seen("rate_limited", 1006, "after 3 s: rate_limited"),
        "haproxy",
    ),
    Case(
        "reject",
        "handshake",
        through(lambda: haproxy("http-request reject if { path /signaling }")),
        Seen("lost", 1006, "after 0.2 s: lost"),
        "haproxy",
    ),
    Case(
        "silent-drop",
        "handshake",
        through(lambda: haproxy("http-request silent-drop if { path /signaling }")),
        Seen("timed_out", 1006, "after 0.2 s: timed_out"),
        "haproxy",
        QUICK,
    ),
    Case(
        "maxconn 1, taken by the softphone's own HTTP connection: the kernel accepts, haproxy does not",
        "handshake",
        through(lambda: haproxy("maxconn 1")),
        Seen("timed_out", 1006, AGAIN),
        "haproxy",
        QUICK,
    ),
    Case(
        "timeout tunnel, nothing said for 1 s",
        "hold",
        through(lambda: haproxy("timeout client 1s")),
        Seen("lost", 1006, UP_AGAIN),
        "haproxy",
        hold="until dropped",
    ),
    Case(
        "haproxy is killed",
        "hold",
        through(haproxy, once_answered=Proxy.die),
        Seen("lost", 1006, "after 0.2 s: the call is not up again"),
        "haproxy",
        hold="until dropped",
    ),
]

CASES = [*CONNECTIONS, *TOKENS, *HANDSHAKES, *OFFERS, *HELD, *NGINX, *HAPROXY]
