"""The sentences: they follow the figures, whoever wins, and make nothing of differences that are none."""

from __future__ import annotations

from typing import Any

import pytest

from locust_softphone.report.comparison import run_of, side_by_side
from locust_softphone.report.findings import findings, headline
from tests.runs.records import a_record

BURST: dict[str, Any] = {"users": 100, "softphone": {"like": "sdk-2.1.0", "retry": {"max_retries": 0}}}
UPGRADE: dict[str, Any] = {"users": 100, "softphone": {"like": "sdk-2.3.1", "retry": {"max_retries": 0}}}
BACKOFF: dict[str, Any] = {"users": 100, "softphone": {"like": "sdk-2.3.1"}}
PACED: dict[str, Any] = {**BURST, "ramp": {"rate": "50/s"}}
RAMP: dict[str, Any] = {**BURST, "ramp": "60s"}


def said(*records: dict[str, Any]) -> list[str]:
    return findings(side_by_side([run_of(record) for record in records]))


def test_the_expected_winner_wins() -> None:
    assert said(
        a_record("burst", answered=20, limited={"token": 50, "offer": 30}, abnormal={"refused": 40}, **BURST),
        a_record("upgrade", answered=22, limited={"token": 50, "offer": 28}, abnormal={"refused": 39}, **UPGRADE),
        a_record("backoff", answered=70, limited={"token": 150, "offer": 100}, abnormal={"refused": 90}, **BACKOFF),
        a_record("paced", connected_after_s=2.0, **PACED),
        a_record("ramp", connected_after_s=60.0, **RAMP),
    ) == [
        "Only paced and ramp had every softphone answered, with 3.00 attempts per softphone; paced was the soonest to "
        "have all connected, after 2.00 s against 60.0 s; next came backoff with 70 of 100 (4.60 attempts per "
        "softphone).",
        "One change at a time, one run each: ramp from 0s to 50/s (burst, paced) took answered from 20 to 100, 429s "
        "from 80 to 0 and abnormal closes from 40 to 0; max_retries from 0 to 3 (upgrade, backoff) took answered from "
        "22 to 70, 429s from 78 to 250 and abnormal closes from 39 to 90; ready from ignore to wait (burst, upgrade) "
        "made little difference, answered from 20 to 22.",
        "429s remained in burst (80), upgrade (78) and backoff (250); there were none in paced and ramp.",
    ]


def test_the_expected_winner_loses() -> None:
    assert said(
        a_record("burst", **BURST),
        a_record("paced", answered=30, limited={"offer": 70}, **PACED),
    ) == [
        "Only burst had every softphone answered, with 3.00 attempts per softphone; next came paced with 30 of 100 "
        "(1.60 attempts per softphone).",
        "One change at a time, one run each: ramp from 0s to 50/s (burst, paced) took answered from 100 to 30, 429s "
        "from 0 to 70 and attempts per softphone from 3.00 to 1.60.",
        "429s remained in paced (70); there were none in burst.",
    ]


def test_several_get_through_at_a_different_price() -> None:
    best, changes, _ = said(
        a_record("upgrade", limited={"offer": 500}, **UPGRADE),
        a_record("backoff", limited={"offer": 100}, **BACKOFF),
    )
    assert best == (
        "backoff had every softphone answered with the fewest attempts per softphone (4.00), then upgrade (8.00)."
    )
    assert changes == (
        "One change at a time, one run each: max_retries from 0 to 3 (upgrade, backoff) took 429s from 500 to 100 and "
        "attempts per softphone from 8.00 to 4.00."
    )


def test_nobody_gets_through() -> None:
    best, changes, limited = said(
        a_record("burst", answered=80, limited={"offer": 20}, **BURST),
        a_record("paced", answered=85, limited={"offer": 40}, **PACED),
        a_record("ramp", answered=10, limited={"offer": 90}, **RAMP),
    )
    # 80 and 85 of one run each: nobody can tell which is better.
    assert best == (
        "None had every softphone answered; the most had burst with 80 of 100 (2.60 attempts per softphone) and "
        "paced with 85 of 100 (2.95 attempts per softphone)."
    )
    assert changes.startswith("One change at a time, one run each: ramp from 50/s to 60s (paced, ramp) took answered ")
    assert limited == "All of them saw 429s: burst (20), paced (40) and ramp (90)."


