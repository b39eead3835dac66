"""One run as text, in sections: what is printed when it ends, and what ``report`` prints of a single run.

    burst-500: 24 of 500 answered, 476 gave up; 435 requests refused with 429, 142 connections dropped
      expected     ✓ rate_limited > 0: 435
                   reproduced the failure that the profile shows
      failures     token: 182 of 500 requests refused with 429

To add a section, write a function that returns its lines, and list it in ``SECTIONS`` or ``DETAILS``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from textwrap import wrap
from types import MappingProxyType
from typing import NamedTuple

from locust_softphone.config.profile import Profile
from locust_softphone.metrics.run_outcome import Cause, causes_of_step
from locust_softphone.metrics.steps import DEFAULT_DIALECT
from locust_softphone.report.arms import remarks
from locust_softphone.report.drop_texts import drop_sentences
from locust_softphone.report.judgement import expectation_lines, judgement_of
from locust_softphone.report.limit_texts import limits_in_detail, limits_in_short
from locust_softphone.report.values import overridden
from locust_softphone.runs.record import RunRecord
from locust_softphone.runs.record_parts import Durations
from locust_softphone.text import duration, one_line

__all__ = ["DETAILS", "SECTIONS", "Section", "failures", "heading_of", "sections_of", "summary_lines"]

MOST_CAUSES = 3
"""How many causes are named for each step."""

_TITLE_WIDTH = 13
_NARROWEST_TEXT = 20

Lines = Callable[[RunRecord], Iterator[str]]


class Section(NamedTuple):
    """A part of the text on a run."""

    title: str
    lines: tuple[str, ...]


def heading_of(record: RunRecord) -> str:
    """The profile's name and the outcome."""
    return one_line(f"{record.name}: {record.outcome}")


def failures(record: RunRecord) -> Iterator[str]:
    """For each step whose attempts failed: how many, and the top causes."""
    for name, step in record.steps.items():
        causes = causes_of_step(step.outcomes, step.statuses, step.causes)[:MOST_CAUSES]
        if causes:
            first, *others = (f"{cause.count} {cause.text}{_meaning(name, cause, record)}" for cause in causes)
            counted, _, text = first.partition(" ")
            yield ", ".join([f"{name}: {counted} of {step.attempts} {text}", *others])


def _meaning(step: str, cause: Cause, record: RunRecord) -> str:
    """What an edge means by refusing an offer with 409, for which there is no limit; empty for other causes."""
    if step != "offer" or cause.text != "refused with 409":
        return ""
    if record.dialect != DEFAULT_DIALECT:
        return " (no connected softphone)"
    return " (offered before ready)" if record.profile["softphone"].get("ready") == "ignore" else " (no such session)"


def _expectations(record: RunRecord) -> Iterator[str]:
    yield from expectation_lines(record)
    yield judgement_of(record).text


def _remarks(record: RunRecord) -> Iterator[str]:
    yield from remarks(record)
    if changed := overridden(record.profile, record.overridden):
        yield f"overridden in the form: {changed}"
    if record.retries.over_budget:
        budget = f"{record.profile['softphone']['retry']['budget']:g} times the plan"
        yield f"retry budget of {budget} used up: {record.retries.over_budget} more attempts were not made"


def _softphones(record: RunRecord) -> Iterator[str]:
    totals = record.totals
    yield (
        f"{totals.planned} planned, {totals.started} started, {totals.connected} connected, "
        f"{totals.answered} answered, {totals.gave_up} gave up, {totals.unfinished} unfinished"
    )
    if totals.scripts_cut_short:
        yield f"{totals.scripts_cut_short} scripts were cut short by the end of the run"


def _latencies(record: RunRecord) -> Iterator[str]:
    yield f"call set-up from the planned start: {_percentiles(record.call_setup.response_s)}"
    yield f"start lag: {_percentiles(record.start_lag_s)}"


def _retries(record: RunRecord) -> Iterator[str]:
    if record.retries.made:
        yield f"{record.retries.made}, {record.retries.too_early} of them before their Retry-After had passed"


def _closes(record: RunRecord) -> Iterator[str]:
    if record.abnormal_closes.get("total"):
        yield f"abnormal (1006): {_with_parts(record.abnormal_closes)}"
    if record.dropped_in_stall:
        yield f"while the generator stood still: {record.dropped_in_stall}"
    if record.own_cuts or record.cut_off:
        yield f"by the softphones themselves: {record.own_cuts}; cut off at the end: {record.cut_off}"


