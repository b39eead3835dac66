"""Warnings: what differs between runs that stand side by side, said in words, and nothing where nothing does."""

from __future__ import annotations

from typing import Any

from locust_softphone.report.cautions import cautions
from locust_softphone.report.comparison import run_of, side_by_side
from tests.runs.records import a_record

SURROUNDINGS = "Warning: a difference may be one of surroundings, which are not the same: "


def said(*records: dict[str, Any]) -> list[str]:
    return cautions(side_by_side([run_of(record) for record in records]))


def test_profiles_that_differ_are_what_a_comparison_is_about() -> None:
    assert said(a_record("burst"), a_record("ramp", ramp="60s"), a_record("burst")) == []


def test_another_policy_and_version() -> None:
    (warning,) = said(
        a_record("burst", policy={"patience": 3}),
        a_record("paced", ramp="1s", policy={"patience": 0}, versions={"locust": "2.48.0"}),
        a_record("ramp", ramp="60s", policy={"patience": 0}),
    )
    assert warning == (
        f"{SURROUNDINGS}policy patience 3 in burst, 0 in paced, ramp; versions locust 2.47.0 in burst, 2.48.0 in paced."
    )


def test_another_target() -> None:
    (warning,) = said(a_record("a"), a_record("b", simulated=False, url="https://edge.example"))
    assert warning == f"{SURROUNDINGS}target simulated in a, https://edge.example in b."


def test_two_plans_of_one_name() -> None:
    (warning,) = said(a_record("burst", ramp="0s"), a_record("burst", ramp="60s"), a_record("burst", ramp="0s"))
    assert warning == "Warning: burst #1 and burst #3 have one name, and not one plan: ramp 0s against 60s."


def test_runs_that_are_not_valid_are_minded_too() -> None:
    assert len(said(a_record("a"), a_record("a", policy={"patience": 0}, invalid=["saturated"]))) == 1
