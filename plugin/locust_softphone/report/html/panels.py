"""The charts of the page in words: what each shows, what its colours mean, and what it comes to for each run.

A panel is one run in one chart. Where a run has nothing to draw, its panel is the words alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from locust_softphone.metrics.outcome import ABNORMAL_CAUSES
from locust_softphone.metrics.steps import DIALECTS, request_steps
from locust_softphone.report.comparison import Run, seconds

__all__ = ["Key", "Panel", "Section", "sections"]

COLOURS = 8
REQUESTS = tuple(dict.fromkeys(step for dialect in DIALECTS for step in request_steps(dialect)))


@dataclass(frozen=True)
class Key:
    """One entry of a chart's key.

    Args:
        name: of the series in the chart's data.
        text: what it is, in words.
        colour: the name of its colour in the style sheet.
    """

    name: str
    text: str
    colour: str


@dataclass(frozen=True)
class Panel:
    """One run in one chart: its words, and whether there is anything to draw."""

    note: str
    drawn: bool


@dataclass(frozen=True)
class Section:
    """One chart.

    Args:
        name: of its data.
        title: what it shows.
        about: how to read it.
        keys: its colours.
        panels: one for each run, in their order.
    """

    name: str
    title: str
    about: str
    keys: tuple[Key, ...]
    panels: tuple[Panel, ...]


def sections(runs: Sequence[Run], series: Mapping[str, Any]) -> list[Section]:
    """The charts of a page, in their order."""
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
            f"Requests in each {every}, by step: above the line every attempt, below it those refused with HTTP 429.",
            _coloured(steps, REQUESTS),
            tuple(_attempts(run) for run in runs),
        ),
        Section(
            "presence",
            "Softphones connected and answered, against the plan",
            "How many are there at the end of each second: planned to have started, with an open WebSocket, "
            "with an answered call.",
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
            "From a call's planned start to its answer, for the calls planned in each second. Calls that were never "
            "answered have no time: mind how many there are."
            + (f" Of {every} put together, the slowest." if series["width_s"] > 1 else ""),
            (
                Key("p50", "p50", "colour-1"),
                Key("p95", "up to p95", "band"),
                Key("p99", "up to p99", "band-outer"),
            ),
            tuple(_setup(run) for run in runs),
        ),
        Section(
            "retries",
            "Retries against their deadlines",
            "A row for each retry that a Retry-After had told when to come, by deadline. A dot before the line is a "
            "client that came back too early.",
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
    """Each name with its colour, which is the same on every page."""
    order = _in_order(known, names)
    return tuple(Key(name, name.replace("_", " "), f"colour-{order.index(name) % COLOURS}") for name in names)


def _number(run: Run, fact: str) -> str:
    return f"{run.facts[fact]:,}"


def _attempts(run: Run) -> Panel:
    note = f"{_number(run, 'attempts')} attempts, {_number(run, 'rate_limited')} refused with 429"
    return Panel(note, drawn=bool(run.facts["attempts"]))


def _presence(run: Run) -> Panel:
    note = f"{_number(run, 'connected')} connected and {_number(run, 'answered')} answered of {_number(run, 'planned')}"
    if run.facts["connected"] and not run.timeline.has("connected_now"):
        note += "; an older record: the lines are of all that ever were"
    return Panel(note, drawn=True)


def _closes(run: Run) -> Panel:
    total = run.facts["abnormal_closes"]
    return Panel(f"{total:,}" if total else "none", drawn=bool(total))


def _setup(run: Run) -> Panel:
    p50, p95, p99 = (run.facts[f"call_setup.{point}"] for point in ("p50", "p95", "p99"))
    if p50 is None or p95 is None or p99 is None:
        return Panel("no call was answered", drawn=False)
    note = (
        f"{_number(run, 'answered')} of {_number(run, 'planned')} answered: "
        f"p50 {seconds(p50)}, p95 {seconds(p95)}, p99 {seconds(p99)}"
    )
    if not run.timeline.setups:
        return Panel(f"{note}; an older record, which does not say when", drawn=False)
    return Panel(note, drawn=True)


def _retries(run: Run) -> Panel:
    made, early = run.facts["retries"], run.facts["retries.too_early"]
    told = (run.facts["retries.honoured"] or 0) + (early or 0)
    if not made:
        return Panel("no retry was made", drawn=False)
    if not told:
        return Panel(f"{made:,} retries, none told when to come", drawn=False)
    note = f"{early:,} of {told:,} too early"
    shown = len(run.timeline.retries)
    if not shown:
        return Panel(f"{note}; an older record, which does not say when", drawn=False)
    return Panel(f"{note}; {shown:,} of them shown, taken at random" if shown < told else note, drawn=True)
