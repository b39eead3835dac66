"""One run in a few lines of plain text, as printed when it ends."""

from __future__ import annotations

from collections.abc import Mapping

from locust_softphone.runs.record import RunRecord
from locust_softphone.runs.record_parts import Durations, Ledger

__all__ = ["summary_lines"]


_HELD = {True: "held", False: "FAILED", None: "not decided"}


def summary_lines(record: RunRecord) -> list[str]:
    """Counts, call set-up time, the ledger, the expectations and the verdict."""
    totals = record.totals
    lines = [
        f"{record.name}: {totals.planned} planned, {totals.started} started, "
        f"{totals.connected} connected, {totals.answered} answered, {totals.gave_up} gave up, "
        f"{totals.unfinished} unfinished",
        f"  429: {_parts(record.rate_limited)}   abnormal closes: {_parts(record.abnormal_closes)}",
        f"  retries: {record.retries.made} ({record.retries.too_early} too early)   "
        f"call set-up from the planned start: {_latency(record.call_setup.response_s)}   "
        f"start lag: {_latency(record.start_lag_s)}",
        f"  ledger: {_ledger(record.ledger)}",
    ]
    if aborted := record.aborted:
        lines.append(f"  aborted after {aborted.after_s:.1f} s: {aborted.by} could no longer hold")
    if over := record.retries.over_budget:
        budget = record.profile["softphone"]["retry"]["budget"]
        lines.append(f"  retry budget of {budget:g} times the plan used up: {over} more attempts were not made")
    lines += [f"  expected {each.text}: {_HELD[each.held]}" for each in record.expectations]
    lines += [f"  not valid: {reason}" for reason in record.validity.reasons]
    lines.append(f"  verdict: {record.verdict}")
    return lines


def _parts(counts: Mapping[str, int]) -> str:
    parts = ", ".join(f"{name} {n}" for name, n in counts.items() if n and name != "total")
    return f"{counts['total']}" + (f" ({parts})" if parts else "")


def _latency(durations: Durations) -> str:
    points = {"p50": durations.p50, "p95": durations.p95, "p99": durations.p99}
    known = [f"{point} {value * 1000:.1f} ms" for point, value in points.items() if value is not None]
    return " ".join(known) or "none"


def _ledger(ledger: Ledger | None) -> str:
    if ledger is None:
        return "none, the edge publishes no counters"
    if not ledger.balanced:
        return "DOES NOT BALANCE"
    return "balances: " + ", ".join(
        f"{row.step} {row.attempts} = {row.admitted} admitted + {row.refused} refused + {row.cut} cut "
        f"+ {row.never_arrived} never arrived"
        for row in ledger.rows
    )
