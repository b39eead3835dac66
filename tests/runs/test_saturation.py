"""When a generator is saturated, by its start lag and its event loop's lag."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locust_softphone.metrics.histogram import Histogram
from locust_softphone.metrics.tally import Tally
from locust_softphone.runs.saturation import LATE_START_S, judged_by, saturation


def a_tally(
    *,
    on_time: int = 0,
    late: int = 0,
    late_s: float = 0.0,
    of_s: float = 0.0,
    seconds: int = 0,
    slow: int = 0,
    missed: int = 0,
    dropped: int = 0,
    calls: Iterable[tuple[float, float]] = (),
) -> Tally:
    """What was measured; ``calls`` are set-up times, each with the part of it in which the loop was late."""
    tally = Tally()
    for lag_s, count in ((0.002, on_time), (0.4, late)):
        for _ in range(count):
            tally.latencies["start_lag"].record(lag_s)
    for setup_s, lost_s in calls:
        tally.latencies["call_setup"].record(setup_s)
        tally.latencies["call_setup.lag"].record(lost_s)
    tally.counts.update(
        loop_ms=round(of_s * 1000),
        loop_late_ms=round(late_s * 1000),
        loop_seconds=seconds,
        loop_slow=slow,
        starts_missed=missed,
        dropped_in_stall=dropped,
    )
    return tally


BURST = [(0.13, 0.12)] * 500  # the softphones of a burst wait for each other


@pytest.mark.parametrize(
    ("tally", "reason", "why"),
    [
        (a_tally(), None, "nothing was measured"),
        (a_tally(on_time=100), None, "all on time"),
        (a_tally(on_time=99, late=1), None, "one in a hundred is not the p99"),
        (a_tally(on_time=98, late=2), "the p99 of the start lag is 400 ms", "two are"),
        (a_tally(late_s=0.5, of_s=10), None, "5 % of the time"),
        (a_tally(late_s=0.7, of_s=10), "its event loop was late for 0.7 of 10.0 s", "one stall, and more than that"),
        (a_tally(late_s=0.4, of_s=2), None, "too little to judge by: a burst, and what follows it"),
        (a_tally(seconds=60, slow=3), None, "three seconds of a minute"),
        (a_tally(seconds=60, slow=4), "mostly 25 ms late or more in 4 of 60 s", "more than that"),
        (a_tally(seconds=10, slow=2), None, "a burst, and what follows it"),
        (a_tally(missed=10), "10 softphones that were due could not start", "it had no time for them"),
        (a_tally(dropped=3), "3 WebSockets ended while it stood still", "the edge may not be the reason"),
        (a_tally(calls=BURST), None, "a burst is on time with up to 250 ms"),
        (a_tally(calls=[(0.85, 0.7)] * 500), "of the call set-up's p50 were its own delay", "all wait for one stall"),
        (a_tally(calls=[(0.5, 0.35)] * 500), "were its own delay", "too little CPU all the time"),
        (a_tally(calls=[(9.0, 0.8)] * 500), None, "less than a tenth of what is reported"),
        (a_tally(calls=[(0.01, 0.0)] * 493 + [(0.8, 0.79)] * 7), "call set-up's p99", "seven calls make the p99"),
        (a_tally(calls=[(0.01, 0.0)] * 496 + [(0.8, 0.79)] * 4), None, "four do not"),
    ],
)
def test_saturation_is_found_by_what_it_does_to_the_figures(tally: Tally, reason: str | None, why: str) -> None:
    for judged in (tally, judged_by(tally)):
        said = saturation(judged)
        assert (said is None) == (reason is None), why
        assert reason is None or reason in (said or ""), why


@given(st.lists(st.floats(0, 1), min_size=1, max_size=300))
def test_counting_late_starts_agrees_with_the_percentile(lags_s: list[float]) -> None:
    latency = Histogram()
    for lag_s in lags_s:
        latency.record(lag_s)
    above = latency.count_above(LATE_START_S)
    if above * 100 > len(lags_s):
        assert latency.percentile_s(99) >= LATE_START_S
    else:
        assert latency.percentile_s(98.9) <= LATE_START_S * 1.001


@pytest.mark.parametrize(
    ("used", "words"),
    [
        (0.01, "although it used only 1% of a core (other programs probably had the CPU):"),
        (0.98, "using 98% of a core:"),
    ],
)
def test_a_late_generator_that_used_little_cpu_waited_for_it(used: float, words: str) -> None:
    tally = Tally()
    tally.counts["dropped_in_stall"] = 1
    tally.latencies["cpu"].record(used)
    found = saturation(tally)
    assert found is not None
    assert words in found
