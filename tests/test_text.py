"""Wording of messages: durations for people."""

from __future__ import annotations

import pytest

from locust_softphone.text import duration


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.00 ms"),
        (0.003456, "3.46 ms"),
        (0.0456, "45.6 ms"),
        (0.314, "314 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1.00 s"),  # never 1000 ms
        (9.994, "9.99 s"),
        (9.996, "10.0 s"),
        (59.88, "59.9 s"),
        (99.96, "100 s"),
        (119.4, "119 s"),
        (119.6, "2 min 0 s"),
        (545.2, "9 min 5 s"),
        (3599.7, "1 h 0 min"),  # never 60 min
        (5400.0, "1 h 30 min"),
    ],
)
def test_a_duration(value: float, text: str) -> None:
    assert duration(value) == text
