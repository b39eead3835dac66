"""A token bucket that is filled in lumps."""

from __future__ import annotations

import pytest

from locust_softphone.limits.lump_bucket import LumpBucket
from tests.limits.timeline import marks


@pytest.mark.parametrize(
    ("instants", "expected"),
    [
        ([0, 0, 0, 0], "AAAr"),  # the burst
        ([0, 0, 0, 0.9, 1.9], "AAArr"),  # no token arrives between two fills
        ([0, 0, 0, 2, 2, 2], "AAAAAr"),  # then a whole lump
        ([0, 0, 0, 4.1, 4.1, 4.1, 4.1], "AAAAAAr"),  # two fills bring two lumps, but the bucket holds 3
        ([0, 3.9, 3.9, 3.9, 3.9, 4.0, 4.0, 4.0], "AAAArAAr"),  # fills come at 2 and 4, not 2 s after a request
    ],
)
def test_admit(instants: list[float], expected: str) -> None:
    assert marks(LumpBucket(lump=2, interval_s=2.0, burst=3), instants) == expected


def test_fills_come_at_equal_distances_from_the_given_one() -> None:
    bucket = LumpBucket(lump=1, interval_s=10.0, burst=1, fills_at_s=33.0)
    bucket.admit(5.0)
    assert bucket.admit(6.0).wait_s == 7.0
    assert bucket.admit(13.0).admitted


def test_the_reset_takes_all_missing_fills() -> None:
    bucket = LumpBucket(lump=2, interval_s=1.0, burst=5)
    assert [bucket.admit(0.5).reset_s for _ in range(5)] == [0.5, 0.5, 1.5, 1.5, 2.5]
