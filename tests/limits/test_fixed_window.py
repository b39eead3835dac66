"""The fixed window."""

from __future__ import annotations

import pytest

from locust_softphone.limits.fixed_window import FixedWindow
from tests.limits.timeline import marks


@pytest.mark.parametrize(
    ("aligned_to_s", "instants", "expected"),
    [
        (None, [7, 8, 9, 16.9, 17, 17, 17], "AArrAAr"),  # the window of the first request: 7 to 17
        (0.0, [7, 8, 9, 10, 10, 10], "AArAAr"),  # aligned: 0 to 10, 10 to 20
        (3.0, [7, 8, 9, 12.9, 13], "AArrA"),  # aligned to another instant
        (None, [7, 30, 39, 39], "AAAr"),  # a window begins with a request, not with the end of the last one
        (0.0, [9, 9, 10, 10, 20, 20], "AAAAAA"),  # twice the quota within 1 s, across a boundary
    ],
)
def test_admit(aligned_to_s: float | None, instants: list[float], expected: str) -> None:
    assert marks(FixedWindow(2, 10.0, aligned_to_s), instants) == expected


def test_a_refused_client_waits_for_the_rest_of_the_window() -> None:
    window = FixedWindow(1, 10.0)
    assert window.admit(2.0).reset_s == 10.0
    assert window.admit(5.0).wait_s == 7.0


def test_refused_requests_use_nothing_of_the_quota() -> None:
    window = FixedWindow(2, 10.0)
    assert [window.admit(0.0).remaining for _ in range(5)] == [1, 0, 0, 0, 0]
    assert window.admit(10.0).remaining == 1


def test_a_boundary_that_a_float_cannot_hold() -> None:
    window = FixedWindow(1, 0.1, aligned_to_s=0.0)
    assert marks(window, [number * 0.1 for number in range(1000)]) == "A" * 1000
