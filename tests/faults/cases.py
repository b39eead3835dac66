"""The fault matrix: each fault, and the result that is expected."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

from trustme import LeafCert

from tests.faults.certificates import authority_file, expired, for_another_host, of_an_unknown_authority
from tests.faults.forwarder import Cut, End, Forwarder, fin, forwarder, rst, silence
from tests.faults.proxies import Proxy, haproxy, nginx, through
from tests.faults.scripted_edge import Fault, Visit, answer, reply, scripted_edge, upgraded
from tests.signaling.scripted_server import accept_lines, close_frame, frame, resets, waits_for_the_client

__all__ = ["CASES", "Case", "Seen"]

QUICK = {"timeout": "1s"}
OFTEN = 10_000


@dataclass(frozen=True)
class Seen:
    """The result of a fault.

    Args:
        outcome: of the attempt that met it, or how the held connection ended.
        code: the close code that was counted; None if no WebSocket was affected.
        then: the result of the next try.
    """

    outcome: str
    code: int | None
    then: str


@dataclass(frozen=True)
class Case:
    """One fault.

    Args:
        name: the fault.
        step: the step that meets it, or ``hold``.
        edge: starts the edge and what causes the fault; yields the URL to call.
        seen: the expected result.
        by: what causes the fault.
        softphone: overrides of the usual behaviour.
        hold: how long the call is held: empty for not at all, ``until dropped`` or ``briefly``.
        trusts: the file of the only trusted authority; empty for those of the system.
    """

    name: str
    step: str
    edge: Callable[[], AbstractContextManager[str]]
    seen: Seen
    by: str = "a script"
    softphone: Mapping[str, Any] = field(default_factory=dict)
    hold: str = ""
    trusts: Path | str = ""


def scripted(name: str, step: str, fault: Fault, seen: Seen, **more: Any) -> Case:
    """A fault that a script causes."""
    hold = more.pop("hold", "until dropped" if step == "hold" else "")
    return Case(name, step, lambda: scripted_edge({step: [fault]}), seen, softphone=more, hold=hold)


# Faults of a server.


def says(data: bytes) -> Fault:
    """Send ``data``, then a FIN, and wait for the client to close."""

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
    """Send one byte at a time, without end."""
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
    """Answer the offer with a changed answer."""

    def fault(visit: Visit) -> None:
        changed = change(answer(visit.body))
        body = changed if isinstance(changed, bytes) else json.dumps(changed).encode()
        visit.connection.sendall(reply("201 Created", body))
        waits_for_the_client(visit.connection)

    return fault


def answers_twice(visit: Visit) -> None:
    """Send the token's response and a second one, which a client could take for the response to its next request."""
    token = b'{"access_token": "t", "expires_in": 3600}'
    visit.connection.sendall(reply("200 OK", token) + reply("201 Created", b'{"type": "answer", "sdp": "stale"}'))
    waits_for_the_client(visit.connection)


def answers_the_offer_twice(visit: Visit) -> None:
    once = reply("201 Created", json.dumps(answer(visit.body)).encode())
    visit.connection.sendall(once + once)
    waits_for_the_client(visit.connection)


def sdp(old: str, new: str) -> Callable[[dict[str, str]], dict[str, str]]:
    return lambda message: {**message, "sdp": message["sdp"].replace(old, new)}


def sends(*frames: bytes) -> Fault:
    """Send frames, then wait for the client to close."""

    def fault(visit: Visit) -> None:
        for each in frames:
            visit.connection.sendall(each)
        waits_for_the_client(visit.connection)

    return fault


def sends_on(*frames: bytes) -> Fault:
    """Send frames, then continue normally."""
    return lambda visit: visit.connection.sendall(b"".join(frames))


def opens(then: Fault) -> Fault:
    """Accept the upgrade, then do something else than send ready."""

    def fault(visit: Visit) -> None:
        visit.connection.sendall(upgraded(visit))
        then(visit)

    return fault


