"""Is the generator itself late? A load generator that is must say so, or its lateness passes for the edge's.

A greenlet that asks to be woken every 50 ms notes how much later it was (event-loop lag), and once a second how much of
a core the process used. What follows from it, ``report/saturation.py`` judges.
"""

from __future__ import annotations

import logging
import resource
import time
from collections.abc import Callable

import gevent

from locust_softphone.measure import Tally
from locust_softphone.report.saturation import LATE_LOOP_S

__all__ = ["watch"]

logger = logging.getLogger(__name__)

EVERY_S = 0.05


def watch(
    tally: Callable[[], Tally],
    clock: Callable[[], float],
    over: Callable[[], bool],
    each_second: Callable[[], None],
) -> None:
    """Record the loop's lag and the CPU used until the run is over; warn, at most every 10 s, while it is late.

    Args:
        tally: the tally to record into, asked for each time, as it is handed on meanwhile.
        clock: seconds since the plan's start.
        over: whether the run is.
        each_second: called once a second.
    """
    warned_s = float("-inf")
    second_s, used_s = time.perf_counter(), _cpu_s()
    while not over():
        asked_s = time.perf_counter()
        gevent.sleep(EVERY_S)
        now_s = time.perf_counter()
        lag_s = now_s - asked_s - EVERY_S
        at_s = clock()
        tally().latencies["loop_lag"].record(lag_s)
        tally().counts["loop_samples"] += 1
        if lag_s > LATE_LOOP_S:
            tally().counts["loop_late"] += 1
            for second in range(max(int(at_s - lag_s), 0), int(at_s) + 1):
                tally().timeline.at(second)["loop_late"] += 1
            if now_s - warned_s > 10:
                warned_s = now_s
                logger.warning("this generator is late by %.0f ms: what is measured now is measured late", lag_s * 1000)
        if now_s - second_s >= 1:
            tally().latencies["cpu"].record((_cpu_s() - used_s) / (now_s - second_s))
            second_s, used_s = now_s, _cpu_s()
            each_second()


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
