"""Which tools and metrics show that the edge stalls for two seconds in the middle of a run.

    plan       |--|--|--|--|--|--|--|--|--|      a call every 100 ms for each of 5 users, 50/s in all
    edge       ok ok ok [ stopped ] ok ok ok
    service    counted from the actual start: only the 5 calls in progress were slow
    response   counted from the planned start: the 100 calls planned during the stall were slow, too

5 slow calls in 1,000 do not show in a p99. They are all that a closed loop measures, where each user waits for its
answer before it plans the next call: k6 with constant-vus, and plain Locust with a wait time. Softphones with one call
each (the open model: 1,000 users at 50/s) show the stall in both metrics. SIGSTOP and SIGCONT make the stall.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from harness import TIMEOUT_S, Bench, bench
from k6_program import K6, add_option, count, trend
from process import Command
from tables import Goal, milliseconds, show
from tools import plain_locust, record, softphones, statistics

RATE, USERS = 50, 5
EVERY_S = USERS / RATE
MIN_P99_S = 1.5  # of a p99 that shows the stall: it leaves out 10 of the 100 late calls in 1,000
LIMIT_S = 120.0
COUNTED_FROM = {"service_s": "actual start (service)", "response_s": "planned start (response)"}
LOOP = "actual start, closed loop"
CALL = {"like": "recommended", "retry": {"max_retries": 0}}


def stalled(bench: Bench, command: Command, after_s: float, stall_s: float) -> Path:
    """Run a command, and stop the edge for ``stall_s`` meanwhile; returns its folder."""
    before = bench.edge.stats()["steps"]["offer"]["admitted"]
    with bench.start(command) as process:
        if not bench.edge.wait_for(lambda s: s["steps"]["offer"]["admitted"] > before, process, TIMEOUT_S):
            raise SystemExit(f"no call was made: {process.errors()}")
        time.sleep(after_s)
        try:
            bench.edge.process.signal(signal.SIGSTOP)
            time.sleep(stall_s)
        finally:
            bench.edge.process.signal(signal.SIGCONT)
        process.wait(LIMIT_S)
    return command.folder


def each_one_call(bench: Bench, seconds: int) -> Command:
    ramp = {"rate": f"{RATE}/s"}
    return softphones(bench, {"users": RATE * seconds, "ramp": ramp, "hold": "4s", "softphone": CALL})


def each_many_calls(bench: Bench, seconds: int) -> Command:
    calls = {"count": RATE * seconds // USERS, "every": f"{EVERY_S:g}s"}
    profile = {"users": USERS, "ramp": f"{EVERY_S:g}s", "hold": f"{seconds + 4}s"}
    return softphones(bench, {**profile, "softphone": {**CALL, "connection": "per-call", "calls": calls}})


def closed_loop_k6(k6: K6, bench: Bench, seconds: int) -> Command:
    scenario = {"executor": "constant-vus", "vus": USERS, "duration": f"{seconds}s"}
    return k6.run(bench, scenario, MEASURE=1, PAUSE_S=EVERY_S)


def closed_loop_locust(bench: Bench, seconds: int) -> Command:
    return plain_locust(bench, USERS, USERS, wait=str(EVERY_S), run_time=f"{seconds}s")


@dataclass(frozen=True)
class Measured:
    """What a tool measured of one step: the count, and percentiles in seconds."""

    count: int
    p50_s: float
    p99_s: float

    @classmethod
    def in_record(cls, summary: Mapping[str, Any]) -> Measured:
        return cls(summary["count"], summary["p50"], summary["p99"])

    @classmethod
    def by_k6(cls, folder: Path, name: str) -> Measured:
        return cls(count(folder), trend(folder, name, "p(50)"), trend(folder, name, "p(99)"))

    @classmethod
    def by_locust(cls, folder: Path, name: str) -> Measured:
        row = statistics(folder)[name]
        return cls(int(row["Request Count"]), float(row["50%"]) / 1000, float(row["99%"]) / 1000)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=20, help="length of each run (default: %(default)s)")
    parser.add_argument(
        "--stall", type=float, default=2.0, metavar="S", help="length of the stall (default: %(default)s)"
    )
    add_option(parser)
    parsed = parser.parse_args()

    table = Table("", "counted from", "calls", title=f"The edge stalls for {parsed.stall:g} s")
    for column in ("handshake\np50, ms", "handshake\np99, ms", "set-up\np50, ms", "set-up\np99, ms"):
        table.add_column(column, justify="right")
    goals = []
    with bench() as at:

        def folder_of(command: Command) -> Path:
            return stalled(at, command, parsed.seconds * 0.45, parsed.stall)

        for name, command in (
            (f"{RATE * parsed.seconds:,} softphones, 1 call each", each_one_call(at, parsed.seconds)),
            (f"{USERS} softphones, {RATE * parsed.seconds // USERS} calls each", each_many_calls(at, parsed.seconds)),
        ):
            found = record(folder_of(command))
            handshake, call = found["steps"]["handshake"], found["call_setup"]
            for kind, counted_from in COUNTED_FROM.items():
                _add(table, name, counted_from, Measured.in_record(handshake[kind]), Measured.in_record(call[kind]))
            p99_s = call["response_s"]["p99"]
            goals.append(Goal(f"{name}: response p99 at least {MIN_P99_S:g} s", f"{p99_s:.2f} s", p99_s >= MIN_P99_S))
        if k6 := K6.find(parsed.k6):
            folder = folder_of(closed_loop_k6(k6, at, parsed.seconds))
            seen = [Measured.by_k6(folder, name) for name in ("ws_connecting", "call_setup")]
            _add(table, f"{k6.name}, {USERS} VUs", LOOP, *seen)
        folder = folder_of(closed_loop_locust(at, parsed.seconds))
        seen = [Measured.by_locust(folder, name) for name in ("handshake", "call set-up")]
        _add(table, f"plain Locust, {USERS} users", LOOP, *seen)
    caption = (
        f"runs of {parsed.seconds} s, the edge's process stopped once for {parsed.stall:g} s at about half time; each "
        "call on separate connections"
    ) + (f"; {k6.note}" if k6 else "")
    return show(table, goals, caption)


def _add(table: Table, name: str, counted_from: str, handshake: Measured, call: Measured) -> None:
    points = (milliseconds(point) for seen in (handshake, call) for point in (seen.p50_s, seen.p99_s))
    table.add_row(name, counted_from, f"{call.count:,}", *points)


if __name__ == "__main__":
    sys.exit(main())
