"""Diagnoses of many limits, of which the truth is known.

Every kind of limit, with rates of 1 to 200 a second, quotas of 1 to 200, caps of 20 to 400, round trips of 1 to 100 ms
with jitter, in virtual time.
"""

from __future__ import annotations

import random
import time
from functools import cache

import pytest

from locust_softphone.limits.decision import Limit
from locust_softphone.limits.fixed_window import FixedWindow
from locust_softphone.limits.inference.diagnosis import Diagnosis, diagnose
from locust_softphone.limits.inference.kinds import Kind
from locust_softphone.limits.session_cap import SessionCap
from locust_softphone.limits.sliding_counter import MeasuredRate
from locust_softphone.limits.token_bucket import TokenBucket
from tests.limits.inference.policies import Case, cases
from tests.limits.inference.virtual_client import burst_then_pace, observe

CASES = cases(seed=11, each=5)
SHARED = [  # kinds whose state others change only by what is admitted to them
    case
    for case in cases(seed=12, each=2)
    if case.kind in (Kind.TOKEN_BUCKET, Kind.ALIGNED_WINDOW, Kind.SLIDING_LOG) and case.truth.get("burst", 10) >= 10
]


@cache
def diagnosed(number: int) -> Diagnosis:
    """The diagnosis of a client that is alone."""
    return diagnose(CASES[number].observe())


def holds(diagnosis: Diagnosis, case: Case) -> bool:
    """Whether a hypothesis of the right kind has the truth within its bounds."""
    return any(
        hypothesis.kind is case.kind
        and all(
            bounds.low <= case.truth[name] * (1 + 1e-6) and case.truth[name] * (1 - 1e-6) <= bounds.high
            for name, bounds in hypothesis.bounds.items()
            if name in case.truth
        )
        for hypothesis in diagnosis.hypotheses
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_kind_is_found_and_the_truth_lies_within_the_bounds(case: Case) -> None:
    diagnosis = diagnosed(CASES.index(case))
    assert case.kind in diagnosis.kinds, diagnosis
    assert holds(diagnosis, case), diagnosis


def test_most_often_no_other_kind_is_left() -> None:
    alone = [diagnosed(number).kinds == (case.kind,) for number, case in enumerate(CASES)]
    assert sum(alone) >= 0.75 * len(alone)


@pytest.mark.parametrize("case", [case for case in CASES if case.kind is Kind.TOKEN_BUCKET], ids=lambda case: case.name)
def test_the_bounds_of_a_bucket_are_narrow(case: Case) -> None:
    bounds = next(each.bounds for each in diagnosed(CASES.index(case)).hypotheses if each.kind is Kind.TOKEN_BUCKET)
    if case.truth["burst"] >= 5:  # a smaller one hides in the jitter
        assert bounds["rate"].high - bounds["rate"].low <= 0.06 * case.truth["rate"]
    assert bounds["burst"].high - bounds["burst"].low <= max(2.0, 0.03 * case.truth["burst"])


@pytest.mark.parametrize("share", [0.02, 0.05])
@pytest.mark.parametrize("case", SHARED, ids=lambda case: case.name)
def test_with_the_traffic_of_others_the_truth_lies_within_wider_bounds(case: Case, share: float) -> None:
    rate = case.truth.get("rate") or case.truth["quota"] / case.truth["window_s"]
    assert holds(diagnose(case.observe(foreign_rate=share * rate), foreign_share=2 * share), case)


def test_a_burst_alone_cannot_tell_a_cap_from_a_rate() -> None:
    diagnosis = diagnose(observe(SessionCap(100), [0.0] * 150, rng=random.Random(1)))
    assert {Kind.CAP, Kind.TOKEN_BUCKET, Kind.FIRST_WINDOW, Kind.SLIDING_LOG} <= set(diagnosis.kinds)
    assert diagnosis.experiment.startswith("hold what was admitted, then close some")


def test_a_cap_is_told_from_every_rate_by_closing() -> None:
    closing = [5.0 + 0.01 * number for number in range(25)]
    plan = burst_then_pace(150, 23.0, 10.0)
    diagnosis = diagnose(observe(SessionCap(100), plan, rng=random.Random(1), close_at=closing))
    assert diagnosis.kinds == (Kind.CAP,)
    assert diagnosis.hypotheses[0].bounds["cap"] == (100, 100)
    assert diagnosis.experiment == ""


def test_a_kind_is_ruled_out_by_a_refusal_and_the_admissions_that_it_contradicts() -> None:
    diagnosis = diagnose(observe(TokenBucket(50.0, 150), burst_then_pace(225, 90.0, 3.0), rng=random.Random(1)))
    (no_cap,) = [each for each in diagnosis.ruled_out if each.kind is Kind.CAP]
    assert no_cap.refusal is not None
    assert no_cap.most < no_cap.least  # more were open when one was admitted than when this one was refused
    assert no_cap.refusal.earliest_s < no_cap.crowd[0]


def test_nothing_is_said_without_a_refusal() -> None:
    diagnosis = diagnose(observe(TokenBucket(50.0, 150), [0.0] * 100, rng=random.Random(1)))
    assert (diagnosis.requests, diagnosis.refused, diagnosis.hypotheses) == (100, 0, ())
    assert diagnose([]) == Diagnosis()


def test_the_order_of_the_observations_does_not_matter() -> None:
    observations = observe(TokenBucket(5.0, 20), burst_then_pace(30, 9.0, 5.0), rng=random.Random(1))
    shuffled = observations.copy()
    random.Random(2).shuffle(shuffled)
    assert diagnose(shuffled) == diagnose(observations)


@pytest.mark.parametrize(
    ("limit", "plan"),
    [
        (TokenBucket(200.0, 500), burst_then_pace(1000, 350.0, 140.0)),
        (FixedWindow(3000, 10.0), burst_then_pace(5000, 750.0, 60.0)),
        (MeasuredRate(3000, 10.0), burst_then_pace(5000, 350.0, 130.0)),
    ],
    ids=["bucket", "window", "measured"],
)
def test_fifty_thousand_observations_take_seconds(limit: Limit, plan: list[float]) -> None:
    """0.4 to 1.7 s of CPU where this was written; the bound leaves room for slower machines."""
    observations = observe(limit, plan, rng=random.Random(1))
    began_s = time.process_time()
    diagnosis = diagnose(observations)
    assert time.process_time() - began_s < 6
    assert diagnosis.hypotheses
