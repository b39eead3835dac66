"""Findings: they follow the metrics, whichever arm does best, and ignore differences that are noise."""

from __future__ import annotations

from typing import Any

import pytest

from locust_softphone.report.comparison import compare_runs
from locust_softphone.report.findings import FindingKind
from locust_softphone.runs.record import RunRecord
from tests.runs.records import a_record, replaced

BURST: dict[str, Any] = {"users": 100, "softphone": {"like": "sdk-2.1.0", "retry": {"max_retries": 0}}}
UPGRADE: dict[str, Any] = {"users": 100, "softphone": {"like": "sdk-2.3.1", "retry": {"max_retries": 0}}}
BACKOFF: dict[str, Any] = {"users": 100, "softphone": {"like": "sdk-2.3.1"}}
PACED: dict[str, Any] = {**BURST, "ramp": {"rate": "50/s"}}
RAMP: dict[str, Any] = {**BURST, "ramp": "60s"}


def texts(*records: RunRecord) -> list[str]:
    return [finding.text for finding in compare_runs(records).findings]


def test_the_expected_remedies_do_best() -> None:
    assert texts(
        a_record("burst", answered=20, limited={"token": 50, "offer": 30}, abnormal={"refused": 40}, **BURST),
        a_record("upgrade", answered=22, limited={"token": 50, "offer": 28}, abnormal={"refused": 39}, **UPGRADE),
        a_record("backoff", answered=70, limited={"token": 150, "offer": 100}, abnormal={"refused": 90}, **BACKOFF),
        a_record("paced", connected_after_s=2.0, **PACED),
        a_record("ramp", connected_after_s=60.0, **RAMP),
    ) == [
        "Only paced and ramp had every softphone answered, with 3.00 attempts per softphone; paced was the fastest to "
        "connect all, in 2.00 s against 60.0 s; next was backoff with 70 of 100 (4.60 attempts per "
        "softphone).",
        "One change at a time, one run each: ramp from 0s to 50/s (burst, paced) changed answered from 20 to 100, 429s "
        "from 80 to 0 and abnormal closes from 40 to 0; max_retries from 0 to 3 (upgrade, backoff) changed answered "
        "from 22 to 70, 429s from 78 to 250 and abnormal closes from 39 to 90; ready from ignore to wait "
        "(burst, upgrade) made little difference: answered from 20 to 22.",
        "There were 429s in burst (80), upgrade (78) and backoff (250), and none in paced and ramp.",
    ]


def test_a_burst_can_do_best() -> None:
    assert texts(
        a_record("burst", **BURST),
        a_record("paced", answered=30, limited={"offer": 70}, **PACED),
    ) == [
        "Only burst had every softphone answered, with 3.00 attempts per softphone; next was paced with 30 of 100 "
        "(1.60 attempts per softphone).",
        "One change at a time, one run each: ramp from 0s to 50/s (burst, paced) changed answered from 100 to 30, 429s "
        "from 0 to 70 and attempts per softphone from 3.00 to 1.60.",
        "There were 429s in paced (70), and none in burst.",
    ]


def test_arms_that_were_all_answered_are_ranked_by_attempts() -> None:
    best, changes, _ = texts(
        a_record("upgrade", limited={"offer": 500}, **UPGRADE),
        a_record("backoff", limited={"offer": 100}, **BACKOFF),
    )
    assert best == (
        "backoff had every softphone answered with the fewest attempts per softphone (4.00), then upgrade (8.00)."
    )
    assert changes == (
        "One change at a time, one run each: max_retries from 0 to 3 (upgrade, backoff) changed 429s from 500 to 100 "
        "and attempts per softphone from 8.00 to 4.00."
    )


def test_no_arm_had_every_softphone_answered() -> None:
    best, changes, limited = texts(
        a_record("burst", answered=80, limited={"offer": 20}, **BURST),
        a_record("paced", answered=85, limited={"offer": 40}, **PACED),
        a_record("ramp", answered=10, limited={"offer": 90}, **RAMP),
    )
    # 80 and 85 in one run each are too close to rank.
    assert best == (
        "None had every softphone answered; best were burst with 80 of 100 (2.60 attempts per softphone) and "
        "paced with 85 of 100 (2.95 attempts per softphone)."
    )
    assert changes.startswith(
        "One change at a time, one run each: ramp from 50/s to 60s (paced, ramp) changed answered "
    )
    assert limited == "All had 429s: burst (20), paced (40) and ramp (90)."


