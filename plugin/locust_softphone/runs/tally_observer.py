"""Keeps what softphones do in a tally: the part of recording that real and simulated runs have in common."""

from __future__ import annotations

from locust_softphone.errors import AttemptFailed
from locust_softphone.metrics.attempt import Attempt
from locust_softphone.metrics.observed_attempts import SESSIONS
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.metrics.retry_after_sample import RetryAfterSample
from locust_softphone.metrics.tally import OTHER, Tally

__all__ = ["TallyObserver"]

_MOST_CAUSES = 100
"""So many different causes are counted by name, over all steps of a process; the rest is counted as one."""


class TallyObserver:
    """An observer (``signaling.context.Observer``) of softphones."""

    def __init__(self) -> None:
        self.tally = Tally()
        self._causes: set[str] = set()

    def attempt(self, attempt: Attempt, failure: AttemptFailed | None) -> None:
        self.tally.attempt(attempt)
        if failure is not None and attempt.outcome is not Outcome.CANCELLED:
            self.tally.counts[self._cause(attempt.step, failure)] += 1

    def session(self, opened_s: float, ended_s: float, how: str, softphone: int) -> None:
        self.tally.observations[SESSIONS].add(opened_s, ended_s, how, softphone)

    def count(self, name: str, at_s: float, by: int = 1) -> None:
        self.tally.count(name, at_s, by)

    def duration(self, name: str, seconds: float) -> None:
        self.tally.latencies[name].record(seconds)

    def retry(self, retry: RetryAfterSample) -> None:
        self.tally.retry(retry)

    def call(self, planned_s: float, began_s: float, ended_s: float, failure: AttemptFailed | None) -> None:
        if failure is None:
            self.tally.call(planned_s, began_s, ended_s)

    def _cause(self, step: str, failure: AttemptFailed) -> str:
        """The counter of attempts that failed in the same way."""
        name = f"causes.{step}.{failure}"
        if name not in self._causes:
            if len(self._causes) >= _MOST_CAUSES:
                return f"causes.{step}.{OTHER}"
            self._causes.add(name)
        return name
