"""The diagnosis of runs: recorded ones of the pack, and made-up ones."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from locust_softphone.limits.advice import NO_ADVICE, LimitAdvice
from locust_softphone.limits.decision import Limit
from locust_softphone.limits.inference.kinds import Kind
from locust_softphone.limits.token_bucket import TokenBucket
from locust_softphone.metrics.observed_attempts import SESSIONS, Observations
from locust_softphone.runs.limit_diagnosis import limits_of
from locust_softphone.runs.limit_parts import StepLimit

GOLDEN = Path(__file__).parents[1] / "golden"
REFUSED = "rate_limited 429"


def diagnosed(observed: Mapping[str, Observations], *, late_s: float = 0.01, alone: bool = True) -> list[StepLimit]:
    return [StepLimit.model_validate(each) for each in limits_of(observed, late_s=late_s, alone=alone)]


def asked(
    limit: Limit, *, requests: int, per_s: float, unclear: int = 0, advice: LimitAdvice = NO_ADVICE
) -> Observations:
    """Requests at a constant rate with a round trip of 10 to 11 ms, of which some get no answer."""
    found, chance = Observations(), random.Random(1)
    for number in range(requests):
        sent_s = number / per_s
        admitted = limit.admit(sent_s + 0.005).admitted
        answer = "ok" if admitted else REFUSED
        if number % 10 == 0 and number // 10 < unclear:
            answer = "timed_out"
        told = LimitAdvice() if admitted else advice
        found.add(sent_s, sent_s + 0.01 + chance.random() / 1000, answer, number, told)
    return found


@cache
def recorded_limits(profile: str) -> list[StepLimit]:
    recorded: Any = json.loads((GOLDEN / f"observations-{profile}.json").read_text())
    observed = {name: Observations.from_plain(each) for name, each in recorded["observations"].items()}
    return diagnosed(observed, late_s=recorded["late_s"])


@pytest.mark.parametrize("profile", ["burst-500-backoff", "burst-500-retry-after"])
@pytest.mark.parametrize(("step", "burst"), [("handshake", 150), ("offer", 50)])
def test_a_recorded_run_of_the_pack_names_the_edges_bucket_within_5_percent(
    profile: str, step: str, burst: float
) -> None:
    (limit,) = [each for each in recorded_limits(profile) if each.step == step]
    (likely,) = [each for each in limit.hypotheses if each.likely]
    assert likely.kind == Kind.TOKEN_BUCKET
    for name, truth in {"rate": 50.0, "burst": burst}.items():
        bounds = likely.bounds[name]
        assert bounds.high is not None
        assert bounds.low <= truth <= bounds.high
        named = likely.best.get(name, (bounds.low + bounds.high) / 2)
        assert named == pytest.approx(truth, rel=0.05)


def test_without_refusals_and_waits_there_is_nothing_to_explain() -> None:
    assert diagnosed({"offer": asked(TokenBucket(100.0, 100.0), requests=200, per_s=50.0)}) == []


def test_a_slow_generator_is_not_a_queue() -> None:
    late = Observations()
    for number in range(300):  # all at once, answered one after the other
        late.add(0.0, 0.01 + number / 1000, "ok", number)
    assert diagnosed({"token": late}, late_s=0.31) == []
    (queue,) = diagnosed({"token": late}, late_s=0.001)
    assert queue.hypotheses[0].kind in (Kind.LEAKY_QUEUE, Kind.WORK_QUEUE)


def test_a_few_refusals_show_no_limit_but_are_there() -> None:
    (limit,) = diagnosed({"offer": asked(TokenBucket(1.0, 100.0), requests=104, per_s=1000.0)})
    assert (limit.refused, limit.hypotheses) == (4, ())


def test_attempts_without_an_answer_make_the_bounds_wider() -> None:
    every = {"requests": 600, "per_s": 100.0}
    (known,) = diagnosed({"offer": asked(TokenBucket(50.0, 50.0), **every)})  # type: ignore[arg-type]
    (unclear,) = diagnosed({"offer": asked(TokenBucket(50.0, 50.0), **every, unclear=30)})  # type: ignore[arg-type]
    assert unclear.unclear == 30
    assert unclear.hypotheses[0].foreign_share == pytest.approx(30 / 600)
    narrow, wide = known.hypotheses[0].bounds["burst"], unclear.hypotheses[0].bounds["burst"]
    assert narrow.high is not None
    assert wide.high is not None
    assert wide.high - wide.low > narrow.high - narrow.low


@pytest.mark.parametrize("before_the_limit", [True, False])
def test_bounds_hold_whether_attempts_that_are_refused_for_another_reason_count_or_not(before_the_limit: bool) -> None:
    limit, step, chance = TokenBucket(50.0, 60.0), Observations(), random.Random(1)
    for number in range(300):  # the first 50 come too early
        sent_s, early = number / 100, number < 50
        admitted = (early and before_the_limit) or limit.admit(sent_s + 0.005).admitted
        answer = REFUSED if not admitted else "rejected 409" if early else "ok"
        step.add(sent_s, sent_s + 0.01 + chance.random() / 1000, answer, number)
    (found,) = diagnosed({"offer": step})
    assert found.unclear == 50
    assert found.requests + found.unclear == 300
    (bucket,) = [each for each in found.hypotheses if each.kind == Kind.TOKEN_BUCKET]
    assert bucket.foreign_share == 0
    assert bucket.bounds["burst"].low <= 60 <= (bucket.bounds["burst"].high or 0)


def test_other_clients_are_allowed_for_on_an_edge_that_is_not_ours() -> None:
    observed = {"offer": asked(TokenBucket(50.0, 50.0), requests=600, per_s=100.0)}
    assert all(each.foreign_share == 0 for each in diagnosed(observed)[0].hypotheses)
    assert all(each.foreign_share > 0 for each in diagnosed(observed, alone=False)[0].hypotheses)


def test_what_was_told_is_compared_with_what_came_of_it() -> None:
    step, told = Observations(), LimitAdvice(retry_after_s=2.0)
    for softphone in range(6):
        step.add(0.0, 0.1, REFUSED, softphone, told)
    for softphone, (came_s, answer) in enumerate(
        [(2.2, "ok"), (2.3, "ok"), (2.1, REFUSED), (1.0, "ok"), (1.0, REFUSED)]
    ):
        step.add(came_s, came_s + 0.1, answer, softphone)
    (limit,) = diagnosed({"handshake": step})
    assert limit.told is not None
    assert limit.told.model_dump() == {
        "refusals": 6,
        "least_s": 2.0,
        "most_s": 2.0,
        "heeded": 3,
        "heeded_refused": 1,
        "early": 2,
        "early_admitted": 1,
    }


def test_a_cap_of_open_sessions_is_told_from_a_rate() -> None:
    handshakes, sessions, connected, chance = Observations(), Observations(), list[int](), random.Random(1)
    for number in range(400):  # one each 10 ms; from 2 s on, the oldest of 80 hangs up each 20 ms
        sent_s = number / 100
        if sent_s > 2 and number % 2 and connected:
            oldest = connected.pop(0)
            sessions.add(oldest / 100, sent_s - 0.005, "own", oldest)
        if admitted := len(connected) < 80:
            connected.append(number)
        handshakes.add(sent_s, sent_s + 0.002 + chance.random() / 1000, "ok" if admitted else "unavailable 503", number)
    (limit,) = diagnosed({"handshake": handshakes, SESSIONS: sessions})
    likely = [each for each in limit.hypotheses if each.likely]
    assert limit.status == 503
    assert Kind.CAP in [each.kind for each in likely]
    (cap,) = [each.bounds["cap"] for each in likely if each.kind == Kind.CAP]
    assert cap.high is not None
    assert cap.low <= 80 <= cap.high


def test_of_two_limits_of_one_step_each_is_explained_by_its_own_status() -> None:
    first, second, step, chance = TokenBucket(50.0, 100.0), TokenBucket(20.0, 40.0), Observations(), random.Random(1)
    for number in range(300):
        sent_s = number / 100
        if not first.admit(sent_s).admitted:
            answer = "unavailable 503"
        else:
            answer = "ok" if second.admit(sent_s).admitted else REFUSED
        step.add(sent_s, sent_s + 0.002 + chance.random() / 1000, answer, number)
    limits = {each.status: each for each in diagnosed({"offer": step})}
    for status, rate in {503: 50.0, 429: 20.0}.items():
        buckets = [each for each in limits[status].hypotheses if each.likely and each.kind == Kind.TOKEN_BUCKET]
        assert any(each.bounds["rate"].low <= rate <= (each.bounds["rate"].high or 0) for each in buckets)


def test_if_answers_take_longer_than_refusals_limited_concurrency_is_not_excluded() -> None:
    step, busy_until_s, chance = Observations(), [0.0] * 5, random.Random(1)
    for number in range(300):  # five at a time, 200 ms each; no queue
        sent_s = number / 40
        worker = min(range(5), key=busy_until_s.__getitem__)
        if admitted := busy_until_s[worker] <= sent_s:
            busy_until_s[worker] = sent_s + 0.2
        took_s = (0.2 if admitted else 0.002) + chance.random() / 1000
        step.add(sent_s, sent_s + took_s, "ok" if admitted else "unavailable 503", number)
    (limit,) = diagnosed({"handshake": step}, late_s=0.3)
    assert Kind.WORK_QUEUE in [each.kind for each in limit.hypotheses if each.likely]
