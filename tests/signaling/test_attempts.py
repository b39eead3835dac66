"""Attempts: what is measured and counted, on a clock that only the test moves and without a network."""

from __future__ import annotations

from typing import Any

import pytest
from tenacity import RetryCallState, Retrying

from locust_softphone.errors import AttemptFailed
from locust_softphone.limits.advice import NO_ADVICE, LimitAdvice
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.signaling.attempts import Attempts
from locust_softphone.signaling.dialect import Reply
from locust_softphone.signaling.shared_backoff import SharedBackoff
from locust_softphone.signaling.target import Target
from tests.signaling.softphones import Observations, Time, a_fleet

TOOK_S = 0.25


class StoppedClock(Time):
    """A clock that stands still until somebody sleeps."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def clock(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds


class Fixture:
    """The attempts of one softphone, and what was reported of them."""

    def __init__(self, *, budget: float = 0, **softphone: Any) -> None:
        self.time = StoppedClock()
        self.seen = Observations()
        self.context = a_fleet(Target("127.0.0.1", 1), self.seen, self.time, budget=budget, **softphone)
        self.attempts = Attempts(self.context, self._wait_until)
        self.waited_until: list[float] = []
        self.attempts.begin(0.0, frozenset({"token", "handshake", "offer"}))

    def _wait_until(self, until_s: float) -> None:
        self.waited_until.append(until_s)
        self.time.now_s = until_s

    def succeeds(self, advice: LimitAdvice = NO_ADVICE) -> Reply[str]:
        self.time.now_s += TOOK_S
        return "result", advice

    def fails(self, failure: AttemptFailed) -> Reply[str]:
        self.time.now_s += TOOK_S
        raise failure

    def fail(self, step: str, failure: AttemptFailed) -> None:
        with pytest.raises(AttemptFailed) as caught:
            self.attempts.make(step, self.fails, failure)
        assert caught.value is failure

    def before_retry(self, failure: AttemptFailed, wait_s: float) -> None:
        """What tenacity does between two tries."""
        state = RetryCallState(Retrying(), None, (), {})
        state.set_exception((AttemptFailed, failure, None))
        state.upcoming_sleep = wait_s
        self.attempts.before_retry(state)
        self.time.now_s += wait_s


def refused(advice: LimitAdvice = NO_ADVICE) -> AttemptFailed:
    return AttemptFailed(Outcome.RATE_LIMITED, status=429, advice=advice)


def test_an_attempt_is_due_when_the_previous_one_has_ended() -> None:
    made = Fixture()
    made.time.now_s = 2.0  # the generator is late
    assert made.attempts.make("token", made.succeeds) == "result"
    made.attempts.make("handshake", made.succeeds)
    assert [(each.step, each.planned_s, each.began_s, each.ended_s) for each in made.seen.attempts] == [
        ("token", 0.0, 2.0, 2.25),
        ("handshake", 2.25, 2.25, 2.5),
    ]


def test_a_failed_attempt_is_reported_and_says_how_often_its_step_has_failed() -> None:
    made = Fixture(budget=9)
    failures = [refused(), refused()]
    for failure in failures:
        made.fail("offer", failure)
    assert [failure.tries for failure in failures] == [1, 2]
    assert made.attempts.failures("offer") == 2
    assert made.seen.outcomes("offer") == ["rate_limited"] * 2
    assert made.seen.failures == failures


def test_another_set_up_begins_to_count_failures_anew() -> None:
    made = Fixture()
    made.fail("offer", refused())
    made.attempts.begin(1.0, frozenset({"offer"}))
    assert made.attempts.failures("offer") == 0


def test_a_failed_handshake_is_counted_as_a_closed_websocket() -> None:
    made = Fixture()
    made.fail("handshake", AttemptFailed(Outcome.CLOSED, close_code=1013))
    assert made.seen.tally.counts["closes.1013"] == 1


@pytest.mark.parametrize(("waited_s", "early_s"), [(1.0, 2.0), (3.0, 0.0)])
def test_a_retry_is_compared_with_the_retry_after_before_it(waited_s: float, early_s: float) -> None:
    made = Fixture(budget=1)
    failure = refused(LimitAdvice(retry_after_s=3.0))
    made.fail("offer", failure)
    made.before_retry(failure, waited_s)
    made.attempts.make("offer", made.succeeds)
    (sample,) = made.seen.tally.retry_sample.sorted()
    assert sample.early_s == early_s
    assert made.seen.attempts[-1].planned_s == TOOK_S + waited_s, "a retry is due when its wait is over"
    assert made.seen.tally.counts["retries"] == 1


def test_only_the_attempts_beyond_the_plan_are_taken_from_the_retry_budget() -> None:
    made = Fixture(budget=1)
    for _ in range(2):
        made.attempts.make("offer", made.succeeds)
    with pytest.raises(AttemptFailed) as caught:
        made.attempts.make("offer", made.succeeds)
    assert caught.value.outcome is Outcome.OVER_BUDGET
    assert len(made.seen.attempts) == 2
    assert made.seen.tally.counts["retries.over_budget"] == 1


def test_no_attempt_is_made_after_the_end_of_the_plan() -> None:
    made = Fixture()
    made.context.end_s = 0.0
    with pytest.raises(AttemptFailed) as caught:
        made.attempts.make("token", made.succeeds)
    assert caught.value.outcome is Outcome.CANCELLED
    assert made.seen.attempts == []


@pytest.mark.parametrize(("remaining", "waits"), [("honour", [TOOK_S + 5.0]), ("ignore", [])])
def test_where_nothing_remains_the_next_attempt_of_the_step_waits_for_the_reset(
    remaining: str, waits: list[float]
) -> None:
    made = Fixture(budget=1, retry={"remaining": remaining, "retry_after_cap": "5s"})
    made.attempts.make("token", made.succeeds, LimitAdvice(reset_s=60.0))
    made.attempts.make("token", made.succeeds)
    assert made.waited_until == waits, "capped as a Retry-After is"


@pytest.mark.parametrize(
    ("advice", "held_s"),
    [(LimitAdvice(retry_after_s=4.0), 4.0), (LimitAdvice(retry_after_s=999.0), 5.0), (NO_ADVICE, 2.0)],
)
def test_a_429_holds_back_all_softphones_where_they_share_it(advice: LimitAdvice, held_s: float) -> None:
    made = Fixture(retry={"scope": "fleet", "initial": "2s", "retry_after_cap": "5s"})
    spread: list[tuple[str, float]] = []
    made.context.shared_backoff = SharedBackoff(made.time.clock, 10.0, lambda *hold: spread.append(hold))
    made.fail("offer", refused(advice))
    assert spread == [("offer", held_s)]
    assert made.context.shared_backoff.next_slot_s("offer") == TOOK_S + held_s


def test_a_bug_in_a_dialect_is_not_counted_as_an_attempt() -> None:
    made = Fixture()

    def has_a_bug() -> Reply[str]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        made.attempts.make("offer", has_a_bug)
    assert made.seen.attempts == []


@pytest.mark.parametrize(("scope", "waits_too"), [("user", False), ("fleet", True)])
def test_an_adaptive_client_waits_after_a_429_for_a_token_of_its_own(scope: str, waits_too: bool) -> None:
    made = Fixture(budget=9, retry={"adaptive": {}, "scope": scope})
    other = Attempts(made.context, made._wait_until)
    other.begin(0.0, frozenset({"offer"}))
    made.fail("offer", refused())
    assert made.waited_until == []
    made.attempts.make("offer", made.succeeds)
    assert made.time.now_s == pytest.approx(2 * TOOK_S + 2.0)  # one in 2 s is the slowest rate
    assert made.seen.attempts[-1].planned_s == pytest.approx(TOOK_S + 2.0)  # so it was due after the wait
    before = made.time.now_s
    other.make("offer", made.succeeds)
    assert (made.time.now_s > before + TOOK_S) == waits_too


def test_an_adaptive_client_does_not_wait_beyond_the_plans_end() -> None:
    made = Fixture(budget=9, retry={"adaptive": {}})
    made.fail("offer", refused())
    made.context.end_s = made.time.now_s + 1.0
    with pytest.raises(AttemptFailed) as failed:
        made.attempts.make("offer", made.succeeds)
    assert failed.value.outcome is Outcome.CANCELLED
    assert made.time.now_s < made.context.end_s