AGAIN = "after 0.2 s: ok"
AT_ONCE = "at once, with a new token: ok"
NEVER = "none: another try cannot help"
UP_AGAIN = "after 0.2 s: the call is set up again"
STAYS = "the call continues"

HANDSHAKES = [
    scripted("no answer", "handshake", is_silent, Seen("timed_out", 1006, AGAIN), **QUICK),
    scripted("an answer a byte at a time", "handshake", drips, Seen("timed_out", 1006, AGAIN), **QUICK),
    scripted("FIN before the answer", "handshake", leaves, Seen("lost", 1006, AGAIN)),
    scripted("RST before the answer", "handshake", cuts, Seen("reset", 1006, AGAIN)),
    scripted("FIN in the middle of the answer", "handshake", says(b"HTTP/1.1 101 Swit"), Seen("lost", 1006, AGAIN)),
    scripted("101 with a wrong Sec-WebSocket-Accept", "handshake", wrong_key, Seen("malformed", 1006, AGAIN)),
    scripted("not HTTP", "handshake", says(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), Seen("malformed", 1006, AGAIN)),
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

READY = [
    scripted("RST instead", "ready", opens(cuts), Seen("reset", 1006, AGAIN)),
    scripted("FIN instead", "ready", opens(leaves), Seen("lost", 1006, AGAIN)),
    scripted("close 1013 instead", "ready", opens(sends(close_frame(1013))), Seen("closed", 1013, AGAIN)),
    scripted("no message", "ready", opens(is_silent), Seen("timed_out", None, AGAIN), **QUICK),
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
    scripted("RST on a kept connection", "offer", cuts, Seen("ok", None, "none needed")),
    scripted(
        "an answer for another call",
        "offer",
        answers(lambda message: {**message, "sessionId": "another"}),
        Seen("bad_answer", None, NEVER),
    ),
    scripted("two responses to one offer", "offer", answers_the_offer_twice, Seen("ok", None, "none needed")),
    scripted("not JSON", "offer", answers(lambda _: b"<html>"), Seen("bad_answer", None, NEVER)),
    scripted("malformed SDP", "offer", answers(sdp("v=0", "v=1")), Seen("bad_answer", None, NEVER)),
    scripted(
        "SDP that does not match the offer (another mid)",
        "offer",
        answers(sdp("a=mid:0", "a=mid:7")),
        Seen("bad_answer", None, NEVER),
    ),
    scripted(
        "SDP that does not match the offer (an extra m-section)",
        "offer",
        answers(lambda message: {**message, "sdp": message["sdp"] + message["sdp"][message["sdp"].index("m=") :]}),
        Seen("bad_answer", None, NEVER),
    ),
]

TOKENS = [
    scripted("500", "token", refuses("500 Oops"), Seen("server_error", None, AGAIN)),
    scripted("401", "token", refuses("401 Unauthorized"), Seen("unauthorized", None, AGAIN)),
    scripted("a response without a token", "token", says(reply("200 OK", b"{}")), Seen("malformed", None, AGAIN)),
    scripted("two responses to one request", "token", answers_twice, Seen("ok", None, "none needed")),
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
        "close 1006, which is not allowed in a frame",
        "hold",
        sends(close_frame(1006)),
        Seen("malformed", 1006, UP_AGAIN),
    ),
    scripted(
        "a frame too large (1 GB announced)",
        "hold",
        sends(b"\x81\x7f" + struct.pack("!Q", 2**30)),
        Seen("malformed", 1006, UP_AGAIN),
    ),
    scripted("invalid UTF-8", "hold", sends(frame(1, b"\xff\xfe")), Seen("malformed", 1006, UP_AGAIN)),
    scripted("a reserved bit", "hold", sends(frame(1, b"x", rsv=1)), Seen("malformed", 1006, UP_AGAIN)),
    scripted("a continuation without a message", "hold", sends(frame(0, b"x")), Seen("malformed", 1006, UP_AGAIN)),
    scripted(
        "a message within a fragmented message",
        "hold",
        sends(frame(1, b"x", fin=False), frame(1, b"y")),
        Seen("malformed", 1006, UP_AGAIN),
    ),
    scripted("half a frame, then FIN", "hold", lambda visit: says(b"\x81\x05he")(visit), Seen("lost", 1006, UP_AGAIN)),
    scripted(
        "a fragmented message with a ping between its frames",
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
        Seen("ok", None, f"{STAYS}; the close ends with timed_out (1006)"),
        hold="briefly",
        **QUICK,
    ),
]


