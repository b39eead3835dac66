"""Makes a run's record of what was measured. Pure: the same input gives the same record."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from locust_softphone.config.expectation import Expectation
from locust_softphone.config.profile import Profile
from locust_softphone.errors import ExitCode
from locust_softphone.limits.advice import RESET_FORMS
from locust_softphone.metrics.catalogue import bounds_of, values_of
from locust_softphone.metrics.outcome import ABNORMAL_CAUSES
from locust_softphone.metrics.run_so_far import RunSoFar
from locust_softphone.metrics.steps import request_steps, steps_of
from locust_softphone.metrics.tally import OTHER, Tally, parts_of
from locust_softphone.runs.drop_diagnosis import drops_of
from locust_softphone.runs.limit_diagnosis import limits_of
from locust_softphone.runs.record import RunRecord
from locust_softphone.runs.record_parts import Verdict
from locust_softphone.runs.saturation import on_time_per_s

__all__ = ["Aborted", "RunEnd", "RunStart", "build", "iso"]

MOST_CAUSES = 20
logger = logging.getLogger(__name__)

EXIT_CODES: Mapping[Verdict, ExitCode] = {
    "passed": ExitCode.PASSED,
    "failed": ExitCode.FAILED,
    "invalid": ExitCode.INVALID,
}


@dataclass(frozen=True)
class RunStart:
    """What is known of a run when it begins.

    Args:
        run_id: the name of the run's folder.
        profile: the profile as resolved.
        planned: the planned starts in each second.
        calls_each: how many calls each softphone is planned to make.
        leaving: the planned leaves before the end, in each second.
        target: the edge's URL, whether it is simulated, and its policy.
        versions: of everything that could explain a difference.
        workers: how many worker processes; 0 for a run in one process.
        began_at: when the plan began, in seconds since the epoch.
        source_addresses: how many addresses the softphones connect from; 0 if the system chooses.
        overridden: the values of the profile's file that were replaced when the run was started, by key.
        simulation: of a run in virtual time: its seed and its network; None for a real run.
        diagnosed: whether the limits that the run met are worked out, which can take seconds.
    """

    run_id: str
    profile: Mapping[str, Any]
    planned: list[int]
    calls_each: int
    target: Mapping[str, Any]
    versions: Mapping[str, str]
    workers: int
    began_at: float
    overridden: Mapping[str, Any] = field(default_factory=dict)
    simulation: Mapping[str, Any] | None = None
    leaving: Sequence[int] = ()
    source_addresses: int = 0
    diagnosed: bool = True


@dataclass(frozen=True)
class Aborted:
    """Why a run was ended early.

    Args:
        by: the expectation that could no longer hold.
        after_s: when that was certain, in seconds since the plan's start.
        calls_each: how many calls each softphone was to make; None if that is not known.
    """

    by: Expectation
    after_s: float
    calls_each: int | None


@dataclass(frozen=True)
class RunEnd:
    """What is known of a run when it has ended, besides its measurements.

    Args:
        after_s: when it ended, in seconds since the plan's start.
        ended: why: plan over, stopped, aborted or killed.
        edge: by how much the edge's counters grew; None for an edge that publishes none.
        ledger: as ``ledger.balance`` returns it; None if there are no counters of the edge.
        invalid: why the measurements cannot be trusted, a sentence each.
        fleet: the workers: how many came and went, and how long a message to them takes; None for one process.
        aborted: None for a run that was not aborted.
    """

    after_s: float
    ended: str
    edge: Mapping[str, Any] | None = None
    ledger: Mapping[str, Any] | None = None
    invalid: Sequence[str] = ()
    fleet: Mapping[str, Any] | None = None
    aborted: Aborted | None = None


def build(start: RunStart, tally: Tally, end: RunEnd) -> RunRecord:
    """The record of a run."""
    counts, dialect, planned = tally.counts, start.profile["dialect"], sum(start.planned)
    so_far = RunSoFar([tally], dialect, planned, start.calls_each, end.after_s)
    values = values_of(so_far)
    expectations = Profile.from_resolved(start.profile).expect
    judged = [_judged(each, values.all(), so_far, end.aborted) for each in expectations]
    held = end.aborted is None and all(each["held"] for each in judged)
    verdict: Verdict = "invalid" if end.invalid else "passed" if held else "failed"
    return RunRecord.model_validate(
        {
            "run_id": start.run_id,
            "profile": dict(start.profile),
            "overridden": dict(start.overridden),
            "target": start.target,
            "versions": start.versions,
            "workers": start.workers,
            "source_addresses": start.source_addresses,
            "simulation": start.simulation,
            "times": _times(start, tally, end),
            "totals": {
                **{
                    name: values[name]
                    for name in ("planned", "started", "connected", "answered", "gave_up", "unfinished")
                },
                "scripts_cut_short": values["scripts_cut_short"],
                "calls_planned": values["calls.planned"],
                "calls_answered": values["calls.answered"],
            },
            "steps": {step.name: _step(step.name, tally) for step in steps_of(dialect)},
            "call_setup": _latencies("call_setup", tally),
            "rate_limited": {
                "total": values["rate_limited"],
                **{step: values[f"rate_limited.{step}"] for step in request_steps(dialect)},
            },
            "closes": parts_of(counts, "closes"),
            "abnormal_closes": {
                "total": values["abnormal_closes"],
                **{cause: values[f"abnormal_closes.{cause}"] for cause in ABNORMAL_CAUSES},
            },
            "own_cuts": counts["own_cuts"],
            "dropped_in_stall": counts["dropped_in_stall"],
            "cut_off": counts["cut_off"],
            "retries": {
                "made": counts["retries"],
                **{name: counts[f"retries.{name}"] for name in ("honoured", "too_early", "over_budget")},
                "wait_s": tally.latencies["retry_wait"].summary(),
                "early_s": tally.latencies["retry_early"].summary(),
                "sample": [retry._asdict() for retry in tally.retry_sample.sorted()],
            },
            "resets": {form: values[f"resets.{form}"] for form in RESET_FORMS},
            "reconnects": {"made": counts["reconnects"], "failed": counts["reconnects.failed"]},
            "tls_handshakes": {"all": counts["tls_handshakes"], "full": counts["tls_handshakes.full"]},
            "connections_reopened": counts["connections_reopened"],
            "pings_answered": counts["pings_answered"],
            "inbound_calls_answered": counts["inbound_calls_answered"],
            "time_to_connected_s": values.get("time_to_connected"),
            "start_lag_s": tally.latencies["start_lag"].summary(),
            "generator": {
                "loop_lag_s": tally.latencies["loop_lag"].summary(),
                "call_setup_lag_s": tally.latencies["call_setup.lag"].summary(),
                "cpu_cores": tally.latencies["cpu"].summary(),
                "on_time_attempts_per_s": on_time_per_s(tally),
            },
            "fleet": end.fleet,
            "observations": {name: each.compact() for name, each in sorted(tally.observations.items()) if len(each)},
            "limits": _limits(start, tally) if start.diagnosed else None,
            "drops": drops_of(tally.observations),
            "timeline": _timeline(start.planned, start.leaving, tally),
            "histograms": {name: each.encode() for name, each in sorted(tally.latencies.items()) if len(each)},
            "edge": end.edge,
            "ledger": end.ledger,
            "validity": {"valid": not end.invalid, "reasons": list(end.invalid)},
            "expectations": judged,
            "aborted": end.aborted and {"by": str(end.aborted.by), "after_s": end.aborted.after_s},
            "verdict": verdict,
            "exit_code": int(EXIT_CODES[verdict]),
        }
    )


def _limits(start: RunStart, tally: Tally) -> list[dict[str, Any]] | None:
    """The diagnosis of the limits that the run met; None if it failed: a run's record is worth more than that."""
    lags_s = (tally.latencies[name].summary().get("max", 0.0) for name in ("loop_lag", "start_lag"))
    try:
        return limits_of(tally.observations, late_s=max(lags_s), alone=bool(start.target["simulated"]))
    except Exception:
        logger.exception("the limits that the run met cannot be diagnosed")
        return None


