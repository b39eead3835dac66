"""How long a worker may start softphones: until its master could have given its slots to others.

The master takes a worker for lost when an ECHO has not been answered for ``SILENT_S``. A worker that stood still for
longer, and then goes on, must not serve slots that others serve by now. So each ECHO is a lease:

    leased until = when the ECHO was sent + LEASE_S        LEASE_S < SILENT_S

The ECHO has the time of the master's clock. Its offset from this clock is taken from the fastest of the last messages,
so an ECHO that has waited in a queue extends the lease by nothing.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from gevent.event import Event

__all__ = ["LEASE_S", "SILENT_S", "Lease"]

SILENT_S = 2.5
"""A worker that has not answered for so long is lost; Locust itself needs 4 s to notice."""

LEASE_S = 2.0
"""So long after an ECHO a worker may start softphones. The rest of ``SILENT_S`` is for the message's way."""

_FASTEST_OF = 60  # clocks drift apart by less than 1 ms in the 30 s that these take


class Lease:
    """A worker's lease.

    Args:
        clock: of this process, in seconds; it must not be set.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._offsets_s: deque[float] = deque(maxlen=_FASTEST_OF)
        self._until_s = float("-inf")
        self._renewed = Event()

    @property
    def valid(self) -> bool:
        """Whether the worker may start softphones now."""
        return self._clock() < self._until_s

    def renew(self, sent_s: float) -> None:
        """Take an ECHO that the master sent at ``sent_s`` of its own clock."""
        self._offsets_s.append(self._clock() - sent_s)
        self._until_s = max(self._until_s, sent_s + min(self._offsets_s) + LEASE_S)
        if self.valid:
            self._renewed.set()
            self._renewed.clear()

    def wait(self) -> None:
        """Return when the lease is valid."""
        while not self.valid:
            self._renewed.wait()
