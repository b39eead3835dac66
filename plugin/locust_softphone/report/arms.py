"""The runs of a comparison and its arms.

Run    a record with a label and its conditions               a row of the table of runs
Arm    all runs of one profile under the same conditions      a row of the table of repeated runs
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import fmean
from typing import NamedTuple

from locust_softphone.metrics.catalogue import KINDS
from locust_softphone.metrics.histogram import RESOLUTION
from locust_softphone.report import statistics
from locust_softphone.report.conditions import Conditions, changes, conditions
from locust_softphone.report.statistics import Estimate
from locust_softphone.report.timeline import Timeline
from locust_softphone.report.values import number, overridden
from locust_softphone.runs.record import RunRecord
from locust_softphone.text import duration

__all__ = ["COMPARED_METRICS", "Arm", "Run", "Spread", "arms_of", "remarks", "runs_of"]

COMPARED_METRICS = (
    *("answered", "rate_limited", "abnormal_closes", "amplification", "time_to_connected"),
    *("call_setup.p50", "call_setup.p95", "call_setup.p99"),
)
"""The metrics by which arms are compared."""


@dataclass(frozen=True, eq=False)
class Run:
    """One run of a comparison.

    Args:
        record: its record.
        label: distinguishes it from the other runs of the comparison.
        arm: the number of its arm in the comparison.
        conditions: what its metrics may depend on.
    """

    record: RunRecord
    label: str
    arm: int
    conditions: Conditions

    @property
    def metrics(self) -> Mapping[str, float | None]:
        return self.record.metrics

    @property
    def is_comparable(self) -> bool:
        """Whether it is valid and was not aborted."""
        return self.record.verdict != "invalid" and not self.record.aborted

    @property
    def all_answered(self) -> bool:
        return self.metrics["answered"] == self.metrics["planned"]

    @property
    def has_problems(self) -> bool:
        """Whether it failed, is not valid, or has a remark."""
        return self.record.verdict != "passed" or bool(self.remarks)

    @cached_property
    def remarks(self) -> tuple[str, ...]:
        changed = overridden(self.record.profile, self.record.overridden)
        return (*remarks(self.record), *([f"overridden in the form: {changed}"] if changed else []))

    @cached_property
    def timeline(self) -> Timeline:
        return Timeline.of(self.record.timeline)


class Spread(NamedTuple):
    """The lowest and the highest value of a metric in the runs of an arm."""

    low: float
    high: float

    def overlaps(self, other: Spread) -> bool:
        return self.low <= other.high and other.low <= self.high

    @classmethod
    def over(cls, spreads: Iterable[Spread]) -> Spread:
        """The spread over several arms."""
        lows, highs = zip(*spreads, strict=True)
        return cls(min(lows), max(highs))

    def __str__(self) -> str:
        return number(self.low) if self.low == self.high else f"{number(self.low)}–{number(self.high)}"


@dataclass(frozen=True, eq=False)
class Arm:
    """All comparable runs of one profile under the same conditions: what ``--repeat`` repeats."""

    label: str
    runs: tuple[Run, ...]

    @property
    def conditions(self) -> Conditions:
        return self.runs[0].conditions

    @property
    def planned(self) -> float:
        return self.spread("planned").high

    @property
    def all_answered(self) -> bool:
        """Whether every softphone was answered in each run."""
        return all(run.all_answered for run in self.runs)

    def values(self, metric: str) -> list[float]:
        """A metric in each run that measured it."""
        return [value for run in self.runs if (value := run.metrics[metric]) is not None]

    def spread(self, metric: str) -> Spread:
        values = self.values(metric)
        return Spread(min(values), max(values))

    def has(self, metric: str) -> bool:
        """Whether every run measured it."""
        return len(self.values(metric)) == len(self.runs)

    @cached_property
    def estimates(self) -> Mapping[str, Estimate | None]:
        """The mean of each compared metric, ``answered`` as a share; None where a run did not measure it."""
        return {metric: self._estimate(metric) for metric in COMPARED_METRICS}

    def per_softphone(self, metric: str) -> Estimate:
        """The mean of a count or of ``answered`` per planned softphone."""
        each = [x / n for x, n in zip(self.values(metric), self.values("planned"), strict=True)]
        return statistics.mean(each, step=1 / self.planned, highest=1 if metric == "answered" else math.inf)

    def _estimate(self, metric: str) -> Estimate | None:
        if not self.has(metric):
            return None
        if metric == "answered":
            return self.per_softphone(metric)
        values = self.values(metric)
        steps = {"count": 1.0, "ratio": 1 / self.planned, "seconds": fmean(values) * RESOLUTION}
        return statistics.mean(values, step=steps[KINDS[metric]])


def remarks(record: RunRecord) -> Iterator[str]:
    """Why a run is not valid or ended early, and what else its metrics do not show, a sentence each."""
    yield from record.validity.reasons
    if record.aborted:
        yield f"aborted after {duration(record.aborted.after_s)}: {record.aborted.by} could no longer hold"
    if record.totals.scripts_cut_short and record.profile.get("allow_cut_short"):
        yield f"{record.totals.scripts_cut_short} scripts had not finished when the run ended, as the profile allows"
    if record.totals.unfinished and not record.aborted:
        unfinished = f"{record.totals.unfinished} of {record.totals.planned} softphones"
        end = "when the run ended" if record.profile.get("stay") is None else "when they left or the run ended"
        yield f"{unfinished} had not finished their call set-up {end}"


def runs_of(records: Iterable[RunRecord]) -> list[Run]:
    """The runs of records, those of one arm next to each other, and numbered where they share a name."""
    runs: list[Run] = []
    for record in records:
        found = conditions(record)
        same = (run for run in runs if run.record.name == record.name and not changes(run.conditions, found))
        first = next(same, None)
        arm = first.arm if first else len({run.arm for run in runs})
        runs.append(Run(record, _name(record), arm, found))
    runs.sort(key=lambda run: run.arm)
    total, seen = Counter(run.label for run in runs), Counter[str]()
    for n, run in enumerate(runs):
        if total[run.label] > 1:
            seen[run.label] += 1
            runs[n] = replace(run, label=f"{run.label} #{seen[run.label]}")
    return runs


def arms_of(runs: Iterable[Run]) -> list[Arm]:
    """The runs by arm. An arm has the name of its profile, unless another arm has it too."""
    groups: dict[int, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.arm, []).append(run)
    names = [_name(group[0].record) for group in groups.values()]
    times = Counter(names)
    return [
        Arm(name if times[name] == 1 else group[0].label, tuple(group))
        for name, group in zip(names, groups.values(), strict=True)
    ]


def _name(record: RunRecord) -> str:
    """The name of a run's profile, and whether the run was simulated."""
    return f"{record.name} (simulated)" if record.simulation else record.name