def _ledger(record: RunRecord) -> Iterator[str]:
    ledger = record.ledger
    if ledger is None:
        yield "none: the edge publishes no counters"
        return
    yield "the edge's counters confirm every attempt" if ledger.balanced else "DOES NOT BALANCE"
    yield from ledger.problems
    for row in ledger.rows:
        yield (
            f"{row.step}: {row.attempts} attempts = {row.admitted} admitted + {row.refused} refused + {row.cut} cut "
            f"+ {row.never_arrived} never arrived{f' - {row.doubled} doubled' if row.doubled else ''}"
        )
    for row in ledger.rows:
        if row.not_the_edges:
            foreign = f"{sum(row.not_the_edges.values())} of {row.attempts} {row.step} attempts"
            answers = f"answered by something in between, with HTTP {_named(row.not_the_edges)}"
            yield f"not the edge's: {foreign} were {answers}"


def _steps(record: RunRecord) -> Iterator[str]:
    for name, step in record.steps.items():
        if step.attempts:
            answered = step.outcomes.get("ok", 0)
            yield f"{name}: {step.attempts} attempts, {answered} ok, {_percentiles(step.response_s)}"


def _connections(record: RunRecord) -> Iterator[str]:
    if record.closes:
        yield f"closes by code: {_named(record.closes)}"
    if record.reconnects.made or record.reconnects.failed:
        yield f"dropped calls: {record.reconnects.made} set up again, {record.reconnects.failed} not"
    if record.source_addresses:
        yield f"source addresses: {record.source_addresses}"
    if record.tls_handshakes.all:
        yield f"TLS handshakes: {record.tls_handshakes.all}, {record.tls_handshakes.full} of them full"
    if record.time_to_connected_s is not None:
        yield f"all connected after {duration(record.time_to_connected_s)}"


def _generator(record: RunRecord) -> Iterator[str]:
    generator = record.generator
    yield f"event loop lag: {_percentiles(generator.loop_lag_s)}"
    if generator.cpu_cores.p50 is not None and generator.cpu_cores.max is not None:
        yield f"CPU: {generator.cpu_cores.p50:.0%} of a core at the median, {generator.cpu_cores.max:.0%} at most"
    yield f"workers: {record.workers or 'none, a single process'}"


def _plan(record: RunRecord) -> Iterator[str]:
    """What the profile planned; nothing for a profile that this version does not accept."""
    with suppress(ValueError):
        yield from Profile.from_resolved(record.profile).describe()


def _about(record: RunRecord) -> Iterator[str]:
    simulated = ", a simulated edge" if record.target.simulated else ""
    yield f"{record.run_id} to {record.target.url}{simulated}"
    yield f"from {record.times.planned_start} to {record.times.end}: {record.times.ended}"
    yield ", ".join(f"{name} {version}" for name, version in record.versions.items())


SECTIONS: Mapping[str, Lines] = MappingProxyType(
    {
        "expected": _expectations,
        "remarks": _remarks,
        "failures": failures,
        "limits": limits_in_short,
        "drops": drop_sentences,
        "softphones": _softphones,
        "latencies": _latencies,
        "retries": _retries,
        "closes": _closes,
        "ledger": _ledger,
    }
)
"""The sections of a run that has ended, in their order; one without lines is left out."""

DETAILS: Mapping[str, Lines] = MappingProxyType(
    {
        "why": limits_in_detail,
        "steps": _steps,
        "connections": _connections,
        "generator": _generator,
        "plan": _plan,
        "run": _about,
    }
)
"""The sections that only ``report`` has."""


def sections_of(record: RunRecord, *, details: bool = False) -> list[Section]:
    """The sections of a run, after its heading; with ``details`` all of them."""
    chosen = {**SECTIONS, **(DETAILS if details else {})}
    sections = (Section(title, tuple(map(one_line, lines(record)))) for title, lines in chosen.items())
    return [section for section in sections if section.lines]


def summary_lines(record: RunRecord, *, width: int | None = None) -> list[str]:
    """A run that has ended as lines of text.

    Args:
        record: the run.
        width: of the terminal, in characters: the sentences on limits are wrapped to it; None to wrap nothing.
    """
    lines = [heading_of(record)]
    for section in sections_of(record):
        for number, line in enumerate(section.lines):
            start = f"  {'' if number else section.title:{_TITLE_WIDTH}}"
            lines += _wrapped(start, line, width) if width and section.title == "limits" else [f"{start}{line}"]
    return lines


def _wrapped(start: str, line: str, width: int) -> list[str]:
    indent = " " * len(start)
    narrowest = len(start) + _NARROWEST_TEXT
    return wrap(line, max(width, narrowest), initial_indent=start, subsequent_indent=indent, break_on_hyphens=False)


def _percentiles(durations: Durations) -> str:
    points = {"p50": durations.p50, "p95": durations.p95, "p99": durations.p99}
    return ", ".join(f"{point} {duration(value)}" for point, value in points.items() if value is not None) or "none"


def _with_parts(counts: Mapping[str, int]) -> str:
    parts = _named({name: n for name, n in counts.items() if n and name != "total"})
    return f"{counts['total']} ({parts})"


def _named(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name}: {n}" for name, n in counts.items())
