"""Runs and arms: remarks and labels."""

from __future__ import annotations

from typing import Any

import pytest

from locust_softphone.report.arms import Arm, Spread, arms_of, remarks, runs_of
from locust_softphone.runs.record import RunRecord
from tests.runs.records import a_record


def labels(arms: list[Arm]) -> list[tuple[str, int]]:
    return [(arm.label, len(arm.runs)) for arm in arms]


@pytest.mark.parametrize(
    ("record", "sentences"),
    [
        (a_record(), ()),
        (a_record(expect=["answered == 100%"]), ()),
        (a_record(answered=4, expect=["answered == 100%"]), ()),  # the expectations are shown with their marks
        (
            a_record(invalid=["the run was stopped before its plan was over"]),
            ("the run was stopped before its plan was over",),
        ),
        (
            a_record(
                answered=4,
                gave_up=0,
                limited={"offer": 1},
                expect=["rate_limited == 0", "answered == 100%"],
                aborted_by="rate_limited == 0",
            ),
            ("aborted after 1.50 s: rate_limited == 0 could no longer hold",),
        ),
        (
            a_record(answered=4, gave_up=5),
            ("1 of 10 softphones had not finished their call set-up when the run ended",),
        ),
    ],
)
def test_remarks(record: RunRecord, sentences: tuple[str, ...]) -> None:
    assert tuple(remarks(record)) == sentences


def test_repeated_runs_are_next_to_each_other_and_numbered() -> None:
    b: dict[str, Any] = {"ramp": "1s"}
    runs = runs_of([a_record("a"), a_record("b", **b), a_record("a"), a_record("b", **b), a_record("c")])
    assert [run.label for run in runs] == ["a #1", "a #2", "b #1", "b #2", "c"]
    assert labels(arms_of(runs)) == [("a", 2), ("b", 2), ("c", 1)]


def test_different_profiles_of_one_name_are_two_arms() -> None:
    runs = runs_of(a_record("a", ramp=ramp) for ramp in ("0s", "1s", "0s"))
    assert [run.label for run in runs] == ["a #1", "a #2", "a #3"]
    assert labels(arms_of(runs)) == [("a #1", 2), ("a #3", 1)]


def test_the_spread_of_an_arm() -> None:
    runs = runs_of(a_record(answered=answered) for answered in (7, 10, 8))
    (arm,) = arms_of(runs)
    assert arm.spread("answered") == Spread(7, 10)
    assert str(arm.spread("answered")) == "7–10"
    assert str(arm.spread("planned")) == "10"
    assert arm.has("call_setup.p50")
    assert not arm.has("time_to_connected")
