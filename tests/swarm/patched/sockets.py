"""The softphones' sockets behave like gevent's, and let other greenlets run while they wait."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import gevent
import locust  # noqa: F401 - patches what the rest imports
import pytest
from gevent import socket
from gevent.monkey import get_original

from locust_softphone.errors import AttemptFailed
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.signaling.stream import Stream
from locust_softphone.signaling.target import Target
from locust_softphone.swarm.edge_under_test import reach
from locust_softphone.swarm.load.sockets import Socket, reached

PATIENT_S = 30.0  # a bound for a test that has gone wrong
SHORT_S = 0.1  # waited for in full
MEGABYTE = 1 << 20


def listening(backlog: int = 1) -> socket.socket:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(backlog)
    return listener


@contextmanager
def a_pair() -> Iterator[tuple[Stream, socket.socket]]:
    """A stream on one of these sockets, and the other end of the connection."""
    with listening() as listener:
        stream = Stream.connect([(socket.AF_INET, listener.getsockname())], PATIENT_S, make_socket=Socket)
        other, _ = listener.accept()
        with other:
            try:
                yield stream, other
            finally:
                stream.close()


def test_other_greenlets_run_during_a_read() -> None:
    with a_pair() as (stream, other):
        gevent.spawn_later(SHORT_S, other.sendall, b"here")
        assert stream.read_exactly(4) == b"here"


def test_a_read_times_out() -> None:
    with a_pair() as (stream, _):
        stream.deadline_s = time.perf_counter() + SHORT_S
        with pytest.raises(AttemptFailed) as failed:
            stream.read_exactly(1)
        assert failed.value.outcome is Outcome.TIMED_OUT


def test_data_that_came_in_time_is_read_even_if_this_process_is_late() -> None:
    with a_pair() as (stream, other):

        def stand_still() -> None:
            other.sendall(b"here")
            get_original("time", "sleep")(3 * SHORT_S)  # no greenlet runs meanwhile

        gevent.spawn(stand_still)
        stream.deadline_s = time.perf_counter() + SHORT_S
        assert stream.read_exactly(4) == b"here"


def test_data_that_comes_after_a_timeout_is_read() -> None:
    with a_pair() as (stream, other):
        stream.deadline_s = time.perf_counter() + SHORT_S
        with pytest.raises(AttemptFailed):
            stream.read_exactly(1)
        other.sendall(b"late")
        stream.deadline_s = time.perf_counter() + PATIENT_S
        assert stream.read_exactly(4) == b"late"


def test_a_closed_connection_reads_as_its_end() -> None:
    with a_pair() as (stream, other):
        other.close()
        assert stream.recv(1) == b""


def test_a_large_send_waits_for_the_kernels_buffer() -> None:
    with a_pair() as (stream, other):
        sending = gevent.spawn(stream.send, bytes(8 * MEGABYTE))
        received = 0
        while received < 8 * MEGABYTE:
            received += len(other.recv(MEGABYTE))
        sending.get(timeout=PATIENT_S)


def test_a_send_times_out_when_the_peer_does_not_read() -> None:
    with a_pair() as (stream, _):
        stream.deadline_s = time.perf_counter() + SHORT_S
        with pytest.raises(AttemptFailed) as failed:
            stream.send(bytes(64 * MEGABYTE))
        assert failed.value.outcome is Outcome.TIMED_OUT


def test_a_connection_is_refused() -> None:
    with listening() as listener:
        address = listener.getsockname()
    with pytest.raises(AttemptFailed) as failed:
        Stream.connect([(socket.AF_INET, address)], PATIENT_S, make_socket=Socket)
    assert failed.value.outcome is Outcome.CONNECT_REFUSED


def test_a_connection_that_is_not_accepted_times_out() -> None:
    """Linux keeps a connection waiting when the queue of a listener is full."""
    with listening(backlog=0) as listener:
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(listener.getsockname())
        with pytest.raises(AttemptFailed) as failed:
            Stream.connect([(socket.AF_INET, listener.getsockname())], SHORT_S, make_socket=Socket)
        for each in waiting:
            each.close()
    assert failed.value.outcome is Outcome.CONNECT_TIMEOUT


def test_a_look_for_the_end_of_a_connection_does_not_wait() -> None:
    with a_pair() as (stream, other):
        assert stream.is_idle
        other.close()
        gevent.sleep(SHORT_S)
        assert not stream.is_idle


def test_a_killed_reader_leaves_no_watcher_behind() -> None:
    with a_pair() as (stream, other):
        reader = gevent.spawn(stream.read_exactly, 1)
        gevent.sleep(0)
        reader.kill()
        other.sendall(b"x")
        stream.deadline_s = time.perf_counter() + PATIENT_S
        assert stream.read_exactly(1) == b"x"


def test_a_stream_may_be_closed_twice() -> None:
    with a_pair() as (stream, _):
        stream.close()
        stream.close()


@pytest.mark.parametrize(("loop", "own"), [("libev-cext", True), ("libuv-cffi", False)])
def test_another_event_loop_keeps_gevents_sockets(loop: str, own: bool) -> None:
    program = (
        "from locust_softphone.signaling.target import Target\n"
        "from locust_softphone.swarm.load.sockets import Socket, with_own_sockets\n"
        "print(with_own_sockets(Target('127.0.0.1', 1)).make_socket is Socket)"
    )
    said = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "GEVENT_LOOP": loop},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == str(own)


@pytest.mark.parametrize("found", [reach, reached], ids=["by a run", "by a worker"])
def test_runs_and_workers_use_these_sockets(found: Callable[[Target], Target]) -> None:
    with listening(backlog=2) as listener:
        assert found(Target(*listener.getsockname())).make_socket is Socket
