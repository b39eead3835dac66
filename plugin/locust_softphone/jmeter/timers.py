"""What JMeter's timers wait before a sample. Times are in seconds.

A timer applies to every sample in its scope. Constant Throughput Timer (``ConstantThroughputTimer.delay``), for a
target of one sample each p seconds:

    calcMode 0          p              after the thread's previous sample
    calcMode 1 and 2    p · threads    after it: all active threads, or those of the group
    calcMode 3 and 4    the next slot of a clock that all threads, or those of the group, share

    **In every mode the first sample of a thread is not delayed**: its target time is its own previous one, 0, plus the
    delay, which is in the past. In modes 3 and 4 the first samples use up slots all the same, so the second samples
    wait until those are over.

Precise Throughput Timer and Throughput Shaping Timer have one schedule for all samples, and delay the first one too.
Random timers count with their mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import NamedTuple

from locust_softphone.jmeter.arrival_curve import RateSegment, arrival_times

__all__ = ["Ask", "Delay", "each_thread", "fixed", "precise", "shaping", "shared_clock"]


class Ask(NamedTuple):
    """What a timer is asked before a sample.

    Args:
        thread: the number of the thread.
        now_s: when its script reaches the sample.
    """

    thread: int
    now_s: float


Delay = Callable[[Ask], float | None]
"""How long a sample waits; None if the timer ends the test."""


def fixed(mean_s: float) -> Delay:
    """Constant, Uniform Random, Gaussian Random and Poisson Random Timer, with the mean of their delays."""
    return lambda ask: mean_s


def each_thread(period_s: float, threads: int = 1) -> Delay:
    """Constant Throughput Timer with calcMode 0, or with 1 and 2 and the number of threads that count."""
    return _own_previous(lambda now_s: period_s * threads)


def shared_clock(period_s: float) -> Delay:
    """Constant Throughput Timer with calcMode 3 or 4."""
    last_s = float("-inf")

    def until_slot(now_s: float) -> float:
        nonlocal last_s
        last_s = max(now_s, last_s + period_s)
        return last_s - now_s

    return _own_previous(until_slot)


def _own_previous(delay_of: Callable[[float], float]) -> Delay:
    """The delay counts from the thread's previous target, and a thread without one does not wait."""
    previous: dict[int, float] = {}

    def delay(ask: Ask) -> float:
        wanted_s = delay_of(ask.now_s)
        target_s = previous.get(ask.thread, float("-inf")) + wanted_s
        previous[ask.thread] = max(target_s, ask.now_s)
        return previous[ask.thread] - ask.now_s

    return delay


def precise(per_s: float, batch: int = 1) -> Delay:
    """Precise Throughput Timer: a schedule for all samples, in batches. Its random arrivals count with their mean."""
    return _on_schedule(number // batch * batch / per_s for number in count(1 if batch == 1 else 0))


def shaping(segments: Sequence[RateSegment]) -> Delay:
    """Throughput Shaping Timer: a rate over time for all samples; it ends the test after its last row."""
    return _on_schedule(arrival_times(segments))


def _on_schedule(slots: Iterator[float]) -> Delay:
    def delay(ask: Ask) -> float | None:
        slot_s = next(slots, None)
        return None if slot_s is None else max(slot_s - ask.now_s, 0.0)

    return delay
