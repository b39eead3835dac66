"""The gate against a baseline: what counts as worse, and when it cannot be told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import junitparser
import pytest

from locust_softphone.report.baseline_gate import BaselineGate, GateResult, gate_against
from locust_softphone.report.comparison import compare_runs
from locust_softphone.report.formats import FORMATS
from locust_softphone.report.terminal import render
from locust_softphone.runs.record import RunRecord
from tests.runs.records import a_record, replaced


def runs(*fields: dict[str, Any]) -> list[RunRecord]:
    return [
        replaced(a_record(**{"name": "burst", "users": 100, **each}), run_id=f"{number}-burst")
        for number, each in enumerate(fields)
    ]


def answered(*counts: int) -> list[RunRecord]:
    return runs(*({"answered": count} for count in counts))


def gate(now: Sequence[RunRecord], before: Sequence[RunRecord], tolerance: float = 0.02) -> BaselineGate:
    return gate_against(now, before, "main", tolerance)


@pytest.mark.parametrize(
    ("before", "now", "tolerance", "worse", "why"),
    [
        ((98, 99, 98), (80, 81, 80), 0.02, True, "fewer were answered, beyond the noise"),
        ((80, 81, 80), (98, 99, 98), 0.02, False, "more were answered"),
        ((80, 95, 60), (70, 90, 55), 0.02, False, "the runs differ by more than the arms"),
        ((90, 90, 91), (80, 80, 81), 0.2, False, "it is within the tolerance"),
        ((90, 90, 91), (80, 80, 81), 0.05, True, "it is not within the tolerance"),
    ],
)
def test_answered_is_worse(before: Any, now: Any, tolerance: float, worse: bool, why: str) -> None:
    (arm,) = gate(answered(*now), answered(*before), tolerance).arms
    assert ("answered" in [each.metric for each in arm.worse]) is worse, why
    assert arm.result is (GateResult.WORSE if worse else GateResult.NOT_WORSE), why


def test_more_refusals_are_worse_and_fewer_are_not() -> None:
    few, many = ([{"limited": {"offer": n}} for n in counts] for counts in ((5, 6, 7), (50, 52, 54)))
    (arm,) = gate(runs(*many), runs(*few)).arms
    assert {"rate_limited", "amplification"} <= {each.metric for each in arm.worse}
    (arm,) = gate(runs(*few), runs(*many)).arms
    assert arm.worse == ()


@pytest.mark.parametrize(
    ("now", "before", "why"),
    [
        (answered(90), answered(90, 91), "there is only 1 run now"),
        (answered(90, 91), answered(90), "there is only 1 run in the baseline"),
        (answered(50, 51), runs({"ramp": "1s"}, {"ramp": "1s"}), "the profile has changed since (ramp 1s → 0s)"),
        (answered(50, 51), runs({"name": "other"}), "no valid run in the baseline has this profile"),
        (answered(50, 51), runs({"invalid": ["late"]}), "no valid run in the baseline has this profile"),
    ],
)
def test_when_it_cannot_tell(now: list[RunRecord], before: list[RunRecord], why: str) -> None:
    found = gate(now, before)
    assert found.has(GateResult.CANNOT_TELL)
    (sentence,) = found.sentences
    assert sentence.startswith("Cannot tell whether burst is worse than the baseline main: ")
    assert why in sentence


def test_other_versions_are_compared_and_named() -> None:
    now = runs(*({"answered": 90, "versions": {"locust": "9.9"}} for _ in range(2)))
    (arm,) = gate(now, answered(90, 91)).arms
    assert arm.result is GateResult.NOT_WORSE
    assert "Also different: versions locust 2.47.0 → 9.9." in arm.sentence("main")


def test_the_formats_show_the_gate() -> None:
    now = answered(80, 81, 80)
    comparison = compare_runs(now, gate(now, answered(98, 99, 98)))
    (suite,) = [
        suite
        for suite in junitparser.JUnitXml.fromstring(FORMATS["junit"](comparison).encode())
        if "main" in suite.name
    ]
    (answers,) = [case for case in suite if case.name == "answered is not worse"]
    assert suite.failures >= 1
    assert [type(each) for each in answers.result] == [junitparser.Failure]
    assert answers.result[0].message.startswith("80.3% (")
    markdown = FORMATS["markdown"](comparison)
    assert "**burst is worse than the baseline main: answered 80.3% (" in markdown
    assert "| answered | worse | 80.3% (" in markdown
    assert "burst is worse than the baseline main" in render(comparison, width=200)


def test_in_junit_what_cannot_be_told_is_skipped() -> None:
    now = answered(80)
    comparison = compare_runs(now, gate(now, answered(98, 99)))
    *_, suite = junitparser.JUnitXml.fromstring(FORMATS["junit"](comparison).encode())
    assert (suite.tests, suite.failures, suite.skipped) == (1, 0, 1)
    assert "Cannot tell whether burst is worse" in render(comparison, width=200)
