"""HTTP: responses as bytes, connections that are kept, and responses that fail."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

import pytest

from locust_softphone.errors import AttemptFailed
from locust_softphone.limits.advice import LimitAdvice
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.signaling.http import HttpConnection, read_body, read_head
from locust_softphone.signaling.stream import Stream
from tests.signaling.scripted_server import Script, resets, says, serving
from tests.signaling.scripted_server import read_head as read_request
from tests.signaling.softphones import PATIENT_S

Received = Callable[[bytes], Stream]


def test_the_names_of_headers_are_in_lower_case_and_repeated_headers_are_joined(received: Received) -> None:
    head = read_head(received(b"HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a:2\r\nDate: \xe9\r\n\r\n"))
    assert (head.status, head.headers) == (200, {"x-a": "1, 2", "date": "é"})


def test_the_advice_is_read_with_the_head(received: Received) -> None:
    head = read_head(received(b"HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nX-RateLimit-Remaining: 0\r\n\r\n"))
    assert head.advice == head.refusal().advice == LimitAdvice(retry_after_s=7.0)


def test_a_date_is_read_against_this_machines_clock_where_the_response_has_none(received: Received) -> None:
    until = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 100))
    advice = read_head(received(f"HTTP/1.1 429 Slow\r\nRetry-After: {until}\r\n\r\n".encode())).advice
    assert advice.by_own_clock
    assert advice.retry_after_s == pytest.approx(100.0, abs=5.0)


@pytest.mark.parametrize(
    ("data", "outcome", "status"),
    [
        (b"", Outcome.LOST, None),
        (b"HTTP/1.1 200 O", Outcome.LOST, None),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", Outcome.MALFORMED, None),
        (b"HTTP/1.1 2\xb20 OK\r\n\r\n", Outcome.MALFORMED, None),
        (b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", Outcome.MALFORMED, 200),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000, Outcome.MALFORMED, None),
    ],
)
def test_a_head_that_fails(received: Received, data: bytes, outcome: Outcome, status: int | None) -> None:
    with pytest.raises(AttemptFailed) as caught:
        read_head(received(data))
    assert (caught.value.outcome, caught.value.status) == (outcome, status)


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_a_response_without_content(received: Received, status: str) -> None:
    stream = received(f"HTTP/1.1 {status}\r\n\r\n".encode())
    assert read_body(stream, read_head(stream)) == b""


@pytest.mark.parametrize(("status", "outcome"), [("429 Slow", Outcome.RATE_LIMITED), ("200 OK", Outcome.LOST)])
def test_a_refusal_whose_body_is_cut_off_is_still_that_refusal(
    received: Received, status: str, outcome: Outcome
) -> None:
    stream = received(f"HTTP/1.1 {status}\r\nContent-Length: 9\r\n\r\nshort".encode())
    with pytest.raises(AttemptFailed) as caught:
        read_body(stream, read_head(stream))
    assert (caught.value.outcome, caught.value.status) == (outcome, int(status[:3]))


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"), b"hi"),
        (
            says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1;x=y\r\ni\r\n0\r\nT: x\r\n\r\n"),
            b"hi",
        ),
        (says(b"HTTP/1.1 200 OK\r\n\r\nhi"), b"hi"),
        (says(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"), b"hi"),
    ],
)
def test_a_response_is_read_to_its_end(script: Script, expected: bytes) -> None:
    with serving(script) as target:
        http = HttpConnection(target)
        assert http.post("/", "", b"", PATIENT_S).body == expected
        http.close()


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhi"), Outcome.LOST),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), Outcome.MALFORMED),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"), Outcome.MALFORMED),
        (says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"), Outcome.MALFORMED),
        (says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n"), Outcome.MALFORMED),
        (says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nab"), Outcome.LOST),
        (says(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1_100_000), Outcome.MALFORMED),
        (resets, Outcome.RESET),
    ],
)
def test_a_response_that_fails(script: Script, outcome: Outcome) -> None:
    with serving(script) as target, pytest.raises(AttemptFailed) as caught:
        HttpConnection(target).post("/", "", b"", PATIENT_S)
    assert caught.value.outcome is outcome


def test_a_kept_connection_is_used_again_and_one_that_says_close_is_not() -> None:
    def two_answers(connection: socket.socket) -> None:
        for extra in (b"", b"Connection: close\r\n"):
            read_request(connection)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n" + extra + b"\r\n1")

    second = says(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2")
    with serving(two_answers, second) as target:
        http = HttpConnection(target)
        assert [http.post("/", "", b"", PATIENT_S).body for _ in range(3)] == [b"1", b"1", b"2"]
        http.close()
