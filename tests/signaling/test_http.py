"""HTTP: responses as bytes, connections that are kept, and responses that fail."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from locust_softphone.errors import AttemptFailed
from locust_softphone.limits.advice import LimitAdvice
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.signaling.http import HttpConnection, read_body, read_head
from locust_softphone.signaling.stream import Stream
from tests.signaling.scripted_server import Script, resets, says, serving, waits_for_the_client
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
        (b"HTTP/1.12 200 OK\r\n\r\n", Outcome.MALFORMED, None),
        (b"HTTP/1. 200 OK\r\n\r\n", Outcome.MALFORMED, None),
        (b"HTTP/2.0 200 OK\r\n\r\n", Outcome.MALFORMED, None),
        (b"HTTP/1.1 2000 OK\r\n\r\n", Outcome.MALFORMED, None),
        (b"HTTP/1.1 20 OK\r\n\r\n", Outcome.MALFORMED, None),
        (b"HTTP/1.1 099 OK\r\n\r\n", Outcome.MALFORMED, None),
        (b"HTTP/1.1 200OK\r\n\r\n", Outcome.MALFORMED, None),
        (b"HTTP/1.1 2\xb20 OK\r\n\r\n", Outcome.MALFORMED, None),
        (b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", Outcome.MALFORMED, 200),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000, Outcome.MALFORMED, None),
    ],
)
def test_a_head_that_fails(received: Received, data: bytes, outcome: Outcome, status: int | None) -> None:
    with pytest.raises(AttemptFailed) as caught:
        read_head(received(data))
    assert (caught.value.outcome, caught.value.status) == (outcome, status)


@pytest.mark.parametrize(
    "lines",
    [
        b"Retry-After: 3\r\nRetry-After: 3\r\n",
        b"Retry-After: 1\r\nX: y\r\nretry-after: 3\r\n",
        b"X-Reason: too many\r\n  requests\r\nRetry-After: 3\r\n",
        b"Retry-After:\r\n 3\r\n",
        b"Retry-After: 3\r\n\t\r\n",
        b" before the first header\r\nRetry-After: 3\r\n",
        b"Retry-After : 3\r\n",
        b"Retry-After\t:3\r\n",
        b"no colon\r\nRetry-After: 3\r\n",
        b"Retry-After: 3\n",
        b"X: y\nRetry-After: 3\r\nZ:\n y\n",
    ],
)
@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_a_refusal_is_read_however_its_header_lines_are_written(received: Received, lines: bytes, end: bytes) -> None:
    """RFC 9112 2.2 (LF alone), 5.1 (a blank before the colon), 5.2 (obs-fold); RFC 9110 5.3 (repeated headers)."""
    head = read_head(received(b"HTTP/1.1 429 Slow" + end + lines + end + b"body"))
    assert head.refusal().outcome is Outcome.RATE_LIMITED
    assert head.advice.retry_after_s == 3.0


def test_a_folded_line_becomes_a_blank(received: Received) -> None:
    assert read_head(received(b"HTTP/1.1 200 OK\r\nX: a\r\n\t b\r\n c\r\n\r\n")).headers == {"x": "a b c"}


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
        (says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n02 \r\nhi\r\n0;x\r\n\r\n"), b"hi"),
        (says(b"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\r\nhi\r\n0\r\nT: x\nU: y\n\n"), b"hi"),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi"), b"hi"),
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
    "size", [b"xyz", b"-5", b"+5", b"0x5", b"1_0", b"", b" 5", b"5 5", b"5\n", b"\xb2", b"5,5", b"F" * 17, b"FFFFFFF"]
)
def test_what_is_not_a_chunk_size(received: Received, size: bytes) -> None:
    """RFC 9112 7.1."""
    stream = received(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + size + b"\r\nhello world 1234\r\n0\r\n\r\n"
    )
    with pytest.raises(AttemptFailed) as caught:
        read_body(stream, read_head(stream))
    assert caught.value.outcome is Outcome.MALFORMED


def test_a_chunk_ends_with_crlf(received: Received) -> None:
    stream = received(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhixx0\r\n\r\n")
    with pytest.raises(AttemptFailed) as caught:
        read_body(stream, read_head(stream))
    assert caught.value.outcome is Outcome.MALFORMED


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhi"), Outcome.LOST),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), Outcome.MALFORMED),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"), Outcome.MALFORMED),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi"), Outcome.MALFORMED),
        (says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nab"), Outcome.LOST),
        (says(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1_100_000), Outcome.MALFORMED),
        (resets, Outcome.RESET),
    ],
)
def test_a_response_that_fails(script: Script, outcome: Outcome) -> None:
    with serving(script) as target, pytest.raises(AttemptFailed) as caught:
        HttpConnection(target).post("/", "", b"", PATIENT_S)
    assert caught.value.outcome is outcome


# Which connections are used again (RFC 9112 9.3)


ONE = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1"
TWO = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2"
LATE_408 = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@contextmanager
def connected(*scripts: Script) -> Iterator[HttpConnection]:
    with serving(*scripts) as target:
        http = HttpConnection(target)
        yield http
        http.close()


def bodies(http: HttpConnection, n: int = 2) -> list[bytes]:
    return [http.post("/", "", b"", PATIENT_S).body for _ in range(n)]


@pytest.mark.parametrize(
    ("version", "lines", "kept"),
    [
        ("1.1", "", True),
        ("1.1", "Connection: keep-alive, X-Hop\r\n", True),
        ("1.1", "Connection: not-close\r\n", True),
        ("1.1", "Connection: Close\r\n", False),
        ("1.1", "Connection: close, X-Hop\r\n", False),
        ("1.1", "Connection: X-Hop ,close\r\n", False),
        ("1.1", "Connection: X-Hop\r\nConnection: close\r\n", False),
        ("1.1", "Connection: keep-alive, close\r\n", False),
        ("1.0", "", False),
        ("1.0", "Connection: X-Hop\r\n", False),
        ("1.0", "Connection: Keep-Alive\r\n", True),
    ],
)
def test_which_connections_are_used_again(version: str, lines: str, kept: bool) -> None:
    def two_answers(connection: socket.socket) -> None:
        for body in "12":
            read_request(connection)
            connection.sendall(f"HTTP/{version} 200 OK\r\nContent-Length: 1\r\n{lines}\r\n{body}".encode())

    with connected(two_answers, says(ONE)) as http:
        assert bodies(http) == ([b"1", b"2"] if kept else [b"1", b"1"])
        assert http.close_idle() == 0, "the server closed no connection that it had promised to keep"


# Connections that the server has closed meanwhile (RFC 9112 9.5)


@pytest.mark.parametrize("late", [b"", LATE_408, b"\0"], ids=["only a FIN", "a late 408", "other bytes"])
def test_what_has_come_on_an_idle_connection_is_not_an_answer(late: bytes) -> None:
    with connected(says(ONE, late), says(TWO)) as http:
        assert bodies(http, 1) == [b"1"]
        time.sleep(0.1)  # the FIN comes
        assert bodies(http, 1) == [b"2"]
        assert (http.close_idle(), http.close_idle()) == (1, 0)


def fin(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_WR)


def then(end: Script) -> Script:
    """Answer one request, and end the connection as soon as another one comes."""

    def script(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(ONE)
        read_request(connection)
        end(connection)

    return script


@pytest.mark.parametrize("end", [fin, resets, lambda connection: connection.sendall(LATE_408)])
def test_a_request_that_crosses_the_end_of_its_connection_is_sent_again(end: Script) -> None:
    with connected(then(end), says(TWO)) as http:
        assert bodies(http) == [b"1", b"2"]
        assert http.close_idle() == 1


@pytest.mark.parametrize(
    ("scripts", "outcome"),
    [
        ((then(fin), then(fin), fin), Outcome.LOST),
        ((then(fin), resets), Outcome.RESET),
        ((then(lambda connection: connection.sendall(TWO[:9])), says(TWO)), Outcome.LOST),
    ],
    ids=["only a kept connection", "only once", "not once a part of the answer has come"],
)
def test_what_is_not_sent_again(scripts: tuple[Script, ...], outcome: Outcome) -> None:
    with connected(*scripts) as http, pytest.raises(AttemptFailed) as caught:
        bodies(http, 3)
    assert caught.value.outcome is outcome


def test_a_new_connection_does_not_extend_the_time_limit() -> None:
    with connected(then(fin), waits_for_the_client) as http:
        bodies(http, 1)
        began_s = time.perf_counter()
        with pytest.raises(AttemptFailed) as caught:
            http.post("/", "", b"", 0.2)
        assert caught.value.outcome is Outcome.TIMED_OUT
        assert time.perf_counter() - began_s < 0.2 * 2
