"""How far simulated runs agree with real ones, and how fast they are.

    agreement   every profile of the pack, real and simulated: the lowest and the highest value of each figure
    speed       CPU time of the default comparison, of a diagnosis, and of a softphone in runs of 500 to 50,000

    python benchmarks/simulation.py agreement runs/20261126T180000.000000Z-comparison    of finished runs
    python benchmarks/simulation.py agreement --repeat 5                                 of new runs
    python benchmarks/simulation.py speed --million

Simulated figures should lie within the spread of the real runs. The spread is widened by 2 % of the softphones or of
the value, because a few runs do not show all of it. How long the machine needs for a request differs between real runs
(by a factor of 3 on a busy machine): each simulated run takes the time of one of the real bursts, spread over all.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from rich.table import Table

from locust_softphone.commands.compare import DEFAULT_PROFILES
from locust_softphone.config.policy import Policy
from locust_softphone.config.profile import Profile
from locust_softphone.config.profile_files import list_profiles, load_profile, profile_folders
from locust_softphone.limits.inference.kinds import Kind
from locust_softphone.limits.token_bucket import TokenBucket
from locust_softphone.metrics.observed_attempts import Observations
from locust_softphone.runs.history import read_records
from locust_softphone.runs.limit_diagnosis import limits_of
from locust_softphone.runs.record import RunRecord
from locust_softphone.simulation.network_model import NetworkModel
from locust_softphone.simulation.simulated_record import simulate
from locust_softphone.simulation.simulated_run import Surroundings
from tables import Goal, show

COUNTS = ("answered", "rate_limited.token", "rate_limited.handshake", "rate_limited.offer", "abnormal_closes")
SECONDS = ("time_to_connected", "call_setup.p50", "call_setup.p95")
FIGURES = (*COUNTS, "amplification", *SECONDS)
SLACK = 0.02
SIZES = (500, 5_000, 50_000)
OBSERVED = 50_000


@dataclass(frozen=True)
class Spread:
    """The lowest and the highest value of a figure in some runs; None where a run has not measured it."""

    low: float | None
    high: float | None

    @classmethod
    def of(cls, records: Sequence[RunRecord], figure: str) -> Spread:
        values = [value for record in records if (value := record.metrics[figure]) is not None]
        return cls(min(values), max(values)) if len(values) == len(records) else cls(None, None)

    def near(self, other: Spread, slack: float) -> bool:
        """Whether they overlap once this one is widened."""
        if self.low is None or self.high is None or other.low is None or other.high is None:
            return self.low == other.low
        slack = max(slack, SLACK * self.high)
        return self.low - slack <= other.high and other.low <= self.high + slack

    def __str__(self) -> str:
        if self.low is None or self.high is None:
            return "–"
        return f"{self.low:.4g}" if self.low == self.high else f"{self.low:.4g}–{self.high:.4g}"


def agreement(folder: Path | None, repeat: int) -> int:
    """Print every profile's figures, real beside simulated."""
    real, problems = read_records([folder or _run_all(repeat)])
    for problem in problems:
        print(problem, file=sys.stderr)
    networks = _networks(real, repeat)
    table = Table("profile", "runs", *(figure.replace("_", " ") for figure in FIGURES))
    agreeing = total = 0
    for records in _by_profile(real):
        first = records[0]
        policy = Policy.model_validate(first.target.policy)
        profile = Profile.from_resolved(first.profile)
        simulated = [simulate(profile, Surroundings(policy, each, seed)) for seed, each in enumerate(networks)]
        cells: list[tuple[str, str]] = []
        for figure in FIGURES:
            if figure not in first.metrics:  # a step that its dialect does not have
                cells.append(("", ""))
                continue
            spreads = Spread.of(records, figure), Spread.of(simulated, figure)
            slack = 0.02 if figure in SECONDS else SLACK * first.totals.planned if figure in COUNTS else 0.0
            near = spreads[0].near(spreads[1], slack)
            agreeing, total = agreeing + near, total + 1
            cells.append((str(spreads[0]), str(spreads[1]) if near else f"[bold red]{spreads[1]}"))
        table.add_row(first.name, f"{len(records)} real", *(real for real, _ in cells))
        table.add_row("", "simulated", *(text for _, text in cells), end_section=True)
    goal = Goal("simulated figures within the spread of the real runs", f"{agreeing} of {total}", agreeing == total)
    work_ms = ", ".join(f"{network.work_s * 1000:.2f}" for network in networks)
    return show(table, [goal], f"simulated with {work_ms} ms of work for a request")


