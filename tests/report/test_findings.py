"""Findings: they follow the metrics, whichever arm does best, and ignore differences that are noise."""

from __future__ import annotations

from collections.abc import Iterable
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
        "Pacing the starts at 50/s (burst → paced, one run each): 100 of 100 answered instead of 20, no 429s instead "
        "of 80 and no abnormal closes instead of 40.",
        "Retrying up to 3 times (upgrade → backoff, one run each): 70 of 100 answered instead of 22, but 250 429s "
        "instead of 78 and 90 abnormal closes instead of 39.",
        "Waiting for ready (burst → upgrade, one run each): little difference, 22 of 100 answered instead of 20.",
        "There were 429s in burst (80), upgrade (78) and backoff (250), and none in paced and ramp.",
    ]


def test_a_burst_can_do_best() -> None:
    assert texts(
        a_record("burst", **BURST),
        a_record("paced", answered=30, limited={"offer": 70}, **PACED),
    ) == [
        "Only burst had every softphone answered, with 3.00 attempts per softphone; next was paced with 30 of 100 "
        "(1.60 attempts per softphone).",
        "Starting all at once (paced → burst, one run each): 100 of 100 answered instead of 30 and no 429s instead of "
        "70, but 3.00 attempts per softphone instead of 1.60.",
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
        "Retrying up to 3 times (upgrade → backoff, one run each): 100 429s instead of 500 and 4.00 attempts per "
        "softphone instead of 8.00."
    )


def test_no_arm_had_every_softphone_answered() -> None:
    best, changes, *_, limited = texts(
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
        "Pacing the starts at 50/s (ramp → paced, one run each): 85 of 100 answered instead of 10"
    )
    assert limited == "All had 429s: burst (20), paced (40) and ramp (90)."


def test_all_arms_alike() -> None:
    assert texts(a_record("burst", **BURST), a_record("paced", **PACED), a_record("ramp", **RAMP)) == [
        "All gave about the same result: 100 of 100 answered, no 429s, no abnormal closes, 3.00 attempts per softphone."
    ]


def test_arms_that_differ_a_little_are_reported_with_their_spread() -> None:
    records = [a_record(f"r{i}", limited={"offer": 100 + i}, **plan) for i, plan in enumerate((BURST, PACED))]
    assert texts(*records) == [
        "All gave about the same result: 100 of 100 answered, 100–101 429s, no abnormal closes, "
        "4.00–4.01 attempts per softphone."
    ]


def test_one_429_differs_from_none() -> None:
    _, changes, limited = texts(a_record("burst", limited={"offer": 1}, **BURST), a_record("paced", **PACED))
    assert changes == "Pacing the starts at 50/s (burst → paced, one run each): no 429s instead of 1."
    assert limited == "There were 429s in burst (1), and none in paced."


def test_one_unanswered_softphone_differs_from_all_answered() -> None:
    best, changes, _ = texts(a_record("burst", answered=99, **BURST), a_record("paced", **PACED))
    assert best.startswith("Only paced had every softphone answered")
    assert changes.endswith(": 100 of 100 answered instead of 99.")


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
        "10 softphones instead of 100 (many → few, one run each): 10 of 10 answered instead of 50 of 100 and no 429s "
        "instead of 50, but 3.00 attempts per softphone instead of 2.00."
    )


@pytest.mark.parametrize(
    ("before", "after", "effect"),
    [
        ((30, 40, 35), (35, 50, 40), "no significant difference, 35–50 of 100 answered instead of 30–40"),
        # two runs each are too few
        ((30, 40), (60, 62), "no significant difference, 60–62 of 100 answered instead of 30–40"),
        ((30, 40, 35), (60, 62, 61), "60–62 of 100 answered instead of 30–40"),
        ((60, 60, 60), (63, 64, 64), "63–64 of 100 answered instead of 60"),
        # significant, but small
        ((60, 60, 60), (61, 61, 61), "little difference, 61 of 100 answered instead of 60"),
        # none in any run of one arm, but the runs of the other differ a lot
        ((0, 0, 0), (1, 30, 60), "no significant difference, 1–60 of 100 answered instead of 0"),
    ],
)
def test_repeated_runs_are_compared_by_significance(
    before: tuple[int, ...], after: tuple[int, ...], effect: str
) -> None:
    _, changes, *_ = texts(
        *(a_record("burst", answered=answered, limited={"token": 9000 - 3 * answered}, **BURST) for answered in before),
        *(a_record("paced", answered=answered, limited={"token": 9000 - 3 * answered}, **PACED) for answered in after),
        *(a_record("slow-backoff", **{**BACKOFF, "ramp": "60s"}) for _ in before),  # differs from both in two settings
    )
    assert changes.startswith(f"Pacing the starts at 50/s (burst → paced, {len(before)} runs each): {effect}")


def test_repeated_runs_without_a_significant_difference() -> None:
    burst = [a_record("burst", answered=answered, limited={"offer": 100 - answered}, **BURST) for answered in (80, 90)]
    paced = [a_record("paced", answered=answered, limited={"offer": 100 - answered}, **PACED) for answered in (84, 88)]
    assert texts(*burst, *paced) == [
        "No difference is significant: 80–90 of 100 answered, 10–20 429s, no abnormal closes, 2.60–2.80 attempts per "
        "softphone."
    ]


def test_runs_that_are_not_valid_are_left_out() -> None:
    invalid = a_record("burst", answered=0, invalid=["the ledger does not balance"], **BURST)
    only, left_out = texts(invalid, a_record("paced", **PACED))
    assert only.startswith("Only one run is valid and complete, so there is nothing to compare: paced had 100 of 100 ")
    assert left_out == "Left out because not valid: burst."
    assert texts(invalid) == ["No run is valid, so there is nothing to compare."]


