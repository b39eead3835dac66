"""The HTML report of six long runs: its size in bytes, and the duration of `report --html`.

    10,000 softphones start over ten minutes, and each makes a call every ten minutes for an hour; in every second there
    are some 429s, retries in time and too early, and drops

The runs are random data, counted by the tally and written as run records like those of any run. The command is the one
that users call.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from rich.table import Table

from locust_softphone.config.profile import Profile
from locust_softphone.metrics.attempt import Attempt
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.metrics.retry_after_sample import RetryAfterSample
from locust_softphone.metrics.tally import Tally
from locust_softphone.runs.build import RunEnd, RunStart, build
from locust_softphone.runs.storage import write
from tables import Goal, show

MAX_BYTES = 6_000_000
MAX_S = 5.0
RAMP_S = 600.0
EVERY_S = 600.0
STEPS = ("token", "handshake", "ready", "offer")


def tally_of(softphones: int, seconds: int, chance: Random) -> Tally:
    """The measurements of a run in which the edge refuses many requests."""
    tally = Tally()
    for number in range(softphones):
        planned_s = number * RAMP_S / softphones
        tally.count("started", planned_s)
        tally.latencies["start_lag"].record(chance.expovariate(500))
        while planned_s < seconds:
            _call(tally, planned_s, chance)
            planned_s += EVERY_S
        tally.count("answered", planned_s - EVERY_S)
        tally.count("closes.1000", seconds)
    for second in range(seconds):
        there = min(int((second + 1) * softphones / RAMP_S), softphones)
        tally.timeline[second].update({"connected_now": there, "in_call_now": there - there // 50})
    return tally


def _call(tally: Tally, planned_s: float, chance: Random) -> None:
    """A call that is answered after a random number of refusals."""
    now_s = planned_s
    for step in STEPS:
        while step != "ready" and chance.random() < 0.2:
            now_s = _ended(tally, step, now_s, Outcome.RATE_LIMITED, 429, chance)
            retry_after_s, waited_s = now_s + chance.uniform(1, 8), chance.expovariate(0.3)
            tally.count("retries", now_s)
            tally.latencies["retry_wait"].record(waited_s)
            now_s += waited_s
            tally.retry(RetryAfterSample(step, retry_after_s, now_s))
        now_s = _ended(tally, step, now_s, Outcome.OK, None, chance)
    if chance.random() < 0.02:
        cause = chance.choice(("refused", "reset", "lost", "proxy", "timed_out"))
        tally.count("closes.1006", now_s)
        tally.count(f"abnormal_closes.{cause}", now_s)
    tally.count("calls.answered", now_s)
    tally.latencies["call_setup"].record(now_s - planned_s)
    tally.setup_times[int(planned_s)].record(now_s - planned_s)
    if planned_s < RAMP_S:
        tally.count("connected", now_s)


def _ended(tally: Tally, step: str, began_s: float, outcome: Outcome, status: int | None, chance: Random) -> float:
    ended_s = began_s + chance.lognormvariate(-4, 1)
    tally.attempt(Attempt(step, began_s, began_s, ended_s, outcome, status))
    return ended_s


def write_run(folder: Path, number: int, softphones: int, seconds: int) -> None:
    """Write the record of one random run, with its own profile."""
    profile = Profile.model_validate(
        {
            "name": f"long-{number}",
            "users": softphones,
            "ramp": f"{RAMP_S:g}s",
            "hold": f"{seconds - RAMP_S:g}s",
            "softphone": {
                "calls": {"count": int(seconds // EVERY_S), "every": f"{EVERY_S:g}s"},
                "retry": {"max_retries": number},
            },
        }
    )
    started_by = profile.schedule().started_by
    start = RunStart(
        run_id=f"run-{number}",
        profile=profile.resolved(),
        planned=[started_by(second + 1 - 1e-9) - started_by(second - 1e-9) for second in range(seconds)],
        calls_each=profile.softphone.calls.count,
        target={"url": "http://127.0.0.1:8080", "simulated": False, "policy": None},
        versions={"locust-softphone": "0", "locust": "0", "python": "3", "platform": sys.platform},
        workers=0,
        began_at=1_785_585_600.0,
    )
    record = build(start, tally_of(softphones, seconds, Random(number)), RunEnd(seconds, "plan over"))
    write(record, folder / f"run-{number}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=6, help="how many runs (default: %(default)s)")
    parser.add_argument("--softphones", type=int, default=10_000, help="of each run (default: %(default)s)")
    parser.add_argument("--seconds", type=int, default=3600, help="of each run (default: %(default)s)")
    parsed = parser.parse_args()

    with tempfile.TemporaryDirectory() as name:
        folder, page = Path(name, "runs"), Path(name, "comparison.html")
        for number in range(parsed.runs):
            write_run(folder, number, parsed.softphones, parsed.seconds)
        records = sum(file.stat().st_size for file in folder.glob("*/run.json"))
        command = [sys.executable, "-m", "locust_softphone.cli", "report", str(folder), "--html", str(page)]
        began_s = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        took_s = time.perf_counter() - began_s
        size = page.stat().st_size

    table = Table(
        "",
        "",
        title=f"The HTML report of {parsed.runs} runs of {parsed.softphones:,} softphones, {parsed.seconds:,} s each",
    )
    table.add_row("records, bytes", f"{records:,}")
    table.add_row("page, bytes", f"[bold]{size:,}")
    table.add_row("report --html, s", f"[bold]{took_s:.2f}")
    goals = [
        Goal(f"at most {MAX_BYTES:,} bytes", f"{size:,}", size <= MAX_BYTES),
        Goal(f"at most {MAX_S:g} s", f"{took_s:.2f} s", took_s <= MAX_S),
    ]
    return show(table, goals, "random runs; the duration of the complete command")


if __name__ == "__main__":
    sys.exit(main())
