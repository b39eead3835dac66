"""Softphones for tests: several against a real edge, what they reported, and a clock that skips waits."""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from locust_softphone.config.behaviour import Behaviour
from locust_softphone.errors import AttemptFailed
from locust_softphone.metrics.attempt import Attempt
from locust_softphone.metrics.observed_attempts import SESSIONS
from locust_softphone.metrics.retry_after_sample import RetryAfterSample
from locust_softphone.metrics.tally import Tally
from locust_softphone.retry.budget import RetryBudget
from locust_softphone.runs import ledger
from locust_softphone.signaling.context import SoftphoneContext
from locust_softphone.signaling.dialect import Dialect
from locust_softphone.signaling.dialects.media_offer import MediaOffer
from locust_softphone.signaling.oauth import Credentials
from locust_softphone.signaling.softphone import Softphone
from locust_softphone.signaling.target import Target
from locust_softphone.signaling.token import SharedToken
from tests.edge_process import EdgeProcess, running_edge

__all__ = [
    "CREDENTIALS",
    "ONE_HANDSHAKE",
    "ONE_OFFER",
    "ONE_TOKEN",
    "PATIENT_S",
    "Field",
    "Observations",
    "Time",
    "a_field",
    "a_fleet",
]

CREDENTIALS = Credentials("locust-softphone", "simulated")
PATIENT_S = 30.0  # a bound for tests that have gone wrong

ONE_HANDSHAKE = "limits: {handshake: {rate: 1/min, burst: 1}}"
ONE_OFFER = "limits: {offer: {rate: 1/min, burst: 1}}"
ONE_TOKEN = "limits: {token: {rate: 1/min, burst: 1}}"
"""Parts of an edge's policy: one per minute."""


class Time:
    """A real clock that skips the time of each sleep; ``slept`` has the durations."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self._epoch_s = time.perf_counter()

    def clock(self) -> float:
        return time.perf_counter() - self._epoch_s

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._epoch_s -= seconds


class Observations:
    """An observer that keeps all events, also as a tally; softphones may run on threads."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.attempts: list[Attempt] = []
        self.failures: list[AttemptFailed] = []
        self.calls: list[AttemptFailed | None] = []
        self._lock = threading.Lock()

    def attempt(self, attempt: Attempt, failure: AttemptFailed | None) -> None:
        with self._lock:
            self.attempts.append(attempt)
            self.tally.attempt(attempt)
            if failure is not None:
                self.failures.append(failure)

    def count(self, name: str, at_s: float, by: int = 1) -> None:
        with self._lock:
            self.tally.count(name, at_s, by)

    def duration(self, name: str, seconds: float) -> None:
        with self._lock:
            self.tally.latencies[name].record(seconds)

    def session(self, opened_s: float, ended_s: float, how: str, softphone: int) -> None:
        with self._lock:
            self.tally.observations[SESSIONS].add(opened_s, ended_s, how, softphone)

    def retry(self, retry: RetryAfterSample) -> None:
        with self._lock:
            self.tally.retry(retry)

    def call(self, planned_s: float, began_s: float, ended_s: float, failure: AttemptFailed | None) -> None:
        with self._lock:
            self.calls.append(failure)

    def outcomes(self, step: str) -> list[str]:
        return [each.outcome.value for each in self.attempts if each.step == step]


@dataclass
class Field:
    """Softphones, the edge that they call, and what both have reported."""

    edge: EdgeProcess
    context: SoftphoneContext
    seen: Observations
    time: Time
    before: Mapping[str, Any]
    phones: list[Softphone] = field(default_factory=list)

    def softphone(self) -> Softphone:
        """The next softphone of the plan."""
        self.phones.append(Softphone(self.context, len(self.phones), 0.0))
        return self.phones[-1]

    def hang_up(self) -> None:
        """All softphones hang up."""
        for phone in self.phones:
            phone.hang_up()

    def counted(self, name: str) -> int:
        """The softphones' counter of this name."""
        return self.seen.tally.counts[name]

    def edge_counted(self) -> dict[str, Any]:
        """What the edge has counted since the beginning."""
        return ledger.since(self.before, self.edge.stats())


def a_fleet(
    target: Target,
    observations: Observations,
    passing: Time,
    *,
    dialect: Callable[..., Dialect] = MediaOffer,
    budget: float = math.inf,
    **softphone: Any,
) -> SoftphoneContext:
    """The context of softphones that behave as a profile's ``softphone:`` says, with this retry budget."""
    chance = random.Random(1)
    behaviour = Behaviour.model_validate({"timeout": "30s", **softphone})
    return SoftphoneContext(
        behaviour=behaviour,
        dialect=dialect(target, CREDENTIALS, timeout_s=behaviour.timeout_s, user_agent="tests", random=chance),
        observer=observations,
        shared_token=SharedToken(passing.clock) if behaviour.token == "shared" else None,
        clock=passing.clock,
        sleep=passing.sleep,
        random=chance,
        end_s=1e6,
        goodbye_s=1.0,
        shared_backoff=None,
        budget=RetryBudget(budget),
    )


@contextmanager
def a_field(
    edge: EdgeProcess | str, *, dialect: Callable[..., Dialect] = MediaOffer, **softphone: Any
) -> Iterator[Field]:
    """Softphones with this behaviour against a real edge; at the end the ledger must balance.

    Args:
        edge: a running one, or the policy of one to start.
        dialect: makes the dialect, from ``MediaOffer``'s arguments.
        softphone: as in a profile under ``softphone:``.
    """
    with ExitStack() as stack:
        running = stack.enter_context(running_edge(edge)) if isinstance(edge, str) else edge
        seen, passing = Observations(), Time()
        fleet = a_fleet(Target.parse(running.url).resolved(), seen, passing, dialect=dialect, **softphone)
        laid_out = Field(running, fleet, seen, passing, running.stats())
        stack.callback(laid_out.hang_up)
        yield laid_out
        laid_out.hang_up()
        gained = laid_out.edge_counted()
        sessions = gained["sessions"]["total"]
        assert ledger.balance(seen.tally.counts, gained["steps"], sessions=sessions)["problems"] == []
