"""Memory per held softphone: connected, answered, idle, answering pings.

    (resident memory with N held - resident memory with one held) / (N - 1)

Resident memory is the median of samples over three pings. For comparison: k6 with as many held WebSockets. KB are 1,024
bytes. The target: 14 KB over ws, 45 KB over wss, whatever is trusted.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

from rich.table import Table

from harness import TIMEOUT_S, Bench, bench, parse_with_tls
from k6_program import K6, add_option
from process import Command
from tables import Goal, show
from tools import softphones

RATE = 250  # starts per second
PING_EVERY_S = 3.0
SAMPLED_S = 3 * PING_EVERY_S
SAMPLE_EVERY_S = 0.5
TARGET_KB = {"ws": 14, "wss": 45}
OURS = "locust-softphone"


@dataclass(frozen=True)
class Held:
    """The memory of a tool while it held sessions, the sessions it lost, and their pings."""

    rss: float
    lost: int
    pings: int
    pongs: int


def ours(bench: Bench, users: int) -> Command:
    softphone = {"like": "recommended", "retry": {"max_retries": 0}}
    hold = f"{_held_s(users):g}s"
    return softphones(bench, {"users": users, "ramp": {"rate": f"{RATE}/s"}, "hold": hold, "softphone": softphone})


def theirs(k6: K6, bench: Bench, users: int) -> Command:
    ramp = {"rate": min(users, RATE), "duration": f"{max(users // RATE, 1)}s", "preAllocatedVUs": users}
    scenario = {"executor": "constant-arrival-rate", "gracefulStop": "5m", **ramp}
    return k6.run(bench, scenario, HOLD_S=users / RATE + _held_s(users))


def _held_s(users: int) -> float:
    return SAMPLED_S + 5 + users / 1000


def hold(bench: Bench, command: Command, users: int) -> Held:
    """Run a command that holds ``users`` sessions, and sample its memory meanwhile."""
    before = bench.edge.stats()
    with bench.start(command) as process:

        def all_answered(stats: dict[str, Any]) -> bool:
            return bool(stats["sessions"]["answered"] - before["sessions"]["answered"] >= users)

        if not bench.edge.wait_for(all_answered, process, TIMEOUT_S + 2 * users / RATE):
            raise SystemExit(f"{users} sessions were never held: {process.errors()}")
        samples, until_s = [], time.perf_counter() + SAMPLED_S
        while time.perf_counter() < until_s:
            samples.append(process.rss())
            time.sleep(SAMPLE_EVERY_S)
        now = bench.edge.stats()
    lost = users - now["sessions"]["open"]
    return Held(median(samples), lost, now["pings"] - before["pings"], now["pongs"] - before["pongs"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=2000, help="softphones held (default: %(default)s)")
    add_option(parser)
    parsed = parse_with_tls(parser)

    tools: dict[str, Callable[[Bench, int], Command]] = {OURS: ours}
    if k6 := K6.find(parsed.k6):
        tools[k6.name] = partial(theirs, k6)
    transport = "wss" if parsed.tls else "ws"
    edge = partial(bench, tls=parsed.tls, trusted_by_system=parsed.system_ca, ping_every=f"{PING_EVERY_S:g}s")
    table = Table(
        "", "one held, MB", "all held, MB", "KB each", "pings", "answered", "lost", title="Memory per softphone"
    )
    goals = []
    for tool, command in tools.items():
        with edge() as at:
            one = hold(at, command(at, 1), 1)
        with edge() as at:
            many = hold(at, command(at, parsed.users), parsed.users)
        each_kb = (many.rss - one.rss) / (parsed.users - 1) / 1024
        megabytes = (f"{held.rss / 1024**2:.1f}" for held in (one, many))
        table.add_row(tool, *megabytes, f"[bold]{each_kb:.1f}", f"{many.pings:,}", f"{many.pongs:,}", f"{many.lost}")
        if tool == OURS:
            wanted = TARGET_KB[transport]
            goals.append(Goal(f"at most {wanted} KB over {transport}", f"{each_kb:.1f} KB", each_kb <= wanted))
            goals.append(Goal("none lost, pings answered", f"{many.lost} lost", not many.lost and many.pongs > 0))
    caption = (
        f"{parsed.users:,} sessions over {transport}, each connected, answered, idle and pinged every {PING_EVERY_S:g} "
        "s; resident memory, median of samples, minus that with one session"
    ) + ("; the system's authorities are trusted" if parsed.system_ca else "")
    caption += f"; {k6.note}" if k6 else ""
    return show(table, goals, caption)


if __name__ == "__main__":
    sys.exit(main())
