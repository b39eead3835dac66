"""Differences between two arms: when a metric distinguishes them, counts per softphone, and the better direction."""

from __future__ import annotations

from typing import Any

import pytest

from locust_softphone.report.comparison import compare_runs
from locust_softphone.report.differences import ArmDifference
from locust_softphone.report.statistics import Estimate
from tests.runs.records import a_record

Answered = tuple[int, ...]


def difference(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> ArmDifference:
    """From an arm of burst runs to one of runs with a ramp."""
    records = [a_record("burst", **run) for run in before] + [a_record("ramp", ramp="1s", **run) for run in after]
    (found,) = compare_runs(records).differences
    return found


def answered(*counts: int) -> list[dict[str, Any]]:
    return [{"users": 100, "answered": count} for count in counts]


@pytest.mark.parametrize(
    ("before", "after", "apart", "why"),
    [
        ((50,), (60,), False, "single runs differ by 10 % of the softphones or less"),
        ((50,), (61,), True, "single runs differ by more than 10 % of the softphones"),
        ((99,), (100,), True, "all softphones were answered in one arm only"),
        ((0,), (1,), True, "no softphone was answered in one arm only"),
        ((50,), (50, 90), False, "a single run is inside the range of the other arm"),
        ((50, 52, 54), (53, 55, 57), False, "the interval of the difference contains zero"),
        ((50, 50, 51), (57, 58, 58), True, "the difference is significant"),
        ((50, 50, 50), (51, 51, 51), False, "the difference is significant, but not larger than 2 %"),
    ],
)
def test_when_a_metric_distinguishes_two_arms(before: Answered, after: Answered, apart: bool, why: str) -> None:
    found = difference(answered(*before), answered(*after))
    assert found.distinguishes("answered") is apart, why
    assert found.reversed().distinguishes("answered") is apart, why


def test_the_metrics_of_a_difference() -> None:
    found = difference([{"limited": {"offer": n}} for n in (5, 6, 7)], [{"limited": {"offer": 1}}] * 3)
    answered, moved = found.metrics["answered"], found.metrics["rate_limited"]
    assert answered is not None
    assert moved is not None
    assert (answered.is_none, found.is_significant("answered")) == (True, False)
    assert (moved.value, found.is_significant("rate_limited")) == (-5.0, True)
    assert [(change.name, change.before, change.after) for change in found.changed] == [("ramp", "0s", "1s")]


def test_counts_are_per_softphone_where_the_arms_planned_different_numbers() -> None:
    found = difference([{"users": 10, "limited": {"offer": 5}}], [{"users": 100, "limited": {"offer": 150}}])
    assert found.is_per_softphone("rate_limited")
    assert found.metrics["rate_limited"] == Estimate(1.0)
    assert not found.is_per_softphone("amplification")


def test_a_metric_that_one_arm_did_not_measure_has_no_difference() -> None:
    assert difference(answered(50), answered(100)).metrics["time_to_connected"] is None


@pytest.mark.parametrize(
    ("before", "after", "turned"),
    [
        (answered(50), answered(90), False),
        (answered(90), answered(50), True),
        ([{"limited": {"offer": 9}}], [{"limited": {"offer": 1}}], False),
        ([{"limited": {"offer": 1}}], [{"limited": {"offer": 9}}], True),
    ],
    ids=["more answered", "fewer answered", "fewer 429s", "more 429s"],
)
def test_the_better_direction(before: list[dict[str, Any]], after: list[dict[str, Any]], turned: bool) -> None:
    found = difference(before, after)
    better = found.for_the_better()
    assert (better.before is found.after) is turned
    assert better.effect == found.effect
