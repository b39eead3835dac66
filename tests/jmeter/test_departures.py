"""Which ends of threads are a ramp down."""

from __future__ import annotations

import pytest

from locust_softphone.jmeter.departures import RampDown, ramp_down_of
from locust_softphone.jmeter.start_times import Thread, plain, ultimate


@pytest.mark.parametrize(
    ("threads", "expected", "why"),
    [
        (ultimate([(4, 0.0, 4.0, 10.0, 8.0)]), RampDown(8.0, 24.0, True), "a shutdown of 8 s, which begins at 14 s"),
        ([Thread(0, 10), Thread(1, 10), Thread(2, 20), Thread(3, 20)], RampDown(13.333, 23.333, False), "in steps"),
        (plain(3, 1.0, 0.0, 9.0), None, "all at the same instant"),
        (plain(3, 1.0), None, "with their script"),
        ([Thread(0, 9), Thread(1, 8)], None, "the last one to start ends first"),
        ([Thread(0, 3), Thread(4, 8)], None, "one has ended before the last one starts"),
        ([Thread(0, 3)], None, "one thread"),
    ],
)
def test_the_ramp_down_of_threads(threads: list[Thread], expected: RampDown | None, why: str) -> None:
    assert ramp_down_of(threads) == expected, why
