"""When a plan makes its samples: the threads of a group go through their samplers, and the timers delay them.

    thread starts ─► sampler 0 (its timers, then the sample) ─► sampler 1 ─► …    the first passes of the script

A sample takes no time here, so these are the earliest times; a slow edge makes them later. Samples are made in the
order of their times, as the timers with one clock for all threads need it, and of two at one instant the one that comes
earlier in the script is first.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from locust_softphone.jmeter.start_times import Thread
from locust_softphone.jmeter.timers import Ask, Delay

__all__ = ["first_samples"]


def first_samples(threads: Sequence[Thread], samplers: Sequence[Sequence[Delay]]) -> list[list[float]]:
    """When each sampler is used for the first time by each thread, in order.

    Args:
        threads: of the group.
        samplers: in the order of the script, each with the delays of the timers that apply to it.

    Returns:
        For each sampler the times in seconds. A thread that its group or a timer ends before has none.
    """
    found: list[list[float]] = [[] for _ in samplers]
    if not samplers:
        return found
    waiting = [(thread.start_s, 0, number) for number, thread in enumerate(threads)]
    heapq.heapify(waiting)
    while waiting:
        now_s, at, number = heapq.heappop(waiting)
        delays = [delay(Ask(number, now_s)) for delay in samplers[at]]
        if None in delays:
            continue
        sample_s = now_s + sum(delay for delay in delays if delay is not None)
        end_s = threads[number].end_s
        if end_s is not None and sample_s > end_s:
            continue
        found[at].append(sample_s)
        if at + 1 < len(samplers):
            heapq.heappush(waiting, (sample_s, at + 1, number))
    return [sorted(times) for times in found]
