"""What the softphones of one process share, and whom they tell what they do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Protocol

from locust_softphone.config.behaviour import Behaviour
from locust_softphone.errors import AttemptFailed
from locust_softphone.metrics.attempt import Attempt
from locust_softphone.metrics.retry_after_sample import RetryAfterSample
from locust_softphone.retry.budget import RetryBudget
from locust_softphone.signaling.dialect import Dialect
from locust_softphone.signaling.shared_backoff import SharedBackoff
from locust_softphone.signaling.token import TokenSource

__all__ = ["Observer", "SoftphoneContext"]


class Observer(Protocol):
    """Who is told what the softphones do. Instants are seconds since the plan's start."""

    def attempt(self, attempt: Attempt, failure: AttemptFailed | None) -> None:
        """An attempt has ended."""

    def count(self, name: str, at_s: float, by: int = 1) -> None:
        """Something countable has happened."""

    def duration(self, name: str, seconds: float) -> None:
        """Something has taken so long."""

    def retry(self, retry: RetryAfterSample) -> None:
        """A retry has come that had been told when to come."""

    def call(self, planned_s: float, began_s: float, ended_s: float, failure: AttemptFailed | None) -> None:
        """A call's set-up has ended: answered, or given up with its last failure."""


@dataclass
class SoftphoneContext:
    """What the softphones of one process share.

    Args:
        behaviour: the profile's ``softphone:``.
        dialect: how the edge is spoken to.
        observer: who is told.
        shared_token: the fleet's token, or None where each connection has its own.
        shared_backoff: whom to ask for a turn, where a 429 holds back the whole fleet.
        budget: what attempts beyond the plan are paid with.
        clock: seconds since the plan's start.
        sleep: waits so many seconds.
        random: for jitter.
        end_s: when everybody hangs up; moved up when the run is stopped.
        goodbye_s: how long after that a softphone may still say bye; later it lets go of its connection without a word,
            so that a generator that is late ends on time all the same.
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
