"""Keeps what softphones do in a tally: the part of recording that real and simulated runs have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec

from locust_softphone.errors import AttemptFailed
from locust_softphone.metrics.attempt import Attempt
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.metrics.retry_after_sample import RetryAfterSample
from locust_softphone.metrics.tally import OTHER, Tally

__all__ = ["TallyObserver"]

_MOST_CAUSES = 100
"""So many different causes are counted by name, over all steps of a process; the rest is counted as one."""

_MOST_WAITING = 512
"""So many events wait to be counted: a millisecond's work."""

P = ParamSpec("P")


class TallyObserver:
    """An observer (``signaling.context.Observer``) of softphones.

    Events are counted many at once: that takes half as long as one by one, between other work.
    """

    def __init__(self) -> None:
        self._tally = Tally()
        self._waiting: list[tuple[Callable[..., None], tuple[object, ...]]] = []
        self._causes: set[str] = set()

    @property
    def tally(self) -> Tally:
        """Everything that was reported."""
        self._count_waiting()
        return self._tally

    def take(self) -> Tally:
        """What was reported since the last call."""
        taken, self._tally = self.tally, Tally()
        return taken

    def attempt(self, attempt: Attempt, failure: AttemptFailed | None) -> None:
        self._later(Tally.attempt, attempt)
        if failure is not None and attempt.outcome is not Outcome.CANCELLED:
            self._tally.counts[self._cause(attempt.step, failure)] += 1

    def session(self, opened_s: float, ended_s: float, how: str, softphone: int) -> None:
        self._later(Tally.session, opened_s, ended_s, how, softphone)

    def count(self, name: str, at_s: float, by: int = 1) -> None:
        self._later(Tally.count, name, at_s, by)

    def duration(self, name: str, seconds: float) -> None:
        self._later(Tally.duration, name, seconds)

    def retry(self, retry: RetryAfterSample) -> None:
        self._later(Tally.retry, retry)

    def call(self, planned_s: float, began_s: float, ended_s: float, failure: AttemptFailed | None) -> None:
        if failure is None:
            self._later(Tally.call, planned_s, began_s, ended_s)

    def _later(self, count: Callable[Concatenate[Tally, P], None], *event: P.args, **_: P.kwargs) -> None:
        """Count an event together with others."""
        self._waiting.append((count, event))
        if len(self._waiting) >= _MOST_WAITING:
            self._count_waiting()

    def _count_waiting(self) -> None:
        tally, waiting, self._waiting = self._tally, self._waiting, []
        for count, event in waiting:
            count(tally, *event)

    def _cause(self, step: str, failure: AttemptFailed) -> str:
        """The counter of attempts that failed in the same way."""
        name = f"causes.{step}.{failure}"
        if name not in self._causes:
            if len(self._causes) >= _MOST_CAUSES:
                return f"causes.{step}.{OTHER}"
            self._causes.add(name)
        return name
