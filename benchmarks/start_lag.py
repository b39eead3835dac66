"""Start lag: the actual start of a softphone minus its planned start, compared with k6 and stock Locust.

    this project   from the run record: each start minus its planned time
    k6             ramping-arrival-rate; Date.now() minus the scenario's start and (n + 1) / rate, in whole milliseconds
    stock Locust   the spawn rate; the first act of a user minus that of the first user and n / rate, early or late

The targets: p99 of at most 5 ms in one process and 20 ms in two; a burst of 500 within 250 ms.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from math import isnan, nan

from rich.table import Table

from harness import Bench, bench
from k6_program import K6, add_option, trend
from tables import Goal, milliseconds, show
from tools import plain_locust, record, softphones, starts

LIMIT_S = 60.0
HOLD_S = 2
OURS, STOCK = "locust-softphone", "stock Locust"


@dataclass(frozen=True)
class Plan:
    """How many softphones start, per second (0: all at once), and in how many worker processes (0: no master)."""

    users: int
    rate: int
    processes: int
    target_s: float

    def __str__(self) -> str:
        pace = f"{self.rate}/s" if self.rate else f"{self.users} at once"
        return f"{pace}, {self.processes} processes" if self.processes else pace


@dataclass(frozen=True)
class Lag:
    """Percentiles of the start lag, in seconds."""

    p50_s: float
    p99_s: float
    max_s: float


def plans(seconds: int) -> Iterator[Plan]:
    """The plans, each ``seconds`` long."""
    for processes, target_s in ((0, 0.005), (2, 0.020)):
        for rate in (50, 500):
            yield Plan(rate * seconds, rate, processes, target_s)
    yield Plan(500, 0, 0, 0.250)


def ours(bench: Bench, plan: Plan) -> Lag:
    ramp = {"rate": f"{plan.rate}/s"} if plan.rate else "0s"
    softphone = {"like": "recommended", "retry": {"max_retries": 0}}
    profile = {"users": plan.users, "ramp": ramp, "hold": f"{HOLD_S}s", "softphone": softphone}
    run = bench.complete(softphones(bench, profile, processes=plan.processes, pinned=not plan.processes), LIMIT_S)
    found = record(run.folder)
    _check(OURS, plan, found["start_lag_s"].get("count", 0))
    return Lag(*(found["start_lag_s"][point] for point in ("p50", "p99", "max")))


def theirs(k6: K6, bench: Bench, plan: Plan) -> Lag | None:
    """A run of k6, which does not run in several processes on one machine."""
    if plan.processes:
        return None
    if plan.rate:
        seconds = f"{plan.users // plan.rate}s"
        stages = {"startRate": plan.rate, "stages": [{"target": plan.rate, "duration": seconds}]}
        scenario = {"executor": "ramping-arrival-rate", "preAllocatedVUs": max(plan.rate // 5, 20), **stages}
    else:
        scenario = {"executor": "per-vu-iterations", "vus": plan.users, "iterations": 1}
    run = bench.complete(k6.run(bench, scenario, RATE=plan.rate), LIMIT_S)
    _check(k6.name, plan, run.answered)
    return Lag(*(trend(run.folder, "start_lag", point) for point in ("p(50)", "p(99)", "max")))


def stock(bench: Bench, plan: Plan) -> Lag:
    """Stock Locust: each user makes one call, and waits."""
    spawn_rate = plan.rate or plan.users
    run_time = f"{plan.users // spawn_rate + HOLD_S}s"
    pinned = not plan.processes
    command = plain_locust(
        bench, plan.users, spawn_rate, wait="1000", run_time=run_time, processes=plan.processes, pinned=pinned
    )
    instants = starts(bench.complete(command, LIMIT_S).folder)
    _check(STOCK, plan, len(instants))
    planned_s = ((number / plan.rate if plan.rate else 0.0) for number in range(len(instants)))
    lags = sorted(abs(at - instants[0] - planned) for at, planned in zip(instants, planned_s, strict=True))
    if not lags:
        return Lag(nan, nan, nan)  # it ended before any user had started
    return Lag(lags[len(lags) // 2], lags[len(lags) * 99 // 100], lags[-1])


def _check(tool: str, plan: Plan, started: int) -> None:
    """Report a tool that did not start all softphones. The last one may be missing: k6 may plan it after its end."""
    if started < plan.users - 1:
        print(f"{tool}, {plan}: only {started} of {plan.users} started", file=sys.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=6, help="length of each ramp (default: %(default)s)")
    add_option(parser)
    parsed = parser.parse_args()

    k6 = K6.find(parsed.k6)
    tools: dict[str, Callable[[Bench, Plan], Lag | None]] = {OURS: ours}
    if k6:
        tools[k6.name] = partial(theirs, k6)
    tools[STOCK] = stock
    table = Table("", *(f"{tool}\np50 · p99 · max, ms" for tool in tools), title="Start lag")
    goals = []
    with bench() as at:
        for plan in plans(parsed.seconds):
            lags = {tool: measure(at, plan) for tool, measure in tools.items()}
            table.add_row(str(plan), *(_points(lag) for lag in lags.values()))
            lag = lags[OURS]
            assert lag is not None
            name, value_s = ("p99", lag.p99_s) if plan.rate else ("last start", lag.max_s)
            target = f"{plan}: {name} at most {plan.target_s * 1000:g} ms"
            goals.append(Goal(target, f"{milliseconds(value_s)} ms", value_s <= plan.target_s))
    caption = (
        f"ramps of {parsed.seconds} s, each start a complete call; one process: on one core, the edge on the other; "
        "several: not pinned"
    ) + (f"; {k6.note}" if k6 else "")
    return show(table, goals, caption)


def _points(lag: Lag | None) -> str:
    if lag is None:
        return "–"
    if isnan(lag.max_s):
        return "none started"
    return " · ".join(milliseconds(each) for each in (lag.p50_s, lag.p99_s, lag.max_s))


if __name__ == "__main__":
    sys.exit(main())
