"""When timers let samples through. What JMeter itself does is in tests/interop/test_jmeter.py."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from locust_softphone.jmeter.arrival_curve import RateSegment
from locust_softphone.jmeter.pacing import first_samples
from locust_softphone.jmeter.start_times import Thread, plain
from locust_softphone.jmeter.timers import Delay, each_thread, fixed, precise, shaping, shared_clock

THREADS = 500
PERIOD_S = 0.02  # 3,000 a minute


@pytest.mark.parametrize(
    ("timer", "second", "why"),
    [
        (each_thread(PERIOD_S), {0: 500}, "calcMode 0: each waits 20 ms, and they are a burst again"),
        (each_thread(PERIOD_S, THREADS), {10: 500}, "calcMode 1 and 2: each waits 10 s, and they are a burst again"),
        (shared_clock(PERIOD_S), {10 + s: 50 for s in range(10)}, "calcMode 3 and 4: after the slots of the first"),
    ],
)
def test_a_constant_throughput_timer_never_delays_the_first_sample_of_a_thread(
    timer: Delay, second: dict[int, int], why: str
) -> None:
    first, then = first_samples(plain(THREADS, 0.0), [[timer], [timer]])
    assert first == [0.0] * THREADS
    assert Counter(int(time_s + 1e-6) for time_s in then) == second, why


@pytest.mark.parametrize(
    ("timer", "expected"),
    [
        (lambda: precise(2.0), [0.5, 1.0, 1.5, 2.0]),
        (lambda: precise(2.0, batch=2), [0.0, 0.0, 1.0, 1.0]),
        (lambda: shaping([RateSegment(2, 2, 10)]), [0.0, 0.5, 1.0, 1.5]),
        (lambda: shaping([RateSegment(2, 2, 1)]), [0.0, 0.5]),  # it ends the test after its last row
        (lambda: fixed(0.3), [0.3, 0.3, 0.3, 0.3]),
    ],
)
def test_other_timers_delay_the_first_sample_too(timer: Callable[[], Delay], expected: list[float]) -> None:
    assert first_samples(plain(4, 0.0), [[timer()]]) == [expected]


def test_timers_add_up_and_a_sampler_without_one_follows_at_once() -> None:
    assert first_samples(plain(2, 2.0), [[fixed(1.0), fixed(0.5)], []]) == [[1.5, 2.5], [1.5, 2.5]]


def test_a_thread_that_is_ended_makes_no_more_samples() -> None:
    assert first_samples([Thread(0.0, 1.0), Thread(0.0, 3.0)], [[fixed(0.5)], [fixed(1.0)]]) == [[0.5, 0.5], [1.5]]


def test_without_samplers_there_are_no_samples() -> None:
    assert first_samples(plain(2, 0.0), []) == []
