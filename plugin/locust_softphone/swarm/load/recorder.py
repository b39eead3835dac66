"""Records what the softphones do, in our tally and in Locust's statistics.

Locust's rows are the steps, with the transport as the request type. A failure is an outcome with a status, never
anything that differs between attempts, so that Locust's failure table stays short. Locust gets the service time; the
tally has both service and response times.
"""

from __future__ import annotations

from locust_softphone.errors import AttemptFailed
from locust_softphone.metrics.attempt import Attempt
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.metrics.steps import DEFAULT_DIALECT, transports_of
from locust_softphone.metrics.tally import Tally
from locust_softphone.runs.tally_observer import TallyObserver
from locust_softphone.swarm.load.locust_rows import LocustRows
from locust_softphone.swarm.load.loop_lag import LoopLag
from locust_softphone.swarm.load.telemetry import Telemetry

__all__ = ["Recorder"]


class Recorder(TallyObserver):
    """The observer of the softphones of one process.

    Args:
        rows: Locust's statistics.
        telemetry: the OpenTelemetry exporter, or None.
        lag: the lags of this process's event loop, if it makes calls.
        dialect: the dialect that the steps are of.
    """

    def __init__(
        self,
        rows: LocustRows,
        telemetry: Telemetry | None = None,
        lag: LoopLag | None = None,
        dialect: str = DEFAULT_DIALECT,
    ) -> None:
        super().__init__()
        self._transports = transports_of(dialect)
        self._lag = lag
        self._rows = rows
        self._telemetry = telemetry

    def attempt(self, attempt: Attempt, failure: AttemptFailed | None) -> None:
        super().attempt(attempt, failure)
        if self._telemetry is not None:
            self._telemetry.attempt(attempt, self._transports[attempt.step])
        if attempt.outcome is not Outcome.CANCELLED:
            self._rows.add(self._transports[attempt.step], attempt.step, attempt.service_s, failure)

    def call(self, planned_s: float, began_s: float, ended_s: float, failure: AttemptFailed | None) -> None:
        super().call(planned_s, began_s, ended_s, failure)
        if failure is None and self._lag is not None:
            self.duration("call_setup.lag", self._lag.lost_s(planned_s, ended_s))
        if failure is None or failure.outcome is not Outcome.CANCELLED:
            if self._telemetry is not None:
                self._telemetry.call(planned_s, began_s, ended_s, failure)
            self._rows.add("CALL", "call setup", ended_s - began_s, failure)

    def take(self) -> Tally:
        """The tally since the last call. Locust's statistics have all of it by then."""
        self._rows.flush()
        return super().take()
