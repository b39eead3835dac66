"""Runs side by side: figures, cells, remarks, arms, and records that cannot be used."""

from __future__ import annotations

from typing import Any

import pytest

from locust_softphone.errors import InputError
from locust_softphone.report.comparison import COLUMNS, Spread, arms_of, figure, run_of, seconds, side_by_side
from tests.runs.records import a_record


def cells(record: dict[str, Any]) -> dict[str, str]:
    run = run_of(record)
    return {column.heading.replace("-\n", "").replace("\n", " "): column.cell(run) for column in COLUMNS}


def test_the_row_of_a_run() -> None:
    record = a_record(
        answered=4,
        limited={"token": 1, "handshake": 2, "offer": 3},
        abnormal={"refused": 2, "reset": 1},
        too_early=5,
        expect=["answered == 100%"],
    )
    assert cells(record) == {
        "planned": "10",
        "connected": "4",
        "answered": "4",
        "gave up": "6",
        "429 token": "1",
        "429 handshake": "2",
        "429 offer": "3",
        "abnormal closes": "3",
        "attempts each": "1.80",
        "all connected": "never",
        "set-up p50": "200 ms",
        "set-up p95": "200 ms",
        "set-up p99": "200 ms",
        "too early": "5",
        "verdict": "failed",
    }


def test_a_run_in_which_all_connected_says_when() -> None:
    assert cells(a_record(connected_after_s=9.98))["all connected"] == "9.98 s"


def test_a_run_in_which_nothing_was_answered_has_no_set_up_time() -> None:
    assert cells(a_record(answered=0))["set-up p99"] == "-"


@pytest.mark.parametrize(
    ("record", "remarks"),
    [
        (a_record(), ()),
        (a_record(expect=["answered == 100%"]), ()),
        (a_record(answered=4, expect=["answered == 100%"]), ("expected answered == 100%, it was 4",)),
        (
            a_record(connected_after_s=70.0, expect=["time_to_connected < 65s"]),
            ("expected time_to_connected < 65s, it was 70.0 s",),
        ),
        (
            a_record(answered=4, expect=["time_to_connected < 65s", "amplification < 1"]),
            ("expected time_to_connected < 65s, it was never measured", "expected amplification < 1, it was 1.20"),
        ),
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
            (
                "aborted after 1.50 s: rate_limited == 0 could no longer hold",
                "expected rate_limited == 0, it was 1",
                "not decided by then: answered == 100%",
            ),
        ),
        (
            a_record(answered=4, gave_up=5),
            ("1 had not finished their call set-up when the plan was over",),
        ),
    ],
)
def test_what_there_is_to_remark(record: dict[str, Any], remarks: tuple[str, ...]) -> None:
    assert run_of(record).remarks == remarks


@pytest.mark.parametrize(
    ("record", "exit_code"),
    [
        (a_record(), 0),
        (a_record(answered=4, expect=["answered == 100%"]), 1),
        (a_record(invalid=["the ledger does not balance"]), 3),
    ],
)
def test_the_verdict_has_an_exit_code(record: dict[str, Any], exit_code: int) -> None:
    assert run_of(record).exit_code == exit_code


def test_repeated_runs_stand_together_and_are_numbered() -> None:
    records = [a_record("a"), a_record("b", ramp="1s"), a_record("a"), a_record("b", ramp="1s"), a_record("c")]
    runs = side_by_side([run_of(record) for record in records])
    assert [run.label for run in runs] == ["a #1", "a #2", "b #1", "b #2", "c"]
    assert [(arm.label, len(arm.runs)) for arm in arms_of(runs)] == [("a", 2), ("b", 2), ("c", 1)]


def test_profiles_of_one_name_that_differ_are_two_arms() -> None:
    runs = side_by_side([run_of(a_record("a", ramp=ramp)) for ramp in ("0s", "1s", "0s")])
    assert [run.label for run in runs] == ["a #1", "a #2", "a #3"]
    assert [(arm.label, len(arm.runs)) for arm in arms_of(runs)] == [("a #1", 2), ("a #3", 1)]


def test_the_spread_of_an_arm() -> None:
    runs = side_by_side([run_of(a_record(answered=answered)) for answered in (7, 10, 8)])
    (arm,) = arms_of(runs)
    assert arm.spread("answered") == Spread(7, 10)
    assert str(arm.spread("answered")) == "7–10"
    assert str(arm.spread("planned")) == "10"
    assert arm.has("call_setup.p50")
    assert not arm.has("time_to_connected")


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        (("steps",), None, "TypeError: 'NoneType' object is not subscriptable"),
        (("steps",), {}, "KeyError: 'token'"),
        (("retries", "made"), "many", "TypeError: a figure is no number"),
        (("verdict",), "perhaps", "KeyError: 'perhaps'"),
        (("verdict",), [], "TypeError: unhashable type: 'list'"),
        (("profile",), "burst", "TypeError: string indices must be integers"),
        (("profile", "softphone"), [], "AttributeError: 'list' object has no attribute 'items'"),
        (("expectations",), [{"text": "answered is 5", "held": False, "measured": 4}], "ValueError: "),
    ],
)
def test_a_record_with_something_missing_is_refused(path: tuple[str, ...], value: object, why: str) -> None:
    record = a_record()
    *parents, last = path
    part = record
    for key in parents:
        part = part[key]
    part[last] = value
    with pytest.raises(InputError) as refused:
        run_of(record)
    assert str(refused.value).startswith(f"not a complete run record ({why}")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (500, "500"), (3.0, "3.00"), (1.906, "1.91"), (None, "-")],
)
def test_figure(value: float | None, text: str) -> None:
    assert figure(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.00 ms"),
        (0.003456, "3.46 ms"),
        (0.0456, "45.6 ms"),
        (0.314, "314 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1.00 s"),  # never 1000 ms
        (9.994, "9.99 s"),
        (9.996, "10.0 s"),
        (59.88, "59.9 s"),
        (99.96, "100 s"),
        (3600.0, "3600 s"),
    ],
)
def test_seconds(value: float, text: str) -> None:
    assert seconds(value) == text