def test_all_the_same() -> None:
    assert said(a_record("burst", **BURST), a_record("paced", **PACED), a_record("ramp", **RAMP)) == [
        "All came out about the same: 100 of 100 answered, no 429s, no abnormal closes, 3.00 attempts per softphone."
    ]


def test_nearly_the_same_shows_the_spread() -> None:
    records = [a_record(f"r{i}", limited={"offer": 100 + i}, **plan) for i, plan in enumerate((BURST, PACED))]
    assert said(*records) == [
        "All came out about the same: 100 of 100 answered, 100–101 429s, no abnormal closes, "
        "4.00–4.01 attempts per softphone."
    ]


def test_one_more_than_none_is_told() -> None:
    _, changes, limited = said(a_record("burst", limited={"offer": 1}, **BURST), a_record("paced", **PACED))
    assert changes.endswith("ramp from 0s to 50/s (burst, paced) took 429s from 1 to 0.")
    assert limited == "429s remained in burst (1); there were none in paced."


def test_one_fewer_than_all_is_told() -> None:
    best, changes, _ = said(a_record("burst", answered=99, **BURST), a_record("paced", **PACED))
    assert best.startswith("Only paced had every softphone answered")
    assert changes.endswith("took answered from 99 to 100.")


def test_one_run() -> None:
    assert said(a_record("burst", answered=4, limited={"offer": 6})) == [
        "There is one run, and nothing to compare it with: burst had 4 of 10 answered, 6 429s, no abnormal closes, "
        "1.80 attempts per softphone."
    ]


def test_one_plan_repeated() -> None:
    assert said(*(a_record("burst", answered=answered, limited={"offer": 10 - answered}) for answered in (4, 7))) == [
        "All 2 runs are of the same plan: burst had 4–7 of 10 answered, 3–6 429s, no abnormal closes, "
        "1.80–2.40 attempts per softphone."
    ]


def test_no_two_differ_in_one_thing_only() -> None:
    best, changes, _ = said(
        a_record("burst", answered=20, limited={"offer": 80}, **BURST),
        a_record("slow-backoff", **{**BACKOFF, "ramp": "60s"}),
    )
    assert best.startswith("Only slow-backoff had every softphone answered")
    assert changes == "No two of them differ in one thing only, so no difference can be put down to a single change."


def test_different_numbers_of_softphones_are_compared_by_share() -> None:
    best, changes, _ = said(a_record("few", users=10), a_record("many", users=100, answered=50, limited={"offer": 50}))
    assert best.startswith("Only few had every softphone answered")
    assert changes == (
        "One change at a time, one run each: users from 10 to 100 (few, many) took answered from 10 of 10 to 50 of "
        "100, 429s from 0 to 50 and attempts per softphone from 3.00 to 2.00."
    )


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ((30, 40, 35), (35, 50, 40), "made no difference beyond the noise, answered from 30–40 to 35–50"),
        ((30, 40), (60, 62), "made no difference beyond the noise, answered from 30–40 to 60–62"),  # of two runs each
        ((30, 40, 35), (60, 62, 61), "took answered from 30–40 to 60–62"),
        ((60, 60, 60), (63, 64, 64), "took answered from 60 to 63–64"),
        ((60, 60, 60), (61, 61, 61), "made little difference, answered from 60 to 61"),  # certain, and hardly worth it
        ((0, 0, 0), (1, 30, 60), "took answered from 0 to 1–60"),  # none and some, in every run
    ],
)
def test_repeated_runs_are_told_apart_by_what_is_outside_the_noise(
    before: tuple[int, ...], after: tuple[int, ...], told: str
) -> None:
    _, changes, _ = said(
        *(a_record("burst", answered=answered, limited={"token": 9000 - 3 * answered}, **BURST) for answered in before),
        *(a_record("paced", answered=answered, limited={"token": 9000 - 3 * answered}, **PACED) for answered in after),
        *(a_record("slow-backoff", **{**BACKOFF, "ramp": "60s"}) for _ in before),  # differs from both in two things
    )
    runs = f"One change at a time, {len(before)} runs each: ramp from 0s to 50/s (burst, paced) "
    assert changes.startswith(f"{runs}{told}"), changes


