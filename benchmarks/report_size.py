"""The page of six long runs: how many bytes it has, and how long `report --html` takes from start to end.

    10,000 softphones start over ten minutes, each sets up a call every ten minutes for an hour; every second some 429s,
    retries that heed them or do not, and drops

The runs are made up, but counted by the tally and put into records as any run's are; the command is the user's own.
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
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.metrics.retry_after_sample import RetryAfterSample
from locust_softphone.metrics.tally import Attempt, Tally
from locust_softphone.runs import record
from tables import Goal, show

MOST_BYTES = 6_000_000
MOST_S = 5.0
RAMP_S = 600.0
EVERY_S = 600.0
STEPS = ("token", "handshake", "ready", "offer")


def tally_of(softphones: int, seconds: int, chance: Random) -> Tally:
    """An hour in which the edge refuses more than it should."""
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
        tally.timeline.at(second).update({"connected_now": there, "in_call_now": there - there // 50})
    return tally


def _call(tally: Tally, planned_s: float, chance: Random) -> None:
    """A call that is answered in the end, after as many refusals as chance has it."""
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
    tally.setup_times.record(planned_s, now_s - planned_s)
    if planned_s < RAMP_S:
        tally.count("connected", now_s)


def _ended(tally: Tally, step: str, began_s: float, outcome: Outcome, status: int | None, chance: Random) -> float:
    ended_s = began_s + chance.lognormvariate(-4, 1)
    tally.attempt(Attempt(step, began_s, began_s, ended_s, outcome, status))
    return ended_s


def write_run(folder: Path, number: int, softphones: int, seconds: int) -> None:
    """The record of one made-up run; each has a profile of its own."""
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
    facts = record.RunFacts(
        run_id=f"run-{number}",
        profile=profile.resolved(),
        planned=[started_by(second + 1 - 1e-9) - started_by(second - 1e-9) for second in range(seconds)],
        calls_each=profile.softphone.calls.count,
        target={"url": "http://127.0.0.1:8080", "simulated": False, "policy": None},
        versions={"locust-softphone": "0", "locust": "0", "python": "3", "platform": sys.platform},
        workers=0,
        times={
            "planned_start": "2026-08-01T12:00:00.000+00:00",
            "actual_start": "2026-08-01T12:00:00.001+00:00",
            "end": "2026-08-01T13:00:00.000+00:00",
            "ended": "plan over",
        },
        edge=None,
        ledger=None,
    )
    record.write(record.build(facts, tally_of(softphones, seconds, Random(number))), folder / f"run-{number}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=6, help="how many (default: %(default)s)")
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
        "", "", title=f"The page of {parsed.runs} runs of {parsed.softphones:,} softphones, {parsed.seconds:,} s each"
    )
    table.add_row("records, bytes", f"{records:,}")
    table.add_row("page, bytes", f"[bold]{size:,}")
    table.add_row("report --html, s", f"[bold]{took_s:.2f}")
    goals = [
        Goal(f"at most {MOST_BYTES:,} bytes", f"{size:,}", size <= MOST_BYTES),
        Goal(f"at most {MOST_S:g} s", f"{took_s:.2f} s", took_s <= MOST_S),
    ]
    return show(table, goals, "made-up runs; the whole command, from its start to its end")


if __name__ == "__main__":
    sys.exit(main())
