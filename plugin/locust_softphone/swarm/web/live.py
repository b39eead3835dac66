"""The figures of a run while it is on, under the names that its record will have them."""

from __future__ import annotations

from typing import Any

from locust_softphone.metrics.outcome import ABNORMAL_CAUSES
from locust_softphone.metrics.steps import request_steps
from locust_softphone.metrics.tally import parts_of
from locust_softphone.report.comparison import run_of
from locust_softphone.runs.saturation import saturation
from locust_softphone.swarm.run import Run

__all__ = ["figures", "timeline"]

SETTLES_S = 10
"""How long a second of the timeline may still change: workers tell theirs later."""

LONGEST_S = 3600
"""Of a run that is longer the charts have the last hour."""

_TOTALS = ("started", "connected", "answered", "gave_up")


def figures(run: Run) -> dict[str, Any]:
    """Everything but the timeline."""
    run.update()
    workers = run.generator.summary()
    tally, profile, result = run.tally, run.options.profile, run.result
    counts, clock_s = tally.counts, run.clock()
    begun = run.began_at is not None
    return {
        "id": run.folder.name,
        "profile": profile.name,
        "target": "simulated edge" if run.options.hosts is None else run.target.url,
        "clock_s": round(clock_s, 3),
        "duration_s": profile.duration_s,
        "totals": {
            "planned": profile.users,
            "due": profile.schedule().started_by(clock_s) if begun else 0,
            **{name: counts[name] for name in _TOTALS},
        },
        "rate_limited": {step: counts[f"outcomes.{step}.rate_limited"] for step in request_steps(profile.dialect)},
        "closes": parts_of(counts, "closes"),
        "abnormal_closes": {cause: n for cause in ABNORMAL_CAUSES if (n := counts[f"abnormal_closes.{cause}"])},
        "retries": {
            "made": counts["retries"],
            "honoured": counts["retries.honoured"],
            "too_early": counts["retries.too_early"],
        },
        "call_setup_s": tally.latencies["call_setup"].summary(),
        "start_lag_s": tally.latencies["start_lag"].summary(),
        "saturation": saturation(tally),
        "workers": workers and {"there": workers["workers"] - workers["lost"], "lost": workers["lost"]},
        "verdict": result and result["verdict"],
        "remarks": run_of(result).remarks if result else (),
    }


def timeline(run: Run, since: int) -> list[dict[str, int]]:
    """The seconds of a run that may have changed after ``since``, as the record's timeline has them."""
    timeline = run.tally.timeline
    last = max(timeline.last, 0)
    first = max(since - SETTLES_S, last - LONGEST_S, 0)
    seconds = dict(timeline.items(first))
    return [{"second": second, **seconds.get(second, {})} for second in range(first, last + 1)]
