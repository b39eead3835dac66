"""A generator that cannot keep up must say so, and end when it should.

    |#.........|..#.......|#.........|      from its first call on it may run for 10 ms in every 100, as a container may
                                            that is limited to a tenth of a core; then it is stopped (SIGSTOP, SIGCONT)

100 softphones, each of which calls ten times a second, are several times what a tenth of a core can do; the first few
of them are not. The run has to warn while it runs, name the largest load that was on time in its record, exit with 3,
and end on time.
Beside it stock Locust with 50 users that never wait and ``-t``: it is killed when it is long overdue.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.table import Table

from harness import PATIENCE_S, Bench, bench
from process import Command
from tables import Goal, show
from tools import plain_locust, record, softphones

RUNS_S, EVERY_S, LOOK_EVERY_S = 0.010, 0.100, 0.001
RAMP_S = 4
OVERRUN_S = 2.0
INVALID = 3
WARNINGS = ("the event loop lags", "CPU usage above")  # ours, Locust's


@dataclass(frozen=True)
class Throttled:
    """How a run under the throttle went; seconds are from its first call.

    Args:
        exit_code: of the process.
        share: of a core that it had.
        warned_s: when it first said that it was late; None if it never did.
        ended_s: when the process was over, or killed.
        killed: whether it had to be.
    """

    exit_code: int
    share: float
    warned_s: float | None
    ended_s: float
    killed: bool


def throttled(bench: Bench, command: Command, limit_s: float) -> Throttled:
    """Run a command with a tenth of a core from its first call on, for ``limit_s`` at most."""
    before = bench.edge.stats()["steps"]["token"]["requests"]
    with bench.start(command) as process:
        if not bench.edge.wait_for(lambda s: s["steps"]["token"]["requests"] > before, process, PATIENCE_S):
            raise SystemExit(f"no call was made: {process.complaints()}")
        began_s, used_s, warned_s = time.perf_counter(), process.cpu_s(), None
        while process.poll() is None and time.perf_counter() < began_s + limit_s:
            period_ends_s, may_run_s = time.perf_counter() + EVERY_S, process.ran_s() + RUNS_S
            while process.ran_s() < may_run_s and time.perf_counter() < period_ends_s:
                time.sleep(LOOK_EVERY_S)
            process.signal(signal.SIGSTOP)
            if warned_s is None and any(warning in process.log.read_text() for warning in WARNINGS):
                warned_s = time.perf_counter() - began_s
            time.sleep(max(period_ends_s - time.perf_counter(), 0))
            process.signal(signal.SIGCONT)
        ended_s, killed = time.perf_counter() - began_s, process.poll() is None
        usage = process.kill()
    return Throttled(usage.exit_code, (usage.cpu_s - used_s) / ended_s, warned_s, ended_s, killed)


def overrun_s(found: dict[str, Any], planned_s: float) -> float:
    """How long after its planned end a run was over, from its record."""
    planned, ended = (datetime.fromisoformat(found["times"][name]) for name in ("planned_start", "end"))
    return (ended - planned).total_seconds() - planned_s


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=10, help="planned length of each run (default: %(default)s)")
    parser.add_argument("--softphones", type=int, default=100, help="ten calls a second each (default: %(default)s)")
    parser.add_argument("--limit", type=float, default=60, help="kill a run after so many (default: %(default)s)")
    parsed = parser.parse_args()

    calls = {"count": 10 * parsed.seconds, "every": "100ms"}
    softphone = {"like": "recommended", "retry": {"max_retries": 0}, "connection": "per-call", "calls": calls}
    ramp, hold = {"stages": [{"to": parsed.softphones, "over": f"{RAMP_S}s"}]}, f"{parsed.seconds}s"
    profile = {"users": parsed.softphones, "ramp": ramp, "hold": hold, "softphone": softphone}
    planned_s = RAMP_S + parsed.seconds
    with bench() as at:
        command = softphones(at, profile)
        ours = throttled(at, command, parsed.limit)
        found = None if ours.killed else record(command.folder)
        stock = throttled(at, plain_locust(at, 50, 50, run_time=f"{parsed.seconds}s"), parsed.limit)
    late_s = overrun_s(found, planned_s) if found else float("inf")
    on_time = found["generator"]["on_time_attempts_per_s"] if found else 0

    table = Table("", "locust-softphone", "stock Locust", title="On a tenth of a core")
    table.add_row("planned to run for", f"{planned_s} s", f"{parsed.seconds} s")
    table.add_row("ran for", *(_ran(run) for run in (ours, stock)))
    table.add_row("said that it was late", *(_warned(run) for run in (ours, stock)))
    table.add_row("largest load on time", f"{on_time:,} attempts in a second", "–")
    table.add_row("exit code", *("–" if run.killed else str(run.exit_code) for run in (ours, stock)))
    table.add_row("share of a core", *(f"{run.share:.0%}" for run in (ours, stock)))
    goals = [
        Goal("warns while it runs", _warned(ours), ours.warned_s is not None and ours.warned_s < planned_s),
        Goal("the record names the largest load on time", f"{on_time:,} attempts in a second", on_time > 0),
        Goal(f"exits with {INVALID}, not valid", f"{ours.exit_code}", ours.exit_code == INVALID),
        Goal(f"over within {OVERRUN_S:g} s of its planned end", f"{late_s:+.1f} s", late_s <= OVERRUN_S),
    ]
    caption = (
        f"{parsed.softphones} softphones with ten calls a second each for {parsed.seconds} s, and 50 users of plain "
        "Locust without wait time, "
        f"from its first call on each process may run for {RUNS_S * 1000:g} of every {EVERY_S * 1000:g} ms"
    )
    return show(table, goals, caption)


def _ran(run: Throttled) -> str:
    return f"killed after {run.ended_s:.0f} s" if run.killed else f"{run.ended_s:.1f} s"


def _warned(run: Throttled) -> str:
    return "never" if run.warned_s is None else f"after {run.warned_s:.1f} s"


if __name__ == "__main__":
    sys.exit(main())
