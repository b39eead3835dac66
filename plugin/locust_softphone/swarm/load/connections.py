"""Counts at the end of each second of the plan how many softphones are connected, and how many are in a call."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import gevent

from locust_softphone.signaling.softphone import Softphone
from locust_softphone.swarm.load.recorder import Recorder

__all__ = ["sample_connections"]


def sample_connections(
    phones: Iterable[Softphone], recorder: Recorder, clock: Callable[[], float], over: Callable[[], bool]
) -> None:
    """Count once a second until the run is over; a second that is missed gets the counts of the next one.

    Args:
        phones: the softphones of this process.
        recorder: where the counts go.
        clock: seconds since the plan's start.
        over: whether the run is over.
    """
    begun_s = 0
    while not over():
        gevent.sleep(max(begun_s + 1 - clock(), 0.0))
        now_s = int(clock())
        connected = sum(phone.connected for phone in phones)
        in_call = sum(phone.in_call for phone in phones)
        for second in range(begun_s, now_s):
            counts = recorder.tally.timeline[second]
            for name, number in (("connected_now", connected), ("in_call_now", in_call)):
                if number:
                    counts[name] += number
        begun_s = max(begun_s, now_s)
