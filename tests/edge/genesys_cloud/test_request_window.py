"""Requests counted in windows, on a clock that is told."""

from __future__ import annotations

import pytest

from locust_softphone.edge.genesys_cloud.request_window import RequestWindow
from locust_softphone.edge.genesys_cloud.wire_policy import Quota


def window() -> RequestWindow:
    """Two in ten seconds."""
    return RequestWindow(Quota.model_validate({"count": 2, "per": "10s"}))


@pytest.mark.parametrize(
    ("asked_at", "told"),
    [
        ([0, 0, 0, 4], [0, 0, 10, 6]),  # everybody is told the end of the window
        ([0, 9, 9.5, 10], [0, 0, 0.5, 0]),  # who waits as told is in the next one
        ([5, 14, 15, 15, 15], [0, 0, 0, 0, 10]),  # the next one begins with the next request
        ([0, 100, 100, 100], [0, 0, 0, 10]),  # nothing is saved up in a quiet time
    ],
)
def test_what_is_told(asked_at: list[float], told: list[float]) -> None:
    requests = window()
    assert [requests.admit(now) for now in asked_at] == pytest.approx(told)


def test_the_headers_of_an_ordinary_answer() -> None:
    requests = window()
    requests.admit(0.0)
    assert requests.headers(2.5) == {
        "inin-ratelimit-count": "1",
        "inin-ratelimit-allowed": "2",
        "inin-ratelimit-reset": "8",  # whole seconds, so that nobody is early
    }


def test_the_refused_are_not_counted() -> None:
    requests = window()
    for _ in range(5):
        requests.admit(0.0)
    assert requests.headers(0.0)["inin-ratelimit-count"] == "2"
