"""What the softphones of one process share, and whom they tell what they do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Protocol

from locust_softphone.behaviour import Behaviour
from locust_softphone.errors import AttemptFailed
from locust_softphone.measure import Attempt
from locust_softphone.retry_budget import RetryBudget
from locust_softphone.signaling.dialect import Dialect
from locust_softphone.signaling.hold_back import HoldBack
from locust_softphone.signaling.token import TokenSource
from locust_softphone.told_retry import ToldRetry

__all__ = ["Fleet", "Observer"]


class Observer(Protocol):
    """Who is told what the softphones do. Instants are seconds since the plan's start."""

    def attempt(self, attempt: Attempt, failure: AttemptFailed | None) -> None:
        """An attempt has ended."""

    def count(self, name: str, at_s: float, by: int = 1) -> None:
        """Something countable has happened."""

    def duration(self, name: str, seconds: float) -> None:
        """Something has taken so long."""

    def retry(self, retry: ToldRetry) -> None:
        """A retry has come that had been told when to come."""

    def call(self, planned_s: float, began_s: float, ended_s: float, failure: AttemptFailed | None) -> None:
        """A call's set-up has ended: answered, or given up with its last failure."""


@dataclass
class Fleet:
    """What the softphones of one process share.

    Args:
        behaviour: the profile's ``softphone:``.
        dialect: how the edge is spoken to.
        observer: who is told.
        shared_token: the fleet's token, or None where each connection has its own.
        hold_back: whom to ask for a turn, where a 429 holds back the whole fleet.
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
    hold_back: HoldBack | None
    budget: RetryBudget
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    random: Random
    end_s: float
    goodbye_s: float
