"""Finished runs as OpenMetrics text: for a scraper, for ``promtool tsdb create-blocks-from openmetrics``.

    softphone_attempts_total{run="…",profile="burst-500",step="offer",outcome="rate_limited"} 99.0 1785585620.0

The timestamp of every sample is the end of its run. Durations are summaries without a sum, as the histograms do not
keep one.
"""

from __future__ import annotations

from datetime import datetime

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.metrics_core import SummaryMetricFamily
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from locust_softphone.metrics.histogram import PERCENTILES
from locust_softphone.metrics.outcome import ABNORMAL_CAUSES
from locust_softphone.report.comparison import Comparison
from locust_softphone.runs.record import RunRecord
from locust_softphone.runs.record_parts import Durations

__all__ = ["openmetrics"]

_SOFTPHONES = ("planned", "started", "connected", "answered", "gave_up", "unfinished")
_QUANTILES = {**{name: f"{percent / 100:.15g}" for name, percent in PERCENTILES.items()}, "max": "1"}


def openmetrics(comparison: Comparison) -> str:
    """The metrics of the runs; a run that was given twice is in it once."""
    families = _Families()
    for record in {run.record.run_id: run.record for run in comparison.runs}.values():
        families.add(record)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(families)
    return str(generate_latest(registry).decode())


class _Families(Collector):
    """The metric families, to which each record adds its samples."""

    def __init__(self) -> None:
        self.info = InfoMetricFamily("softphone_run", "The run: its profile, target, version and verdict.")
        self.verdict = GaugeMetricFamily("softphone_run_exit_code", "0 passed, 1 failed, 3 not valid.")
        self.held = GaugeMetricFamily("softphone_expectation_held", "1 if it held, 0 if not; no sample if not decided.")
        self.softphones = GaugeMetricFamily("softphone_softphones", "Softphones by state.")
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
        return [family for family in vars(self).values() if family.samples]

    def add(self, record: RunRecord) -> None:
        """The samples of one run."""
        run = {"run": record.run_id, "profile": record.name}
        at = datetime.fromisoformat(record.times.end).timestamp()

        def gauge(family: Metric, value: float, **labels: str) -> None:
            family.add_sample(family.name, {**run, **labels}, value, at)

        def counter(family: Metric, value: float, **labels: str) -> None:
            family.add_sample(f"{family.name}_total", {**run, **labels}, value, at)

        def summary(family: Metric, durations: Durations, **labels: str) -> None:
            for point, quantile in _QUANTILES.items():
                if (seconds := getattr(durations, point)) is not None:
                    family.add_sample(family.name, {**run, **labels, "quantile": quantile}, seconds, at)
            family.add_sample(f"{family.name}_count", {**run, **labels}, durations.count, at)

        about = {"target": record.target.url, "version": record.versions["locust-softphone"]}
        self.info.add_sample("softphone_run_info", {**run, **about, "verdict": record.verdict}, 1, at)
        gauge(self.verdict, record.exit_code)
        for text, held in {each.text: each.held for each in record.expectations}.items():
            if held is not None:
                gauge(self.held, float(held), expectation=text)
        for state in _SOFTPHONES:
            gauge(self.softphones, getattr(record.totals, state), state=state)
        for step, of_step in record.steps.items():
            for outcome, n in of_step.outcomes.items():
                counter(self.attempts, n, step=step, outcome=outcome)
        for code, n in record.closes.items():
            counter(self.closes, n, code=code)
        for cause in ABNORMAL_CAUSES:
            counter(self.abnormal, record.abnormal_closes[cause], cause=cause)
        counter(self.retries, record.retries.made)
        counter(self.retries_after, record.retries.honoured, came="honoured")
        counter(self.retries_after, record.retries.too_early, came="too_early")
        if record.time_to_connected_s is not None:
            gauge(self.connected, record.time_to_connected_s)
        for step, of_step in record.steps.items():
            summary(self.steps, of_step.response_s, step=step, since="planned")
            summary(self.steps, of_step.service_s, step=step, since="actual")
        summary(self.calls, record.call_setup.response_s, since="planned")
        summary(self.calls, record.call_setup.service_s, since="actual")
        summary(self.lag, record.start_lag_s)