def speed(million: bool) -> int:
    """Print the CPU time of simulated runs."""
    table = Table("what", "CPU s", "µs per softphone", "memory MB")

    def add(what: str, cpu_s: float, each_us: float | None = None) -> None:
        row = what, f"{cpu_s:.2f}", "" if each_us is None else f"{each_us:.0f}", _megabytes()
        table.add_row(*row)
        print(*(part for part in row if part), sep="  ", flush=True)  # the table comes at the end

    profiles = [load_profile(name, profile_folders()) for name in DEFAULT_PROFILES]
    add("default comparison", sum(_cpu_s(each, Policy.model_validate(each.edge)) for each in profiles))
    comparison_s = sum(_cpu_s(each, Policy.model_validate(each.edge), diagnosed=True) for each in profiles)
    add("default comparison, diagnosed", comparison_s)
    diagnosis_s = _diagnosis_s()
    add(f"diagnosis of {OBSERVED:,} observations", diagnosis_s)
    each_us = {}
    for users in SIZES:
        runs = max(SIZES[1] // users, 1)  # small runs are repeated: a single one is too short to time
        cpu_s = sum(_cpu_s(_profile("burst-500-retry-after", users), _policy(users / 500)) for _ in range(runs)) / runs
        each_us[users] = cpu_s / users * 1e6
        add(f"{users:,} with retries", cpu_s, each_us[users])
    goals = [
        Goal("default comparison, diagnosed, below 5 s", f"{comparison_s:.2f} s", comparison_s < 5),
        Goal(f"diagnosis of {OBSERVED:,} observations below 2 s", f"{diagnosis_s:.2f} s", diagnosis_s < 2),
        Goal("50,000 with retries below 60 s", f"{each_us[50_000] / 20:.1f} s", each_us[50_000] < 1200),
        Goal("below 2 GB", f"{_megabytes()} MB", float(_megabytes()) < 2000),
        Goal("cost per softphone flat", f"{each_us[50_000] / each_us[500]:.2f}", each_us[50_000] < 1.1 * each_us[500]),
    ]
    if million:
        cpu_s = _cpu_s(_profile("paced-50", 1_000_000, ramp={"rate": "10000/s"}), _policy(1000.0))
        add("1,000,000 at 10,000/s", cpu_s, cpu_s)
        goals.append(Goal("a million below 5 min", f"{cpu_s:.0f} s", cpu_s < 300))
    return show(table, goals, "one core; CPU time of this process, peak of its memory")


def _run_all(repeat: int) -> Path:
    """Run every profile of the pack for real; returns the folder of the comparison."""
    names = [profile.name for profile in list_profiles(profile_folders()) if not profile.name.startswith("field-")]
    command = [sys.executable, "-m", "locust_softphone", "compare", *names, "--repeat", str(repeat)]
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
    return max(Path("runs").glob("*-comparison"))


def _networks(real: Sequence[RunRecord], repeat: int) -> list[NetworkModel]:
    """The network of each simulated run, with the work of the slowest, the fastest and other real bursts."""
    bursts = [record for record in real if record.validity.valid and record.profile["ramp"] == "0s"]
    work_s = sorted(NetworkModel.from_record(record).work_s for record in bursts) or [NetworkModel().work_s]
    chosen = [work_s[round(n * (len(work_s) - 1) / max(repeat - 1, 1))] for n in range(repeat)]
    return [NetworkModel(work_s=each) for each in chosen]


def _by_profile(records: Sequence[RunRecord]) -> Iterator[list[RunRecord]]:
    """The valid runs of each profile."""
    by_name: dict[str, list[RunRecord]] = {}
    for record in records:
        if record.validity.valid:
            by_name.setdefault(record.name, []).append(record)
    yield from by_name.values()


def _profile(name: str, users: int, **changes: Any) -> Profile:
    resolved = load_profile(name, profile_folders()).resolved()
    return Profile.from_resolved({**resolved, "users": users, **changes})


def _policy(scale: float) -> Policy:
    """The default policy for so many times as many softphones."""
    limits = {"token": 300, "handshake": 150, "offer": 50}
    return Policy.model_validate(
        {
            "limits": {step: {"rate": f"{50 * scale:g}/s", "burst": int(n * scale)} for step, n in limits.items()},
            "setup": {"rate": f"{100 * scale:g}/s", "burst": int(25 * scale)},
        }
    )


def _diagnosis_s() -> float:
    """CPU time of the diagnosis of a step that was asked half as often again as its limit admits."""
    random, limit, attempts, now_s = Random(1), TokenBucket(rate=200.0, burst=500.0), Observations(OBSERVED), 0.0
    for number in range(OBSERVED):
        now_s += random.expovariate(300.0)
        answer = "ok" if limit.admit(now_s).admitted else "rate_limited 429"
        took_s = 0.01 + random.expovariate(500.0)
        attempts.add(now_s - took_s / 2, now_s + took_s / 2, answer, number % 5_000)
    began_s = time.process_time()
    found = limits_of({"handshake": attempts}, late_s=0.01, alone=True)
    assert found[0]["hypotheses"][0]["kind"] == Kind.TOKEN_BUCKET, found
    return time.process_time() - began_s


def _cpu_s(profile: Profile, policy: Policy, *, diagnosed: bool = False) -> float:
    work_s = NetworkModel().work_s * 500 / max(profile.users, 500)
    began_s = time.process_time()
    simulate(profile, Surroundings(policy, NetworkModel(work_s=work_s)), diagnosed=diagnosed)
    return time.process_time() - began_s


def _megabytes() -> str:
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("agreement", "speed"))
    parser.add_argument("folder", nargs="?", type=Path, help="finished real runs (default: run them)")
    parser.add_argument("--repeat", type=int, default=5, help="runs of each profile")
    parser.add_argument("--million", action="store_true", help="also a million softphones at a rate")
    parsed = parser.parse_args()
    if parsed.part == "speed":
        return speed(parsed.million)
    return agreement(parsed.folder, parsed.repeat)


if __name__ == "__main__":
    sys.exit(main())
