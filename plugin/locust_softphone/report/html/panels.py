"""The texts of the charts: what each kind of chart shows, its legend, and a note for each run.

A section is one kind of chart; a panel is one run in it. A run with nothing to draw has a panel with its note only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from locust_softphone.metrics.outcome import ABNORMAL_CAUSES
from locust_softphone.metrics.steps import DIALECTS, request_steps
from locust_softphone.report.arms import Run
from locust_softphone.report.limit_texts import limit_texts, limits_by_step
from locust_softphone.report.palette import variable
from locust_softphone.text import duration

__all__ = ["Key", "Panel", "Section", "sections"]

REQUESTS = tuple(dict.fromkeys(step for dialect in DIALECTS for step in request_steps(dialect)))


class Key(NamedTuple):
    """An entry of a legend: the name of a series in the data, its text, the CSS variable with its colour."""

    name: str
    text: str
    colour: str


class Panel(NamedTuple):
    """One run in one kind of chart: a note, and whether there is anything to draw."""

    note: str
    drawn: bool


class Section(NamedTuple):
    """One kind of chart: the name of its data, its texts, its legend, and a panel for each run."""

    name: str
    title: str
    about: str
    keys: tuple[Key, ...]
    panels: tuple[Panel, ...]


def sections(runs: Sequence[Run], series: Mapping[str, Any]) -> list[Section]:
    """The kinds of charts, in the order of the page; ``series`` is the data of the charts."""
    several = series["width_s"] > 1
    every = f"{series['width_s']} seconds" if several else "second"
    attempted, limited, causes = (
        [name for each in series["runs"] for name in each[chart]] for chart in ("attempts", "limited", "closes")
    )
    return [
        Section(
            "attempts",
            "Attempts and 429s",
            f"Requests in each {every}, by step: above the line all attempts, below it those refused with HTTP 429.",
            tuple(key for key in _legend((*REQUESTS, *limited)) if key.name in attempted),
            tuple(map(_attempts, runs)),
        ),
        *_limits(runs, series),
        Section(
            "presence",
            "Softphones connected and answered, compared with the plan",
            "Softphones at the end of each second: planned to be there; with an open WebSocket; with an answered call.",
            (
                Key("planned", "planned", variable("planned")),
                Key("connected", "connected", variable("connected")),
                Key("in_call", "answered", variable("answered")),
            ),
            tuple(map(_presence, runs)),
        ),
        Section(
            "closes",
            "Abnormal closes",
            f"WebSockets that ended with close code 1006 in each {every}, by cause.",
            tuple(key for key in _legend((*ABNORMAL_CAUSES, *causes)) if key.name in causes),
            tuple(map(_closes, runs)),
        ),
        Section(
            "setup",
            "Call set-up time",
            "From a call's planned start to its answer, for the calls planned in each second. Calls that were not "
            "answered are not included: see how many were answered."
            + (f" Each point is the slowest second of {every}." if several else ""),
            (
                Key("p50", "p50", variable("p50")),
                Key("p95", "up to p95", variable("p95")),
                Key("p99", "up to p99", variable("p99")),
            ),
            tuple(map(_setup, runs)),
        ),
        Section(
            "retries",
            "Retries and their deadlines",
            "A row for each retry after a Retry-After, in the order of the deadlines. A dot to the left of the line is "
            "a retry that was too early.",
            (
                Key("deadline", "deadline", variable("deadline")),
                Key("honoured", "in time", variable("honoured")),
                Key("too_early", "too early", variable("too_early")),
            ),
            tuple(map(_retries, runs)),
        ),
    ]


def _limits(runs: Sequence[Run], series: Mapping[str, Any]) -> list[Section]:
    """Which limits explain the refusals; left out if there is nothing to draw for any run."""
    drawn = [tuple(each["limits"]) for each in series["runs"]]
    steps = dict.fromkeys(step for each in drawn for step in each)
    if not steps:
        return []
    return [
        Section(
            "limits",
            "Admitted requests, compared with the limit that explains them",
            "Running totals, by step: the thick line is what the edge admitted, the dotted line what the fitted limit "
            "would have admitted of the same requests. Of a cap of open sessions: how many were open, and the cap.",
            (*_legend(tuple(steps)), Key("fitted", "as the limit would have", "--ink")),
            tuple(
                Panel("; ".join(_answers(run, each)) or _undrawn(run), drawn=bool(each))
                for run, each in zip(runs, drawn, strict=True)
            ),
        )
    ]


def _undrawn(run: Run) -> str:
    """Why nothing is drawn for this run."""
    if any(limit.hypotheses for limit in limits_by_step(run.record)):
        return "nothing to draw: several limits are possible, or none has a size that is known closely"
    return "no limit is explained" if run.record.limits else "no request was refused by a limit"


def _answers(run: Run, steps: Sequence[str]) -> list[str]:
    """What explains the refusals of these steps."""
    return [
        f"{limit.step}: {text.answer.removesuffix('.')}"
        for limit, text in zip(limits_by_step(run.record), limit_texts(run.record), strict=True)
        if limit.step in steps and limit.refused
    ]


def _legend(names: Sequence[str]) -> list[Key]:
    """A key for each name, once, in this order."""
    return [Key(name, name.replace("_", " "), variable(name)) for name in dict.fromkeys(names)]


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
    points = {point: run.metrics[f"call_setup.{point}"] for point in ("p50", "p95", "p99")}
    durations = ", ".join(f"{point} {duration(value)}" for point, value in points.items() if value is not None)
    if not durations:
        return Panel("no call was answered", drawn=False)
    note = f"{_number(run, 'answered')} of {_number(run, 'planned')} answered: {durations}"
    if not run.timeline.setups:
        return Panel(f"{note}; an older record, without times", drawn=False)
    return Panel(note, drawn=True)


def _retries(run: Run) -> Panel:
    retries, early = run.metrics["retries"], run.metrics["retries.too_early"] or 0
    with_deadline = (run.metrics["retries.honoured"] or 0) + early
    if not retries:
        return Panel("no retries", drawn=False)
    if not with_deadline:
        return Panel(f"{retries:,} retries, none after a Retry-After", drawn=False)
    note, shown = f"{early:,} of {with_deadline:,} too early", len(run.record.retries.sample)
    if not shown:
        return Panel(f"{note}; an older record, without times", drawn=False)
    return Panel(f"{note}; {shown:,} of them shown, chosen at random" if shown < with_deadline else note, drawn=True)