# No connection.


@contextmanager
def nothing_listens() -> Any:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    yield f"http://127.0.0.1:{port}"


@contextmanager
def no_such_host() -> Any:
    yield "http://no-such-host.invalid"


def asked_once(proxy: Proxy) -> None:
    """Use up the one request a minute that is allowed."""
    with suppress(HTTPError):
        urlopen(f"{proxy.url}/signaling", timeout=20)


def without_tls() -> Any:
    """https to a port of nginx without TLS."""

    @contextmanager
    def running() -> Any:
        with nginx() as proxy:
            yield proxy.url.replace("http:", "https:")

    return running


def shows(name: str, certificate: Callable[[], LeafCert], trusts: Path | str = "") -> Case:
    """A certificate that does not verify."""
    return Case(
        f"a certificate {name}",
        "token",
        through(lambda: nginx(certificate=certificate)),
        Seen("tls_failed", None, NEVER),
        "nginx",
        trusts=trusts,
    )


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
    Case("https to a port without TLS", "token", without_tls(), Seen("tls_failed", None, NEVER), "nginx"),
    shows("that has expired", expired, authority_file()),
    shows("for another host", for_another_host, authority_file()),
    shows("of an authority that --softphone-ca does not name", of_an_unknown_authority, authority_file()),
    shows("of an authority that the system does not know", of_an_unknown_authority),
]


# Cut connections.

WEBSOCKET, OFFER = b"GET /signaling", b"POST /api/v2/media/offer"
IN_MID_CONNECTION = "a forwarder"


def cut_when_answered(name: str, end: End, seen: Seen, **more: Any) -> Case:
    def cut(wire: Forwarder) -> None:
        wire.cut_the_last(end)

    hold = more.pop("hold", "until dropped")
    return Case(name, "hold", through(forwarder, once_answered=cut), seen, IN_MID_CONNECTION, more, hold)


def cut_in(step: str, request: bytes, bytes_of_it: int, name: str, end: End, seen: Seen, **more: Any) -> Case:
    return Case(
        f"{name} after {bytes_of_it} bytes of the answer",
        step,
        through(lambda: forwarder(Cut(request, bytes_of_it, end))),
        seen,
        IN_MID_CONNECTION,
        more,
    )


CUTS = [
    Case(
        "everything one byte at a time, in both directions",
        "handshake",
        through(lambda: forwarder(slice_bytes=1)),
        Seen("ok", None, "none needed"),
        IN_MID_CONNECTION,
    ),
    cut_in("handshake", WEBSOCKET, 20, "RST", rst, Seen("reset", 1006, AGAIN)),
    cut_in("handshake", WEBSOCKET, 20, "FIN", fin, Seen("lost", 1006, AGAIN)),
    cut_in("handshake", WEBSOCKET, 20, "nothing passes", silence, Seen("timed_out", 1006, AGAIN), **QUICK),
    cut_in("offer", OFFER, 100, "RST", rst, Seen("reset", None, AGAIN)),
    cut_in("offer", OFFER, 100, "FIN", fin, Seen("lost", None, AGAIN)),
    cut_in("offer", OFFER, 100, "nothing passes", silence, Seen("timed_out", None, AGAIN), **QUICK),
    cut_when_answered("RST to both sides", rst, Seen("reset", 1006, UP_AGAIN)),
    cut_when_answered("FIN to both sides", fin, Seen("lost", 1006, UP_AGAIN)),
    cut_when_answered(
        "nothing passes any more, in both directions",
        silence,
        Seen("ok", None, f"{STAYS}; the close ends with timed_out (1006)"),
        hold="briefly",
        **QUICK,
    ),
]


