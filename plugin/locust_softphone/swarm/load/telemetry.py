"""OpenTelemetry, if Locust runs with ``--otel``: each attempt and each call set-up is a span, and attempts are counted.

Locust itself exports a duration for each step, and calls every failure ``AttemptFailed``. Our spans have the start and
end of the attempt, and its outcome; they have no parent. OpenTelemetry's own variables configure the export
(``OTEL_EXPORTER_OTLP_ENDPOINT``, ``OTEL_TRACES_SAMPLER``, …), on each process of a fleet.
"""

from __future__ import annotations

import time
from typing import Any

from locust.env import Environment

from locust_softphone.errors import AttemptFailed
from locust_softphone.metrics.attempt import Attempt
from locust_softphone.metrics.outcome import Outcome

__all__ = ["Telemetry", "telemetry_of"]

_NANOSECONDS = 1_000_000_000
_NAME = "locust-softphone"


def telemetry_of(environment: Environment) -> Telemetry | None:
    """The exporter; None if Locust runs without ``--otel``, or without what it needs."""
    if not getattr(environment.parsed_options, "otel", False):
        return None
    try:
        from opentelemetry import metrics, trace
    except ImportError:
        return None  # Locust has logged it
    return Telemetry(trace, metrics)


class Telemetry:
    """Exports spans and metrics with OpenTelemetry's API.

    Args:
        trace: ``opentelemetry.trace``.
        metrics: ``opentelemetry.metrics``.
    """

    def __init__(self, trace: Any, metrics: Any) -> None:
        self._trace = trace
        self._tracer = trace.get_tracer(_NAME)
        meter = metrics.get_meter(_NAME)
        self._attempts = meter.create_counter(
            "softphone.attempts", unit="{attempt}", description="Attempts by step and outcome"
        )
        self._durations = meter.create_histogram(
            "softphone.attempt.duration", unit="s", description="From the actual start of an attempt to its end"
        )

    def attempt(self, attempt: Attempt, transport: str) -> None:
        """Export an attempt that has just ended, and how it travelled."""
        labels = {"softphone.step": attempt.step, "softphone.outcome": attempt.outcome.value}
        self._attempts.add(1, labels)
        self._durations.record(attempt.service_s, labels)
        codes = {"http.response.status_code": attempt.status, "softphone.close_code": attempt.close_code}
        known = {name: code for name, code in codes.items() if code is not None}
        self._span(
            attempt.step,
            {**labels, "softphone.transport": transport, **known},
            start_lag_s=attempt.began_s - attempt.planned_s,
            took_s=attempt.service_s,
            failure="" if attempt.outcome in (Outcome.OK, Outcome.CANCELLED) else attempt.outcome.value,
        )

    def call(self, planned_s: float, began_s: float, ended_s: float, failure: AttemptFailed | None) -> None:
        """Export a call set-up that has just ended."""
        self._span(
            "call setup",
            {},
            start_lag_s=began_s - planned_s,
            took_s=ended_s - began_s,
            failure=failure.outcome.value if failure else "",
        )

    def _span(self, name: str, attributes: dict[str, Any], *, start_lag_s: float, took_s: float, failure: str) -> None:
        """Export a span that ends now."""
        now_ns = time.time_ns()
        span = self._tracer.start_span(
            name,
            context=self._trace.set_span_in_context(self._trace.INVALID_SPAN),
            kind=self._trace.SpanKind.CLIENT,
            start_time=now_ns - round(took_s * _NANOSECONDS),
            attributes={
                **attributes,
                "softphone.start_lag_s": start_lag_s,
                **({"error.type": failure} if failure else {}),
            },
        )
        if failure:
            span.set_status(self._trace.StatusCode.ERROR, failure)
        span.end(now_ns)
