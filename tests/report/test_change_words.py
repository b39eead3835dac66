"""Changes of the conditions in plain words."""

from __future__ import annotations

import pytest

from locust_softphone.report.change_words import change_words, is_single
from locust_softphone.report.conditions import Change


@pytest.mark.parametrize(
    ("part", "name", "before", "after", "words"),
    [
        ("ramp", "ramp", "0s", "50/s", "Pacing the starts at 50/s"),
        ("ramp", "ramp", "0s", "60s", "Spreading the starts over 60s"),
        ("ramp", "ramp", "60s", "0s", "Starting all at once"),
        ("ramp", "ramp", "0s", "to 100 over 10s, then hold 30s", "Starting in stages"),
        ("users", "users", "10", "500", "500 softphones instead of 10"),
        ("retry", "max_retries", "0", "3", "Retrying up to 3 times"),
        ("retry", "max_retries", "3", "1", "Retrying up to 1 time instead of 3"),
        ("retry", "max_retries", "3", "0", "Not retrying"),
        ("retry", "retry_after", "ignore", "honour", "Honouring Retry-After"),
        ("retry", "initial", "1s", "2s", "retry initial 2s instead of 1s"),
        ("token", "token", "per-connection", "shared", "One token for all softphones"),
        ("timeout", "timeout", "10s", "5s", "timeout 5s instead of 10s"),
        ("versions", "locust", "2.47.0", "2.48.0", "versions locust 2.48.0 instead of 2.47.0"),
        ("policy", "limits", "x" * 60, "y" * 60, "Another limits"),
        ("token", "token", "shared", "unheard-of", "token unheard-of instead of shared"),
    ],
)
def test_a_single_change(part: str, name: str, before: str, after: str, words: str) -> None:
    changed = [Change(part, name, before, after)]
    assert is_single(changed)
    assert change_words(changed) == words


def test_several_changes_are_called_that() -> None:
    retry = Change("retry", "retry", "max_retries 0, jitter none", "max_retries 5, jitter full", settings=2)
    assert not is_single([retry])
    assert change_words([retry]) == "2 changes at once (retry)"
    others = [Change(part, part, "a", "b") for part in ("ramp", "users", "token", "ready", "calls")]
    assert change_words([retry, *others]) == "7 changes at once (retry, ramp, users, token and 2 more)"
