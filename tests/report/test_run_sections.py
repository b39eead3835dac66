"""One run as text: the outcome comes first, and each step names why its attempts failed."""

from __future__ import annotations

import pytest

from locust_softphone.report.run_sections import sections_of, summary_lines
from tests.runs.records import a_record, changed, replaced


def test_the_summary_of_a_run() -> None:
    record = a_record(
        answered=4,
        limited={"token": 1, "offer": 5},
        abnormal={"lost": 2},
        too_early=3,
        expect=["rate_limited > 0", "answered == 100%"],
    )
    assert summary_lines(record) == [
        "burst: 4 of 10 answered, 6 gave up; 6 requests refused with 429, 2 connections dropped",
        "  expected     ✓ rate_limited > 0: 6",
        "               ✗ answered == 100%: 40% (4 of 10)",
        "               1 of 2 expectations failed",
        "  failures     token: 1 of 5 refused with 429",
        "               offer: 5 of 9 refused with 429",
        "  softphones   10 planned, 10 started, 4 connected, 4 answered, 6 gave up, 0 unfinished",
        "  latencies    call set-up from the planned start: p50 200 ms, p95 200 ms, p99 200 ms",
        "               start lag: p50 1.00 ms, p95 1.00 ms, p99 1.00 ms",
        "  retries      3, 3 of them before their Retry-After had passed",
        "  closes       abnormal (1006): 2 (lost: 2)",
        "  ledger       the edge's counters confirm every attempt",
        "               token: 5 attempts = 4 admitted + 1 refused + 0 cut + 0 never arrived",
        "               handshake: 4 attempts = 4 admitted + 0 refused + 0 cut + 0 never arrived",
        "               offer: 9 attempts = 4 admitted + 5 refused + 0 cut + 0 never arrived",
    ]


def test_a_run_in_which_everything_failed_says_why() -> None:
    def nothing_there(content: dict[str, dict[str, object]]) -> None:
        token = {"attempts": 10, "outcomes": {"server_error": 10}, "statuses": {"501": 10}}
        content["steps"]["token"].update(token)  # type: ignore[attr-defined]

    heading, *lines = summary_lines(changed(a_record(answered=0, simulated=False), nothing_there))
    assert heading == "burst: 0 of 10 answered, 10 gave up; 10 requests answered with HTTP 501"
    assert "  failures     token: 10 of 10 answered with HTTP 501" in lines


@pytest.mark.parametrize(("like", "meaning"), [("sdk-2.1.0", "offered before ready"), ("sdk-2.3.1", "no such session")])
def test_a_409_of_an_offer_has_its_meaning(like: str, meaning: str) -> None:
    def conflicts(content: dict[str, dict[str, object]]) -> None:
        offer = {"attempts": 10, "outcomes": {"rejected": 10}, "statuses": {"409": 10}}
        content["steps"]["offer"].update(offer)  # type: ignore[attr-defined]

    record = changed(a_record(answered=0, softphone={"like": like}), conflicts)
    assert f"  failures     offer: 10 of 10 refused with 409 ({meaning})" in summary_lines(record)


def test_the_sentences_on_limits_are_wrapped_to_the_width_of_the_terminal() -> None:
    limit = {"step": "handshake", "status": 429, "requests": 974, "refused": 474, "unclear": 0, "until_s": None}
    nothing: dict[str, object] = {"hypotheses": [], "ruled_out": [], "experiment": "", "told": None}
    lines = summary_lines(replaced(a_record(), limits=[{**limit, **nothing}]), width=80)
    begin = next(n for n, line in enumerate(lines) if line.startswith("  limits"))
    assert lines[begin : begin + 2] == [
        "  limits       handshake: 474 of 974 requests were refused with 429. Cannot tell",
        "               which limit it was: too few refusals.",
    ]


def test_a_run_that_is_not_valid_says_so_first() -> None:
    lines = summary_lines(a_record(invalid=["the generator was saturated"]))
    assert lines[1:3] == [
        "  expected     not valid: its measurements cannot be trusted",
        "  remarks      the generator was saturated",
    ]


def test_control_characters_of_a_record_are_escaped() -> None:
    lines = summary_lines(a_record(invalid=["cut\x1b[2J short\nhere"]))
    assert "  remarks      cut\\x1b[2J short\\nhere" in lines


def test_the_details_of_a_run_have_its_edge_and_its_steps() -> None:
    sections = dict(sections_of(a_record(), details=True))
    assert sections["steps"][0] == "token: 10 attempts, 10 ok, p50 10.0 ms, p95 10.0 ms, p99 10.0 ms"
    assert sections["run"][0] == "20260801T120000.000000Z-burst to http://127.0.0.1:8080, a simulated edge"
    assert sections["plan"][0] == "10 softphones, all at the same instant: at most 10 starts in a second"
    assert "run" not in dict(sections_of(a_record()))


def test_a_profile_that_is_not_accepted_any_more_has_no_plan() -> None:
    record = changed(a_record(), lambda content: content["profile"].update(hold="0s"))
    assert "plan" not in dict(sections_of(record, details=True))
