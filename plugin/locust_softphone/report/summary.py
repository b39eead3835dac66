"""One run in a few lines of plain text, as printed when it ends."""

from __future__ import annotations

from collections.abc import Mapping

from locust_softphone.report.values import overridden
from locust_softphone.runs.record import RunRecord
from locust_softphone.runs.record_parts import Durations, Ledger

__all__ = ["summary_lines"]

_HELD = {True: "held", False: "FAILED", None: "not decided"}


def summary_lines(record: RunRecord) -> list[str]:
    """Counts, call set-up time, the ledger, the expectations and the verdict."""
    totals, retries = record.totals, record.retries
    lines = [
        f"{record.name}: {totals.planned} planned, {totals.started} started, {totals.connected} connected, "
        f"{totals.answered} answered, {totals.gave_up} gave up, {totals.unfinished} unfinished",
        f"  429: {_with_parts(record.rate_limited)}   abnormal closes: {_with_parts(record.abnormal_closes)}",
        f"  retries: {retries.made} ({retries.too_early} too early)   "
        f"call set-up from the planned start: {_percentiles(record.call_setup.response_s)}   "
        f"start lag: {_percentiles(record.start_lag_s)}",
        f"  ledger: {_ledger(record.ledger)}",
    ]
    if record.own_cuts or record.cut_off:
        lines.append(f"  closed by the softphones themselves: {record.own_cuts}   cut off at the end: {record.cut_off}")
    lines += [
        f"  not the edge's: {sum(row.not_the_edges.values())} of {row.attempts} {row.step} attempts were answered by "
        f"something in between, with HTTP {', '.join(f'{status}: {n}' for status, n in row.not_the_edges.items())}"
        for row in (record.ledger.rows if record.ledger else ())
        if row.not_the_edges
    ]
    if totals.scripts_cut_short:
        lines.append(f"  scripts cut short by the end of the run: {totals.scripts_cut_short}")
    if changed := overridden(record.profile, record.overridden):
        lines.append(f"  overridden in the form: {changed}")
    if record.aborted:
        lines.append(f"  aborted after {record.aborted.after_s:.1f} s: {record.aborted.by} could no longer hold")
    if retries.over_budget:
        budget = f"{record.profile['softphone']['retry']['budget']:g} times the plan"
        lines.append(f"  retry budget of {budget} used up: {retries.over_budget} more attempts were not made")
    lines += [f"  expected {each.text}: {_HELD[each.held]}" for each in record.expectations]
    lines += [f"  not valid: {reason}" for reason in record.validity.reasons]
    return [*lines, f"  verdict: {record.verdict}"]


def _with_parts(counts: Mapping[str, int]) -> str:
    parts = ", ".join(f"{name} {n}" for name, n in counts.items() if n and name != "total")
    return f"{counts['total']}" + (f" ({parts})" if parts else "")


def _percentiles(durations: Durations) -> str:
    points = {"p50": durations.p50, "p95": durations.p95, "p99": durations.p99}
    return " ".join(f"{point} {value * 1000:.1f} ms" for point, value in points.items() if value is not None) or "none"


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