def test_all_arms_alike() -> None:
    assert texts(a_record("burst", **BURST), a_record("paced", **PACED), a_record("ramp", **RAMP)) == [
        "All arms gave about the same result: 100 of 100 answered, no 429s, no abnormal closes, "
        "3.00 attempts per softphone."
    ]


def test_arms_that_differ_a_little_are_reported_with_their_spread() -> None:
    records = [a_record(f"r{i}", limited={"offer": 100 + i}, **plan) for i, plan in enumerate((BURST, PACED))]
    assert texts(*records) == [
        "All arms gave about the same result: 100 of 100 answered, 100–101 429s, no abnormal closes, "
        "4.00–4.01 attempts per softphone."
    ]


def test_one_429_differs_from_none() -> None:
    _, changes, limited = texts(a_record("burst", limited={"offer": 1}, **BURST), a_record("paced", **PACED))
    assert changes.endswith("ramp from 0s to 50/s (burst, paced) changed 429s from 1 to 0.")
    assert limited == "There were 429s in burst (1), and none in paced."


def test_one_unanswered_softphone_differs_from_all_answered() -> None:
    best, changes, _ = texts(a_record("burst", answered=99, **BURST), a_record("paced", **PACED))
    assert best.startswith("Only paced had every softphone answered")
    assert changes.endswith("changed answered from 99 to 100.")


def test_a_single_run() -> None:
    assert texts(a_record("burst", answered=4, limited={"offer": 6})) == [
        "There is one run, and nothing to compare it with: burst had 4 of 10 answered, 6 429s, no abnormal closes, "
        "1.80 attempts per softphone."
    ]


def test_one_profile_repeated() -> None:
    assert texts(*(a_record("burst", answered=answered, limited={"offer": 10 - answered}) for answered in (4, 7))) == [
        "All 2 runs have the same plan: burst had 4–7 of 10 answered, 3–6 429s, no abnormal closes, "
        "1.80–2.40 attempts per softphone."
    ]


def test_no_two_arms_differ_in_one_setting_only() -> None:
    best, changes, _ = texts(
        a_record("burst", answered=20, limited={"offer": 80}, **BURST),
        a_record("slow-backoff", **{**BACKOFF, "ramp": "60s"}),
    )
    assert best.startswith("Only slow-backoff had every softphone answered")
    assert (
        changes == "No two of them differ in one setting only, so no difference can be attributed to a single change."
    )


def test_different_numbers_of_softphones_are_compared_per_softphone() -> None:
    best, changes, _ = texts(a_record("few", users=10), a_record("many", users=100, answered=50, limited={"offer": 50}))
    assert best.startswith("Only few had every softphone answered")
    assert changes == (
        "One change at a time, one run each: users from 10 to 100 (few, many) changed answered from 10 of 10 to 50 of "
        "100, 429s from 0 to 50 and attempts per softphone from 3.00 to 2.00."
    )


@pytest.mark.parametrize(
    ("before", "after", "effect"),
    [
        ((30, 40, 35), (35, 50, 40), "made no significant difference: answered from 30–40 to 35–50"),
        (
            (30, 40),
            (60, 62),
            "made no significant difference: answered from 30–40 to 60–62",
        ),  # two runs each are too few
        ((30, 40, 35), (60, 62, 61), "changed answered from 30–40 to 60–62"),
        ((60, 60, 60), (63, 64, 64), "changed answered from 60 to 63–64"),
        ((60, 60, 60), (61, 61, 61), "made little difference: answered from 60 to 61"),  # significant, but small
        ((0, 0, 0), (1, 30, 60), "changed answered from 0 to 1–60"),  # zero in all runs of one arm only
    ],
)
def test_repeated_runs_are_compared_by_significance(
    before: tuple[int, ...], after: tuple[int, ...], effect: str
) -> None:
    _, changes, _ = texts(
        *(a_record("burst", answered=answered, limited={"token": 9000 - 3 * answered}, **BURST) for answered in before),
        *(a_record("paced", answered=answered, limited={"token": 9000 - 3 * answered}, **PACED) for answered in after),
        *(a_record("slow-backoff", **{**BACKOFF, "ramp": "60s"}) for _ in before),  # differs from both in two settings
    )
    runs = f"One change at a time, {len(before)} runs each: ramp from 0s to 50/s (burst, paced) "
    assert changes.startswith(f"{runs}{effect}"), changes


