"""A comparison: which runs it compares, and its warnings about what else differs."""

from __future__ import annotations

from locust_softphone.report.comparison import compare_runs
from locust_softphone.report.findings import FindingKind
from locust_softphone.runs.record import RunRecord
from tests.runs.records import a_record

MORE_THAN_PROFILES = "Warning: the runs differ in more than their profiles, which may explain their differences: "


def warnings(*records: RunRecord) -> list[str]:
    found = compare_runs(records).warnings
    assert {warning.kind for warning in found} <= {FindingKind.WARNING}
    return [warning.text for warning in found]


def test_different_profiles_are_not_warned_about() -> None:
    assert warnings(a_record("burst"), a_record("ramp", ramp="60s"), a_record("burst")) == []


def test_a_different_policy_and_version() -> None:
    (warning,) = warnings(
        a_record("burst", policy={"patience": 3}),
        a_record("paced", ramp="1s", policy={"patience": 0}, versions={"locust": "2.48.0"}),
        a_record("ramp", ramp="60s", policy={"patience": 0}),
    )
    assert warning == (
        f"{MORE_THAN_PROFILES}policy patience 3 in burst, 0 in paced, ramp; "
        "versions locust 2.47.0 in burst, 2.48.0 in paced."
    )


def test_a_different_target() -> None:
    (warning,) = warnings(a_record("a"), a_record("b", simulated=False, url="https://edge.example"))
    assert warning == f"{MORE_THAN_PROFILES}target simulated in a, https://edge.example in b."


def test_different_profiles_of_one_name() -> None:
    (warning,) = warnings(a_record("burst", ramp="0s"), a_record("burst", ramp="60s"), a_record("burst", ramp="0s"))
    assert warning == "Warning: burst #1 and burst #3 have the same name but different plans: ramp 0s and 60s."


def test_invalid_runs_are_included() -> None:
    assert len(warnings(a_record("a"), a_record("a", policy={"patience": 0}, invalid=["saturated"]))) == 1


def test_only_valid_and_complete_runs_are_compared() -> None:
    comparison = compare_runs(
        [
            a_record("a"),
            a_record("b", ramp="1s", invalid=["saturated"]),
            a_record("c", ramp="2s", aborted_by="rate_limited == 0"),
            a_record("d", ramp="3s"),
        ]
    )
    assert [run.label for run in comparison.runs] == ["a", "b", "c", "d"]
    assert [arm.label for arm in comparison.arms] == ["a", "d"]
    assert [(each.before.label, each.after.label) for each in comparison.differences] == [("a", "d")]
