"""A generator that cannot keep up must report it, and must still end on time.

    |#.........|..#.......|#.........|      after its first call it may run for 10 ms in every 100 ms, like a container
                                            with a tenth of a core; in between it is stopped (SIGSTOP, SIGCONT)

A tenth of a core can run the first few of 100 softphones with ten calls per second each, but by far not all. The run
must warn while it runs, record the largest load that was on time, exit with 3, and end on time. For comparison: stock
Locust with 50 users without wait time and ``-t``, which is killed after ``--limit`` seconds.
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

from harness import TIMEOUT_S, Bench, bench
from locust_softphone.errors import ExitCode
from process import Command
from tables import Goal, show
from tools import plain_locust, record, softphones

RUNS_S, EVERY_S, CHECK_EVERY_S = 0.010, 0.100, 0.001
RAMP_S = 4
OVERRUN_S = 2.0
WARNINGS = ("the event loop lags", "CPU usage above")  # of this project, of Locust


@dataclass(frozen=True)
class Throttled:
    """A throttled run; seconds are counted from its first call.

    Args:
        exit_code: the exit code of the process.
        share: the share of a core that it used.
        warned_s: when it first warned that it was late; None if it never did.
        ended_s: when the process ended or was killed.
        killed: whether it was killed.
    """

    exit_code: int
    share: float
    warned_s: float | None
    ended_s: float
    killed: bool


def throttled(bench: Bench, command: Command, limit_s: float) -> Throttled:
    """Run a command that has a tenth of a core after its first call, for ``limit_s`` at most."""
    before = bench.edge.stats()["steps"]["token"]["requests"]
    with bench.start(command) as process:
        if not bench.edge.wait_for(lambda s: s["steps"]["token"]["requests"] > before, process, TIMEOUT_S):
            raise SystemExit(f"no call was made: {process.errors()}")
        began_s, used_s, warned_s = time.perf_counter(), process.cpu_s(), None
        while process.poll() is None and time.perf_counter() < began_s + limit_s:
            period_ends_s, may_run_s = time.perf_counter() + EVERY_S, process.ran_s() + RUNS_S
            while process.ran_s() < may_run_s and time.perf_counter() < period_ends_s:
                time.sleep(CHECK_EVERY_S)
            process.signal(signal.SIGSTOP)
            if warned_s is None and any(warning in process.log.read_text() for warning in WARNINGS):
                warned_s = time.perf_counter() - began_s
            time.sleep(max(period_ends_s - time.perf_counter(), 0))
            process.signal(signal.SIGCONT)
        ended_s, killed = time.perf_counter() - began_s, process.poll() is None
        usage = process.kill()
    return Throttled(usage.exit_code, (usage.cpu_s - used_s) / ended_s, warned_s, ended_s, killed)


def overrun_s(found: dict[str, Any], planned_s: float) -> float:
    """How long after its planned end a run ended, from its record."""
    planned, ended = (datetime.fromisoformat(found["times"][name]) for name in ("planned_start", "end"))
    return (ended - planned).total_seconds() - planned_s


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=10, help="planned length of each run (default: %(default)s)")
    parser.add_argument("--softphones", type=int, default=100, help="ten calls per second each (default: %(default)s)")
    parser.add_argument(
        "--limit", type=float, default=60, metavar="S", help="kill a run after this time (default: %(default)s)"
    )
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

    table = Table("", "locust-softphone", "stock Locust", title="With a tenth of a core")
    table.add_row("planned length", f"{planned_s} s", f"{parsed.seconds} s")
    table.add_row("actual length", *(_ran(run) for run in (ours, stock)))
    table.add_row("warned that it was late", *(_warned(run) for run in (ours, stock)))
    table.add_row("largest load on time", f"{on_time:,} attempts per second", "–")
    table.add_row("exit code", *("–" if run.killed else str(run.exit_code) for run in (ours, stock)))
    table.add_row("share of a core", *(f"{run.share:.0%}" for run in (ours, stock)))
    goals = [
        Goal("warns during the run", _warned(ours), ours.warned_s is not None and ours.warned_s < planned_s),
        Goal("the record names the largest load on time", f"{on_time:,} attempts per second", on_time > 0),
        Goal(f"exits with {ExitCode.INVALID}, not valid", f"{ours.exit_code}", ours.exit_code == ExitCode.INVALID),
        Goal(f"ends within {OVERRUN_S:g} s of its planned end", f"{late_s:+.1f} s", late_s <= OVERRUN_S),
    ]
    caption = (
        f"{parsed.softphones} softphones with ten calls per second each for {parsed.seconds} s, and 50 users of plain "
        "Locust without wait time; "
        f"after its first call each process may run for {RUNS_S * 1000:g} of every {EVERY_S * 1000:g} ms"
    )
    return show(table, goals, caption)


def _ran(run: Throttled) -> str:
    return f"killed after {run.ended_s:.0f} s" if run.killed else f"{run.ended_s:.1f} s"


def _warned(run: Throttled) -> str:
    return "never" if run.warned_s is None else f"after {run.warned_s:.1f} s"


if __name__ == "__main__":
    sys.exit(main())
