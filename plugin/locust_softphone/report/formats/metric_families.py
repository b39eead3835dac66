"""The metric families of OpenMetrics, alike for finished runs and for a run that goes on.

    softphone_attempts_total{run="…",profile="burst-500",step="offer",outcome="rate_limited"} 99.0

Durations are summaries without a sum, as the histograms do not keep one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.metrics_core import SummaryMetricFamily
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from locust_softphone.metrics.histogram import PERCENTILES
from locust_softphone.metrics.outcome import ABNORMAL_CAUSES, Outcome
from locust_softphone.metrics.steps import steps_of

__all__ = ["CONTENT_TYPE", "MetricFamilies", "RunMetrics"]

CONTENT_TYPE = CONTENT_TYPE_LATEST
"""The media type of the text."""

_SOFTPHONES = ("planned", "started", "connected", "answered", "gave_up", "unfinished")
_QUANTILES = {**{name: f"{percent / 100:.15g}" for name, percent in PERCENTILES.items()}, "max": "1"}


@dataclass(frozen=True)
class RunMetrics:
    """What has been measured in a run.

    Args:
        run_id: of the run.
        profile: its name.
        dialect: of the run.
        value: a metric by its name in the catalogue; None if it was not measured.
        codes: the close codes that WebSockets ended with.
        durations: a histogram by its name in the catalogue: the count, percentiles and maximum in seconds.
        at: the timestamp of the samples, in seconds since the epoch; None for the time of the scrape.
    """

    run_id: str
    profile: str
    dialect: str
    value: Callable[[str], float | None]
    codes: Iterable[str]
    durations: Callable[[str], Mapping[str, float]]
    at: float | None = None


class MetricFamilies(Collector):
    """The metric families, to which each run adds its samples."""

    def __init__(self) -> None:
        self.active = GaugeMetricFamily("softphone_run_active", "1 while a run goes on, else 0.")
        self.info = InfoMetricFamily("softphone_run", "The run: its profile, target, version and verdict.")
        self.verdict = GaugeMetricFamily("softphone_run_exit_code", "0 passed, 1 failed, 3 not valid.")
        self.held = GaugeMetricFamily("softphone_expectation_held", "1 if it held, 0 if not; no sample if not decided.")
        self.now = GaugeMetricFamily("softphone_present", "Softphones at this moment: planned, connected, in a call.")
        self.softphones = GaugeMetricFamily("softphone_softphones", "Softphones by state, since the run's start.")
        self.attempts = CounterMetricFamily("softphone_attempts", "Attempts by step and outcome.")
        self.closes = CounterMetricFamily("softphone_closes", "WebSockets that ended, by close code.")
        self.abnormal = CounterMetricFamily("softphone_abnormal_closes", "WebSockets that ended with 1006, by cause.")
        self.retries = CounterMetricFamily("softphone_retries", "Retries.")
        self.retries_after = CounterMetricFamily(
            "softphone_told_retries", "Retries after a Retry-After: in time, or too early."
        )
        self.connected = GaugeMetricFamily(
            "softphone_time_to_connected_seconds", "Time until the last softphone was connected.", unit="seconds"
        )
        self.steps = SummaryMetricFamily("softphone_step_duration_seconds", "From an attempt's start.", unit="seconds")
        self.calls = SummaryMetricFamily("softphone_call_setup_seconds", "From call start to answer.", unit="seconds")
        self.lag = SummaryMetricFamily("softphone_start_lag_seconds", "From planned to actual start.", unit="seconds")

    def collect(self) -> list[Metric]:
        """The families that have samples."""
        return [family for family in vars(self).values() if family.samples]

    def text(self) -> str:
        """All samples as OpenMetrics text."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        return str(generate_latest(registry).decode())

    def add(self, run: RunMetrics) -> None:
        """Add what was measured in a run."""
        value, labels, at = run.value, {"run": run.run_id, "profile": run.profile}, run.at

        def gauge(family: Metric, number: float, **more: str) -> None:
            family.add_sample(family.name, {**labels, **more}, number, at)

        def counter(family: Metric, number: float | None, **more: str) -> None:
            family.add_sample(f"{family.name}_total", {**labels, **more}, number or 0, at)

        def summary(family: Metric, name: str, **more: str) -> None:
            durations = run.durations(name)
            for point, quantile in _QUANTILES.items():
                if (seconds := durations.get(point)) is not None:
                    family.add_sample(family.name, {**labels, **more, "quantile": quantile}, seconds, at)
            family.add_sample(f"{family.name}_count", {**labels, **more}, durations["count"], at)

        for state in _SOFTPHONES:
            gauge(self.softphones, value(state) or 0, state=state)
        steps = [step.name for step in steps_of(run.dialect)]
        for step in steps:
            for outcome in Outcome:
                if number := value(f"outcomes.{step}.{outcome.value}"):
                    counter(self.attempts, number, step=step, outcome=outcome.value)
        for code in run.codes:
            counter(self.closes, value(f"closes.{code}"), code=code)
        for cause in ABNORMAL_CAUSES:
            counter(self.abnormal, value(f"abnormal_closes.{cause}"), cause=cause)
        counter(self.retries, value("retries"))
        counter(self.retries_after, value("retries.honoured"), came="honoured")
        counter(self.retries_after, value("retries.too_early"), came="too_early")
        if (connected_s := value("time_to_connected")) is not None:
            gauge(self.connected, connected_s)
        for step in steps:
            summary(self.steps, step, step=step, since="planned")
            summary(self.steps, f"{step}.service", step=step, since="actual")
        summary(self.calls, "call_setup", since="planned")
        summary(self.calls, "call_setup.service", since="actual")
        summary(self.lag, "start_lag")
