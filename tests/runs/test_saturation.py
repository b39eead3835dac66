"""When a generator is saturated, by its start lag and its event loop's lag."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locust_softphone.metrics.histogram import Histogram
from locust_softphone.metrics.tally import Tally
from locust_softphone.runs.saturation import LATE_START_S, judged_by, saturation


def a_tally(
    *, on_time: int = 0, late: int = 0, samples: int = 0, late_samples: int = 0, seconds: int = 0, slow: int = 0
) -> Tally:
    tally = Tally()
    for lag_s, count in ((0.002, on_time), (0.4, late)):
        for _ in range(count):
            tally.latencies["start_lag"].record(lag_s)
    tally.counts.update(loop_samples=samples, loop_late=late_samples, loop_seconds=seconds, loop_slow=slow)
    return tally


@pytest.mark.parametrize(
    ("tally", "reason", "why"),
    [
        (a_tally(), None, "nothing was measured"),
        (a_tally(on_time=100), None, "all on time"),
        (a_tally(on_time=99, late=1), None, "one in a hundred is not the p99"),
        (a_tally(on_time=98, late=2), "the p99 of the start lag is 400 ms", "two are"),
        (a_tally(samples=100, late_samples=5), None, "five in a hundred"),
        (a_tally(samples=100, late_samples=6), "its event loop was late in 6% of the samples", "more than that"),
        (a_tally(samples=20, late_samples=4), None, "too few to judge by"),
        (a_tally(seconds=60, slow=3), None, "three seconds of a minute"),
        (a_tally(seconds=60, slow=4), "mostly 25 ms late or more in 4 of 60 s", "more than that"),
        (a_tally(seconds=10, slow=2), None, "a burst, and what follows it"),
    ],
)
def test_saturation_is_found_by_start_lag_and_loop_lag(tally: Tally, reason: str | None, why: str) -> None:
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
