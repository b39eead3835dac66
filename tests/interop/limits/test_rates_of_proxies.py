"""Compares rates with nginx ``limit_req`` and haproxy ``http_req_rate``, at the same instants.

No decision lies near a boundary: a machine that is not quite on time changes none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

import pytest

from locust_softphone.limits.decision import Limit
from locust_softphone.limits.leaky_bucket import LeakyBucket
from locust_softphone.limits.sliding_counter import MeasuredRate, SlidingCounter
from tests.interop.limits.limiting_proxies import haproxy, nginx, same_decisions, send_at

ZONE = "limit_req_zone $binary_remote_addr zone=one:32k rate=4r/s;"

BURSTS = [
    [0.0] * 6,  # 4 pass
    [0.0] * 5 + [0.35] * 3,  # 1.4 have leaked out: 1 passes
    [0.0] * 5 + [0.65] * 3 + [1.1] * 3,  # 2.6, then 1.8 and what was left
    [0.0] * 2 + [0.12] * 3 + [0.36] * 2 + [0.62] * 2,  # 14 a second against 4
]


def decisions(limit: Limit, instants: Sequence[float]) -> list[bool]:
    return [limit.admit(now).admitted for now in instants]


@pytest.mark.parametrize("instants", BURSTS)
def test_limit_req_without_delay_is_our_leaky_bucket_without_delay(instants: list[float]) -> None:
    with nginx("limit_req zone=one burst=3 nodelay;", zone=ZONE) as port:
        answers = send_at(port, instants)
    assert same_decisions(answers, lambda at: decisions(LeakyBucket(4.0, 3, delays=False), at))
    assert {answer.status for answer in answers} <= {200, 503}


def test_limit_req_with_delay_is_our_leaky_bucket_as_a_queue() -> None:
    with nginx("limit_req zone=one burst=3;", zone=ZONE) as port:
        answers = send_at(port, [0.0] * 6 + [0.35] * 2)
    bucket = LeakyBucket(4.0, 3, delays=True)
    ours = [bucket.admit(answer.sent_s) for answer in answers]
    assert [answer.admitted for answer in answers] == [decision.admitted for decision in ours]
    for answer, decision in zip(answers, ours, strict=True):
        # less than a slot of 0.25 s later, for a busy machine; nginx counts in milliseconds
        assert -0.01 < answer.answered_s - answer.sent_s - decision.delay_s < 0.2


KEEPS_ASKING = [0.0] * 5 + [0.1 + 0.2 * number for number in range(13)]  # for 2.5 s; none where a window ends
FALLS_SILENT = [0.0] * 5 + [1.3] * 3 + [1.9] * 3  # 5 in the first window: at 1.3 3.5 of them still count
RATES = [KEEPS_ASKING, FALLS_SILENT, [0.0] * 8 + [2.2] * 6]


@pytest.mark.parametrize("instants", RATES)
def test_http_req_rate_is_our_measured_rate(instants: list[float]) -> None:
    with haproxy("sc_http_req_rate(0) gt 4", stored="http_req_rate(1s)") as port:
        answers = send_at(port, instants)
    assert same_decisions(answers, lambda at: decisions(MeasuredRate(4, 1.0), at))


def test_the_instants_separate_a_measured_rate_from_a_sliding_counter() -> None:
    assert decisions(MeasuredRate(4, 1.0), KEEPS_ASKING) != decisions(SlidingCounter(4, 1.0), KEEPS_ASKING)


@pytest.mark.parametrize(
    ("make", "instants"),
    [
        *((lambda: LeakyBucket(4.0, 3, delays=False), each) for each in BURSTS),
        *((lambda: MeasuredRate(4, 1.0), each) for each in RATES),
    ],
)
def test_no_decision_is_near_a_boundary(make: Callable[[], Limit], instants: list[float]) -> None:
    random = Random(1)
    for _ in range(100):
        late = sorted(instant + random.uniform(0.0, 0.06) for instant in instants)
        assert decisions(make(), late) == decisions(make(), instants)
