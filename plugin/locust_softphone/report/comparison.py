"""Several runs side by side: which of them belong together, and the figures of each.

    records ──► Run    a label, the facts, what there is to remark         one row of the table
            ──► Arm    all runs of one plan in the same surroundings       what the sentences are about
                       its figures with their intervals                    one row of the table over repeated runs

Everything is read out of a record here, at once: a record with something missing is refused, and never half shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Any, NamedTuple

from locust_softphone.config.expectation import Expectation
from locust_softphone.errors import InputError
from locust_softphone.metrics.catalogue import FIELDS, kind_of
from locust_softphone.metrics.steps import request_steps
from locust_softphone.metrics.tally import Latency
from locust_softphone.report import statistics
from locust_softphone.report.conditions import Conditions, conditions, differences
from locust_softphone.report.statistics import Estimate
from locust_softphone.report.timeline import Timeline, timeline_of
from locust_softphone.runs.record import EXIT_CODES, facts

__all__ = [
    "COLUMNS",
    "Arm",
    "Column",
    "Run",
    "Spread",
    "arms_of",
    "comparable",
    "compared",
    "figure",
    "measured",
    "run_of",
    "seconds",
    "side_by_side",
]

_CALL_SETUP = {"call_setup.p50": 50.0, "call_setup.p95": 95.0, "call_setup.p99": 99.0}

_COUNTS = (
    *("planned", "started", "connected", "answered", "gave_up", "unfinished", "attempts"),
    *("rate_limited", "abnormal_closes", "retries", "retries.honoured", "retries.too_early"),
)
"""What every record has."""


@dataclass(frozen=True)
class Run:
    """What a comparison says of one run.

    Args:
        label: tells it from the other runs of the comparison.
        name: its profile's.
        facts: its figures by name, as ``record.facts`` has them.
        conditions: what they may depend on.
        verdict: passed, failed or invalid.
        remarks: why it failed, why it is not valid, and what else its row does not say.
        aborted: whether it was ended early, as an expectation could no longer hold.
        call_setup: how long its calls took to be answered, from their planned start.
        timeline: what happened in each second.
        record: all the rest.
    """

    label: str
    name: str
    facts: Mapping[str, float | None]
    conditions: Conditions
    verdict: str
    remarks: tuple[str, ...]
    aborted: bool = False
    call_setup: Latency = field(default_factory=Latency, compare=False)
    timeline: Timeline = field(default=Timeline({}, {}, ()), compare=False, repr=False)
    record: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.verdict]


class Spread(NamedTuple):
    """The smallest and the largest value of a fact in the runs of one arm; of one run, the same value twice."""

    low: float
    high: float

    def overlaps(self, other: Spread) -> bool:
        return self.low <= other.high and other.low <= self.high

    def __str__(self) -> str:
        return figure(self.low) if self.low == self.high else f"{figure(self.low)}–{figure(self.high)}"


@dataclass(frozen=True)
class Arm:
    """All runs of one plan in the same surroundings: what ``--repeat`` repeats."""

    label: str
    runs: tuple[Run, ...]

    @property
    def conditions(self) -> Conditions:
        return self.runs[0].conditions

    @property
    def planned(self) -> float:
        return self.spread("planned").high

    def spread(self, fact: str) -> Spread:
        """The values of a fact that was measured in all its runs."""
        values = [value for run in self.runs if (value := run.facts[fact]) is not None]
        return Spread(min(values), max(values))

    def has(self, fact: str) -> bool:
        """Whether a fact was measured in all its runs."""
        return all(run.facts[fact] is not None for run in self.runs)

    def estimate(self, fact: str, *, per_softphone: bool = False) -> Estimate | None:
        """A figure over all its runs, with the interval that these allow; None where it was not measured in each.

        Args:
            fact: which. Softphones answered are a share of those planned, a percentile is of all runs together, of
                anything else it is the mean of the runs.
            per_softphone: a count as a share of the planned softphones.
        """
        if not self.has(fact):
            return None
        values = [value for run in self.runs if (value := run.facts[fact]) is not None]
        planned = [value for run in self.runs if (value := run.facts["planned"]) is not None]
        if fact == "answered":
            return statistics.share([int(value) for value in values], [int(value) for value in planned])
        if fact in _CALL_SETUP:
            if not all(len(run.call_setup) for run in self.runs):
                return None
            return statistics.percentile([run.call_setup for run in self.runs], _CALL_SETUP[fact])
        if per_softphone:
            values = [value / of for value, of in zip(values, planned, strict=True)]
        return statistics.mean(values)


def comparable(runs: Iterable[Run]) -> list[Run]:
    """The runs whose figures can be set against each other's: those that are valid and went on to the end."""
    return [run for run in runs if run.verdict != "invalid" and not run.aborted]


def compared(fact: str, before: Arm, after: Arm) -> Estimate | None:
    """From one arm's figure to another's; counts per planned softphone where these differ in number."""
    per_softphone = before.planned != after.planned and FIELDS[fact] == "count"
    one, other = (arm.estimate(fact, per_softphone=per_softphone) for arm in (before, after))
    return statistics.difference(one, other) if one and other else None


