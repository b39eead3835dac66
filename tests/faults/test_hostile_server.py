"""Hostile servers: memory is bounded, there is one outcome, and the next try works."""

from __future__ import annotations

import gzip
import struct
import time
from collections.abc import Iterator

import pytest

from tests.faults.cases import AGAIN, NEVER, QUICK, UP_AGAIN, Case, Seen, refuses, says, scripted, sends
from tests.faults.matrix import SoftphoneProcess, a_softphone_process, observed
from tests.faults.scripted_edge import Fault, Visit, reply, upgraded
from tests.signaling.scripted_server import close_frame, frame

MB = 1024 * 1024
MAX_GROWTH = 24 * MB
CAPPED = "after 120 s: ok"  # retry_after_cap
FLOOD_S = 3.0


@pytest.fixture(scope="module")
def process() -> Iterator[SoftphoneProcess]:
    with a_softphone_process() as running:
        yield running


def keeps_sending(begin: bytes, more: bytes, most: int = 100 * MB) -> Fault:
    """Send ``begin``, then ``more`` again and again until the client closes."""
    block = more * max(1, 65536 // len(more))

    def fault(visit: Visit) -> None:
        visit.connection.sendall(begin)
        for _ in range(most // len(block)):
            visit.connection.sendall(block)

    return fault


def never_ready(visit: Visit) -> None:
    """Send messages without end, but never ``ready``."""
    keeps_sending(upgraded(visit), frame(1, b'{"type":"soon"}'))(visit)


def advises(value: str, then: str) -> Case:
    return scripted(
        f"Retry-After: {value[:40]}",
        "handshake",
        refuses("429 Slow", f"Retry-After: {value}"),
        Seen("rate_limited", 1006, then),
    )


def redirected(step: str, path: str, code: int | None) -> Case:
    return scripted(
        "a redirect to itself", step, refuses("307 Again", f"Location: {path}"), Seen("redirected", code, NEVER)
    )


def granted(name: str, body: bytes) -> Case:
    return scripted(name, "token", says(reply("200 OK", body)), Seen("malformed", None, AGAIN))


def answered(name: str, body: bytes) -> Case:
    return scripted(name, "offer", says(reply("201 Created", body)), Seen("bad_answer", None, NEVER))


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
BOMB = gzip.compress(bytes(100 * MB))
ENDLESS = 10_000 * MB
DEEP = 100_000
TOO_MUCH = Seen("malformed", None, AGAIN)
NO_HANDSHAKE = Seen("malformed", 1006, AGAIN)
TIMED_OUT = Seen("timed_out", None, AGAIN)

CASES = [
    advises("1000000000000", CAPPED),
    advises("999999999999999999", CAPPED),
    advises("Fri, 31 Dec 9999 23:59:59 GMT", CAPPED),
    advises("-5", AGAIN),
    advises("1.5", AGAIN),
    advises("1e9", AGAIN),
    advises("NaN", AGAIN),
    advises("Infinity", AGAIN),
    advises("²", AGAIN),
    advises("9" * 60_000, AGAIN),
    advises("Fri, 99 Xxx 0000 99:99:99 +9999", AGAIN),
    advises("Mon, 01 Jan 0001 00:00:00 +2359", "after 0 s: ok"),
    scripted(
        "a header of 1 MB", "handshake", keeps_sending(b"HTTP/1.1 101 Hi\r\nX: ", b"x"), Seen("malformed", 1006, AGAIN)
    ),
    scripted(
        "headers of 1 MB",
        "handshake",
        keeps_sending(b"HTTP/1.1 101 Hi\r\n", b"X: y\r\n"),
        Seen("malformed", 1006, AGAIN),
    ),
    scripted(
        "interim responses without end",
        "handshake",
        keeps_sending(b"", b"HTTP/1.1 100 Continue\r\n\r\n", ENDLESS),
        Seen("timed_out", 1006, AGAIN),
        **QUICK,
    ),
    scripted(
        "a redirect to itself",
        "handshake",
        refuses("302 Found", "Location: /signaling"),
        Seen("redirected", 1006, NEVER),
    ),
    scripted(
        "a redirect to itself", "token", refuses("307 Again", "Location: /oauth/token"), Seen("redirected", None, NEVER)
    ),
    scripted("100 MB, announced", "token", keeps_sending(OK + b"Content-Length: 100000000\r\n\r\n", b"x"), TOO_MUCH),
    scripted("100 MB, not announced", "token", keeps_sending(OK + b"\r\n", b"x"), TOO_MUCH),
    scripted(
        "100 MB in one chunk",
        "token",
        keeps_sending(CHUNKED + b"5f5e100\r\n", b"x"),
        TOO_MUCH,
    ),
    scripted(
        "chunks of a byte without end",
        "token",
        keeps_sending(CHUNKED, b"1\r\nx\r\n", ENDLESS),
        TIMED_OUT,
        **QUICK,
    ),
    scripted(
        "trailers without end",
        "token",
        keeps_sending(CHUNKED + b"0\r\n", b"X: y\r\n", ENDLESS),
        TOO_MUCH,
    ),
    scripted(
        "a compressed bomb",
        "token",
        says(reply("200 OK", BOMB, "Content-Encoding: gzip")),
        TOO_MUCH,
    ),
    scripted(
        "a refusal of 100 MB",
        "token",
        keeps_sending(b"HTTP/1.1 503 Busy\r\n\r\n", b"x"),
        Seen("unavailable", None, AGAIN),
    ),
    granted("JSON nested 100,000 deep", b'{"access_token":' + b"[" * DEEP + b"]" * DEEP + b"}"),
    granted("a lifetime of 10^400 s", b'{"access_token":"t","expires_in":1' + b"0" * 400 + b"}"),
    granted("a lifetime of 10^5000 s", b'{"access_token":"t","expires_in":1' + b"0" * 5000 + b"}"),
    granted("a lifetime of NaN s", b'{"access_token":"t","expires_in":NaN}'),
    granted("a negative lifetime", b'{"access_token":"t","expires_in":-1}'),
    granted("a token with a line break", b'{"access_token":"t\\r\\nX: y"}'),
    answered("JSON nested 100,000 deep", b'{"type":"answer","sdp":' + b"[" * DEEP + b"]" * DEEP + b"}"),
    answered("SDP of 900 KB", b'{"type":"answer","sdp":"' + b"v=0\\r\\n" * 100_000 + b'"}'),
    scripted("messages without end, none of them ready", "ready", never_ready, TIMED_OUT, **QUICK),
    scripted(
        "fragments without end",
        "hold",
        lambda visit: keeps_sending(frame(1, b"x", fin=False), frame(0, b"y", fin=False))(visit),
        Seen("malformed", 1006, UP_AGAIN),
    ),
    scripted(
        "JSON nested deep", "hold", sends(frame(1, b"[" * 125), close_frame(1011)), Seen("closed", 1011, UP_AGAIN)
    ),
    scripted(
        "half of a frame of 1 MB, then a close frame in it",
        "hold",
        says(b"\x81\x7f" + struct.pack("!Q", MB) + close_frame(1000)),
        Seen("lost", 1006, UP_AGAIN),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.step}: {case.name}")
def test_a_hostile_response_takes_little_memory_and_has_one_outcome(process: SoftphoneProcess, case: Case) -> None:
    found = process.meet(case)
    assert observed(case, found) == case.seen, found
    assert found["peak"] < MAX_GROWTH
    assert found["left"] == {"descriptors": 0, "greenlets": 0}


@pytest.mark.parametrize(
    "header", ["Retry-After: 1000000000000", "X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 9" + "9" * 17]
)
@pytest.mark.parametrize("scope", ["user", "fleet"])
def test_no_wait_is_longer_than_the_cap(process: SoftphoneProcess, header: str, scope: str) -> None:
    retry = {"max_retries": 1, "initial": "200ms", "jitter": "none", "scope": scope}
    case = scripted("a very long wait", "handshake", refuses("429 Slow", header), Seen("", None, ""), retry=retry)
    found = process.meet(case)
    assert found["answered"]
    assert found["slept_s"] < 125


def test_a_flood_of_messages_does_not_keep_other_greenlets_from_running(process: SoftphoneProcess) -> None:
    def floods(visit: Visit) -> None:
        until_s, block = time.monotonic() + FLOOD_S, frame(1, b"?" * 50) * 1000
        visit.connection.settimeout(FLOOD_S)
        while time.monotonic() < until_s:
            visit.connection.sendall(block)
        sends(close_frame(1008))(visit)

    found = process.meet(scripted("a flood of messages", "hold", floods, Seen("", None, "")))
    assert found["reconnected"] == 1
    assert found["gap_s"] < FLOOD_S / 2
