"""Records what the softphones do, in our tally and in Locust's statistics.

Locust's rows are the steps, with the transport as the request type. A failure is an outcome with a status, never
anything that differs between attempts, so that Locust's failure table stays short. Locust gets the service time; the
tally has both service and response times.
"""

from __future__ import annotations

from locust.event import EventHook

from locust_softphone.errors import AttemptFailed
from locust_softphone.metrics.attempt import Attempt
from locust_softphone.metrics.observed_attempts import SESSIONS
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.metrics.retry_after_sample import RetryAfterSample
from locust_softphone.metrics.steps import TRANSPORTS
from locust_softphone.metrics.tally import OTHER, Tally
from locust_softphone.swarm.load.telemetry import Telemetry

__all__ = ["Recorder"]

_MILLISECONDS = 1000.0
_MOST_CAUSES = 100
"""So many different causes are counted by name, over all steps of a process; the rest is counted as one."""


class Recorder:
    """The observer (``signaling.context.Observer``) of the softphones of one process.

    Args:
        request: Locust's ``events.request``.
        telemetry: the OpenTelemetry exporter, or None.
    """

    def __init__(self, request: EventHook, telemetry: Telemetry | None = None) -> None:
        self.tally = Tally()
        self._request = request
        self._telemetry = telemetry
        self._causes: set[str] = set()

    def take(self) -> Tally:
        """What was recorded since the last call."""
        taken, self.tally = self.tally, Tally()
        return taken

    def attempt(self, attempt: Attempt, failure: AttemptFailed | None) -> None:
        self.tally.attempt(attempt)
        if self._telemetry is not None:
            self._telemetry.attempt(attempt)
        if attempt.outcome is not Outcome.CANCELLED:
            if failure is not None:
                self.tally.counts[self._cause(attempt.step, failure)] += 1
            self._fire(TRANSPORTS[attempt.step], attempt.step, attempt.service_s, failure)

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
        if failure is None or failure.outcome is not Outcome.CANCELLED:
            if self._telemetry is not None:
                self._telemetry.call(planned_s, began_s, ended_s, failure)
            self._fire("CALL", "call setup", ended_s - began_s, failure)

    def _cause(self, step: str, failure: AttemptFailed) -> str:
        """The counter of attempts that failed in the same way."""
        name = f"causes.{step}.{failure}"
        if name not in self._causes:
            if len(self._causes) >= _MOST_CAUSES:
                return f"causes.{step}.{OTHER}"
            self._causes.add(name)
        return name

    def _fire(self, request_type: str, name: str, seconds: float, failure: AttemptFailed | None) -> None:
        self._request.fire(
            request_type=request_type,
            name=name,
            response_time=seconds * _MILLISECONDS,
            response_length=0,
            exception=failure,
            context={},
        )
