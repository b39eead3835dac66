"""The run record: everything a run has to say, in one JSON file that outlives it.

``build`` is pure: what was measured goes in, the record comes out. ``schemas/run.schema.json`` describes its shape.
Histograms are kept in HdrHistogram's own encoding, so that runs can be merged later without loss.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from locust_softphone.config.expectation import Expectation
from locust_softphone.errors import InputError
from locust_softphone.metrics.bounds import Bounds
from locust_softphone.metrics.outcome import ABNORMAL_CAUSES, Outcome
from locust_softphone.metrics.steps import DIALECTS, request_steps
from locust_softphone.metrics.tally import PERCENTILES, Tally, parts_of
from locust_softphone.runs.upgrade import in_current_names
from locust_softphone.text import one_line

__all__ = ["SCHEMA_VERSION", "Aborted", "RunFacts", "build", "facts", "iso", "read", "write"]

SCHEMA_VERSION = 2
EXIT_CODES = {"passed": 0, "failed": 1, "invalid": 3}


@dataclass(frozen=True)
class RunFacts:
    """What is known of a run besides its measurements.

    Args:
        run_id: the name of the run's folder.
        profile: the profile as resolved.
        planned: how many softphones, how many calls each, and the planned starts in each second.
        target: the edge's URL, and whether it is simulated.
        versions: of everything that could explain a difference.
        workers: how many worker processes; 0 for a run in one process.
        times: planned and actual start, and end, as ISO 8601 in UTC; why it ended.
        edge: the edge's counters for this run, or None for an edge that has none.
        ledger: as ``ledger.balance`` returns it, or None.
        invalid: why the run cannot be trusted, a sentence each; none if it can.
        on_time_per_s: the most attempts in a second in which the generator was not late.
        fleet: how many workers came and went, and how long a message to them takes; None for a process alone.
        expectations: those of the profile.
        aborted: which expectation could no longer hold, when, and what of the run was known by then; None for a run
            that was not aborted.
    """

    run_id: str
    profile: Mapping[str, Any]
    planned: Sequence[int]
    calls_each: int
    target: Mapping[str, Any]
    versions: Mapping[str, str]
    workers: int
    times: Mapping[str, Any]
    edge: Mapping[str, Any] | None
    ledger: Mapping[str, Any] | None
    invalid: Sequence[str] = ()
    on_time_per_s: int = 0
    fleet: Mapping[str, Any] | None = None
    expectations: Sequence[Expectation] = field(default=())
    aborted: Aborted | None = None


@dataclass(frozen=True)
class Aborted:
    """Why a run was ended early.

    Args:
        by: the expectation that could no longer hold.
        after_s: when that was certain, in seconds since the plan's start.
        calls_each: how many calls each softphone was to make; None where nobody knows.
    """

    by: Expectation
    after_s: float
    calls_each: int | None


def build(run: RunFacts, tally: Tally) -> dict[str, Any]:
    """The record of a run."""
    counts, dialect = tally.counts, run.profile["dialect"]
    planned = sum(run.planned)
    totals = {name: counts[name] for name in ("started", "connected", "answered", "gave_up")}
    record: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "run_id": run.run_id,
        "profile": dict(run.profile),
        "target": dict(run.target),
        "versions": dict(run.versions),
        "workers": run.workers,
        "times": dict(run.times),
        "totals": {
            "planned": planned,
            **totals,
            "unfinished": totals["started"] - totals["answered"] - totals["gave_up"],
            "calls_planned": planned * run.calls_each,
            "calls_answered": counts["calls.answered"],
        },
        "steps": {step.name: _step(step.name, tally) for step in DIALECTS[dialect]},
        "call_setup": _latencies("call_setup", tally),
        "rate_limited": _with_total({step: counts[f"outcomes.{step}.rate_limited"] for step in request_steps(dialect)}),
        "closes": parts_of(counts, "closes"),
        "abnormal_closes": _with_total({cause: counts[f"abnormal_closes.{cause}"] for cause in ABNORMAL_CAUSES}),
        "retries": {
            "made": counts["retries"],
            **{name: counts[f"retries.{name}"] for name in ("honoured", "too_early", "over_budget")},
            "wait_s": tally.latencies["retry_wait"].summary(),
            "early_s": tally.latencies["retry_early"].summary(),
            "sample": [retry._asdict() for retry in tally.retry_sample.sorted()],
        },
        "reconnects": {"made": counts["reconnects"], "failed": counts["reconnects.failed"]},
        "pings_answered": counts["pings_answered"],
        "inbound_calls_answered": counts["inbound_calls_answered"],
        "time_to_connected_s": tally.last_s.get("connected") if totals["connected"] == planned else None,
        "start_lag_s": tally.latencies["start_lag"].summary(),
        "generator": {
            "loop_lag_s": tally.latencies["loop_lag"].summary(),
            "cpu_cores": tally.latencies["cpu"].summary(),
            "on_time_attempts_per_s": run.on_time_per_s,
        },
        "fleet": run.fleet,
        "timeline": _timeline(run.planned, tally),
        "histograms": {name: latency.encode() for name, latency in sorted(tally.latencies.items()) if len(latency)},
        "edge": run.edge,
        "ledger": run.ledger,
        "validity": {"valid": not run.invalid, "reasons": list(run.invalid)},
    }
    known = facts(record)
    judged = [_judged(each, run, tally, known) for each in run.expectations]
    record["expectations"] = judged
    record["aborted"] = run.aborted and {"by": str(run.aborted.by), "after_s": run.aborted.after_s}
    failed = run.aborted is not None or not all(each["held"] for each in judged)
    record["verdict"] = "invalid" if run.invalid else "failed" if failed else "passed"
    record["exit_code"] = EXIT_CODES[record["verdict"]]
    return record


def _judged(expectation: Expectation, run: RunFacts, tally: Tally, known: Mapping[str, float | None]) -> dict[str, Any]:
    """An expectation with what was measured; of a run that was aborted, many a one is not decided."""
    if run.aborted is None:
        held: bool | None = expectation.check(known)
    else:
        outlook = Bounds([tally], run.profile["dialect"], sum(run.planned), run.aborted.calls_each, run.aborted.after_s)
        held = expectation.decided(outlook.range_of(expectation.field), outlook.planned)
    return {"text": str(expectation), "held": held, "measured": expectation.measured(known)}


def _step(step: str, tally: Tally) -> dict[str, Any]:
    return {
        "attempts": tally.counts[f"attempts.{step}"],
        "outcomes": parts_of(tally.counts, f"outcomes.{step}"),
        **_latencies(step, tally),
    }


def _latencies(name: str, tally: Tally) -> dict[str, Any]:
    return {
        "service_s": tally.latencies[f"{name}.service"].summary(),
        "response_s": tally.latencies[name].summary(),
    }


def _with_total(parts: dict[str, int]) -> dict[str, int]:
    return {"total": sum(parts.values()), **parts}


def _timeline(planned: Sequence[int], tally: Tally) -> list[dict[str, Any]]:
    counts, setups = dict(tally.timeline.items()), tally.setup_times.summaries()
    seconds = range(max([len(planned), *(second + 1 for second in (*counts, *setups))]))
    return [
        {
            "second": second,
            "planned": planned[second] if second < len(planned) else 0,
            **dict(sorted(counts.get(second, {}).items())),
            **({"call_setup": setups[second]} if second in setups else {}),
        }
        for second in seconds
    ]


def facts(record: Mapping[str, Any]) -> dict[str, float | None]:
    """The figures that expectations and comparisons name (``fields``), from a record; None where there is none."""
    totals, retries, closes, steps = record["totals"], record["retries"], record["closes"], record["steps"]
    attempts = {step: steps[step]["attempts"] for step in request_steps(record["profile"]["dialect"])}
    found: dict[str, float | None] = {
        **{name: totals[name] for name in ("planned", "started", "connected", "answered", "gave_up", "unfinished")},
        "calls.planned": totals["calls_planned"],
        "calls.answered": totals["calls_answered"],
        "attempts": sum(attempts.values()),
        **{f"attempts.{step}": n for step, n in attempts.items()},
        "amplification": sum(attempts.values()) / totals["planned"] if totals["planned"] else None,
        "retries": retries["made"],
        "retries.honoured": retries["honoured"],
        "retries.too_early": retries["too_early"],
        "retries.over_budget": retries.get("over_budget"),
        "reconnects": record["reconnects"]["made"],
        "reconnects.failed": record["reconnects"]["failed"],
        "closes": sum(closes.values()),
        **{f"closes.{code}": n for code, n in closes.items()},
        "pings_answered": record["pings_answered"],
        "time_to_connected": record["time_to_connected_s"],
    }
    for step, of_step in steps.items():
        outcomes = of_step["outcomes"]
        found |= {f"outcomes.{step}.{outcome.value}": outcomes.get(outcome.value, 0) for outcome in Outcome}
    for name in ("rate_limited", "abnormal_closes"):
        for part, n in record[name].items():
            found[name if part == "total" else f"{name}.{part}"] = n
    for name, summary in _durations(record):
        found |= {f"{name}.{point}": summary.get(point) for point in (*PERCENTILES, "max")}
    return found


def _durations(record: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, float]]]:
    for name, latencies in (("call_setup", record["call_setup"]), *record["steps"].items()):
        yield name, latencies["response_s"]
        yield f"{name}.service", latencies["service_s"]
    yield "start_lag", record["start_lag_s"]
    yield "loop_lag", record["generator"]["loop_lag_s"]
    yield "retry_wait", record["retries"]["wait_s"]
    yield "retry_early", record["retries"]["early_s"]


def iso(timestamp: float) -> str:
    """An instant as a record has it: ISO 8601 in UTC, to the millisecond."""
    return datetime.fromtimestamp(timestamp, UTC).isoformat(timespec="milliseconds")


def write(record: Mapping[str, Any], folder: Path) -> Path:
    """Write ``folder/run.json``, whole or not at all.

    Raises:
        InputError: the folder cannot be written to, or the disk is full.
    """
    path, partial = folder / "run.json", folder / "run.json.partial"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with partial.open("w", encoding="utf-8") as file:
            json.dump(record, file, indent=1)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink()
        raise InputError(f"{path}: the run record cannot be written ({error.strerror}); see --softphone-runs") from None
    return path


def read(path: Path) -> dict[str, Any]:
    """Read a record; ``path`` may be the run's folder.

    Raises:
        InputError: no such file, not JSON, not a run record, or one of a schema version that is not known here.
    """
    file = path / "run.json" if path.is_dir() else path
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError):
        raise InputError(f"{file}: not a run record (no valid JSON); was it cut short?") from None
    if not isinstance(record, dict) or "schema_version" not in record or "totals" not in record:
        raise InputError(f"{file}: not a run record of locust-softphone")
    return _upgraded(record, file)


def _upgraded(record: dict[str, Any], file: Path) -> dict[str, Any]:
    """A record of this version, made of one that may be older.

    Raises:
        InputError: it is of a version that nobody here knows, or has not what its version has.
    """
    version = record["schema_version"]
    if version not in (1, SCHEMA_VERSION):
        raise InputError(
            f"{file}: schema version {one_line(str(version))}, this version of locust-softphone reads 1 to "
            f"{SCHEMA_VERSION}"
        )
    try:
        return in_current_names(record if version == SCHEMA_VERSION else _of_version_2(record))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{file}: not a complete run record ({type(error).__name__}: {error})") from None


def _of_version_2(record: dict[str, Any]) -> dict[str, Any]:
    known = facts(record)
    judged = [{**each, "measured": Expectation.parse(each["text"]).measured(known)} for each in record["expectations"]]
    retries = {"sample": [], **record["retries"]}
    return {**record, "schema_version": SCHEMA_VERSION, "retries": retries, "expectations": judged, "aborted": None}