def test_runs_that_were_aborted_are_left_out() -> None:
    aborted = a_record("burst", answered=3, aborted_by="rate_limited == 0", **BURST)
    only, left_out = texts(aborted, a_record("paced", **PACED))
    assert only.startswith("Only one run is valid and complete, so there is nothing to compare: paced had 100 of 100 ")
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
        FindingKind.CHANGE,
        FindingKind.RATE_LIMITED,
        FindingKind.RECONNECTS,
        FindingKind.LEFT_OUT,
    ]


def test_plans_of_different_sizes_are_not_ranked_by_their_attempts() -> None:
    best, *_ = texts(
        a_record("smoke", users=10, softphone={"like": "recommended"}),
        a_record("paced", **PACED),
        a_record("burst", answered=20, limited={"offer": 80}, **BURST),
    )
    assert best == (
        "Every softphone was answered in smoke (10) and paced (100); next was burst with 20 of 100 (1.40 attempts per "
        "softphone)."
    )


def test_a_change_of_several_settings_is_called_that() -> None:
    _, changes, _ = texts(
        a_record("upgrade", answered=20, limited={"offer": 80}, **UPGRADE),
        a_record(
            "retry", users=100, softphone={"like": "sdk-2.3.1", "retry": {"retry_after": "honour", "max_wait": "4s"}}
        ),
    )
    assert changes == (
        "3 changes at once (retry) (upgrade → retry, one run each): 100 of 100 answered instead of 20 and no 429s "
        "instead of 80, but 3.00 attempts per softphone instead of 1.40."
    )


# The headline


@pytest.mark.parametrize(
    ("records", "sentence"),
    [
        (
            [a_record("burst", answered=20, limited={"token": 80}, **BURST), a_record("paced", **PACED)],
            "Pacing the starts at 50/s: 100 of 100 answered instead of 20.",
        ),
        (
            [a_record("paced", **PACED), a_record("burst", answered=20, limited={"token": 80}, **BURST)],
            "Pacing the starts at 50/s: 100 of 100 answered instead of 20.",
        ),
        (
            [a_record("paced", answered=20, limited={"token": 80}, **PACED), a_record("burst", **BURST)],
            "Starting all at once: 100 of 100 answered instead of 20.",
        ),
        (
            [a_record("paced", limited={"token": 9}, **PACED), a_record("burst", limited={"token": 80}, **BURST)],
            "Pacing the starts at 50/s: 9 429s instead of 80.",
        ),
        (
            [a_record("burst", answered=20, **BURST), a_record("other", **{**PACED, **BACKOFF})],
            "other instead of burst, 6 changes at once (ramp, ready and retry): 100 of 100 answered instead of 20.",
        ),
        ([a_record("burst", answered=4)], "burst: 4 of 10 answered, 6 gave up"),
    ],
    ids=[
        "more answered",
        "in the other order of runs",
        "the burst is better",
        "fewer 429s",
        "several changes",
        "one run",
    ],
)
def test_the_headline_goes_from_worse_to_better(records: list[RunRecord], sentence: str) -> None:
    assert compare_runs(records).headline == sentence


def test_the_headline_and_the_findings_tell_a_pair_in_the_same_direction() -> None:
    # one softphone more is noise, nine times as many 429s are not
    records = [
        a_record("burst", answered=99, limited={"token": 9}, **BURST),
        a_record("paced", answered=98, gave_up=1, limited={"token": 80}, **PACED),
    ]
    comparison = compare_runs(records)
    assert comparison.headline == "Starting all at once: 9 429s instead of 80."
    assert comparison.findings[1].text.startswith(
        "Starting all at once (paced → burst, one run each): 9 429s instead of 80"
    )


@pytest.mark.parametrize(
    "records",
    [
        [a_record("burst", **BURST), a_record("paced", **PACED)],
        [a_record("burst", invalid=["late"], **BURST), a_record("paced", invalid=["late"], **PACED)],
    ],
    ids=["all alike", "none valid"],
)
def test_without_a_difference_the_headline_is_the_first_finding(records: list[RunRecord]) -> None:
    assert compare_runs(records).headline == texts(*records)[0]


def test_a_limit_that_only_one_arm_can_tell_is_a_finding() -> None:
    cap = {"kind": "cap of open sessions", "bounds": {"cap": {"low": 28.0, "high": 50.0}}}
    bucket = {
        "kind": "token bucket",
        "bounds": {"burst": {"low": 50.0, "high": 50.0}, "rate": {"low": 49.0, "high": 51.0}},
    }
    burst, backoff = (
        replaced(
            a_record(name, answered=20, limited={"offer": 80}, **profile),
            limits=[_limit({**each, "foreign_share": 0.0, "best": {}, "likely": True} for each in kinds)],
        )
        for name, profile, kinds in (("burst", BURST, [cap, bucket]), ("backoff", BACKOFF, [bucket]))
    )
    expected = "Only backoff can tell the limit of offer: token bucket, 50 at once, then 49 to 51 a second."
    assert expected in texts(burst, backoff)
    assert not any("can tell the limit" in text for text in texts(backoff, replaced(backoff, name="again")))


def _limit(hypotheses: Iterable[dict[str, Any]]) -> dict[str, Any]:
    return {
        "step": "offer",
        "status": 429,
        "requests": 180,
        "refused": 80,
        "unclear": 0,
        "until_s": None,
        "hypotheses": [{**each, "different": None} for each in hypotheses],
        "ruled_out": [],
        "experiment": "",
        "told": None,
    }
