"""Probes of limits with known parameters, in virtual time: how often the kind and the size are right, and the cost.

right       the only kind, or the first of those that explain the answers, is the true one
in bounds   all true parameters lie within the bounds
polite      no more refusals than the burst, quota or cap, and a few seconds of the rate
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from statistics import median

from rich.console import Console
from rich.table import Table

from hidden_edges import EDGES, probe_edge
from hidden_limits import HiddenLimit, hidden_limits
from locust_softphone.limits.inference.diagnosis import Hypothesis
from locust_softphone.limits.inference.kinds import Kind
from locust_softphone.probing.experiment import probe
from locust_softphone.probing.probe_budget import Budget
from tables import Goal, show

LONGEST_S = 1800.0  # of a probe; windows are up to four minutes long here
DECLARED = 0.1  # the share of others that the probe is told about, with --declared
ASSUMED = 0.02  # what a probe assumes of an edge that is not on this machine
ROUNDING = 1e-6
NEAR = 0.03
FEW_S = 5.0
MOST = {"burst": 2.0, "cap": 2.0}
SAME_FOR_ONE = {Kind.TOKEN_BUCKET, Kind.FIRST_WINDOW, Kind.SLIDING_LOG, Kind.SLIDING_COUNTER, Kind.LUMPS, Kind.PENALTY}
"""Kinds that do the same if they admit one request at a time."""


@dataclass(frozen=True)
class Result:
    """What a probe found out about one hidden limit."""

    number: int
    kind: Kind
    truth: Mapping[str, float]
    foreign_share: float
    found: tuple[Hypothesis, ...]
    requests: int
    refused: int
    seconds: float
    if_shared: tuple[Kind, ...] = ()

    @property
    def best(self) -> Hypothesis | None:
        return self.found[0] if self.found else None

    @property
    def certain(self) -> bool:
        """Whether one kind remains, also if other clients used the limit."""
        return len({each.kind for each in self.found}) == 1 and not self.if_shared

    @property
    def named(self) -> bool:
        """Whether the true kind is among those that explain the answers."""
        return any(map(self.same_kind, self.found))

    @property
    def right(self) -> bool:
        return self.best is not None and self.same_kind(self.best)

    def same_kind(self, found: Hypothesis) -> bool:
        alike = min(self.truth.get("burst", 9), self.truth.get("quota", 9)) == 1
        return found.kind is self.kind or (alike and {found.kind, self.kind} <= SAME_FOR_ONE)

    @property
    def in_bounds(self) -> bool:
        return any(
            self.same_kind(each)
            and all(
                bounds.low * (1 - ROUNDING) <= self.truth[name] <= bounds.high * (1 + ROUNDING)
                for name, bounds in each.bounds.items()
                if name in self.truth
            )
            for each in self.found
        )

    @property
    def polite(self) -> bool:
        """Whether it was refused at most as often as the burst and ``FEW_S`` of the rate."""
        truth = self.truth
        burst = max((truth[name] for name in ("burst", "quota", "cap", "capacity") if name in truth), default=0.0)
        rate = truth.get("rate") or truth.get("quota", truth.get("lump", 0.0)) / (
            truth.get("window_s") or truth.get("interval_s", 1.0)
        )
        return self.refused <= burst + FEW_S * rate

    @property
    def close(self) -> bool:
        """Whether the middles of the bounds are within 3 % of the rate, and 3 % or 2 of the burst and the cap."""
        if self.best is None or not self.right:
            return False
        middles = {name: sum(bounds) / 2 for name, bounds in self.best.bounds.items()}
        if self.kind is self.best.kind and "window_s" in middles:
            return (
                abs(middles["quota"] / middles["window_s"] / (self.truth["quota"] / self.truth["window_s"]) - 1) <= NEAR
            )
        return all(
            abs(middles[name] - true) <= max(NEAR * true, MOST.get(name, 0.0))
            for name, true in self.truth.items()
            if name in middles and name in ("rate", "burst", "cap")
        )


def probed(number: int, seed: int, told: float) -> Result:
    """The result of one probe."""
    hidden: HiddenLimit = hidden_limits(seed)[number]
    share = told if hidden.foreign_share else 0.0
    found = probe(hidden.target(), Budget(longest_s=LONGEST_S), foreign_share=share)
    return Result(
        number,
        hidden.kind,
        hidden.truth,
        hidden.foreign_share,
        found.diagnosis.hypotheses,
        found.diagnosis.requests,
        found.diagnosis.refused,
        found.seconds,
        found.if_shared,
    )


def probed_on_sockets() -> list[Result]:
    """The results for the edges of ``hidden_edges``, one after the other."""
    results = []
    for number, (kind, truth, policy) in enumerate(EDGES):
        found = probe_edge(policy)
        spent = found.diagnosis.requests, found.diagnosis.refused, found.seconds
        results.append(Result(number, kind, truth, 0.0, found.diagnosis.hypotheses, *spent))
        Console(width=160, stderr=True).print(details(results[-1:]))
    return results


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1, help="of the limits (default: 1)")
    parser.add_argument("--processes", type=int, default=2, help="that probe at the same time (default: 2)")
    parser.add_argument("--only", type=int, nargs="*", help="numbers of the limits to probe (default: all)")
    parser.add_argument("--declared", action="store_true", help="tell the probe about foreign traffic")
    parser.add_argument("--sockets", action="store_true", help="probe 12 edges over loopback instead")
    parsed = parser.parse_args()
    if parsed.sockets:
        results = probed_on_sockets()
        return report(results, f"{len(results)} simulated edges over loopback")
    numbers = parsed.only or range(len(hidden_limits(parsed.seed)))
    told, results = DECLARED if parsed.declared else ASSUMED, []
    with ProcessPoolExecutor(parsed.processes) as pool:
        for each in pool.map(probed, numbers, repeat(parsed.seed), repeat(told)):
            results.append(each)
            print(f"{len(results)} of {len(numbers)}: {each.kind}, {'right' if each.right else 'wrong'}", flush=True)
    return report(results, f"{len(results)} limits of seed {parsed.seed}, in virtual time")


def report(results: list[Result], caption: str) -> int:
    """Print the results; returns the exit code."""
    Console(width=160).print(details(results))
    alone = [each for each in results if not each.foreign_share]
    shared = [each for each in results if each.foreign_share]
    goals = [
        share_goal("kind right", [each.right for each in alone]),
        share_goal("truth within the bounds", [each.in_bounds for each in alone]),
        share_goal("rate within 3 %, burst and cap within 3 % or 2", [each.close for each in alone if each.right]),
        share_goal("with foreign traffic the true kind is named", [each.named for each in shared]),
        share_goal("with foreign traffic the truth is within the bounds", [each.in_bounds for each in shared]),
        Goal(
            "with foreign traffic no wrong kind alone without a caveat",
            f"{sum(each.certain and not each.right for each in shared)} of {len(shared)}",
            not any(each.certain and not each.right for each in shared),
        ),
        share_goal(f"refusals ≤ burst, quota or cap + {FEW_S:.0f} s of the rate", [each.polite for each in results]),
    ]
    return show(confusion(results), goals, caption)


def share_goal(what: str, held: list[bool]) -> Goal:
    return Goal(f"{what} ≥ 95 %", f"{sum(held)} of {len(held)}", sum(held) >= 0.95 * len(held) if held else None)


def details(results: list[Result]) -> Table:
    """A row for each limit."""
    table = Table("", "limit", "found", "right", "in bounds", "close", "requests", "refused", "s")
    for each in results:
        truth = " ".join(f"{name}={value:g}" for name, value in each.truth.items())
        foreign = f" +{each.foreign_share:.0%}" if each.foreign_share else ""
        found = "\n".join(
            f"{one.kind.name} "
            + " ".join(f"{name}={bounds.low:.4g}–{bounds.high:.4g}" for name, bounds in one.bounds.items())
            + (f" +{one.foreign_share:.0%}" if one.foreign_share else "")
            for one in each.found[:4]
        )
        marks = ("yes" if ok else "[red]no" for ok in (each.right, each.in_bounds, each.close))
        row = f"{each.kind.name} {truth}{foreign}", found, *marks, f"{each.requests}", f"{each.refused}"
        table.add_row(f"{each.number}", *row, f"{each.seconds:.0f}")
    return table


def confusion(results: list[Result]) -> Table:
    """For each true kind, what was found, and what it cost."""
    table = Table("kind", "found first", "alone", "requests: median, worst", "refused: median, worst", "seconds")
    for kind in dict.fromkeys(each.kind for each in results):
        own = [each for each in results if each.kind is kind]
        names = Counter(
            kind.value if each.right else (each.best.kind.value if each.best else "nothing") for each in own
        )
        table.add_row(kind.value, ", ".join(f"{name} {times}" for name, times in names.most_common()), *_costs(own))
    table.add_section()
    table.add_row("all", f"right {sum(each.right for each in results)} of {len(results)}", *_costs(results))
    return table


def _costs(results: list[Result]) -> Iterator[str]:
    """How many were sure of one kind, and what they spent."""
    yield f"{sum(len({one.kind for one in each.found}) == 1 for each in results)} of {len(results)}"
    yield _spent([each.requests for each in results])
    yield _spent([each.refused for each in results])
    yield _spent([round(each.seconds) for each in results])


def _spent(values: list[int]) -> str:
    return f"{median(values):,.0f}, {max(values):,}"


if __name__ == "__main__":
    raise SystemExit(main())
