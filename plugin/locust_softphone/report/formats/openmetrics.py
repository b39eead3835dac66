"""Finished runs as OpenMetrics text, for ``promtool tsdb create-blocks-from openmetrics``.

The timestamp of every sample is the end of its run.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from locust_softphone.metrics.histogram import PERCENTILES
from locust_softphone.report.comparison import Comparison
from locust_softphone.report.formats.metric_families import MetricFamilies, RunMetrics
from locust_softphone.runs.record import RunRecord

__all__ = ["openmetrics"]


def openmetrics(comparison: Comparison) -> str:
    """The metrics of the runs; a run that was given twice is in it once."""
    families = MetricFamilies()
    for record in {run.record.run_id: run.record for run in comparison.runs}.values():
        _add(families, record)
    return families.text()


def _add(families: MetricFamilies, record: RunRecord) -> None:
    """The samples of one run."""
    at = datetime.fromisoformat(record.times.end).timestamp()
    run = {"run": record.run_id, "profile": record.name}
    about = {"target": record.target.url, "version": record.versions["locust-softphone"]}
    families.info.add_sample("softphone_run_info", {**run, **about, "verdict": record.verdict}, 1, at)
    families.verdict.add_sample(families.verdict.name, run, record.exit_code, at)
    for text, held in {each.text: each.held for each in record.expectations}.items():
        if held is not None:
            families.held.add_sample(families.held.name, {**run, "expectation": text}, float(held), at)
    families.add(
        RunMetrics(
            record.run_id,
            record.name,
            record.dialect,
            value=record.metrics.get,
            codes=record.closes,
            durations=lambda name: _durations(record, name),
            at=at,
        )
    )


def _durations(record: RunRecord, name: str) -> Mapping[str, float]:
    """A distribution of the record."""
    points = {point: record.metrics[f"{name}.{point}"] for point in (*PERCENTILES, "max")}
    known = {point: seconds for point, seconds in points.items() if seconds is not None}
    if name == "start_lag":
        return {"count": record.start_lag_s.count, **known}
    step, _, service = name.partition(".")
    latencies = record.call_setup if step == "call_setup" else record.steps[step]
    return {"count": (latencies.service_s if service else latencies.response_s).count, **known}
