"""What our pages ask for: what a profile will do, and the metrics of the current run, named as in the record."""

from __future__ import annotations

from typing import Any

from locust_softphone.config.profile import Profile
from locust_softphone.metrics.catalogue import values_of
from locust_softphone.metrics.outcome import ABNORMAL_CAUSES
from locust_softphone.metrics.run_outcome import run_outcome
from locust_softphone.metrics.steps import request_steps
from locust_softphone.metrics.tally import parts_of
from locust_softphone.report.arms import remarks
from locust_softphone.report.drop_texts import drop_sentences
from locust_softphone.report.judgement import expectation_lines
from locust_softphone.report.limit_texts import limits_in_short
from locust_softphone.report.values import overridden
from locust_softphone.runs.record import RunRecord
from locust_softphone.runs.saturation import saturation
from locust_softphone.swarm.run import Run

__all__ = ["metrics", "plan_of", "planned_starts", "timeline"]

SETTLES_S = 10
"""How long a second of the timeline may still change: workers report later."""

LONGEST_S = 3600
"""The charts show at most the last hour."""

_PLAN_POINTS = 200
_TOTALS = ("planned", "started", "connected", "answered", "gave_up")


def metrics(run: Run) -> dict[str, Any]:
    """Everything except the timeline."""
    run.update()
    workers = run.generator.summary()
    tally, profile, result = run.tally, run.options.profile, run.result
    values, clock_s = values_of(run.so_far()), run.clock()
    begun = run.began_at is not None
    outcome = result.outcome if result else run_outcome(values.get, profile.dialect)
    return {
        "id": run.folder.name,
        "profile": profile.name,
        "target": "simulated edge" if run.options.hosts is None else run.target.url,
        "clock_s": round(clock_s, 3),
        "duration_s": profile.duration_s,
        "totals": {
            "due": profile.schedule().started_by(clock_s) if begun else 0,
            **{name: values[name] for name in _TOTALS},
        },
        "rate_limited": {step: values[f"rate_limited.{step}"] for step in request_steps(profile.dialect)},
        "closes": parts_of(tally.counts, "closes"),
        "abnormal_closes": {cause: n for cause in ABNORMAL_CAUSES if (n := values[f"abnormal_closes.{cause}"])},
        "retries": {
            "made": values["retries"],
            "honoured": values["retries.honoured"],
            "too_early": values["retries.too_early"],
        },
        "call_setup_s": tally.latencies["call_setup"].summary(),
        "start_lag_s": tally.latencies["start_lag"].summary(),
        "saturation": saturation(tally),
        "workers": workers and {"present": workers["workers"] - workers["lost"], "lost": workers["lost"]},
        "remarks": _remarks(result) if result else [],
        "verdict": result and ("reproduced" if result.reproduced else result.verdict),
        "outcome": {"text": str(outcome), "level": outcome.level},
        "overridden": overridden(profile.resolved(), run.options.overridden),
    }


def _remarks(result: RunRecord) -> list[str]:
    """What there is to say about a run that has ended, after its outcome."""
    return [*expectation_lines(result), *remarks(result), *limits_in_short(result), *drop_sentences(result)]


def timeline(run: Run, since: int) -> list[dict[str, int]]:
    """The seconds that may have changed since second ``since``, as in the record's timeline."""
    timeline = run.tally.timeline
    last = max(timeline, default=0)
    first = max(since - SETTLES_S, last - LONGEST_S, 0)
    return [{"second": second, **timeline.get(second, {})} for second in range(first, last + 1)]


def plan_of(profile: Profile) -> dict[str, Any]:
    """A profile as the page shows it; ``starts`` has the points of ``planned_starts``."""
    return {
        "name": profile.name,
        "about": profile.about,
        "lines": profile.describe(),
        "users": profile.users,
        "duration_s": profile.duration_s,
        "starts": planned_starts(profile),
    }


def planned_starts(profile: Profile) -> list[tuple[float, int]]:
    """The plan as a chart line: pairs of seconds and the number of softphones that are planned to be there then."""
    schedule, end_s = profile.schedule(), profile.duration_s
    times = [end_s * point / _PLAN_POINTS for point in range(_PLAN_POINTS + 1)]
    return [(0.0, 0), *((round(at_s, 3), schedule.present_at(at_s, end_s)) for at_s in times)]