# Proxies.


@contextmanager
def silent_upstream() -> Iterator[Proxy]:
    """An upstream that accepts connections and sends nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        silent = "127.0.0.1:{1}".format(*listener.getsockname())
        with nginx("proxy_read_timeout 1s;", signaling=silent) as proxy:
            yield proxy


NGINX = [
    Case(
        "limit_req: 503 by default, and no Retry-After",
        "handshake",
        through(lambda: nginx("limit_req zone=one;"), first=asked_once),
        Seen("unavailable", 1006, "after 0.2 s: unavailable"),
        "nginx",
    ),
    Case(
        "limit_req with limit_req_status 429 and an added Retry-After: 3",
        "handshake",
        through(
            lambda: nginx("limit_req zone=one; limit_req_status 429; add_header Retry-After $retry_after always;"),
            first=asked_once,
        ),
        Seen("rate_limited", 1006, "after 3 s: rate_limited"),
        "nginx",
    ),
    Case(
        "limit_req with a burst, without nodelay: only a delay",
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
        "the upstream is silent for proxy_read_timeout: 504",
        "handshake",
        through(silent_upstream),
        Seen("proxy_error", 1006, "after 0.2 s: proxy_error"),
        "nginx",
    ),
    Case(
        "Upgrade is not forwarded, and the edge answers 426",
        "handshake",
        through(lambda: nginx(upgrade="")),
        Seen("rejected", 1006, NEVER),
        "nginx",
    ),
    Case(
        "worker_connections used up: accepted, then 500",
        "offer",
        through(lambda: nginx(connections=5)),
        Seen("server_error", None, "after 0.2 s: server_error"),
        "nginx",
    ),
    Case(
        "proxy_read_timeout, 1 s without data",
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
        "reload, then worker_shutdown_timeout",
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
        Seen("lost", 1006, "after 0.2 s: the call is not set up again"),
        "nginx",
        hold="until dropped",
    ),
]

TWO_CONNECTIONS = """stick-table type ip size 10 store conn_cnt
  tcp-request connection track-sc0 src
  tcp-request connection reject if { sc0_conn_cnt gt 2 }"""
"""Allows two connections: the probe whether haproxy is up, and the softphone's HTTP connection."""

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
        "deny with deny_status 429, and no Retry-After",
        "handshake",
        through(lambda: haproxy("http-request deny deny_status 429 if { path /signaling }")),
        Seen("rate_limited", 1006, "after 0.2 s: rate_limited"),
        "haproxy",
    ),
    Case(
        "tcp-request connection reject: RST",
        "handshake",
        through(lambda: haproxy(TWO_CONNECTIONS)),
        Seen("reset", 1006, "after 0.2 s: reset"),
        "haproxy",
    ),
    Case(
        "http-request reject",
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
        "maxconn 1, used by the softphone's own HTTP connection: the kernel accepts, haproxy does not",
        "handshake",
        through(lambda: haproxy("maxconn 1")),
        Seen("timed_out", 1006, AGAIN),
        "haproxy",
        QUICK,
    ),
    Case(
        "timeout tunnel, 1 s without data",
        "hold",
        through(lambda: haproxy("timeout client 1s")),
        Seen("lost", 1006, UP_AGAIN),
        "haproxy",
        hold="until dropped",
    ),
    Case(
        "the upstream is killed",
        "hold",
        through(haproxy, once_answered=Proxy.kill_edge),
        Seen("lost", 1006, "after 0.2 s: the call is not set up again"),
        "haproxy",
        hold="until dropped",
    ),
    Case(
        "haproxy is killed",
        "hold",
        through(haproxy, once_answered=Proxy.die),
        Seen("lost", 1006, "after 0.2 s: the call is not set up again"),
        "haproxy",
        hold="until dropped",
    ),
]

CASES = [*CONNECTIONS, *TOKENS, *HANDSHAKES, *READY, *OFFERS, *HELD, *CUTS, *NGINX, *HAPROXY]
