"""Probes in virtual time: of limits whose kind and parameters are known here, but not to the probe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

import pytest

from locust_softphone.limits.decision import Decision, Limit
from locust_softphone.limits.fixed_window import FixedWindow
from locust_softphone.limits.inference.kinds import Kind
from locust_softphone.limits.leaky_bucket import LeakyBucket
from locust_softphone.limits.penalty import Penalty
from locust_softphone.limits.session_cap import SessionCap
from locust_softphone.limits.sliding_counter import MeasuredRate
from locust_softphone.limits.sliding_log import SlidingLog
from locust_softphone.limits.token_bucket import TokenBucket
from locust_softphone.probing import paces
from locust_softphone.probing.experiment import probe
from locust_softphone.probing.finding import Finding
from locust_softphone.probing.plans import Plan, most_different
from locust_softphone.probing.probe_budget import Budget, Metered
from locust_softphone.probing.probe_target import Hint
from locust_softphone.probing.virtual_target import Network, VirtualTarget

CASES: dict[str, tuple[Callable[[], Limit], Kind, Mapping[str, float]]] = {
    "bucket": (lambda: TokenBucket(50.0, 150), Kind.TOKEN_BUCKET, {"rate": 50.0, "burst": 150}),
    "slow bucket": (lambda: TokenBucket(5.0, 20), Kind.TOKEN_BUCKET, {"rate": 5.0, "burst": 20}),
    "nginx nodelay": (lambda: LeakyBucket(20.0, 9, delays=False), Kind.TOKEN_BUCKET, {"rate": 20.0, "burst": 10}),
    "queue": (lambda: LeakyBucket(20.0, 40, delays=True), Kind.LEAKY_QUEUE, {"rate": 20.0}),
    "cap": (lambda: SessionCap(300), Kind.CAP, {"cap": 300}),
    "window": (lambda: FixedWindow(60, 10.0), Kind.FIRST_WINDOW, {"window_s": 10.0, "quota": 60}),
    "aligned": (lambda: FixedWindow(60, 10.0, 3.0), Kind.ALIGNED_WINDOW, {"window_s": 10.0, "quota": 60}),
    "log": (lambda: SlidingLog(60, 10.0), Kind.SLIDING_LOG, {"window_s": 10.0, "quota": 60}),
    "measured": (lambda: MeasuredRate(60, 10.0), Kind.MEASURED_RATE, {"window_s": 10.0, "quota": 60}),
    "penalty": (lambda: Penalty(TokenBucket(20.0, 40), 5.0), Kind.PENALTY, {"penalty_s": 5.0, "burst": 40}),
}

POLLS = [20.0 + number / 100 for number in range(60)]


@cache
def probed(name: str) -> Finding:
    """The result of a probe with the default budget."""
    return probe(VirtualTarget(CASES[name][0]()))


@pytest.mark.parametrize("name", CASES)
def test_a_probe_finds_the_kind_and_the_size(name: str) -> None:
    _, kind, truth = CASES[name]
    finding = probed(name)
    best = finding.best
    assert best is not None, finding.diagnosis
    assert best.kind is kind, finding.diagnosis
    assert all(best.bounds[parameter].low <= true <= best.bounds[parameter].high for parameter, true in truth.items())
    assert finding.spent == ""


def test_the_bounds_of_a_bucket_are_narrow() -> None:
    best = probed("bucket").best
    assert best is not None
    assert best.bounds["rate"].high <= 1.03 * best.bounds["rate"].low
    assert best.bounds["burst"].high <= best.bounds["burst"].low + 5


def test_the_first_second_of_a_probe_sends_a_few_requests() -> None:
    finding = probed("bucket")
    began_s = finding.observations[0].sent_s
    assert sum(each.sent_s < began_s + 1 for each in finding.observations) <= 3


@pytest.mark.parametrize(
    ("budget", "spent"),
    [
        (Budget(most_requests=100), "100 requests"),
        (Budget(most_refused=10), "10 refusals"),
        (Budget(longest_s=6.0), "6 s"),
    ],
)
def test_a_probe_keeps_to_its_budget(budget: Budget, spent: str) -> None:
    finding = probe(VirtualTarget(TokenBucket(50.0, 20)), budget)
    assert finding.spent == spent
    assert len(finding.observations) <= budget.most_requests
    assert sum(not each.admitted for each in finding.observations) <= budget.most_refused
    assert finding.seconds <= budget.longest_s + 1.0


def test_a_large_burst_at_once_keeps_to_the_budget_of_refusals() -> None:
    metered = Metered(VirtualTarget(SessionCap(30), Network(0.1, 0.01)), Budget(most_refused=100))
    answers = metered.send(paces.at([0.0] * 1_000))
    assert sum(each.admitted for each in answers) == 30
    assert sum(not each.admitted for each in answers) == 70
    assert metered.spent == "100 refusals"


def test_without_a_limit_there_is_no_hypothesis() -> None:
    finding = probe(VirtualTarget(TokenBucket(1e6, 1e6)), Budget(most_requests=500))
    assert finding.best is None
    assert (finding.diagnosis.requests, finding.diagnosis.refused) == (500, 0)


def test_an_interrupted_probe_keeps_what_it_knows() -> None:
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        if "measures" in line or "separates" in line:
            raise KeyboardInterrupt

    finding = probe(VirtualTarget(TokenBucket(20.0, 9)), say=say)
    assert finding.spent == "interrupted", said
    assert Kind.TOKEN_BUCKET in finding.diagnosis.kinds


def test_undeclared_traffic_of_others_never_leaves_a_wrong_kind_alone() -> None:
    target = VirtualTarget(FixedWindow(60, 10.0), foreign_rate=0.5)
    finding = probe(target, foreign_share=0.02)
    assert Kind.FIRST_WINDOW in {*finding.diagnosis.kinds, *finding.if_shared}


def test_a_burst_ends_after_enough_refusals_in_a_row() -> None:
    limit = TokenBucket(0.1, 30)
    answers = VirtualTarget(limit).send(paces.at([*[0.0] * 200, 60.0], spacing_s=0.005))
    first = [each for each in answers if each.sent_s < answers[0].sent_s + 30]
    assert sum(each.admitted for each in first) == 30
    assert paces.ENOUGH_REFUSED <= len(first) - 30 <= 3 * paces.ENOUGH_REFUSED
    assert answers[-1].admitted  # at 60 s


def test_of_two_plans_that_separate_alike_the_one_with_fewer_refusals_is_taken() -> None:
    polite, rude = Plan("polite", (*[0.0] * 12, *[5.0] * 12)), Plan("rude", (*[0.0] * 12, *[5.0] * 12, *POLLS))
    models = [lambda: TokenBucket(1.0, 10), lambda: FixedWindow(10, 10.0)]
    both = [(0.0, rude), (0.0, polite)]
    assert most_different(both, models, [10, 10]) == (0.0, polite)
    assert most_different(both[:1], models, [10, 10]) == (0.0, rude)
    assert most_different(both[:1], models, [10, 10], most_refused=20) is None


@pytest.mark.parametrize("name", CASES)
def test_a_probe_is_refused_no_more_often_than_the_burst_and_a_few_seconds_of_the_rate(name: str) -> None:
    _, _, truth = CASES[name]
    size = max(truth.get("burst", 0.0), truth.get("quota", 0.0), truth.get("cap", 0.0), 40.0)
    rate = truth.get("rate", size / truth.get("window_s", truth.get("penalty_s", 1.0)))
    assert probed(name).diagnosis.refused <= size + 5 * rate


WINDOWED: dict[str, Callable[[], Limit]] = {
    "window": lambda: FixedWindow(60, 40.0),
    "log": lambda: SlidingLog(60, 40.0),
    "measured": lambda: MeasuredRate(60, 40.0),
}


def with_hints(hint_of: Callable[[Decision], Hint]) -> dict[str, Finding]:
    return {name: probe(VirtualTarget(make(), hint_of=hint_of)) for name, make in WINDOWED.items()}


def spent(findings: Mapping[str, Finding]) -> int:
    return sum(each.diagnosis.requests for each in findings.values())


@cache
def untold() -> dict[str, Finding]:
    return with_hints(lambda _: Hint())


def test_headers_that_tell_the_truth_save_requests() -> None:
    told = with_hints(lambda decision: Hint(decision.quota, 40.0, decision.wait_s))
    assert spent(told) < spent(untold())
    assert [each.best and each.best.kind for each in told.values()] == [
        Kind.FIRST_WINDOW,
        Kind.SLIDING_LOG,
        Kind.MEASURED_RATE,
    ]


@pytest.mark.parametrize("hint", [Hint(600, 3.0, 0.0), Hint(5, 3600.0, 7200.0), Hint(1, None, 1.0)])
def test_headers_that_are_wrong_do_not_mislead(hint: Hint) -> None:
    for name, finding in with_hints(lambda _: hint).items():
        best = finding.best
        assert best is not None, name
        assert best.kind is untold()[name].best.kind  # type: ignore[union-attr]
        assert best.bounds["window_s"].low <= 40.0 <= best.bounds["window_s"].high
        assert best.bounds["quota"].low <= 60 <= best.bounds["quota"].high
