"""Whether a call costs more CPU while thousands of softphones are held, in two worker processes.

    connected   ______/~~~~~~~~~~~~~~~~~~~~~~~~~\\___      N softphones, always connected
    calls       ......|||||||||||||||||||||......        500 per second for any N: each hangs up and calls again
                      [ CPU of all processes ][ held, answering pings ]

    cost of a call = CPU between two readings / calls that the edge answered between them

Only the number of held softphones differs, because the rate is the same at every size. The largest size is then held
for two minutes: no connection may be lost, and every ping must be answered. The target: a call costs at most 15 % more
with 10,000 than with 500, and 20 % more above that (--most). The softphones connect from eight addresses: with one, the
kernel's search for a free local port takes long, since 500 calls per second use 1,000 ports per second.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from harness import TIMEOUT_S, Bench, bench
from locust_softphone.runs.ledger import since
from process import Process
from tables import Goal, show
from tools import record, softphones

PROCESSES = 2
RATE = 500  # calls per second
SIZES = (500, 2_000, 10_000)
MEASURED_CALLS = 6_000  # at least, at each size
SHORT_HOLD_S = 3.0
PONG_S = 1.0
PING_AFTER_S = 5.0  # the first ping of a session comes this long after its next call: none while calls are measured
MAX_GROWTH = 0.15
MAX_GROWTH_ABOVE = 0.20
SOURCES = "127.0.0.2-127.0.0.9"
SPARE_DESCRIPTORS = 500  # for the edge's HTTP connections, besides a WebSocket per softphone


@dataclass(frozen=True)
class Size:
    """One run: each softphone calls ``rounds`` times, ``rate`` of them per second, and is then held for ``hold_s``."""

    softphones: int
    hold_s: float
    rate: int

    @property
    def rounds(self) -> int:
        return 1 + -(-MEASURED_CALLS // self.softphones)

    @property
    def every_s(self) -> float:
        return self.softphones / self.rate

    @property
    def ping_every_s(self) -> float:
        return self.every_s + PING_AFTER_S

    @property
    def calls(self) -> int:
        return self.softphones * self.rounds

    @property
    def plan_s(self) -> float:
        return self.every_s * self.rounds + self.hold_s

    def profile(self) -> dict[str, Any]:
        calls = {"count": self.rounds, "every": f"{self.every_s:g}s"}
        softphone = {"like": "recommended", "connection": "per-call", "calls": calls, "retry": {"max_retries": 0}}
        hold = self.every_s * (self.rounds - 1) + self.hold_s
        return {
            "users": self.softphones,
            "ramp": {"rate": f"{self.rate}/s"},
            "hold": f"{hold:g}s",
            "softphone": softphone,
        }


@dataclass(frozen=True)
class Reading:
    """The CPU of all softphone processes so far, and the calls that the edge has answered."""

    cpu_s: float
    calls: int


@dataclass(frozen=True)
class Scaled:
    """The results of a run of one size.

    Args:
        size: the size.
        exit_code: the exit code of the run.
        cost_ms: the CPU of a call.
        pings: the pings that the edge sent until shortly before the plan's end.
        pongs: their answers.
        lost: abnormal closes, as counted by the softphones or by the edge, whichever is more.
    """

    size: Size
    exit_code: int
    cost_ms: float
    pings: int
    pongs: int
    lost: int


def scaled(bench: Bench, size: Size) -> Scaled:
    """Run one size."""
    before = bench.edge.stats()
    command = softphones(bench, size.profile(), processes=PROCESSES, pinned=False, source_addresses=SOURCES)
    with bench.start(command) as process:
        first = _reading(bench, process, before, size.softphones, size.plan_s)
        last = _reading(bench, process, before, size.calls, size.plan_s)
        time.sleep(size.hold_s - SHORT_HOLD_S)
        pings = bench.edge.stats()["pings"]
        time.sleep(PONG_S)
        pongs = bench.edge.stats()["pongs"]
        usage = process.wait(TIMEOUT_S)
        found = record(process.log.parent)
    counted = since(before, bench.edge.stats())
    return Scaled(
        size=size,
        exit_code=usage.exit_code,
        cost_ms=(last.cpu_s - first.cpu_s) * 1000 / (last.calls - first.calls),
        pings=pings,
        pongs=min(pongs, pings),
        lost=max(found["abnormal_closes"]["total"], counted["lost"] + sum(counted["cuts"].values())),
    )


def _reading(bench: Bench, process: Process, before: dict[str, Any], calls: int, plan_s: float) -> Reading:
    """Read CPU and calls as soon as ``calls`` calls have been answered."""
    answered = before["steps"]["offer"]["admitted"]
    if not bench.edge.wait_for(lambda s: s["steps"]["offer"]["admitted"] - answered >= calls, process, plan_s + 60):
        raise SystemExit(f"{calls} calls were never answered: {process.errors()}")
    return Reading(process.cpu_s(), bench.edge.stats()["steps"]["offer"]["admitted"] - answered)


def _sizes(most: int, hold_s: float, rate: int) -> list[Size]:
    """The sizes up to ``most``, or to what the edge's file descriptors allow; the largest is held longest."""
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[1] - SPARE_DESCRIPTORS
    if most > allowed:
        print(
            f"--most {most}: the edge may open only {allowed} connections, see ulimit -n; using {allowed}",
            file=sys.stderr,
        )
    most = min(most, allowed)
    sizes = [*(size for size in SIZES if size < most), most]
    return [Size(size, hold_s if size == most else SHORT_HOLD_S, rate) for size in sizes]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--most", type=int, default=SIZES[-1], help="the largest size (default: %(default)s)")
    parser.add_argument(
        "--hold", type=float, default=120, metavar="S", help="how long to hold it (default: %(default)s s)"
    )
    parser.add_argument("--rate", type=int, default=RATE, help="calls per second (default: %(default)s)")
    parsed = parser.parse_args()

    table = Table("softphones", title=f"Softphones held by {PROCESSES} processes")
    for column in ("calls measured", "CPU per call, ms", "vs. 500", "held for, s", "pings", "answered", "lost", "exit"):
        table.add_column(column, justify="right")
    runs = []
    for size in _sizes(parsed.most, parsed.hold, parsed.rate):
        with bench(ping_every=f"{size.ping_every_s:g}s") as at:
            runs.append(run := scaled(at, size))
        table.add_row(
            f"{size.softphones:,}",
            f"{size.calls - size.softphones:,}",
            f"[bold]{run.cost_ms:.3f}",
            f"{run.cost_ms / runs[0].cost_ms - 1:+.0%}",
            f"{size.hold_s:g}",
            f"{run.pings:,}",
            f"{run.pongs:,}",
            f"{run.lost}",
            f"{run.exit_code}",
        )
    growth = max(run.cost_ms for run in runs if run.size.softphones <= SIZES[-1]) / runs[0].cost_ms - 1
    above = runs[-1].cost_ms / runs[0].cost_ms - 1
    exits = [run.exit_code for run in runs]
    pings, pongs, lost = runs[-1].pings, runs[-1].pongs, sum(run.lost for run in runs)
    goals = [
        Goal(
            f"up to {SIZES[-1]:,}, a call costs at most {MAX_GROWTH:.0%} more", f"{growth:+.0%}", growth <= MAX_GROWTH
        ),
        Goal(f"with {parsed.most:,}, at most {MAX_GROWTH_ABOVE:.0%} more", f"{above:+.0%}", above <= MAX_GROWTH_ABOVE),
        Goal("no abnormal close", f"{lost}", not lost),
        Goal("every ping answered", f"{pongs:,} of {pings:,}", 0 < pings == pongs),
        Goal("every run valid", " ".join(map(str, exits)), not any(exits)),
    ]
    caption = (
        f"{parsed.rate} calls per second at each size, on separate connections; CPU of the master and {PROCESSES} "
        "workers together, not pinned, on the same machine as the edge"
    )
    return show(table, goals, caption)


if __name__ == "__main__":
    sys.exit(main())
