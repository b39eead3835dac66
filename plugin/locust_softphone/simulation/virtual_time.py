"""A virtual clock with a scheduler: time jumps to the next instant at which something happens.

    queue: (instant, order of entry, action)      the earliest is done next; at one instant, first come, first served

Blocking code runs in greenlets. ``sleep`` puts the greenlet into the queue and does the next action. If nothing happens
before the sleeper is due, only the clock moves. So a run of a minute takes as long as its actions take to compute.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from math import inf
from types import TracebackType

import greenlet

__all__ = ["VirtualLock", "VirtualTime", "Waiter"]


class Waiter:
    """One wait of a greenlet that something else can end early."""

    __slots__ = ("_greenlet",)

    def __init__(self, waiting: greenlet.greenlet) -> None:
        self._greenlet: greenlet.greenlet | None = waiting

    def __call__(self) -> None:
        """Continue the greenlet, unless it has continued already."""
        waiting, self._greenlet = self._greenlet, None
        if waiting is not None:
            waiting.switch()


class VirtualTime:
    """The clock and the queue of one simulated run; instants are in seconds since the plan's start."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._queue: list[tuple[float, int, Callable[[], object]]] = []
        self._order = 0
        self._until_s = inf
        self._hub = greenlet.getcurrent()
        self._alone = False

    def clock(self) -> float:
        """The current instant."""
        return self.now_s

    def call_at(self, at_s: float, act: Callable[[], object]) -> None:
        """Do ``act`` at an instant; now, if that is over. It must not block."""
        self._order += 1
        heappush(self._queue, (max(at_s, self.now_s), self._order, act))

    def greenlet(self, act: Callable[[], object]) -> greenlet.greenlet:
        """A greenlet for blocking code. An action of the queue starts it with ``switch``."""
        return greenlet.greenlet(act, self._hub)

    def sleep(self, seconds: float) -> None:
        """Block the calling greenlet for a number of seconds."""
        until_s = self.now_s + max(seconds, 0.0)
        if self._alone or (until_s <= self._until_s and (not self._queue or self._queue[0][0] > until_s)):
            self.now_s = until_s
            return
        self.call_at(until_s, greenlet.getcurrent().switch)
        self._hub.switch()

    def waiter(self) -> Waiter:
        """A wait of the calling greenlet; ``wait`` begins it."""
        return Waiter(greenlet.getcurrent())

    def wait(self, waiter: Waiter, until_s: float) -> None:
        """Block the calling greenlet until an instant, or until something calls ``waiter``."""
        if self._alone:
            self.now_s = max(self.now_s, until_s)
            return
        if until_s < inf:
            self.call_at(until_s, waiter)
        self._hub.switch()

    def run(self, until_s: float = inf) -> None:
        """Do everything that is to happen up to an instant."""
        queue, self._until_s = self._queue, until_s
        while queue and queue[0][0] <= until_s:
            self.now_s, _, act = heappop(queue)
            act()
        if until_s != inf:
            self.now_s = max(self.now_s, until_s)

    def run_alone(self, act: Callable[[], object], at_s: float) -> None:
        """Run blocking code from an instant on, as if nothing else existed: its waits only move the clock.

        For softphones that no longer affect each other. The clock is set back afterwards.
        """
        now_s, self.now_s, self._alone = self.now_s, at_s, True
        try:
            act()
        finally:
            self.now_s, self._alone = now_s, False


class VirtualLock:
    """A lock between greenlets, first come, first served; for ``with``."""

    def __init__(self, time: VirtualTime) -> None:
        self._time = time
        self._held = False
        self._waiting: deque[Waiter] = deque()

    def __enter__(self) -> None:
        while self._held:
            waiter = self._time.waiter()
            self._waiting.append(waiter)
            self._time.wait(waiter, inf)
        self._held = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held = False
        if self._waiting:
            self._time.call_at(self._time.now_s, self._waiting.popleft())
