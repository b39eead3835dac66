"""``locust-softphone simulate``: runs profiles in virtual time, against a model of the edge, and compares them."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from locust_softphone.commands.argument_types import checked, whole_number
from locust_softphone.commands.arguments import (
    TEXT,
    add_format_option,
    add_option,
    add_override_options,
    add_runs_option,
)
from locust_softphone.commands.chosen_profiles import load_profiles
from locust_softphone.commands.output import print_comparison
from locust_softphone.config import strict_yaml
from locust_softphone.config.policy import Policy, load_policy
from locust_softphone.config.profile import Profile
from locust_softphone.config.units import parse_duration
from locust_softphone.errors import ExitCode, InputError
from locust_softphone.report.comparison import compare_runs
from locust_softphone.runs import history, storage
from locust_softphone.simulation.network_model import NetworkModel
from locust_softphone.simulation.simulated_record import simulate
from locust_softphone.simulation.simulated_run import Surroundings

__all__ = [
    "add_arguments",
    "add_simulation_options",
    "network_of",
    "policy_of",
    "profiles_of",
    "run",
    "simulate_all",
]

MOST_REPEATS = 1000
_EDGE = "edge"
EXAMPLES = """\
locust-softphone simulate burst-500 paced-50
locust-softphone simulate burst-500 --users 5000 --policy policy.yaml --rtt 20ms --repeat 5
locust-softphone simulate burst-500 --sweep ramp=5s,8s,9s,10s
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = EXAMPLES
    parser.description = (
        "Run profiles in virtual time and compare them: the softphones of a real run, against a model of the edge. "
        "Nothing is sent, and a run of a minute takes less than a second. Each run writes a run record, which report "
        "compares with those of real runs. The same seed gives the same measurements."
    )
    parser.add_argument("profiles", nargs="+", metavar="PROFILE", help="name or file")
    add_simulation_options(parser)
    add_override_options(parser)
    parser.add_argument(
        "--repeat",
        type=whole_number(MOST_REPEATS),
        default=1,
        metavar="N",
        help="simulate each profile N times, with other random numbers (default: 1)",
    )
    add_runs_option(parser, "where run records are written")
    add_format_option(parser)


def add_simulation_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what is simulated: the edge's policy, the network, the seed."""
    add_option(parser, "--policy", "FILE", "policy of the simulated edge (default: the profile's, or the default one)")
    network = NetworkModel()
    for name, text, default in (
        ("--rtt", "round trip to the edge", f"{network.round_trip_s * 1000:g}ms"),
        ("--jitter", "each way takes up to this much longer, at random", "0s"),
        ("--work", "processor time for each request, one after the other", f"{network.work_s * 1000:g}ms"),
    ):
        parser.add_argument(name, type=checked(parse_duration), metavar="DURATION", help=f"{text} (default: {default})")
    parser.add_argument(
        "--network-of", type=Path, metavar="RUN", help="take round trip, jitter and work from a run record"
    )
    parser.add_argument(
        "--seed", type=whole_number(2**32 - 1), default=1, metavar="N", help="of everything random (default: 1)"
    )


def run(parsed: argparse.Namespace) -> int:
    """Simulate the profiles and print the comparison; returns the most serious exit code."""
    return simulate_all(parsed, profiles_of(parsed), network_of(parsed), parsed.seed)


def simulate_all(parsed: argparse.Namespace, profiles: Sequence[Profile], network: NetworkModel, seed: int) -> int:
    """Simulate profiles as often as ``--repeat`` says, and print the comparison; returns the exit code.

    The first run of each profile is diagnosed. The others meet the same limits, and a diagnosis takes longer than
    a run.
    """
    policies = [policy_of(parsed.policy, profile) for profile in profiles]
    records = []
    for number in range(parsed.repeat):
        for profile, policy in zip(profiles, policies, strict=True):
            record = simulate(profile, Surroundings(policy, network, seed + number), diagnosed=not number)
            storage.write(record, parsed.runs / record.run_id)
            records.append(record)
    print_comparison(compare_runs(records), parsed.format)
    print(f"simulated with {network}", file=sys.stdout if parsed.format == TEXT else sys.stderr)
    return ExitCode.most_serious(record.exit_code for record in records)


def profiles_of(parsed: argparse.Namespace) -> list[Profile]:
    """The profiles with their overrides; raises as ``load_profiles``."""
    return load_profiles(parsed.profiles, parsed.sets, parsed.sweeps)


def policy_of(file: Path | None, profile: Profile) -> Policy:
    """The policy of the simulated edge: that of the file, or the profile's own."""
    if file:
        return load_policy(file)
    try:
        return strict_yaml.loads(json.dumps(profile.edge), Policy, name=_EDGE)
    except InputError as error:
        problems = (re.sub(rf"^{_EDGE}:\d+:", f"{profile.name}: edge:", problem) for problem in error.problems)
        raise InputError(*problems) from None


def network_of(parsed: argparse.Namespace) -> NetworkModel:
    """The network that the options describe."""
    network = NetworkModel()
    if parsed.network_of:
        network = NetworkModel.from_record(history.read_or_recover(history.find(str(parsed.network_of), parsed.runs)))
    given = {"round_trip_s": parsed.rtt, "jitter_s": parsed.jitter, "work_s": parsed.work}
    return network.with_given({name: value for name, value in given.items() if value is not None})
