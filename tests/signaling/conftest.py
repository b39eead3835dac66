"""Fixtures for the tests of the wire."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from locust_softphone.signaling.stream import Stream
from tests.signaling.softphones import PATIENT_S


@pytest.fixture
def received() -> Iterator[Callable[[bytes], Stream]]:
    """Makes a stream on which some bytes have come, and then a FIN."""
    with ExitStack() as stack:

        def make(data: bytes) -> Stream:
            here, there = socket.socketpair()
            with there:
                there.sendall(data)
            stream = Stream(here, time.perf_counter() + PATIENT_S)
            stack.callback(stream.close)
            return stream

        yield make