def test_repeated_runs_without_a_significant_difference() -> None:
    burst = [a_record("burst", answered=answered, limited={"offer": 100 - answered}, **BURST) for answered in (80, 90)]
    paced = [a_record("paced", answered=answered, limited={"offer": 100 - answered}, **PACED) for answered in (84, 88)]
    assert texts(*burst, *paced) == [
        "No difference is significant (every 95 % interval contains zero): 80–90 of 100 answered, 10–20 429s, no "
        "abnormal closes, 2.60–2.80 attempts per softphone."
    ]


def test_runs_that_are_not_valid_are_left_out() -> None:
    invalid = a_record("burst", answered=0, invalid=["the ledger does not balance"], **BURST)
    only, left_out = texts(invalid, a_record("paced", **PACED))
    assert only.startswith("There is one run, and nothing to compare it with: paced had 100 of 100 answered")
    assert left_out == "Left out because not valid: burst."
    assert texts(invalid) == ["No run is valid, so there is nothing to compare."]


def test_runs_that_were_aborted_are_left_out() -> None:
    aborted = a_record("burst", answered=3, aborted_by="rate_limited == 0", **BURST)
    only, left_out = texts(aborted, a_record("paced", **PACED))
    assert only.startswith("There is one run, and nothing to compare it with: paced had 100 of 100 answered")
    assert left_out == "Left out because aborted: burst."
    assert texts(aborted) == ["No run is valid and complete, so there is nothing to compare."]


def test_a_change_outside_the_profile_counts_as_another_change() -> None:
    _, changes, _ = texts(
        a_record("burst", answered=20, limited={"offer": 80}, policy={"patience": 3}, **BURST),
        a_record("paced", policy={"patience": 0}, versions={"locust": "2.48.0"}, **PACED),
    )
    assert changes.startswith("No two of them differ in one setting only")


def test_findings_have_a_kind() -> None:
    timeline = [{"second": 0, "planned": 100, "abnormal_closes.lost": 50, "reconnects": 50}]
    storm = replaced(a_record("storm", answered=20, **BURST), timeline=timeline)
    records = [storm, a_record("paced", **PACED), a_record("late", invalid=["late"], **RAMP)]
    assert [finding.kind for finding in compare_runs(records).findings] == [
        FindingKind.BEST_ARM,
        FindingKind.SINGLE_CHANGES,
        FindingKind.RATE_LIMITED,
        FindingKind.RECONNECTS,
        FindingKind.LEFT_OUT,
    ]


# The headline


@pytest.mark.parametrize(
    ("records", "sentence"),
    [
        (
            [a_record("burst", answered=20, limited={"token": 80}, **BURST), a_record("paced", **PACED)],
            "What made the difference: ramp from 0s to 50/s (burst, paced) changed answered from 20 to 100, 429s from "
            "80 to 0 and attempts per softphone from 1.40 to 3.00.",
        ),
        (
            [a_record("paced", **PACED), a_record("burst", answered=20, limited={"token": 80}, **BURST)],
            "What made the difference: ramp from 0s to 50/s (burst, paced) changed answered from 20 to 100, 429s from "
            "80 to 0 and attempts per softphone from 1.40 to 3.00.",
        ),
        (
            [a_record("paced", limited={"token": 9}, **PACED), a_record("burst", limited={"token": 80}, **BURST)],
            "What made the difference: ramp from 0s to 50/s (burst, paced) changed 429s from 80 to 9 and attempts per "
            "softphone from 3.80 to 3.09.",
        ),
    ],
    ids=["more answered", "more answered, in the other order of runs", "fewer 429s"],
)
def test_the_headline_is_the_single_change_with_the_largest_effect(records: list[RunRecord], sentence: str) -> None:
    assert compare_runs(records).headline == sentence


@pytest.mark.parametrize(
    "records",
    [
        [a_record("burst", **BURST)],
        [a_record("burst", **BURST), a_record("paced", **PACED)],
        [a_record("burst", answered=20, **BURST), a_record("other", **{**PACED, **BACKOFF})],
        [a_record("burst", invalid=["late"], **BURST)],
    ],
    ids=["one run", "all alike", "more than one change", "none valid"],
)
def test_without_a_single_change_the_headline_is_the_first_finding(records: list[RunRecord]) -> None:
    assert compare_runs(records).headline == texts(*records)[0]
