"""One token for the fleet: the master fetches it, the workers ask for it, with the messages as msgpack carries them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
import locust  # noqa: F401 - patches what the rest imports
import msgpack
import pytest
from locust.env import Environment

from locust_softphone.errors import AttemptFailed
from locust_softphone.limits.advice import NO_ADVICE, LimitAdvice
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.signaling.token import Token
from locust_softphone.swarm.cluster.shared_token import MasterTokenProvider, RemoteToken
from locust_softphone.swarm.load.locust_rows import LocustRows
from locust_softphone.swarm.load.recorder import Recorder

REFUSED = AttemptFailed(Outcome.RATE_LIMITED, status=429, advice=LimitAdvice(retry_after_s=3.0))


class Edge:
    """A dialect and its client in one: grants numbered tokens that live for 100 s, or fails."""

    def __init__(self, *failures: AttemptFailed) -> None:
        self.requests = 0
        self._failures = list(failures)

    def client(self, number: int) -> Any:
        return self

    def fetch_token(self, now_s: float) -> tuple[Token, LimitAdvice]:
        self.requests += 1
        gevent.sleep(0.01)
        if self._failures:
            raise self._failures.pop(0)
        return Token.granted(f"token-{self.requests}", 100.0, now_s), NO_ADVICE

    def close_idle(self) -> int:
        return 0


class Fleet:
    """A master with its recorder, and workers that ask it."""

    def __init__(self, edge: Any, beyond_plan: float = 30.0) -> None:
        self.now_s = 0.0
        self.recorder = Recorder(LocustRows(Environment()))
        self.master = MasterTokenProvider(edge, self.recorder, lambda: self.now_s, beyond_plan=beyond_plan)

    def worker(self) -> RemoteToken:
        def ask(rejected: str | None) -> None:
            gevent.spawn(lambda: worker.receive(msgpack.loads(msgpack.dumps(self.master.reply(rejected)))))

        worker = RemoteToken(ask, lambda: self.now_s, timeout_s=10.0)
        return worker


def unused() -> Token:
    pytest.fail("a worker does not ask the edge")


def all_of(*calls: Callable[[], Token]) -> list[str]:
    """The tokens that these calls get at the same time."""
    greenlets = [gevent.spawn(call) for call in calls]
    return [greenlet.get(timeout=30.0).bearer for greenlet in greenlets]


def test_a_fleet_of_any_size_costs_one_request() -> None:
    edge = Edge()
    fleet = Fleet(edge)
    workers = [fleet.worker(), fleet.worker()]
    assert all_of(*(lambda worker=worker: worker.get(unused) for worker in workers * 5)) == ["token-1"] * 10
    assert edge.requests == fleet.recorder.tally.counts["attempts.token"] == 1


def test_a_rejected_token_is_replaced_once_for_all_workers() -> None:
    edge = Edge()
    fleet = Fleet(edge)
    first, second = fleet.worker(), fleet.worker()
    old = first.get(unused)
    assert second.get(unused).bearer == old.bearer
    first.reject(first.get(unused))
    second.reject(second.get(unused))
    assert all_of(lambda: first.get(unused), lambda: second.get(unused)) == ["token-2"] * 2
    assert edge.requests == 2


def test_a_token_is_renewed_before_it_expires() -> None:
    edge = Edge()
    fleet = Fleet(edge)
    worker = fleet.worker()
    assert worker.get(unused).bearer == "token-1"
    fleet.now_s = 95.0
    assert worker.get(unused).bearer == "token-2"


def test_the_masters_failure_is_the_workers_failure() -> None:
    fleet = Fleet(Edge(REFUSED))
    worker = fleet.worker()
    with pytest.raises(AttemptFailed) as failed:
        worker.get(unused)
    assert (failed.value.outcome, failed.value.status) == (Outcome.RATE_LIMITED, 429)
    assert failed.value.advice == REFUSED.advice
    assert worker.get(unused).bearer == "token-2", "the next attempt succeeds"


def test_a_spent_retry_budget_ends_the_masters_attempts() -> None:
    edge = Edge(REFUSED, REFUSED)
    fleet = Fleet(edge, beyond_plan=0.0)
    worker = fleet.worker()
    outcomes = []
    for _ in range(2):
        with pytest.raises(AttemptFailed) as failed:
            worker.get(unused)
        outcomes.append(failed.value.outcome)
    assert outcomes == [Outcome.RATE_LIMITED, Outcome.OVER_BUDGET]
    assert edge.requests == 1


def test_a_master_that_does_not_reply_in_time_is_a_timeout() -> None:
    worker = RemoteToken(lambda _: None, lambda: 0.0, timeout_s=0.01)
    with pytest.raises(AttemptFailed) as failed:
        worker.get(unused)
    assert failed.value.outcome is Outcome.TIMED_OUT
