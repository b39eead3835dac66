"""Coverage of the report's intervals, false claims of its sentences, and the differences that it finds.

An A/A comparison has two arms of one truth: whatever it claims is false. Here runs are drawn at random instead of
being made, and everything after that is the report's own code.

    world       how much runs differ, repeats, softphones. In each run, each quantity is multiplied by a factor of its
                own (log-normal, mean 1), and softphones are independent, given the factors
    coverage    how often the 95 % interval of a metric contains the truth, the mean over all possible runs
    claims      how often the sentences and the headline of an A/A comparison claim a difference; and tables and marks
    power       the smallest true difference of the 429s that is claimed in 80 % of comparisons

python benchmarks/aa.py                      500 comparisons in each world, about a minute of CPU
python benchmarks/aa.py --comparisons 100    a test runs this
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from statistics import NormalDist, fmean
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from locust_softphone.config.profile import Profile
from locust_softphone.metrics.histogram import Histogram
from locust_softphone.metrics.tally import Tally
from locust_softphone.report.arms import COMPARED_METRICS, Arm, Run
from locust_softphone.report.conditions import conditions
from locust_softphone.report.differences import ArmDifference, differences_between
from locust_softphone.report.findings import FindingKind, findings_of
from locust_softphone.runs.build import RunEnd, RunStart, build
from tables import TABLE_WIDTH, Goal, show

COVERAGE, FALSE_CLAIMS, POWER = 0.93, 0.05, 0.80
EFFECTS = (0.03, 0.05, 0.08, 0.10, 0.15, 0.20, 0.25, 0.30, 0.40, 0.50, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0)
SURE = 0.95  # a rate counts as missed only if so few comparisons show that
SETUP_S, SETUP_SIGMA = 0.15, 0.5
HEADINGS = ("answered", "429s", "closes", "attempts", "connect", "p50", "p95", "p99")
REPEATS = (3, 5, 10)
PERCENTILES = {"call_setup.p50": "p50", "call_setup.p95": "p95", "call_setup.p99": "p99", "time_to_connected": "max"}


class World(NamedTuple):
    """How much runs differ (standard deviation of their factor), repeats of each arm, softphones of each run."""

    differ: float
    repeats: int
    softphones: int

    def __str__(self) -> str:
        return f"{100 * self.differ:.0f} %, {self.repeats}, {self.softphones}"


WORLDS = (World(0.4, 5, 500), World(0.4, 3, 500), World(0.1, 5, 20), World(0.1, 2, 20))


@dataclass(frozen=True, eq=False)
class DrawnRun(Run):
    """A run whose metrics were drawn, not measured."""

    drawn: Mapping[str, float | None]

    @property
    def metrics(self) -> Mapping[str, float | None]:
        return self.drawn


class Draws:
    """Draws runs of a world."""

    def __init__(self, world: World, seed: int) -> None:
        self._world = world
        self._random = Random(seed)

    def run(self) -> dict[str, float]:
        """The metrics of a run."""
        planned = self._world.softphones
        share, limited = 0.25 * self._factor(), self._poisson(0.8 * planned * self._factor())
        answered = sum(self._random.random() < share for _ in range(planned))
        return {
            "planned": planned,
            "answered": answered,
            "rate_limited": limited,
            "abnormal_closes": self._poisson(self._factor()),
            "amplification": 3 + limited / planned,
            **self.times(self._factor()),
        }

    def times(self, factor: float = 1.0) -> dict[str, float]:
        """The times of a run: set-up times are log-normal."""
        times = Histogram()
        for _ in range(self._world.softphones):
            times.record(factor * SETUP_S * math.exp(self._random.gauss(0, SETUP_SIGMA)))
        summary = times.summary()
        return {metric: summary[point] for metric, point in PERCENTILES.items()}

    def _factor(self) -> float:
        sigma = math.sqrt(math.log1p(self._world.differ**2))
        return math.exp(self._random.gauss(-sigma * sigma / 2, sigma))

    def _poisson(self, mean: float) -> int:
        """How many events come in one unit of time, by the gaps between them."""
        count, at = 0, self._random.expovariate(mean)
        while at < 1:
            count, at = count + 1, at + self._random.expovariate(mean)
        return count


def truth(world: World) -> dict[str, float]:
    """The mean of each compared metric over all possible runs; of the times, over many runs."""
    draws = Draws(world, seed=0)
    times = [draws.times() for _ in range(60_000 // world.softphones)]
    means = {metric: fmean(each[metric] for each in times) for metric in PERCENTILES}
    counts = {"answered": 0.25, "rate_limited": 0.8 * world.softphones, "abnormal_closes": 1.0, "amplification": 3.8}
    return {**counts, **means}


class Arms:
    """Makes arms of drawn runs: their records have no content but the two profiles."""

    def __init__(self, softphones: int) -> None:
        self._runs = [self._empty(name, softphones, ramp) for name, ramp in (("a", "0s"), ("b", "1s"))]

    def difference(self, before: Sequence[Mapping[str, float]], after: Sequence[Mapping[str, float]]) -> ArmDifference:
        runs = zip(self._runs, (before, after), strict=True)
        arms = [
            Arm(run.label, tuple(DrawnRun(run.record, run.label, run.arm, run.conditions, each) for each in drawn))
            for run, drawn in runs
        ]
        (found,) = differences_between(arms)
        return found

    @staticmethod
    def _empty(name: str, softphones: int, ramp: str) -> Run:
        profile = Profile.model_validate({"name": name, "users": softphones, "ramp": ramp})
        target = {"url": "http://127.0.0.1:8080", "simulated": True, "policy": {}}
        versions = dict.fromkeys(("locust-softphone", "locust", "python", "platform"), "1")
        start = RunStart(f"1-{name}", profile.resolved(), [softphones], 1, target, versions, 0, 1_700_000_000.0)
        record = build(start, Tally(), RunEnd(after_s=20.0, ended="plan over", edge=None, ledger=None))
        return Run(record, name, 0, conditions(record))


class Rates(NamedTuple):
    """Of a world: how often the interval of each metric contains the truth, and how often something is claimed."""

    coverage: Mapping[str, float]
    sentences: float
    tables: float


def rates(world: World, comparisons: int) -> Rates:
    draws, arms, true = Draws(world, seed=1), Arms(world.softphones), truth(world)
    covered, sentences, tables = Counter[str](), 0, 0
    for _ in range(comparisons):
        difference = arms.difference(*([draws.run() for _ in range(world.repeats)] for _ in range(2)))
        covered.update(
            metric
            for arm in (difference.before, difference.after)
            for metric, each in arm.estimates.items()
            if each and each.low is not None and each.high is not None and each.low <= true[metric] <= each.high
        )
        sentences += claims(difference)
        tables += any(map(difference.is_significant, COMPARED_METRICS))
    coverage = {metric: covered[metric] / (2 * comparisons) for metric in COMPARED_METRICS}
    return Rates(coverage, sentences / comparisons, tables / comparisons)


def claims(difference: ArmDifference) -> bool:
    """Whether a sentence claims a difference."""
    arms = (difference.before, difference.after)
    first, *_ = findings_of([*arms[0].runs, *arms[1].runs], arms, [difference])
    return first.kind is not FindingKind.NO_DIFFERENCE


def smallest_found(world: World, comparisons: int) -> float | None:
    """The smallest increase of the 429s, of ``EFFECTS``, that is claimed often enough; None if none is."""
    draws, arms = Draws(world, seed=2), Arms(world.softphones)
    drawn = [[[draws.run() for _ in range(world.repeats)] for _ in range(2)] for _ in range(comparisons)]
    for effect in EFFECTS:
        found = sum(
            arms.difference(before, list(_more(after, effect))).is_significant("rate_limited") is True
            for before, after in drawn
        )
        if found >= POWER * comparisons:
            return effect
    return None


def _more(runs: Sequence[Mapping[str, float]], effect: float) -> Iterator[Mapping[str, float]]:
    for run in runs:
        limited = run["rate_limited"] * (1 + effect)
        yield {**run, "rate_limited": limited, "amplification": 3 + limited / run["planned"]}


def _allowance(rate: float, trials: int) -> float:
    """How far a measured rate may be from the true one by chance, in 95 % of cases."""
    return NormalDist().inv_cdf(SURE) * math.sqrt(rate * (1 - rate) / trials)


def _percent(rate: float) -> str:
    return f"{100 * rate:.1f}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--comparisons", type=int, default=500, help="comparisons in each world (default: %(default)s)")
    parser.add_argument("--no-power", action="store_true", help="leave the power out, which takes longest")
    options = parser.parse_args(arguments)
    trials = options.comparisons

    table = Table("world", *HEADINGS, "any in tables", "any in sentences")
    goals: list[Goal] = []
    for world in WORLDS:
        found = rates(world, trials)
        table.add_row(str(world), *map(_percent, (*found.coverage.values(), found.tables, found.sentences)))
        lowest = min(found.coverage.values())
        is_covered = lowest >= COVERAGE - _allowance(COVERAGE, 2 * trials)
        is_quiet = found.sentences <= FALSE_CLAIMS + _allowance(FALSE_CLAIMS, trials)
        goals += [
            Goal(f"{world}: coverage of every metric ≥ {_percent(COVERAGE)} %", f"{_percent(lowest)} %", is_covered),
            Goal(
                f"{world}: comparisons with a false claim ≤ {_percent(FALSE_CLAIMS)} %",
                f"{_percent(found.sentences)} %",
                is_quiet,
            ),
        ]
    if not options.no_power:
        Console(width=TABLE_WIDTH).print(_power(max(trials // 5, 20)))
    caption = f"world: runs differ by, repeats, softphones; {trials} comparisons in each, and chance is allowed for"
    return show(table, goals, caption)


def _power(trials: int) -> Table:
    table = Table("runs differ by", *(f"{repeats} repeats" for repeats in REPEATS))
    for differ in (0.1, 0.4):
        found = [smallest_found(World(differ, repeats, 500), trials) for repeats in REPEATS]
        texts = (f"> {EFFECTS[-1]:+.0%}" if effect is None else f"{effect:+.0%}" for effect in found)
        table.add_row(f"{differ:.0%}", *texts)
    table.title = f"smallest difference of the 429s that {POWER:.0%} of {trials} comparisons claim"
    return table


if __name__ == "__main__":
    sys.exit(main())
