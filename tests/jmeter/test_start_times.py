"""Start and end of each thread, by the kind of its thread group."""

from __future__ import annotations

import pytest

from locust_softphone.jmeter.arrival_curve import RateSegment, arrival_times, open_model_segments, steps_to
from locust_softphone.jmeter.start_times import Thread, changes, concurrency, plain, stepping, ultimate


def times(threads: list[Thread]) -> list[tuple[float, float | None]]:
    return [(round(thread.start_s, 3), None if thread.end_s is None else round(thread.end_s, 3)) for thread in threads]


@pytest.mark.parametrize(
    ("threads", "expected", "why"),
    [
        (plain(3, 0.0), [(0, None)] * 3, "ramp-up 0: all at once"),
        (plain(4, 2.0), [(0, None), (0.5, None), (1, None), (1.5, None)], "evenly over the ramp-up, the first at once"),
        (plain(2, 4.0, 10.0, 30.0), [(10, 40), (12, 40)], "with a delay and a duration, which ends all at once"),
        (
            ultimate([(2, 10.0, 4.0, 30.0, 6.0)]),
            [(12, 47), (14, 50)],
            "thread k of n starts at delay + startup·k/n, never at the delay itself; the first to start ends first",
        ),
        (ultimate([(1, 5.0, 0.0, 9.0, 0.0), (1, 0.0, 0.0, 9.0, 0.0)]), [(0, 9), (5, 14)], "rows in any order"),
        (concurrency(4, 0.0, 0, 60.0), [(0, 60)] * 4, "without a ramp-up all at once"),
        (concurrency(4, 8.0, 0, 60.0), [(1, 68), (3, 68), (5, 68), (7, 68)], "when the rounded level reaches k"),
        (concurrency(4, 8.0, 2, 60.0), [(0, 68), (0, 68), (4, 68), (4, 68)], "in two steps, the first at once"),
    ],
)
def test_threads_of_a_group(threads: list[Thread], expected: list[tuple[float, float | None]], why: str) -> None:
    assert times(threads) == expected, why


def test_a_stepping_thread_group() -> None:
    """The numbers of the plugin's own test: 10 at first over 10 s, then steps of 5, each 30 s after the one before."""
    threads = stepping(
        15, delay_s=5, count=5, period_s=30, ramp_s=10, flight_s=60, stop_count=5, stop_period_s=1, burst=10
    )
    starts = [thread.start_s for thread in threads]
    assert starts[:10] == [5 + k for k in range(10)]
    assert starts[10] - starts[9] == 31
    assert starts[10:] == [45 + 2 * k for k in range(5)]
    assert [thread.end_s for thread in threads] == [115 + step for step in (0, 1, 2) for _ in range(5)]


def test_starts_and_ends_in_order() -> None:
    assert changes([Thread(0, 2), Thread(1), Thread(2, 3)]) == [(0, 1), (1, 1), (2, -1), (2, 1), (3, -1)]


@pytest.mark.parametrize(
    ("segments", "expected", "why"),
    [
        ([RateSegment(2, 2, 2)], [0, 0.5, 1, 1.5], "a constant rate"),
        ([RateSegment(0, 4, 2)], [0, 1, 1.414, 1.732], "a rate that rises: by area, so ever closer"),
        ([RateSegment(1, 1, 1.5), RateSegment(0, 0, 10), RateSegment(1, 1, 1)], [0, 1, 12], "a part is carried over"),
        ([RateSegment(5, 5, 0)], [], "no time, no events"),
        (steps_to(4, 0, 0, 1), [0, 0.25, 0.5, 0.75], "no ramp-up: the level at once"),
        (steps_to(4, 2, 2, 0), [0, 0.5, 1, 1.25, 1.5, 1.75], "in steps, the first one at once"),
    ],
)
def test_arrivals_by_the_area_under_a_rate(segments: list[RateSegment], expected: list[float], why: str) -> None:
    assert [round(time_s, 3) for time_s in arrival_times(segments)] == expected, why


@pytest.mark.parametrize(
    ("schedule", "segments", "random"),
    [
        (
            "rate(0/s) random_arrivals(10 s) rate(5/s) random_arrivals(1 min) pause(2 s)",
            [RateSegment(0, 5, 10), RateSegment(5, 5, 60), RateSegment(0, 0, 2)],
            True,
        ),
        ("rate(60/min) even_arrivals(1 min 30 s)", [RateSegment(1, 1, 90)], False),
        ("rate(2/s) // two a second\n even_arrivals(3s)", [RateSegment(2, 2, 3)], False),
    ],
)
def test_the_schedule_of_an_open_model(schedule: str, segments: list[RateSegment], random: bool) -> None:
    assert open_model_segments(schedule) == (segments, random)


@pytest.mark.parametrize("schedule", ["sometimes(3 s)", "rate(5/fortnight)", "rate(x/s)"])
def test_a_schedule_that_cannot_be_read(schedule: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        open_model_segments(schedule)