def run_of(record: Mapping[str, Any]) -> Run:
    """A record as a run, labelled with its profile's name.

    Raises:
        InputError: the record is not complete.
    """
    try:
        known, name, verdict = facts(record), record["profile"]["name"], record["verdict"]
        if not all(value is None or (isinstance(value, (int, float)) and isfinite(value)) for value in known.values()):
            raise TypeError("a figure is no number")
        counts = (*_COUNTS, *(f"rate_limited.{step}" for step in request_steps(record["profile"]["dialect"])))
        if missing := [name for name in counts if known[name] is None]:
            raise ValueError(f"there is no figure for {missing[0]}")
        EXIT_CODES[verdict]
        call_setup = Latency.decode(record["histograms"].get("call_setup", ""))
        return Run(
            label=name,
            name=name,
            facts=known,
            conditions=conditions(record),
            verdict=verdict,
            remarks=tuple(_remarks(record)),
            aborted=record["aborted"] is not None,
            call_setup=call_setup,
            timeline=timeline_of(record),
            record=record,
        )
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise InputError(f"not a complete run record ({type(error).__name__}: {error})") from None


def side_by_side(runs: Sequence[Run]) -> list[Run]:
    """The runs of a comparison, those of one arm together, numbered where they share a name."""
    often = Counter(run.name for run in runs)
    seen: Counter[str] = Counter()
    ordered = []
    for run in sorted(runs, key=lambda run: _first(run, runs)):
        seen[run.name] += 1
        ordered.append(replace(run, label=f"{run.name} #{seen[run.name]}") if often[run.name] > 1 else run)
    return ordered


def arms_of(runs: Sequence[Run]) -> list[Arm]:
    """The runs by arm. An arm has its profile's name, unless another arm has it too."""
    groups: dict[int, list[Run]] = {}
    for run in runs:
        groups.setdefault(_first(run, runs), []).append(run)
    arms_with = Counter(group[0].name for group in groups.values())
    return [
        Arm(group[0].name if arms_with[group[0].name] == 1 else group[0].label, tuple(group))
        for group in groups.values()
    ]


def _first(run: Run, runs: Sequence[Run]) -> int:
    """The place of the first run of the same arm."""
    alike = (other.name == run.name and not differences(other.conditions, run.conditions) for other in runs)
    return next(i for i, is_alike in enumerate(alike) if is_alike)


def _remarks(record: Mapping[str, Any]) -> Iterable[str]:
    yield from record["validity"]["reasons"]
    if aborted := record["aborted"]:
        yield f"aborted after {seconds(aborted['after_s'])}: {aborted['by']} could no longer hold"
    for each in record["expectations"]:
        if each["held"] is False:
            yield f"expected {each['text']}, {measured(each)}"
    if undecided := [each["text"] for each in record["expectations"] if each["held"] is None]:
        yield f"not decided by then: {', '.join(undecided)}"
    if (unfinished := record["totals"]["unfinished"]) and not aborted:
        yield f"{unfinished} had not finished their call set-up when the plan was over"


def measured(expectation: Mapping[str, Any]) -> str:
    """What became of an expectation of a record, in words."""
    value = expectation["measured"]
    if value is None:
        return "it was never measured"
    is_duration = kind_of(Expectation.parse(expectation["text"]).field) == "seconds"
    return f"it was {seconds(value) if is_duration else figure(value)}"


class Column(NamedTuple):
    """One column of the table.

    Args:
        heading: a line for each word.
        cell: a run's.
        fact: the fact that is in it; none for the verdict.
        better: whether ``more`` or ``less`` of it is better; nothing where neither is.
        of_all: whether it says something good only of a run that had every softphone answered.
    """

    heading: str
    cell: Callable[[Run], str]
    fact: str = ""
    better: str = ""
    of_all: bool = False


def _count(heading: str, fact: str, better: str = "less", *, of_all: bool = False) -> Column:
    return Column(heading, lambda run: figure(run.facts[fact]), fact, better, of_all)


def _duration(heading: str, fact: str, *, without: str = "-", of_all: bool = False) -> Column:
    def cell(run: Run) -> str:
        return without if (value := run.facts[fact]) is None else seconds(value)

    return Column(heading, cell, fact, "less", of_all)


COLUMNS = (
    _count("planned", "planned", better=""),
    _count("con-\nnected", "connected", better="more"),
    _count("answered", "answered", better="more"),
    _count("gave\nup", "gave_up"),
    _count("429\ntoken", "rate_limited.token"),
    _count("429\nhand-\nshake", "rate_limited.handshake"),
    _count("429\noffer", "rate_limited.offer"),
    _count("abnormal\ncloses", "abnormal_closes"),
    _count("attempts\neach", "amplification", of_all=True),
    _duration("all con-\nnected", "time_to_connected", without="never"),
    _duration("set-up\np50", "call_setup.p50", of_all=True),
    _duration("set-up\np95", "call_setup.p95", of_all=True),
    _duration("set-up\np99", "call_setup.p99", of_all=True),
    _count("too\nearly", "retries.too_early"),
    Column("verdict", lambda run: run.verdict),
)
"""The table's columns after a run's label."""


def figure(value: float | None) -> str:
    """A count as it is, a ratio to two decimals."""
    if value is None:
        return "-"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def seconds(value: float) -> str:
    """A duration to three digits, in milliseconds below a second."""
    scaled, unit = (value * 1000, "ms") if value < 0.9995 else (value, "s")
    decimals = 2 if scaled < 9.995 else 1 if scaled < 99.95 else 0
    return f"{scaled:.{decimals}f} {unit}"
