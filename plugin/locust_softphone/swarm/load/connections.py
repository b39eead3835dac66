"""How many softphones are there: connected, and in a call, at the end of each second of the plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import gevent

from locust_softphone.metrics.tally import Tally
from locust_softphone.signaling.softphone import Softphone

__all__ = ["sample_connections"]


def sample_connections(
    phones: Iterable[Softphone], tally: Callable[[], Tally], clock: Callable[[], float], over: Callable[[], bool]
) -> None:
    """Count them once a second until the run is over; a second that is missed is like the one that follows it.

    Args:
        phones: those of this process.
        tally: the tally to count in, asked for each time, as it is handed on meanwhile.
        clock: seconds since the plan's start.
        over: whether the run is.
    """
    begun_s = 0
    while not over():
        gevent.sleep(max(begun_s + 1 - clock(), 0.0))
        now_s = int(clock())
        connected = sum(phone.connected for phone in phones)
        in_call = sum(phone.in_call for phone in phones)
        for second in range(begun_s, now_s):
            counts = tally().timeline.at(second)
            for name, number in (("connected_now", connected), ("in_call_now", in_call)):
                if number:
                    counts[name] += number
        begun_s = max(begun_s, now_s)
