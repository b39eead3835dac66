"""Start times as the stages of a ramp: the schedule of the stages starts softphones at these times again."""

from __future__ import annotations

import pytest

from locust_softphone.config.schedule import Schedule, Stage
from locust_softphone.jmeter.ramp_stages import stages_for
from locust_softphone.jmeter.start_times import Thread, concurrency, plain, stepping, ultimate


@pytest.mark.parametrize(
    "threads",
    [
        plain(500, 0.0),
        plain(500, 60.0),
        plain(7, 1.0, 5.0, 60.0),
        plain(1, 3.0),
        ultimate([(100, 0.0, 10.0, 60.0, 5.0), (50, 30.0, 5.0, 30.0, 5.0)]),
        ultimate([(3, 0.0, 3.0, 60.0, 0.0), (20, 3.1, 1.0, 60.0, 0.0)]),
        concurrency(50, 20.0, 0, 60.0),
        concurrency(50, 20.0, 5, 60.0),
        stepping(35, delay_s=15, count=10, period_s=2, ramp_s=1, flight_s=30, stop_count=10, stop_period_s=5),
    ],
)
def test_the_stages_start_softphones_at_the_same_times(threads: list[Thread]) -> None:
    starts = [thread.start_s for thread in threads]
    stages, exact = stages_for(starts)
    assert exact
    assert list(Schedule(len(starts), tuple(stages))) == pytest.approx(starts, abs=0.002)


def test_one_stage_for_a_plain_ramp() -> None:
    assert stages_for([thread.start_s for thread in plain(500, 60.0)]) == ([Stage(500, 60.0)], True)


def test_many_different_gaps_are_counted_by_second() -> None:
    starts = [k**1.7 / 10 for k in range(1, 200)]
    stages, exact = stages_for(starts)
    assert not exact
    schedule = Schedule(len(starts), tuple(stages))
    for second in range(0, int(starts[-1]) + 1, 20):
        assert schedule.started_by(second - 1e-9) == sum(start_s < second for start_s in starts)
