"""Whether expectations held, and what was measured, in the unit of the expectation."""

from __future__ import annotations

from typing import Any

import pytest

from locust_softphone.report.judgement import JudgementKind, expectation_lines, judgement_of
from locust_softphone.runs.record import RunRecord
from tests.runs.records import a_record


@pytest.mark.parametrize(
    ("fields", "expectation", "line"),
    [
        ({"limited": {"offer": 6}}, "rate_limited > 0", "✓ rate_limited > 0: 6"),
        ({"answered": 4}, "answered == 100%", "✗ answered == 100%: 40% (4 of 10)"),
        ({"answered": 4}, "answered == 10", "✗ answered == 10: 4"),
        ({"users": 3000, "answered": 2999}, "answered == 100%", "✗ answered == 100%: 99.97% (2999 of 3000)"),
        ({"users": 3, "answered": 2}, "answered > 50%", "✓ answered > 50%: 66.7% (2 of 3)"),
        ({"connected_after_s": 70.0}, "time_to_connected < 65s", "✗ time_to_connected < 65s: 70.0 s"),
        ({"answered": 4}, "time_to_connected < 65s", "✗ time_to_connected < 65s: not measured"),
        ({"answered": 4}, "amplification < 1", "✗ amplification < 1: 1.20"),
    ],
)
def test_an_expectation_with_what_was_measured(fields: dict[str, Any], expectation: str, line: str) -> None:
    assert expectation_lines(a_record(expect=[expectation], **fields)) == [line]


def test_an_expectation_that_an_abort_left_undecided() -> None:
    expect = ["rate_limited == 0", "answered == 100%"]
    record = a_record(answered=4, gave_up=0, limited={"offer": 1}, expect=expect, aborted_by=expect[0])
    assert expectation_lines(record) == [
        "✗ rate_limited == 0: 1",
        "? answered == 100%: 40% (4 of 10), not decided when the run was aborted",
    ]


LIMITED: dict[str, Any] = {"answered": 4, "limited": {"offer": 6}}


@pytest.mark.parametrize(
    ("record", "kind", "text"),
    [
        (a_record(expect=["answered == 100%"]), JudgementKind.HELD, "1 of 1 expectation held"),
        (a_record(expect=["answered > 1", "gave_up == 0"]), JudgementKind.HELD, "2 of 2 expectations held"),
        (
            a_record(expect=["answered > 1", "gave_up == 0"], **LIMITED),
            JudgementKind.FAILED,
            "1 of 2 expectations failed",
        ),
        (a_record(**LIMITED), JudgementKind.NONE, "no expectations"),
        (
            a_record(expect=["rate_limited > 0"], reproduces=True, **LIMITED),
            JudgementKind.REPRODUCED,
            "reproduced the failure that the profile shows",
        ),
        (
            a_record(reproduces=True, **LIMITED),
            JudgementKind.REPRODUCED,
            "reproduced the failure that the profile shows",
        ),
        (a_record(expect=["rate_limited > 0"], **LIMITED), JudgementKind.HELD, "1 of 1 expectation held"),
        (
            a_record(expect=["gave_up == 0"], invalid=["late"], **LIMITED),
            JudgementKind.INVALID,
            "not valid: its measurements cannot be trusted",
        ),
    ],
)
def test_the_judgement_of_a_run(record: RunRecord, kind: JudgementKind, text: str) -> None:
    assert judgement_of(record)[:2] == (kind, text)
