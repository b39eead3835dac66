"""Limited concurrency with a queue."""

from __future__ import annotations

import pytest

from locust_softphone.limits.work_queue import WorkQueue
from tests.limits.timeline import marks


def test_latency_grows_before_the_first_refusal() -> None:
    work = WorkQueue(workers=2, queue=3, work_s=1.0)
    decisions = [work.admit(0.0) for _ in range(6)]
    assert [decision.admitted for decision in decisions] == [True] * 5 + [False]
    assert [decision.delay_s for decision in decisions] == [1.0, 1.0, 2.0, 2.0, 3.0, 0.0]


@pytest.mark.parametrize(
    ("instants", "expected"),
    [
        ([0, 0, 0, 0.9, 1.0, 1.0], "AArrAr"),  # there is room again when work is done
        ([0, 0, 5, 5, 5], "AAAAr"),
        ([0, 0.5, 1.0, 1.5, 2.0, 2.5], "AAArAr"),  # it serves 1 a second, and 2 a second come
    ],
)
def test_admit(instants: list[float], expected: str) -> None:
    assert marks(WorkQueue(workers=1, queue=1, work_s=1.0), instants) == expected


def test_a_worker_that_is_free_begins_at_once() -> None:
    work = WorkQueue(workers=2, queue=0, work_s=1.0)
    assert [work.admit(now).delay_s for now in (0.0, 0.5, 1.2)] == [1.0, 1.0, 1.0]
