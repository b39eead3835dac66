"""The sliding counter, and the measured rate, which counts refused requests too."""

from __future__ import annotations

import pytest

from locust_softphone.limits.sliding_counter import MeasuredRate, SlidingCounter
from tests.limits.timeline import admitted, marks


@pytest.mark.parametrize(
    ("instants", "expected"),
    [
        ([0, 0, 0, 0, 0], "AAAAr"),
        ([0, 0, 0, 0, 10, 10.1, 10.1, 12.5], "AAAArAr" + "r"),  # at 10 all four still count, at 10.1 just less
        ([0, 0, 0, 0, 12.6, 12.6, 12.6], "AAAAAAr"),  # a quarter of the last window is out: 2.96, then 3.96
        ([0, 0, 0, 0, 20, 20, 20, 20, 20], "AAAAAAAAr"),  # forgotten after two windows
    ],
)
def test_admit(instants: list[float], expected: str) -> None:
    assert marks(SlidingCounter(4, 10.0), instants) == expected


@pytest.mark.parametrize(("aligned_to_s", "measured"), [(None, 4.0), (0.0, 2.0)])
def test_the_windows_begin_with_a_request_or_with_a_clock(aligned_to_s: float | None, measured: float) -> None:
    counter = SlidingCounter(4, 10.0, aligned_to_s)
    admitted(counter, [5.0] * 4)
    assert counter.measured(15.0) == measured


def test_a_client_that_keeps_asking_stays_refused_only_if_refused_requests_count() -> None:
    steadily = [number * 0.2 for number in range(300)]  # 5 a second, 10 allowed in 10 s
    assert sum(admitted(SlidingCounter(10, 10.0), steadily)) > 50
    assert sum(admitted(MeasuredRate(10, 10.0), steadily)) == 10


def test_a_client_that_pauses_is_admitted_again() -> None:
    rate = MeasuredRate(10, 10.0)
    admitted(rate, [0.0] * 30)
    assert rate.measured(0.0) == 30
    decision = rate.admit(5.0)
    assert not decision.admitted
    assert 5 + decision.wait_s == pytest.approx(10 + 10 * (1 - 10 / 31))
    assert rate.admit(20.0).admitted
