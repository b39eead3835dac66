"""The texts of the charts: what each kind of chart shows, its legend, and a note for each run.

A section is one kind of chart; a panel is one run in it. A run with nothing to draw has a panel with its note only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from locust_softphone.metrics.outcome import ABNORMAL_CAUSES
from locust_softphone.metrics.steps import DIALECTS, request_steps
from locust_softphone.report.arms import Run
from locust_softphone.report.values import seconds

__all__ = ["Key", "Panel", "Section", "sections"]

COLOURS = 8
REQUESTS = tuple(dict.fromkeys(step for dialect in DIALECTS for step in request_steps(dialect)))


@dataclass(frozen=True)
class Key:
    """One entry of a chart's legend.

    Args:
        name: of the series in the chart's data.
        text: what the series is.
        colour: the name of its colour in the style sheet.
    """

    name: str
    text: str
    colour: str


@dataclass(frozen=True)
class Panel:
    """One run in one kind of chart: a note, and whether there is anything to draw."""

    note: str
    drawn: bool


@dataclass(frozen=True)
class Section:
    """One kind of chart.

    Args:
        name: of its data.
        title: what it shows.
        about: how to read it.
        keys: its legend.
        panels: one for each run, in the order of the runs.
    """

    name: str
    title: str
    about: str
    keys: tuple[Key, ...]
    panels: tuple[Panel, ...]


def sections(runs: Sequence[Run], series: Mapping[str, Any]) -> list[Section]:
    """The kinds of charts, in the order of the page."""
    data = series["runs"]
    every = "second" if series["width_s"] == 1 else f"{series['width_s']} seconds"
    steps = _in_order(REQUESTS, (name for each in data for name in each["limited"]))
    causes = _in_order(ABNORMAL_CAUSES, (name for each in data for name in each["closes"]))
    causes = [name for name in causes if any(name in each["closes"] for each in data)]
    steps = [name for name in steps if any(name in each["attempts"] for each in data)]
    return [
        Section(
            "attempts",
            "Attempts and 429s",
            f"Requests in each {every}, by step: above the line all attempts, below it those refused with HTTP 429.",
            _coloured(steps, REQUESTS),
            tuple(_attempts(run) for run in runs),
        ),
        Section(
            "presence",
            "Softphones connected and answered, compared with the plan",
            "Softphones at the end of each second: planned to have started; with an open WebSocket; with an answered "
            "call.",
            (
                Key("planned", "planned", "ink"),
                Key("connected", "connected", "colour-1"),
                Key("in_call", "answered", "colour-2"),
            ),
            tuple(_presence(run) for run in runs),
        ),
        Section(
            "closes",
            "Abnormal closes",
            f"WebSockets that ended with close code 1006 in each {every}, by cause.",
            _coloured(causes, ABNORMAL_CAUSES),
            tuple(_closes(run) for run in runs),
        ),
        Section(
            "setup",
            "Call set-up time",
            "From a call's planned start to its answer, for the calls planned in each second. Calls that were not "
            "answered are not included: see how many were answered."
            + (f" Each point is the slowest second of {every}." if series["width_s"] > 1 else ""),
            (
                Key("p50", "p50", "colour-1"),
                Key("p95", "up to p95", "band"),
                Key("p99", "up to p99", "band-outer"),
            ),
            tuple(_setup(run) for run in runs),
        ),
        Section(
            "retries",
            "Retries and their deadlines",
            "A row for each retry after a Retry-After, in the order of the deadlines. A dot to the left of the line is "
            "a retry that was too early.",
            (
                Key("deadline", "deadline", "ink"),
                Key("honoured", "in time", "colour-1"),
                Key("too_early", "too early", "worst"),
            ),
            tuple(_retries(run) for run in runs),
        ),
    ]


def _in_order(known: Sequence[str], found: Any) -> list[str]:
    return list(dict.fromkeys((*known, *found)))


def _coloured(names: Sequence[str], known: Sequence[str]) -> tuple[Key, ...]:
    """A legend in which each name has the same colour on every page."""
    order = _in_order(known, names)
    return tuple(Key(name, name.replace("_", " "), f"colour-{order.index(name) % COLOURS}") for name in names)


def _number(run: Run, metric: str) -> str:
    return f"{run.metrics[metric]:,}"


def _attempts(run: Run) -> Panel:
    note = f"{_number(run, 'attempts')} attempts, {_number(run, 'rate_limited')} refused with 429"
    return Panel(note, drawn=bool(run.metrics["attempts"]))


def _presence(run: Run) -> Panel:
    note = f"{_number(run, 'connected')} connected and {_number(run, 'answered')} answered of {_number(run, 'planned')}"
    if run.metrics["connected"] and not run.timeline.has("connected_now"):
        note += "; an older record: the lines count all that were ever connected or answered"
    return Panel(note, drawn=True)


def _closes(run: Run) -> Panel:
    total = run.metrics["abnormal_closes"]
    return Panel(f"{total:,}" if total else "none", drawn=bool(total))


def _setup(run: Run) -> Panel:
    p50, p95, p99 = (run.metrics[f"call_setup.{point}"] for point in ("p50", "p95", "p99"))
    if p50 is None or p95 is None or p99 is None:
        return Panel("no call was answered", drawn=False)
    note = (
        f"{_number(run, 'answered')} of {_number(run, 'planned')} answered: "
        f"p50 {seconds(p50)}, p95 {seconds(p95)}, p99 {seconds(p99)}"
    )
    if not run.timeline.setups:
        return Panel(f"{note}; an older record, without times", drawn=False)
    return Panel(note, drawn=True)


def _retries(run: Run) -> Panel:
    retries, early = run.metrics["retries"], run.metrics["retries.too_early"]
    with_deadline = (run.metrics["retries.honoured"] or 0) + (early or 0)
    if not retries:
        return Panel("no retries", drawn=False)
    if not with_deadline:
        return Panel(f"{retries:,} retries, none after a Retry-After", drawn=False)
    note = f"{early:,} of {with_deadline:,} too early"
    shown = len(run.timeline.retries)
    if not shown:
        return Panel(f"{note}; an older record, without times", drawn=False)
    return Panel(f"{note}; {shown:,} of them shown, chosen at random" if shown < with_deadline else note, drawn=True)
