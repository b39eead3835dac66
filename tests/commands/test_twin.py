"""The twin of each kind of limit is a policy that the edge reads, with the same limit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from locust_softphone.commands.twin import ProbedStep, twin
from locust_softphone.config.policy import Policy, load_policy
from locust_softphone.limits.decision import Limit
from locust_softphone.limits.fixed_window import FixedWindow
from locust_softphone.limits.inference.diagnosis import Diagnosis, Hypothesis
from locust_softphone.limits.inference.kinds import Kind
from locust_softphone.limits.inference.search import Bounds
from locust_softphone.limits.leaky_bucket import LeakyBucket
from locust_softphone.limits.lump_bucket import LumpBucket
from locust_softphone.limits.penalty import Penalty
from locust_softphone.limits.sliding_counter import MeasuredRate, SlidingCounter
from locust_softphone.limits.sliding_log import SlidingLog
from locust_softphone.limits.token_bucket import TokenBucket
from locust_softphone.limits.work_queue import WorkQueue
from locust_softphone.probing.finding import Finding

WINDOW = {"window_s": 9.5, "quota": 60}
PENALTY = {"penalty_s": 5.25, "rate": 20.0, "burst": 40}


def finding(kind: Kind, likely: Mapping[str, float]) -> Finding:
    bounds = {name: Bounds(0.99 * value, 1.01 * value) for name, value in likely.items()}
    return Finding(Diagnosis((Hypothesis(kind, bounds, 0.0, likely),), (), 100, 10), (), "", 1.0)


def read(tmp_path: Path, *steps: ProbedStep) -> Policy:
    file = tmp_path / "twin.yaml"
    file.write_text(twin("http://127.0.0.1:1", list(steps)))
    return load_policy(file)


@pytest.mark.parametrize(
    ("kind", "likely", "expected"),
    [
        (Kind.TOKEN_BUCKET, {"rate": 49.123, "burst": 150.2}, TokenBucket(49.12, 150)),
        (Kind.FIRST_WINDOW, WINDOW, FixedWindow(60, 9.5)),
        (Kind.ALIGNED_WINDOW, WINDOW, FixedWindow(60, 9.5, 0.0)),
        (Kind.SLIDING_LOG, WINDOW, SlidingLog(60, 9.5)),
        (Kind.SLIDING_COUNTER, WINDOW, SlidingCounter(60, 9.5)),
        (Kind.MEASURED_RATE, WINDOW, MeasuredRate(60, 9.5)),
        (Kind.LUMPS, {"interval_s": 0.5, "lump": 8, "burst": 25}, LumpBucket(8, 0.5, 25)),
        (Kind.LEAKY_QUEUE, {"rate": 20.0, "capacity": 41}, LeakyBucket(20.0, 40, delays=True)),
        (Kind.WORK_QUEUE, {"rate": 20.0, "capacity": 41}, WorkQueue(1, 40, 0.05)),
        (Kind.PENALTY, PENALTY, Penalty(TokenBucket(20.0, 40), 5.25)),
        (Kind.RENEWED_PENALTY, PENALTY, Penalty(TokenBucket(20.0, 40), 5.25, renewed=True)),
    ],
)
def test_the_twin_of_a_kind_decides_as_the_limit(
    tmp_path: Path, kind: Kind, likely: Mapping[str, float], expected: Limit
) -> None:
    (policy,) = read(tmp_path, ProbedStep("handshake", finding(kind, likely))).limits.handshake
    limit = policy.limit(0.0)
    instants = [number / 37 for number in range(600)]
    assert [limit.admit(now, number)[:1] for number, now in enumerate(instants)] == [
        expected.admit(now, number)[:1] for number, now in enumerate(instants)
    ]


def test_a_cap_of_handshakes_is_a_cap_of_sessions(tmp_path: Path) -> None:
    policy = read(tmp_path, ProbedStep("handshake", finding(Kind.CAP, {"cap": 300}), refused_with=503))
    (cap,) = policy.limits.sessions
    assert (cap.cap, cap.response.status) == (300, 503)
    assert policy.limits.handshake == ()


def test_a_step_without_a_limit_has_none_in_the_twin(tmp_path: Path) -> None:
    policy = read(tmp_path, ProbedStep("token", Finding(Diagnosis(requests=50), (), "", 1.0)))
    assert policy.limits.token == ()
    assert policy.limits.handshake == Policy().limits.handshake


def test_the_twin_counts_by_what_has_its_own_limit(tmp_path: Path) -> None:
    found = finding(Kind.TOKEN_BUCKET, {"rate": 5.0, "burst": 9})
    shared: dict[str, bool | None] = {"token": True, "address": False}
    (limit,) = read(tmp_path, ProbedStep("handshake", found, shared=shared)).limits.handshake
    assert limit.key == ("address",)


def test_each_value_has_its_bounds_beside_it() -> None:
    text = twin("http://127.0.0.1:1", [ProbedStep("token", finding(Kind.TOKEN_BUCKET, {"rate": 50.0, "burst": 150}))])
    assert "rate: 50/s" in text
    assert "# 49.5/s to 50.5/s" in text
    assert "# 148.5 to 151.5" in text
