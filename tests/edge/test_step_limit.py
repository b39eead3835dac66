"""What a limit tells those whom it refuses."""

from __future__ import annotations

import pytest

from locust_softphone.edge.policy import Advice
from locust_softphone.edge.quantities import Rate
from locust_softphone.edge.step_limit import Limit, whole_seconds


def limit(advice: Advice) -> Limit:
    """Two a second, two at once."""
    return Limit(Rate.model_validate({"rate": "2/s", "burst": 2}), advice)


@pytest.mark.parametrize(
    ("advice", "asked_at", "told"),
    [
        ("next-token", [0, 0, 0, 0, 0], [0, 0, 0.5, 0.5, 0.5]),  # everybody the same: they will come back together
        ("own-slot", [0, 0, 0, 0, 0], [0, 0, 0.5, 1.0, 1.5]),  # each its own
        ("own-slot", [0, 0, 0, 0.25, 0.25], [0, 0, 0.5, 0.75, 1.25]),  # later in the same queue
        ("own-slot", [0, 0, 0, 0, 0.5, 0.5], [0, 0, 0.5, 1.0, 0, 1.0]),  # a turn reserves nothing
        ("own-slot", [0, 0, 0, 10, 10, 10], [0, 0, 0.5, 0, 0, 0.5]),  # a queue of the past is over
    ],
)
def test_told(advice: Advice, asked_at: list[float], told: list[float]) -> None:
    step = limit(advice)
    assert [step.admit(now) for now in asked_at] == told


def test_whoever_keeps_its_turn_is_admitted() -> None:
    step = limit("own-slot")
    turns = [step.admit(0.0) for _ in range(100)]
    assert turns[2:] == sorted(set(turns[2:]))
    assert [step.admit(turn) for turn in turns[2:]] == [0.0] * 98


@pytest.mark.parametrize(
    ("admitted", "now", "remaining", "reset"),
    [
        (0, 0.0, "2", "0"),
        (1, 0.0, "1", "0"),
        (2, 0.0, "0", "1"),  # half a second, rounded up
        (2, 0.4, "0", "1"),
        (2, 0.5, "1", "0"),
    ],
)
def test_headers(admitted: int, now: float, remaining: str, reset: str) -> None:
    step = limit("own-slot")
    for _ in range(admitted):
        assert step.admit(0.0) == 0.0
    assert step.headers(now) == {
        "X-RateLimit-Limit": "2",
        "X-RateLimit-Remaining": remaining,
        "X-RateLimit-Reset": reset,
    }


@pytest.mark.parametrize(("seconds", "whole"), [(0.0, 0), (0.001, 1), (1.0, 1), (1.0000000001, 1), (1.01, 2)])
def test_whole_seconds(seconds: float, whole: int) -> None:
    assert whole_seconds(seconds) == whole
