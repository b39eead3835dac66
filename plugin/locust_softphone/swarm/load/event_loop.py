"""Is the generator itself late? A load generator that is must say so, or its lateness passes for the edge's.

A greenlet that asks to be woken every 50 ms notes how much later it was (event-loop lag), and once a second how late it
mostly was, and how much of a core the process used. What follows from it, ``report/saturation.py`` judges.
"""

from __future__ import annotations

import logging
import resource
import time
from collections.abc import Callable
from statistics import median

import gevent

from locust_softphone.metrics.tally import Tally
from locust_softphone.runs.saturation import LATE_LOOP_S, SLOW_LOOP_S

__all__ = ["monitor_event_loop"]

logger = logging.getLogger(__name__)

EVERY_S = 0.05
_WARN_EVERY_S = 10.0


def monitor_event_loop(
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
    alarm, lags_s = _Alarm(tally, clock), []
    second_s, used_s = time.perf_counter(), _cpu_s()
    while not over():
        asked_s = time.perf_counter()
        gevent.sleep(EVERY_S)
        now_s = time.perf_counter()
        lags_s.append(lag_s := now_s - asked_s - EVERY_S)
        tally().latencies["loop_lag"].record(lag_s)
        tally().counts["loop_samples"] += 1
        if lag_s > LATE_LOOP_S:
            tally().counts["loop_late"] += 1
            alarm.late(lag_s, for_s=lag_s)
        if now_s - second_s >= 1:
            tally().latencies["cpu"].record((_cpu_s() - used_s) / (now_s - second_s))
            tally().counts["loop_seconds"] += 1
            if (mostly_s := median(lags_s)) > SLOW_LOOP_S:
                tally().counts["loop_slow"] += 1
                alarm.late(mostly_s, for_s=now_s - second_s)
            lags_s.clear()
            second_s, used_s = now_s, _cpu_s()
            each_second()


class _Alarm:
    """Warns, at most every 10 s, and marks the seconds of the plan in which something was late."""

    def __init__(self, tally: Callable[[], Tally], clock: Callable[[], float]) -> None:
        self._tally = tally
        self._clock = clock
        self._warned_s = float("-inf")

    def late(self, lag_s: float, *, for_s: float) -> None:
        """The loop is late by so much, and has been for so long."""
        at_s = self._clock()
        for second in range(max(int(at_s - for_s), 0), int(at_s) + 1):
            self._tally().timeline.at(second)["loop_late"] += 1
        if at_s - self._warned_s > _WARN_EVERY_S:
            self._warned_s = at_s
            logger.warning("this generator is late by %.0f ms: what is measured now is measured late", lag_s * 1000)


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
