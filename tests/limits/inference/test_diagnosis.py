"""Diagnoses of limits with known parameters, in virtual time (policies.py)."""

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

CASES = cases(seed=11, each=3)
SHARED = [  # the kinds that are tested with foreign traffic
    case
    for case in cases(seed=12, each=2)
    if case.kind in (Kind.TOKEN_BUCKET, Kind.ALIGNED_WINDOW, Kind.SLIDING_LOG) and case.truth.get("burst", 10) >= 10
]


@cache
def diagnosed(number: int) -> Diagnosis:
    """The diagnosis without foreign traffic."""
    return diagnose(CASES[number].observe())


def is_right(diagnosis: Diagnosis, case: Case) -> bool:
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
    assert is_right(diagnosis, case), diagnosis


def test_in_most_cases_only_the_true_kind_remains() -> None:
    alone = [diagnosed(number).kinds == (case.kind,) for number, case in enumerate(CASES)]
    assert sum(alone) >= 0.75 * len(alone)


@pytest.mark.parametrize("case", [case for case in CASES if case.kind is Kind.TOKEN_BUCKET], ids=lambda case: case.name)
def test_the_bounds_of_a_bucket_are_narrow(case: Case) -> None:
    bounds = next(each.bounds for each in diagnosed(CASES.index(case)).hypotheses if each.kind is Kind.TOKEN_BUCKET)
    if case.truth["burst"] >= 5:  # the jitter hides a smaller one
        assert bounds["rate"].high - bounds["rate"].low <= 0.06 * case.truth["rate"]
    assert bounds["burst"].high - bounds["burst"].low <= max(2.0, 0.03 * case.truth["burst"])


@pytest.mark.parametrize("share", [0.02, 0.05])
@pytest.mark.parametrize("case", SHARED, ids=lambda case: case.name)
def test_with_foreign_traffic_the_truth_lies_within_the_bounds(case: Case, share: float) -> None:
    rate = case.truth.get("rate") or case.truth["quota"] / case.truth["window_s"]
    assert is_right(diagnose(case.observe(foreign_rate=share * rate), foreign_share=2 * share), case)


def test_a_burst_alone_does_not_separate_a_cap_from_a_rate() -> None:
    diagnosis = diagnose(observe(SessionCap(100), [0.0] * 150, rng=random.Random(1)))
    assert {Kind.CAP, Kind.TOKEN_BUCKET, Kind.FIRST_WINDOW, Kind.SLIDING_LOG} <= set(diagnosis.kinds)
    assert diagnosis.experiment.startswith("keep all sessions open, then close some")


def test_closing_sessions_separates_a_cap_from_every_rate() -> None:
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
    assert no_cap.refusal.earliest_s < no_cap.admitted_within[0]


def test_without_a_refusal_there_is_no_hypothesis() -> None:
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
    """It takes about 2 s of CPU; the bound leaves room for slower machines."""
    observations = observe(limit, plan, rng=random.Random(1))
    began_s = time.process_time()
    diagnosis = diagnose(observations)
    assert time.process_time() - began_s < 6
    assert diagnosis.hypotheses
