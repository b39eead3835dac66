"""A penalty around another limit."""

from __future__ import annotations

import pytest

from locust_softphone.limits.fixed_window import FixedWindow
from locust_softphone.limits.penalty import Penalty
from locust_softphone.limits.session_cap import SessionCap
from locust_softphone.limits.token_bucket import TokenBucket
from tests.limits.timeline import marks


@pytest.mark.parametrize(
    ("renewed", "instants", "expected"),
    [
        (False, [0, 0, 0, 1, 4.9, 5], "AArrrA"),  # 5 s after the first refusal, whatever comes in between
        (True, [0, 0, 0, 1, 5, 9.9, 14.8], "AArrrrr"),  # each request starts it again
        (True, [0, 0, 0, 1, 6], "AArrA"),  # a pause ends it
        (False, [0, 1, 2, 3], "AAAA"),  # no penalty without a refusal
    ],
)
def test_admit(renewed: bool, instants: list[float], expected: str) -> None:
    assert marks(Penalty(TokenBucket(1.0, 2), 5.0, renewed=renewed), instants) == expected


def test_the_wait_is_the_rest_of_the_penalty() -> None:
    penalty = Penalty(TokenBucket(1.0, 1), 5.0)
    penalty.admit(0.0)
    assert [penalty.admit(now).wait_s for now in (0.0, 2.0, 4.0)] == [5.0, 3.0, 1.0]


def test_the_wait_is_that_of_the_inner_limit_if_longer() -> None:
    penalty = Penalty(FixedWindow(1, 60.0), 5.0)
    penalty.admit(0.0)
    assert penalty.admit(1.0).wait_s == 59.0


def test_a_session_is_released_in_the_inner_limit() -> None:
    penalty = Penalty(SessionCap(1), 5.0)
    assert penalty.admit(0.0, "one").admitted
    assert not penalty.admit(0.0, "two").admitted
    penalty.release(1.0, "one")
    assert not penalty.admit(1.0, "two").admitted
    assert penalty.admit(5.0, "two").admitted
