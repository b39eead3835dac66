"""What the softphones of one process share, and the observer that their events are reported to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from locust_softphone.config.behaviour import Behaviour
from locust_softphone.errors import AttemptFailed
from locust_softphone.metrics.attempt import Attempt
from locust_softphone.metrics.retry_after_sample import RetryAfterSample
from locust_softphone.retry.adaptive import AdaptiveRates
from locust_softphone.retry.budget import RetryBudget
from locust_softphone.signaling.dialect import Dialect
from locust_softphone.signaling.shared_backoff import SharedBackoff
from locust_softphone.signaling.token import TokenSource

__all__ = ["Observer", "SoftphoneContext", "goodbye_s"]

_HANG_UP_S = 1.0
_HANG_UP_EACH_S = 0.0005  # 0.1 ms of CPU here and as much at the edge, on cores that other workers may share


def goodbye_s(softphones: int) -> float:
    """How long so many softphones may take to hang up after the plan's end, in seconds."""
    return _HANG_UP_S + _HANG_UP_EACH_S * softphones


class Observer(Protocol):
    """Receives the events of softphones. Instants are seconds since the plan's start."""

    def attempt(self, attempt: Attempt, failure: AttemptFailed | None) -> None:
        """An attempt has ended."""

    def count(self, name: str, at_s: float, by: int = 1) -> None:
        """Increase a counter."""

    def duration(self, name: str, seconds: float) -> None:
        """Record a duration."""

    def session(self, opened_s: float, ended_s: float, how: str, softphone: int) -> None:
        """A softphone's WebSocket has ended; ``how`` is ``own`` where the softphone ended it."""

    def retry(self, retry: RetryAfterSample) -> None:
        """A retry was made after a Retry-After."""

    def call(self, planned_s: float, began_s: float, ended_s: float, failure: AttemptFailed | None) -> None:
        """A call's set-up has ended: answered, or with its last failure."""


@dataclass
class SoftphoneContext:
    """What the softphones of one process share.

    Args:
        behaviour: the profile's ``softphone:``.
        dialect: the dialect, for one edge.
        observer: receives the events.
        shared_token: provides the shared token, or None if each softphone has its own.
        shared_backoff: spaces requests after a 429 that holds back all softphones; None if each backs off by itself.
        budget: limits the attempts that are not planned.
        clock: seconds since the plan's start.
        sleep: waits a number of seconds.
        random: for jitter.
        end_s: when all softphones hang up; moved up when the run is stopped.
        goodbye_s: how long after ``end_s`` a softphone may still say bye. Later it drops its connection, so that a late
            generator ends on time.
        stands_still: whether this process has just stood still, so that what is noticed now may be its own fault.
    """

    behaviour: Behaviour
    dialect: Dialect
    observer: Observer
    shared_token: TokenSource | None
    shared_backoff: SharedBackoff | None
    budget: RetryBudget
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    random: Random
    end_s: float
    goodbye_s: float
    stands_still: Callable[[], bool] = lambda: False
    adaptive_rates: AdaptiveRates | None = field(init=False)
    """The rates that all softphones share; None if there are none, or if each softphone has its own."""

    def __post_init__(self) -> None:
        retry = self.behaviour.retry
        shared = retry.adaptive if retry.scope == "fleet" else None
        self.adaptive_rates = AdaptiveRates(shared) if shared else None
