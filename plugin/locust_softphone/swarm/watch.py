"""Is the generator itself late? A load generator that is must say so, or its lateness passes for the edge's.

A greenlet that asks to be woken every 50 ms notes how much later it was (event-loop lag), and once a second how much of
a core the process used. A run is saturated when its softphones could not act on time:

    start lag    p99 above 250 ms: more than a burst of 500 on one core takes (benchmarks/start_lag.py)
    loop lag     above 100 ms in more than 5 % of the samples, and in 5 at least: what is measured then is measured late

The CPU alone is no verdict: a process at 100 % that is on time is well used. It is there to say why.
"""

from __future__ import annotations

import logging
import resource
import time
from collections.abc import Callable

import gevent

from locust_softphone.measure import Tally

__all__ = ["saturation", "watch"]

logger = logging.getLogger(__name__)

EVERY_S = 0.05
LATE_START_S = 0.25
LATE_LOOP_S = 0.1
LATE_LOOP_SHARE = 0.05
LATE_LOOP_LEAST = 5


def watch(
    tally: Callable[[], Tally],
    clock: Callable[[], float],
    over: Callable[[], bool],
    each_second: Callable[[bool], None],
) -> None:
    """Record the loop's lag and the CPU used until the run is over; warn, at most every 10 s, while it is late.

    Args:
        tally: the tally to record into, asked for each time, as it is handed on meanwhile.
        clock: seconds since the plan's start.
        over: whether the run is.
        each_second: told whether the generator is saturated.
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
                tally().timeline[second]["loop_late"] += 1
            if now_s - warned_s > 10:
                warned_s = now_s
                logger.warning("this generator is late by %.0f ms: what is measured now is measured late", lag_s * 1000)
        if now_s - second_s >= 1:
            tally().latencies["cpu"].record((_cpu_s() - used_s) / (now_s - second_s))
            second_s, used_s = now_s, _cpu_s()
            each_second(saturation(tally()) is not None)


def saturation(tally: Tally) -> str | None:
    """Why the generator could not keep up, in a sentence with the largest load that was still on time; or None."""
    reasons = []
    lag = tally.latencies["start_lag"]
    if len(lag) and lag.percentile_s(99) > LATE_START_S:
        reasons.append(f"the p99 of the start lag is {lag.percentile_s(99) * 1000:.0f} ms")
    late, samples = tally.counts["loop_late"], tally.counts["loop_samples"]
    if late >= LATE_LOOP_LEAST and late > LATE_LOOP_SHARE * samples:
        reasons.append(f"its event loop was late in {late / samples:.0%} of the samples")
    if not reasons:
        return None
    cpu = tally.latencies["cpu"]
    core = f" using {cpu.percentile_s(50):.0%} of a core" if len(cpu) else ""
    return (
        f"the generator was saturated{core}: {' and '.join(reasons)}; "
        f"the most that was on time: {on_time_per_s(tally)} attempts in a second"
    )


def on_time_per_s(tally: Tally) -> int:
    """The largest number of attempts in a second in which no process's event loop was late."""
    return max(
        (
            sum(n for name, n in counts.items() if name.startswith("attempts."))
            for counts in tally.timeline.values()
            if not counts["loop_late"]
        ),
        default=0,
    )


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
