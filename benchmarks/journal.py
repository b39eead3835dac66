"""The cost of the journal: how long it stops the softphones in each second, and its size.

For each second of an hour, the tally of that second is added to the tally of the run and written to the journal, as in
a run, but without waiting for the second to pass. Each call has a token, a handshake, ready, an offer and a close, with
log-normal latencies around 5 ms. The targets: a median of 10 ms per second, no pause of 250 ms (a start would then
count as late), and at most 48 MB.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from rich.table import Table

from locust_softphone.config.profile import Profile
from locust_softphone.metrics.attempt import Attempt
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.metrics.tally import Tally
from locust_softphone.runs.build import RunStart
from locust_softphone.runs.journal import Journal, recover
from locust_softphone.runs.saturation import LATE_START_S
from tables import Goal, milliseconds, show

HOUR_S = 3600
TEMPLATES = 10  # different seconds, which are repeated
STEPS = ("token", "handshake", "ready", "offer", "close")
MAX_S, MAX_MB = 0.010, 48


@dataclass(frozen=True)
class Cost:
    """The cost for a run of an hour."""

    each_s: list[float]
    most_bytes: int
    recovered_s: float


def a_second(second: int, calls: int, chance: random.Random) -> Tally:
    """The measurements of one second."""
    tally = Tally()
    for _ in range(calls):
        at_s = second + chance.random()
        for step in STEPS:
            began_s, at_s = at_s, at_s + chance.lognormvariate(-5.3, 0.6)
            tally.attempt(Attempt(step, began_s, began_s, at_s, Outcome.OK))
        for name in ("calls.answered", "closes.1000", "pings_answered"):
            tally.count(name, at_s)
        tally.setup_times[int(second)].record(at_s - second)
    for _ in range(20):
        tally.latencies["loop_lag"].record(chance.lognormvariate(-8, 1))
    return tally


def moved_to(second: int, plain: Mapping[str, Any]) -> Tally:
    """The same measurements, in another second."""
    by_second = {name: [[second, *rest] for _, *rest in plain[name]] for name in ("timeline", "setup_times")}
    return Tally.from_plain({**plain, **by_second})


def an_hour(calls: int, folder: Path) -> Cost:
    chance, softphones = random.Random(1), 10_000
    profile = Profile.model_validate({"name": "hour", "users": softphones, "ramp": "0s", "hold": "1h"})
    templates = [a_second(0, calls, chance).to_plain() for _ in range(TEMPLATES)]
    start = RunStart("hour", profile.resolved(), [softphones, *[0] * HOUR_S], 1, {}, {}, 0, time.time())
    journal, so_far, each_s, most_bytes = Journal(folder, start), Tally(), [], 0
    for second in range(HOUR_S):
        measured = moved_to(second, templates[second % TEMPLATES])
        began_s = time.perf_counter()
        so_far.merge(measured)
        journal.append(second + 1.0, measured)
        if journal.has_grown:
            journal.rewrite(second + 1.0, so_far)
        each_s.append(time.perf_counter() - began_s)
        most_bytes = max(most_bytes, journal.path.stat().st_size)
    journal.close(keep=True)
    began_s = time.perf_counter()
    assert recover(folder).totals.calls_answered == calls * HOUR_S or not calls
    return Cost(each_s, most_bytes, time.perf_counter() - began_s)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--calls", type=int, nargs="+", default=[0, 25, 100, 1000], help="calls per second (default: %(default)s)"
    )
    parsed = parser.parse_args()

    table = Table(
        "calls per second", "median, ms", "p99, ms", "longest, ms", "largest, MB", "recovered in", title="Journal"
    )
    goals = []
    for calls in parsed.calls:
        with tempfile.TemporaryDirectory() as folder:
            cost = an_hour(calls, Path(folder))
        each_s, megabytes = sorted(cost.each_s), cost.most_bytes / 1024**2
        p99_s = each_s[int(len(each_s) * 0.99)]
        times = map(milliseconds, (median(each_s), p99_s, each_s[-1]))
        table.add_row(f"{calls:,}", *times, f"{megabytes:.1f}", f"{cost.recovered_s:.1f} s")
        goals.append(
            Goal(f"{calls:,} calls per second: 10 ms", f"{milliseconds(median(each_s))} ms", median(each_s) <= MAX_S)
        )
        goals.append(Goal("no pause of 250 ms", f"{milliseconds(each_s[-1])} ms", each_s[-1] < LATE_START_S))
        goals.append(Goal(f"at most {MAX_MB} MB", f"{megabytes:.1f} MB", megabytes <= MAX_MB))
    return show(table, goals, "an hour, one line per second")


if __name__ == "__main__":
    sys.exit(main())
