"""Echoes between master and workers: how long a message takes, and when each worker was last heard of.

A worker sends an echo back with the master's own time in it, so no clocks are compared:

    delay = (received - sent) / 2, the shortest of some
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import gevent

__all__ = ["Echoes"]

_ECHOES = 5
_WAIT_S = 1.0
_CHECK_EVERY_S = 0.01


class Echoes:
    """The echoes of a run's workers.

    Args:
        send: sends a worker an echo that carries this time.
    """

    def __init__(self, send: Callable[[str, float], None]) -> None:
        self._send = send
        self._delays_s: dict[str, float] = {}
        self._answered_s: dict[str, float] = {}

    def send(self, workers: Iterable[str]) -> None:
        """Send each of these workers an echo."""
        for worker in workers:
            self._send(worker, time.perf_counter())

    def receive(self, worker: str, sent_s: float) -> None:
        """Note that a worker has sent an echo back."""
        self._answered_s[worker] = now_s = time.perf_counter()
        delay_s = (now_s - sent_s) / 2
        self._delays_s[worker] = min(delay_s, self._delays_s.get(worker, delay_s))

    def measure(self, workers: list[str]) -> None:
        """Measure how long a message to each worker takes; returns when all have answered, or after a second."""
        for _ in range(_ECHOES):
            self.send(workers)
            gevent.sleep(_CHECK_EVERY_S)
        deadline_s = time.perf_counter() + _WAIT_S
        while not self._delays_s.keys() >= set(workers) and time.perf_counter() < deadline_s:
            gevent.sleep(_CHECK_EVERY_S)

    def delay_s(self, worker: str) -> float:
        """How long a message to a worker takes; 0 if that is not known."""
        return self._delays_s.get(worker, 0.0)

    def silent_s(self, worker: str) -> float:
        """How long a worker has not answered; for one that never has, since this was asked first."""
        now_s = time.perf_counter()
        return now_s - self._answered_s.setdefault(worker, now_s)

    def summary(self) -> dict[str, float] | None:
        """The shortest and the longest delay, for the run record."""
        delays_s = self._delays_s.values()
        return {"min": min(delays_s), "max": max(delays_s)} if delays_s else None
