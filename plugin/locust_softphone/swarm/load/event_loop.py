"""Measures how late the generator's event loop is, so that its delay is not mistaken for the edge's.

A greenlet sleeps for 50 ms again and again, and records how much later it woke up: the event-loop lag. Once a second it
records the median lag and how much of a CPU core the process used. ``runs/saturation.py`` draws the conclusion.
"""

from __future__ import annotations

import logging
import resource
import time
from collections.abc import Callable
from statistics import median

import gevent

from locust_softphone.runs.saturation import LATE_LOOP_S, SLOW_LOOP_S
from locust_softphone.swarm.load.loop_lag import EVERY_S, LoopLag
from locust_softphone.swarm.load.recorder import Recorder

__all__ = ["monitor_event_loop"]

logger = logging.getLogger(__name__)

_WARN_EVERY_S = 10.0


def monitor_event_loop(
    recorder: Recorder,
    lag: LoopLag,
    clock: Callable[[], float],
    over: Callable[[], bool],
    each_second: Callable[[], None],
) -> None:
    """Record the loop's lag and the CPU used until the run is over; warn while it lags, at most every 10 s.

    Args:
        recorder: where the measurements go.
        lag: keeps the lags, for the softphones.
        clock: seconds since the plan's start.
        over: whether the run is over.
        each_second: called once a second.
    """
    lags_s: list[float] = []
    second_s, used_s = time.perf_counter(), _cpu_s()
    warned_s = float("-inf")

    def note_lag(lag_s: float, for_s: float) -> None:
        """Mark the seconds of the plan during which the loop lagged, and warn."""
        nonlocal warned_s
        at_s = clock()
        for second in range(max(int(at_s - for_s), 0), int(at_s) + 1):
            recorder.tally.timeline[second]["loop_late"] += 1
        if at_s - warned_s > _WARN_EVERY_S:
            warned_s = at_s
            logger.warning("the event loop lags by %.0f ms: latencies include generator delay", lag_s * 1000)

    while not over():
        lag.asked(clock())
        gevent.sleep(EVERY_S)
        now_s = time.perf_counter()
        lags_s.append(lag_s := lag.woke(clock()))
        tally = recorder.tally
        tally.latencies["loop_lag"].record(max(lag_s, 0.0))
        tally.counts["loop_ms"] += round((EVERY_S + lag_s) * 1000)
        if lag_s > LATE_LOOP_S:
            tally.counts["loop_late_ms"] += round(lag_s * 1000)
            note_lag(lag_s, for_s=lag_s)
        if now_s - second_s >= 1:
            tally.latencies["cpu"].record((_cpu_s() - used_s) / (now_s - second_s))
            tally.counts["loop_seconds"] += 1
            if (median_s := median(lags_s)) > SLOW_LOOP_S:
                tally.counts["loop_slow"] += 1
                note_lag(median_s, for_s=now_s - second_s)
            lags_s.clear()
            second_s, used_s = now_s, _cpu_s()
            each_second()


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
