"""A stream: what its reads return, when they give up, and which outcome a socket's error is."""

from __future__ import annotations

import errno
import re
import socket
import ssl
import time
from collections.abc import Callable
from typing import Literal

import pytest

from locust_softphone.errors import AttemptFailed
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.signaling.socket_errors import outcome_of
from locust_softphone.signaling.stream import Stream, remaining_s
from locust_softphone.signaling.target import Target
from tests.signaling.scripted_server import Script, resets, serving, waits_for_the_client
from tests.signaling.softphones import PATIENT_S

Received = Callable[[bytes], Stream]
SHORT_S = 0.2  # waited for in full


def test_what_comes_after_the_end_mark_stays_in_the_buffer(received: Received) -> None:
    stream = received(b"one\ntwo")
    assert stream.read_until(re.compile(b"\n"), 100) == b"one\n"
    assert stream.read_exactly(3) == b"two"
    assert stream.recv(1) == b"", "the other side has closed"


def test_bytes_that_are_looked_at_stay_until_they_are_skipped(received: Received) -> None:
    stream = received(b"abc")
    assert stream.ahead() == stream.ahead() == b"abc"
    stream.skip(2)
    assert stream.ahead() == b"c"


def test_a_line_longer_than_the_limit_is_malformed(received: Received) -> None:
    with pytest.raises(AttemptFailed) as caught:
        received(b"x" * 200).read_until(re.compile(b"\n"), 100)
    assert caught.value.outcome is Outcome.MALFORMED


@pytest.mark.parametrize("data", [b"", b"ab"])
def test_a_close_before_enough_bytes_have_come_is_a_loss(received: Received, data: bytes) -> None:
    with pytest.raises(AttemptFailed) as caught:
        received(data).read_exactly(3)
    assert caught.value.outcome is Outcome.LOST


def test_a_read_gives_up_at_the_deadline() -> None:
    with serving(waits_for_the_client) as target:
        stream = target.connect(PATIENT_S)
        stream.deadline_s = time.perf_counter() + SHORT_S
        with pytest.raises(AttemptFailed) as caught:
            stream.recv(1)
        stream.close()
    assert caught.value.outcome is Outcome.TIMED_OUT


def test_after_the_deadline_nothing_is_read_or_sent() -> None:
    here, there = socket.socketpair()
    with there:
        there.sendall(b"late")
        stream = Stream(here, time.perf_counter() - 1.0)
        for action in (lambda: stream.recv(1), lambda: stream.send(b"late")):
            with pytest.raises(AttemptFailed) as caught:
                action()
            assert caught.value.outcome is Outcome.TIMED_OUT
        stream.close()


def resets_when_it_has_read(connection: socket.socket) -> None:
    connection.recv(1)
    resets(connection)


def test_a_reset() -> None:
    with serving(resets_when_it_has_read) as target:
        stream = target.connect(PATIENT_S)
        stream.send(b"x")
        with pytest.raises(AttemptFailed) as caught:
            stream.recv(1)
        stream.close()
    assert caught.value.outcome is Outcome.RESET


def test_nothing_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(AttemptFailed) as caught:
        Target("127.0.0.1", port).connect(PATIENT_S)
    assert caught.value.outcome is Outcome.CONNECT_REFUSED


@pytest.mark.parametrize(
    ("script", "idle"),
    [
        (waits_for_the_client, True),
        (lambda connection: connection.shutdown(socket.SHUT_WR), False),
        (lambda connection: connection.sendall(b"x"), False),
        (resets_when_it_has_read, False),
    ],
    ids=["nothing", "a FIN", "data", "an RST"],
)
def test_whether_anything_has_come_since_the_last_read(script: Script, idle: bool) -> None:
    with serving(script) as target:
        stream = target.connect(PATIENT_S)
        stream.send(b"x")
        time.sleep(SHORT_S)
        assert stream.is_idle is idle
        stream.close()


def test_no_such_host() -> None:
    with pytest.raises(AttemptFailed) as caught:
        Target("no-such-host.invalid", 80).resolved()
    assert caught.value.outcome is Outcome.UNRESOLVED


@pytest.mark.parametrize(
    ("error", "setting_up", "expected"),
    [
        (TimeoutError(), "TCP", Outcome.CONNECT_TIMEOUT),
        (TimeoutError(), "TLS", Outcome.TIMED_OUT),
        (TimeoutError(), "", Outcome.TIMED_OUT),
        (OSError(errno.ETIMEDOUT, ""), "TCP", Outcome.CONNECT_TIMEOUT),
        (OSError(errno.ECONNREFUSED, ""), "TCP", Outcome.CONNECT_REFUSED),
        (OSError(errno.EHOSTUNREACH, ""), "TCP", Outcome.UNREACHABLE),
        (OSError(errno.EMFILE, ""), "TCP", Outcome.UNREACHABLE),
        (OSError(errno.ECONNRESET, ""), "", Outcome.RESET),
        (OSError(errno.EPIPE, ""), "", Outcome.RESET),
        (OSError(errno.EHOSTUNREACH, ""), "", Outcome.RESET),
        (socket.gaierror(), "", Outcome.UNRESOLVED),
        (UnicodeError(), "", Outcome.UNRESOLVED),
        (ssl.SSLError(), "TLS", Outcome.TLS_FAILED),
        (ValueError(), "TLS", Outcome.TLS_FAILED),
        (ssl.SSLError(), "", Outcome.LOST),
    ],
)
def test_the_outcome_of_a_socket_error(
    error: OSError | ValueError, setting_up: Literal["TCP", "TLS", ""], expected: Outcome
) -> None:
    assert outcome_of(error, setting_up) is expected


def test_the_remaining_time_is_never_negative() -> None:
    assert remaining_s(time.perf_counter() - 5.0) == 0.0
    assert 4.0 < remaining_s(time.perf_counter() + 5.0) <= 5.0
