"""The current run as OpenMetrics text, for a Prometheus that scrapes ``/softphone/metrics`` while the run is on.

The names are those of ``report --format openmetrics``. After a run its last values stay until the next run.
"""

from __future__ import annotations

from collections.abc import Mapping

import gevent

from locust_softphone.metrics.catalogue import values_of
from locust_softphone.metrics.histogram import Histogram
from locust_softphone.metrics.tally import parts_of
from locust_softphone.report.formats.metric_families import MetricFamilies, RunMetrics
from locust_softphone.swarm.run import Run

__all__ = ["openmetrics_of"]


def openmetrics_of(run: Run | None) -> str:
    """The metrics of the current or the last run; ``run`` is None if there was none."""
    families = MetricFamilies()
    active = run is not None and run.began_at is not None and run.result is None
    families.active.add_sample(families.active.name, {}, float(active), None)
    if run is not None:
        _add(families, run)
    return families.text()


def _add(families: MetricFamilies, run: Run) -> None:
    run.update()
    so_far, profile = run.so_far(), run.options.profile
    families.add(
        RunMetrics(
            run.folder.name,
            profile.name,
            profile.dialect,
            value=values_of(so_far).get,
            codes=parts_of(run.tally.counts, "closes"),
            durations=lambda name: _durations(run, name),
        )
    )
    clock_s = run.clock()
    timeline = run.tally.timeline
    seconds = [second for second, counts in timeline.items() if "connected_now" in counts]
    last = timeline[max(seconds)] if seconds and run.result is None else {}
    present = {
        "planned": profile.schedule().present_at(clock_s, profile.duration_s) if run.began_at else 0,
        "connected": last.get("connected_now", 0),
        "in_call": last.get("in_call_now", 0),
    }
    for state, number in present.items():
        labels = {"run": run.folder.name, "profile": profile.name, "state": state}
        families.now.add_sample(families.now.name, labels, number, None)


def _durations(run: Run, name: str) -> Mapping[str, float]:
    """A distribution; the softphones go on in between, as one of many durations takes milliseconds."""
    gevent.sleep(0)
    return run.tally.latencies.get(name, Histogram()).summary()
