"""Plans compared with a brute-force search, and proved by real runs.

    search    12 policies: the planned ramp against every ramp of a grid of starts and times, both simulated
    prove     3 of them: the planned profile as a real run, against a fresh simulated edge

No ramp of the grid that holds may be shorter than the plan by more than 2 %. A proved plan has no 429, and connects all
within 2 % of the predicted time. Simulations here have no processor time, as for an edge that is far away.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from rich.table import Table

from locust_softphone.config.policy import Policy
from locust_softphone.config.profile import Profile
from locust_softphone.simulation.network_model import NetworkModel
from locust_softphone.simulation.planning.planner import goals_of, meets, plan_ramp
from locust_softphone.simulation.planning.ramp_search import RampShape
from locust_softphone.simulation.simulated_run import Surroundings
from tables import Goal, show

USERS = 100
NETWORK = NetworkModel(0.02, 0.0, 0.0)
SHARES = (0.99, 0.98, 0.97, 0.96, 0.94, 0.92, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5)
STARTS = 15
WITHIN = 0.02

OPEN = {"rate": "100000/s", "burst": 100_000}
POLICIES: Mapping[str, dict[str, Any]] = {
    "bucket 20/s, 20": {"handshake": {"rate": "20/s", "burst": 20}},
    "bucket 10/s, 1": {"handshake": {"rate": "10/s", "burst": 1}},
    "bucket 5/s, 80": {"offer": {"rate": "5/s", "burst": 80}},
    "two buckets": {"token": {"rate": "10/s", "burst": 60}, "offer": {"rate": "30/s", "burst": 10}},
    "three buckets": {
        "token": {"rate": "15/s", "burst": 50},
        "handshake": {"rate": "20/s", "burst": 30},
        "offer": {"rate": "25/s", "burst": 20},
    },
    "leaky bucket, nodelay": {"handshake": {"kind": "leaky-bucket", "rate": "20/s", "queue": 10, "delays": False}},
    "leaky bucket, delays": {"handshake": {"kind": "leaky-bucket", "rate": "20/s", "queue": 10}},
    "window 40 in 5s": {"handshake": {"kind": "fixed-window", "quota": 40, "window": "5s"}},
    "sliding log 40 in 5s": {"handshake": {"kind": "sliding-log", "quota": 40, "window": "5s"}},
    "sliding counter 40 in 5s": {"handshake": {"kind": "sliding-counter", "quota": 40, "window": "5s"}},
    "work queue": {"offer": {"kind": "work-queue", "workers": 4, "queue": 20, "work": "200ms"}},
    "bucket with a penalty": {"handshake": {"rate": "20/s", "burst": 20, "penalty": {"lasts": "5s"}}},
}
PROVED = ("bucket 20/s, 20", "two buckets", "window 40 in 5s")


def profile(limits: Mapping[str, Any]) -> Profile:
    edge = {"limits": {"token": OPEN, "handshake": OPEN, "offer": OPEN, **limits}, "setup": OPEN}
    softphone = {"like": "sdk-2.3.1", "retry": {"max_retries": 0}}
    keys = {"name": "planned", "users": USERS, "ramp": "0s", "hold": "6s", "edge": edge, "softphone": softphone}
    return Profile.model_validate(keys)


def shortest_of_grid(a_profile: Profile, surroundings: Surroundings, longest_s: float) -> float:
    """The shortest ramp of the grid that holds, or ``longest_s``; its times are shares of that."""
    goals, found_s = goals_of(a_profile), longest_s
    for at_once in range(0, USERS, USERS // STARTS):
        for share in SHARES:
            seconds = share * longest_s
            if seconds < found_s and meets(a_profile, surroundings, RampShape(at_once, seconds), goals):
                found_s = seconds
    return found_s


def search() -> int:
    """Compare the plan for each policy with the grid."""
    table = Table("policy", "at once", "seconds", "shortest of the grid", "longer by", "CPU s")
    worst = 0.0
    for name, limits in POLICIES.items():
        a_profile = profile(limits)
        surroundings = Surroundings(Policy.model_validate(a_profile.edge), NETWORK)
        began_s = time.process_time()
        plan = plan_ramp(a_profile, surroundings)
        cpu_s = time.process_time() - began_s
        assert plan.shape is not None, name
        grid_s = shortest_of_grid(a_profile, replace(surroundings, seed=0), plan.shape.seconds)
        longer = plan.shape.seconds / grid_s - 1
        worst = max(worst, longer)
        table.add_row(
            name, str(plan.shape.at_once), f"{plan.shape.seconds:.3f}", f"{grid_s:.3f}", f"{longer:.1%}", f"{cpu_s:.1f}"
        )
    goal = Goal("no ramp of the grid is shorter by more than 2 %", f"{worst:.1%}", worst <= WITHIN)
    return show(table, [goal], f"{USERS} softphones, {NETWORK}")


def prove() -> int:
    """Run three planned profiles for real, with ``locust-softphone plan --prove``."""
    code = 0
    for name in PROVED:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "profile.yaml")
            file.write_text(yaml.safe_dump(profile(POLICIES[name]).resolved()))
            command = [sys.executable, "-m", "locust_softphone", "plan", str(file), "--prove", "-o", f"{folder}/p.yaml"]
            print(f"\n{name}", flush=True)
            code = max(code, subprocess.run([*command, "--runs", f"{folder}/runs"], check=False).returncode)
    return code


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("search", "prove"))
    return search() if parser.parse_args().part == "search" else prove()


if __name__ == "__main__":
    sys.exit(main())
