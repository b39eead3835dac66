"""The cost of the journal: how long it stops the softphones in each second, and its size.

For each second of an hour, or of --seconds, the tally of that second is added to the tally of the run and written to
the journal, as in a run, but without waiting for the second to pass. Times are CPU times: what other programs take does
not count. Each call has a token, a handshake, ready, an
offer and a close, with log-normal latencies around 5 ms. The targets: a median of 10 ms per second, no pause of 20 ms,
and at most 48 MB.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rich.table import Table

from locust_softphone.config.profile import Profile
from locust_softphone.metrics.attempt import Attempt
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.metrics.tally import Tally
from locust_softphone.runs.build import RunStart
from locust_softphone.runs.journal import Journal, recover
from locust_softphone.swarm.load.garbage import collect_garbage_rarely
from tables import Goal, milliseconds, show

HOUR_S = 3600
STEPS = ("token", "handshake", "ready", "offer", "close")
MAX_S, PAUSE_S, MAX_MB = 0.010, 0.020, 48
STEPS_PER_S = 50  # of a rewrite, between two lines


@dataclass(frozen=True)
class Cost:
    """The cost for a run of an hour."""

    each_s: list[float]
    longest_s: float
    most_bytes: int
    recovered_s: float


def a_second(second: int, calls: int, chance: random.Random) -> Tally:
    """The measurements of one second."""
    tally = Tally()
    for at_s in sorted(second + chance.random() for _ in range(calls)):
        begun_s = at_s
        for step in STEPS:
            began_s, at_s = at_s, at_s + chance.lognormvariate(-5.3, 0.6)
            tally.attempt(Attempt(step, began_s, began_s, at_s, Outcome.OK))
        for name in ("calls.answered", "closes.1000", "pings_answered"):
            tally.count(name, at_s)
        tally.setup_times[int(second)].record(at_s - begun_s)
    for _ in range(20):
        tally.latencies["loop_lag"].record(chance.lognormvariate(-8, 1))
    return tally


def measure(calls: int, seconds: int, folder: Path) -> Cost:
    chance, softphones = random.Random(1), 10_000
    profile = Profile.model_validate({"name": "hour", "users": softphones, "ramp": "0s", "hold": f"{seconds}s"})
    target = {"url": "http://127.0.0.1:8080", "simulated": True, "policy": {}}
    versions = dict.fromkeys(("locust-softphone", "locust", "python", "platform"), "1")
    start = RunStart("hour", profile.resolved(), [softphones, *[0] * seconds], 1, target, versions, 0, time.time())
    collect_garbage_rarely()  # as in a run
    journal, so_far, unsaved = Journal(folder, start), Tally(), Tally()
    rewriting: Iterator[None] = iter(())
    each_s, steps_s, most_bytes = [], [], 0
    for second in range(seconds):
        measured = a_second(second, calls, chance)
        began_s = time.process_time()
        so_far.merge(measured)
        unsaved.merge(measured)
        steps_s.append(time.process_time() - began_s)  # and a rest for the softphones
        journal.append(second + 1.0, unsaved)
        unsaved = so_far.continued()
        if journal.has_grown:
            rewriting = journal.rewrite()
        each_s.append(time.process_time() - began_s)
        steps_s.append(each_s[-1] - steps_s[-1])
        for _ in range(STEPS_PER_S):
            began_s = time.process_time()
            next(rewriting, None)
            steps_s.append(time.process_time() - began_s)
        most_bytes = max(most_bytes, journal.path.stat().st_size)
    journal.close(keep=True)
    began_s = time.perf_counter()
    assert recover(folder).totals.calls_answered == calls * seconds or not calls
    return Cost(each_s, max(steps_s), most_bytes, time.perf_counter() - began_s)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--calls", type=int, nargs="+", default=[0, 25, 100, 1000], help="calls per second (default: %(default)s)"
    )
    parser.add_argument("--seconds", type=int, default=HOUR_S, help="length of the run (default: %(default)s)")
    parsed = parser.parse_args()

    table = Table(
        "calls per second",
        "median, ms",
        "p99, ms",
        "longest, ms",
        "largest, MB",
        "recovered in",
        title="Journal",
    )
    goals = []
    for calls in parsed.calls:
        with tempfile.TemporaryDirectory() as folder:
            cost = measure(calls, parsed.seconds, Path(folder))
        each_s, megabytes = sorted(cost.each_s), cost.most_bytes / 1024**2
        p99_s = each_s[int(len(each_s) * 0.99)]
        times = map(milliseconds, (median(each_s), p99_s, cost.longest_s))
        table.add_row(f"{calls:,}", *times, f"{megabytes:.1f}", f"{cost.recovered_s:.1f} s")
        goals.append(
            Goal(f"{calls:,} calls per second: 10 ms", f"{milliseconds(median(each_s))} ms", median(each_s) <= MAX_S)
        )
        goals.append(Goal("no pause of 20 ms", f"{milliseconds(cost.longest_s)} ms", cost.longest_s < PAUSE_S))
        goals.append(Goal(f"at most {MAX_MB} MB", f"{megabytes:.1f} MB", megabytes <= MAX_MB))
    return show(table, goals, f"{parsed.seconds:,} s, one line per second")


if __name__ == "__main__":
    sys.exit(main())
