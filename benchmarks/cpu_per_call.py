"""CPU per call: this project with all features on, k6 and plain Locust, side by side; and the floor below them all.

    (CPU of a run - CPU of a run with one call per user) / (calls of the first - calls of the second)

The cost of starting a tool and its users cancels out. The runs are interleaved, and the ratio is the result. Of several
runs, the one that took the least CPU counts: what others do on a shared machine only adds to it, up to half. 100 users
call back to back, or at a given rate with --paced. Back to back, this project waits for the end of its plan after the
last call: both of its runs do so for as long. The floor is the same bytes by bare sockets on the same loop, with
none of this project's logic (floor.py): what is above it is left to save. The targets: 0.65 of the CPU of k6 over ws,
0.75 at a given rate, 0.90 over wss.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from math import nan

from rich.table import Table

from harness import Bench, Run, bench, cheapest, parse_with_tls
from k6_program import K6, add_option
from process import Command
from tables import Goal, show
from tools import floor, plain_locust, softphones

USERS = 100
LIMIT_S = 180.0
HOLD_S_PER_CALL = 0.003  # leaves time for a slow edge; doubled over TLS
OURS, FLOOR, PLAIN = "locust-softphone", "floor", "plain Locust"


@dataclass(frozen=True)
class Load:
    """The load that each tool makes.

    Args:
        each: the calls of each user.
        every_s: the time between two starts of a user's calls; 0 for back to back.
        hold_s: the length of the plan: this project ends with its plan.
    """

    each: int
    every_s: float
    hold_s: float

    def ours(self, bench: Bench) -> Command:
        softphone = {"connection": "per-call", "calls": {"count": self.each, "every": f"{self.every_s:g}s"}}
        return softphones(
            bench,
            {
                "users": USERS,
                "ramp": f"{self.every_s:g}s",
                "hold": f"{self.hold_s:g}s",
                "softphone": {"like": "recommended", "retry": {"max_retries": 0}, **softphone},
            },
        )

    def k6(self, k6: K6, bench: Bench) -> Command:
        if not self.every_s:
            return k6.run(
                bench, {"executor": "per-vu-iterations", "vus": USERS, "iterations": self.each, "maxDuration": "5m"}
            )
        rate = round(USERS / self.every_s)
        seconds = self.each * USERS / rate
        return k6.run(
            bench,
            {
                "executor": "constant-arrival-rate",
                "rate": rate,
                "duration": f"{seconds:g}s",
                "preAllocatedVUs": USERS,
            },
        )

    def floor(self, bench: Bench) -> Command:
        return floor(bench, USERS, self.each, self.every_s)

    def plain(self, bench: Bench) -> Command:
        wait = f"pace {self.every_s:g}" if self.every_s else "0"
        return plain_locust(bench, USERS, USERS, calls=self.each, wait=wait)


@dataclass
class Runs:
    """The runs of a tool: of the whole load, and with one call per user."""

    whole: list[Run] = field(default_factory=list)
    one_each: list[Run] = field(default_factory=list)

    def costs_ms(self) -> list[float]:
        """The CPU of one call in each run of the whole load, in milliseconds."""
        base = cheapest(self.one_each)
        return [
            (run.usage.cpu_s - base.usage.cpu_s) * 1000 / calls if (calls := run.answered - base.answered) else nan
            for run in self.whole
        ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=5000, help="calls of each tool (default: %(default)s)")
    parser.add_argument("--repeat", type=int, default=5, help="how many runs of each (default: %(default)s)")
    parser.add_argument("--paced", type=float, default=0, metavar="RATE", help="calls per second (default: no limit)")
    add_option(parser)
    parsed = parse_with_tls(parser)

    each = max(parsed.calls // USERS, 2)
    every_s = USERS / parsed.paced if parsed.paced else 0.0
    plan_s = each * every_s or each * USERS * HOLD_S_PER_CALL * (2 if parsed.tls else 1)
    whole, one_each = Load(each, every_s, plan_s + 1), Load(1, every_s, 1 if every_s else plan_s + 1)
    tools: dict[str, Callable[[Load, Bench], Command]] = {OURS: Load.ours}
    if k6 := K6.find(parsed.k6):
        tools[k6.name] = lambda load, bench: load.k6(k6, bench)
    if not parsed.system_ca:  # it loads all authorities for each connection, which takes 30 ms
        tools[PLAIN] = Load.plain
    tools[FLOOR] = Load.floor
    runs = {tool: Runs() for tool in tools}
    with bench(tls=parsed.tls, trusted_by_system=parsed.system_ca) as at:
        for _ in range(parsed.repeat):
            for tool, command in tools.items():
                runs[tool].whole.append(at.complete(command(whole, at), LIMIT_S))
                runs[tool].one_each.append(at.complete(command(one_each, at), LIMIT_S))

    table = Table("", *tools, title=f"CPU per call over {'wss and https' if parsed.tls else 'ws and http'}")
    costs = {tool: each.costs_ms() for tool, each in runs.items()}
    for number in range(parsed.repeat):
        table.add_row(f"run {number + 1}, ms", *(f"{costs[tool][number]:.3f}" for tool in tools))
    least_ms = {tool: min(costs[tool]) for tool in tools}
    table.add_row("least, ms", *(f"[bold]{least_ms[tool]:.3f}" for tool in tools))
    for base in (k6.name, FLOOR) if k6 else (FLOOR,):
        table.add_row(f"ratio to {base}", *(f"[bold]{least_ms[tool] / least_ms[base]:.2f}" for tool in tools))
    table.add_row("answered, by the edge", *(_each(run.answered for run in runs[tool].whole) for tool in tools))
    table.add_row("closed with 1000", *(_each(run.closed for run in runs[tool].whole) for tool in tools))
    how = f"at {parsed.paced:g}/s" if parsed.paced else "back to back"
    caption = (
        f"{USERS} users with {each} calls each, {how}: WebSocket, ready, offer over HTTP, answer, close, on "
        "separate connections; CPU of the tool only, on one core, the edge on the other"
    )
    if parsed.system_ca:
        caption += "; the system's authorities are trusted"
    if k6:
        caption += f"; {k6.note}"
    missing = each * USERS * parsed.repeat - sum(run.answered for run in runs[OURS].whole)
    goals = [
        _against_k6(least_ms, k6, 0.90 if parsed.tls else 0.75 if parsed.paced else 0.65),
        Goal(f"{OURS}: all calls answered", f"{missing} missing", missing == 0),
    ]
    return show(table, goals, caption)


def _against_k6(least_ms: Mapping[str, float], k6: K6 | None, at_most: float) -> Goal:
    target = f"at most {at_most:g} of the CPU of k6"
    if k6 is None:
        return Goal(target, "k6 is not installed", None)
    ratio = least_ms[OURS] / least_ms[k6.name]
    return Goal(target, f"{ratio:.2f}", ratio <= at_most)


def _each(counts: Iterable[int]) -> str:
    """The count of each run, or one number if all are equal."""
    found = list(counts)
    return " · ".join(f"{each:,}" for each in (found[:1] if len(set(found)) == 1 else found))


if __name__ == "__main__":
    sys.exit(main())
