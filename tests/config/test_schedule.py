"""Schedules: start times, bad stages, shares of the workers, and Poisson arrivals."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locust_softphone.config.schedule import Schedule, Stage


@pytest.mark.parametrize(
    ("stages", "starts"),
    [
        ([Stage(4, 0)], [0, 0, 0, 0]),  # a burst: all at the same instant
        ([Stage(4, 2.0)], [0, 0.5, 1.0, 1.5]),  # the last start is one step before the end, as with a rate
        ([Stage(2, 1.0), Stage(None, 3.0), Stage(4, 1.0)], [0, 0.5, 4.0, 4.5]),  # a hold delays the stages after it
        ([Stage(2, 1.0), Stage(4, 0)], [0, 0.5, 1.0, 1.0]),  # a burst on top of a ramp
        ([Stage(None, 5.0), Stage(4, 0)], [5, 5, 5, 5]),  # a hold comes first
        ([Stage(1, 1.0), Stage(4, 3.0)], [0, 1, 2, 3]),  # no gap between two stages
    ],
)
def test_the_start_times_of_stages(stages: list[Stage], starts: list[float]) -> None:
    assert list(Schedule(4, tuple(stages))) == starts


def test_a_ramp_of_500_over_60s_starts_one_every_120_ms() -> None:
    ramp = Schedule(500, (Stage(500, 60.0),))
    assert [ramp.start_time(n) for n in (0, 1, 250)] == [0.0, 0.12, 30.0]
    assert ramp.last_start_s == pytest.approx(59.88)


@pytest.mark.parametrize(
    ("users", "stages", "problem"),
    [
        (5, [], "the last stage must reach the 5 users, not stop at 0"),
        (5, [Stage(4, 1)], "the last stage must reach the 5 users, not stop at 4"),
        (5, [Stage(6, 1)], "the last stage must reach the 5 users, not stop at 6"),
        (5, [Stage(5, 1), Stage(None, 9)], "the last stage must reach the 5 users, not hold"),
        (5, [Stage(5, 1), Stage(3, 1)], "a stage to 3 follows one to 5; each stage must reach more softphones"),
        (5, [Stage(2, 1), Stage(2, 1)], "a stage to 2 follows one to 2; each stage must reach more softphones"),
        (5, [Stage(0, 1), Stage(5, 1)], "a stage to 0 follows one to 0; each stage must reach more softphones"),
        (5, [Stage(5, -1)], "a stage cannot have a negative duration"),
    ],
)
def test_impossible_stages_are_refused(users: int, stages: list[Stage], problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{problem}$"):
        Schedule(users, tuple(stages))


@pytest.mark.parametrize(
    ("users", "stages", "peak"),
    [
        (500, [Stage(500, 0)], 500),
        (500, [Stage(500, 10.0)], 50),  # not 51: the second does not include its end
        (500, [Stage(500, 60.0)], 9),  # 8.33/s: nine, 0.12 s apart, fit into 0.96 s
        (10, [Stage(10, 10 / 3)], 3),  # the rate has no exact float
        (8, [Stage(2, 1.5), Stage(8, 0)], 7),  # a second can span two stages
        (3, [Stage(3, 30.0)], 1),
    ],
)
def test_the_largest_number_of_starts_in_a_second(users: int, stages: list[Stage], peak: int) -> None:
    assert Schedule(users, tuple(stages)).peak_starts_per_s() == peak


def test_an_index_outside_the_plan_is_refused() -> None:
    for n in (-1, 5):
        with pytest.raises(IndexError):
            Schedule(5, (Stage(5, 1.0),)).start_time(n)


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    seconds = st.one_of(st.just(0.0), st.floats(0.001, 3600))
    rises = draw(st.lists(st.integers(1, 40), min_size=1, max_size=5))
    stages: list[Stage] = []
    users = 0
    for rise in rises:
        if draw(st.booleans()):
            stages.append(Stage(None, draw(seconds)))
        users += rise
        stages.append(Stage(users, draw(seconds)))
    return Schedule(users, tuple(stages), draw(st.sampled_from(["uniform", "poisson"])), draw(st.integers(0, 9)))


@given(schedules())
def test_starts_are_sorted_and_each_lies_within_its_stage(schedule: Schedule) -> None:
    starts = list(schedule)
    assert len(starts) == schedule.users
    assert all(a <= b for a, b in pairwise(starts))
    start_s, reached = 0.0, 0
    for stage in schedule.stages:
        to = reached if stage.to is None else stage.to
        assert all(start_s <= t <= start_s + stage.over_s for t in starts[reached:to])
        start_s, reached = start_s + stage.over_s, to


@given(schedules(), st.floats(-1, 20000))
def test_started_by_counts_the_starts_until_then(schedule: Schedule, t_s: float) -> None:
    starts = list(schedule)
    for t in (t_s, starts[0], starts[-1], starts[len(starts) // 2]):
        assert schedule.started_by(t) == sum(start <= t for start in starts)


@given(schedules())
def test_the_peak_is_the_fullest_second_that_begins_with_a_start(schedule: Schedule) -> None:
    starts = list(schedule)
    assert schedule.peak_starts_per_s() == max(sum(0 <= b - a < 1 - 1e-9 for b in starts) for a in starts)


def test_the_same_seed_gives_the_same_poisson_arrivals() -> None:
    plan = Schedule(4, (Stage(4, 10.0),), "poisson", seed=1)
    assert list(plan) == list(Schedule(4, (Stage(4, 10.0),), "poisson", seed=1))
    assert list(plan) != list(Schedule(4, (Stage(4, 10.0),), "poisson", seed=2))
    # Pinned: every Python version, machine and worker must get these.
    assert list(plan) == pytest.approx([1.3436424411240122, 2.550690257394217, 7.637746189766, 8.474337369372327])


def test_poisson_arrivals_have_exponential_gaps() -> None:
    starts = list(Schedule(20_000, (Stage(20_000, 1000.0),), "poisson", seed=7))
    gaps = [b - a for a, b in pairwise(starts)]
    mean = sum(gaps) / len(gaps)
    assert mean == pytest.approx(0.05, rel=0.01)
    assert sum(gap > mean for gap in gaps) / len(gaps) == pytest.approx(0.368, abs=0.01)  # e**-1, if exponential


# Leaving


@pytest.mark.parametrize(
    ("stay_s", "ramp_down_s", "leaves", "why"),
    [
        (None, 0.0, [20, 20, 20, 20], "all stay to the end"),
        (5.0, 0.0, [5, 6, 7, 8], "each leaves a while after its start"),
        (None, 8.0, [12, 14, 16, 18], "evenly spaced before the end, the first one first"),
        (14.0, 8.0, [12, 14, 16, 17], "whatever comes first"),
    ],
)
def test_when_softphones_leave(stay_s: float | None, ramp_down_s: float, leaves: list[float], why: str) -> None:
    plan = Schedule(4, (Stage(4, 4.0),), stay_s=stay_s, ramp_down_s=ramp_down_s)
    assert [plan.leave_time(n, 20.0) for n in range(4)] == leaves, why


def test_how_many_softphones_are_present() -> None:
    plan = Schedule(4, (Stage(4, 4.0),), stay_s=2.0)  # from 0 to 2, 1 to 3, 2 to 4, 3 to 5
    assert [plan.present_at(t, 10.0) for t in (0, 1, 1.5, 2, 3.5, 4.5, 6)] == [1, 2, 2, 2, 2, 1, 0]
    assert plan.leaves_per_second(10.0) == [0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0]


def test_a_plan_without_stay_has_no_leaves_before_its_end() -> None:
    plan = Schedule(3, (Stage(3, 3.0),))
    assert plan.leaves_per_second(10.0) == []
    assert plan.present_at(10.0, 10.0) == 3


@given(
    users=st.integers(1, 50),
    over_s=st.floats(0, 100),
    stay_s=st.none() | st.floats(0.1, 100),
    share=st.floats(0, 0.99),
)
def test_nobody_leaves_before_its_start_or_before_those_that_started_earlier(
    users: int, over_s: float, stay_s: float | None, share: float
) -> None:
    """As long as the ramp down begins after the last start, which a profile checks."""
    end_s = over_s + (10.0 if stay_s is None else stay_s)
    plan = Schedule(users, (Stage(users, over_s),), stay_s=stay_s)
    plan = Schedule(users, (Stage(users, over_s),), stay_s=stay_s, ramp_down_s=share * (end_s - plan.last_start_s))
    leaves = [plan.leave_time(n, end_s) for n in range(users)]
    assert leaves == sorted(leaves)
    assert all(start < leave <= end_s for start, leave in zip(plan, leaves, strict=True))
    assert sum(plan.leaves_per_second(end_s)) == sum(leave < end_s for leave in leaves)