def _judged(
    expectation: Expectation, metrics: Mapping[str, float | None], so_far: RunSoFar, aborted: Aborted | None
) -> dict[str, Any]:
    """An expectation with what was measured; many are not decided if the run was aborted."""
    if aborted is None:
        held: bool | None = expectation.check(metrics)
    else:
        until_abort = RunSoFar(so_far.tallies, so_far.dialect, so_far.planned, aborted.calls_each, aborted.after_s)
        held = expectation.decided(bounds_of(expectation.metric, until_abort), so_far.planned)
    return {"text": str(expectation), "held": held, "measured": expectation.measured(metrics)}


def _times(start: RunStart, tally: Tally, end: RunEnd) -> dict[str, Any]:
    first_s = tally.first_s.get("started")
    return {
        "planned_start": iso(start.began_at),
        "actual_start": None if first_s is None else iso(start.began_at + first_s),
        "end": iso(start.began_at + end.after_s),  # even if the wall clock has been set meanwhile
        "ended": end.ended,
    }


def _step(step: str, tally: Tally) -> dict[str, Any]:
    return {
        "attempts": tally.counts[f"attempts.{step}"],
        "outcomes": parts_of(tally.counts, f"outcomes.{step}"),
        "causes": _causes(step, tally),
        "statuses": _refusals(step, tally),
        **_latencies(step, tally),
    }


def _refusals(step: str, tally: Tally) -> dict[str, int]:
    """The step's answers other than successes by HTTP status, whoever gave them."""
    answers = Counter(parts_of(tally.counts, f"status.{step}")) + Counter(
        parts_of(tally.counts, f"foreign_status.{step}")
    )
    return {status: n for status, n in sorted(answers.items()) if int(status) >= 300}


def _causes(step: str, tally: Tally) -> dict[str, int]:
    """How attempts of a step failed, the most frequent cause first; rare ones are put together."""
    counts = Counter(parts_of(tally.counts, f"causes.{step}"))
    rest = counts.pop(OTHER, 0)
    named = counts.most_common(MOST_CAUSES)
    rest += counts.total() - sum(n for _, n in named)
    return {**dict(named), **({OTHER: rest} if rest else {})}


def _latencies(name: str, tally: Tally) -> dict[str, Any]:
    return {
        "service_s": tally.latencies[f"{name}.service"].summary(),
        "response_s": tally.latencies[name].summary(),
    }


def _timeline(planned: Sequence[int], leaving: Sequence[int], tally: Tally) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [
        {"second": second, "planned": n} for second, n in enumerate([*planned, *_zeros(len(planned), tally)])
    ]
    for row, leaves in zip(rows, leaving, strict=False):  # a changed journal can have more of them
        if leaves:
            row["planned_leaves"] = leaves
    for second, counts in tally.timeline.items():
        rows[second].update(sorted(counts.items()))
    for second, times in tally.setup_times.items():
        rows[second]["call_setup"] = times.summary(("p50", "p95", "p99"))
    return rows


def _zeros(seconds: int, tally: Tally) -> list[int]:
    """A zero for each second that was measured after the plan's last one."""
    return [0] * (tally.last_second() + 1 - seconds)


def iso(timestamp: float) -> str:
    """An instant as a record has it: ISO 8601 in UTC, to the millisecond."""
    return datetime.fromtimestamp(timestamp, UTC).isoformat(timespec="milliseconds")