def test_repeated_runs_of_one_effect_are_inside_the_noise() -> None:
    burst = [a_record("burst", answered=answered, limited={"offer": 100 - answered}, **BURST) for answered in (80, 90)]
    paced = [a_record("paced", answered=answered, limited={"offer": 100 - answered}, **PACED) for answered in (84, 88)]
    assert said(*burst, *paced) == [
        "The differences between them are inside the noise: 80–90 of 100 answered, 10–20 429s, no abnormal closes, "
        "2.60–2.80 attempts per softphone."
    ]


def test_runs_that_are_not_valid_are_left_out() -> None:
    invalid = a_record("burst", answered=0, invalid=["the ledger does not balance"], **BURST)
    only, left_out = said(invalid, a_record("paced", **PACED))
    assert only.startswith("There is one run, and nothing to compare it with: paced had 100 of 100 answered")
    assert left_out == "Left out as not valid: burst."
    assert said(invalid) == ["No run is valid, so there is nothing to compare."]


def test_runs_that_were_aborted_are_left_out() -> None:
    aborted = a_record("burst", answered=3, aborted_by="rate_limited == 0", **BURST)
    only, left_out = said(aborted, a_record("paced", **PACED))
    assert only.startswith("There is one run, and nothing to compare it with: paced had 100 of 100 answered")
    assert left_out == "Left out as aborted: burst."
    assert said(aborted) == ["No run is valid and went on to its end, so there is nothing to compare."]


def test_different_surroundings_are_no_single_change_and_are_pointed_out() -> None:
    _, changes, _, warning = said(
        a_record("burst", answered=20, limited={"offer": 80}, policy={"patience": 3}, **BURST),
        a_record("paced", policy={"patience": 0}, versions={"locust": "2.48.0"}, **PACED),
    )
    assert changes.startswith("No two of them differ in one thing only")
    assert warning.startswith("Warning: a difference may be one of surroundings, which are not the same: ")


# The one sentence


@pytest.mark.parametrize(
    ("records", "sentence"),
    [
        (
            [a_record("burst", answered=20, limited={"token": 80}, **BURST), a_record("paced", **PACED)],
            "What made the difference: ramp from 0s to 50/s (burst, paced) took answered from 20 to 100, 429s from 80 "
            "to 0 and attempts per softphone from 1.40 to 3.00.",
        ),
        (
            [a_record("paced", **PACED), a_record("burst", answered=20, limited={"token": 80}, **BURST)],
            "What made the difference: ramp from 0s to 50/s (burst, paced) took answered from 20 to 100, 429s from 80 "
            "to 0 and attempts per softphone from 1.40 to 3.00.",
        ),
        (
            [a_record("paced", limited={"token": 9}, **PACED), a_record("burst", limited={"token": 80}, **BURST)],
            "What made the difference: ramp from 0s to 50/s (burst, paced) took 429s from 80 to 9 and attempts per "
            "softphone from 3.80 to 3.09.",
        ),
    ],
    ids=["for the better", "for the better, whatever the order", "in what counts next"],
)
def test_the_headline_is_the_single_change_that_did_most(records: list[dict[str, Any]], sentence: str) -> None:
    assert headline(side_by_side([run_of(record) for record in records])) == sentence


@pytest.mark.parametrize(
    "records",
    [
        [a_record("burst", **BURST)],
        [a_record("burst", **BURST), a_record("paced", **PACED)],
        [a_record("burst", answered=20, **BURST), a_record("other", **{**PACED, **BACKOFF})],
        [a_record("burst", invalid=["late"], **BURST)],
    ],
    ids=["one run", "all the same", "more than one change", "nothing valid"],
)
def test_without_one_the_headline_is_the_first_finding(records: list[dict[str, Any]]) -> None:
    assert headline(side_by_side([run_of(record) for record in records])) == said(*records)[0]
