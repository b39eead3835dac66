"""``locust-softphone plan``: finds the shortest ramp that meets a profile's expectations, and writes that profile."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import yaml

from locust_softphone.commands.argument_types import checked
from locust_softphone.commands.arguments import add_authorized_option, add_override_options, add_runs_option
from locust_softphone.commands.plan_proof import prove
from locust_softphone.commands.simulate import add_simulation_options, network_of, policy_of, profiles_of
from locust_softphone.config.behaviour import Behaviour
from locust_softphone.config.policy import Policy
from locust_softphone.config.profile import Profile
from locust_softphone.errors import ExitCode, InputError
from locust_softphone.runs import history
from locust_softphone.simulation.planning.diagnosed_policy import policy_of_run
from locust_softphone.simulation.planning.planner import (
    RampPlan,
    plan_ramp,
    planned_profile,
    ramp_of,
    with_margin,
)
from locust_softphone.simulation.planning.sentences import plan_lines, why_not
from locust_softphone.simulation.planning.waves import shorter_waves
from locust_softphone.simulation.simulated_run import Surroundings

__all__ = ["add_arguments", "run"]

EXAMPLES = """\
locust-softphone plan burst-500
locust-softphone plan burst-500 --users 200 --policy policy.yaml -o paced.yaml
locust-softphone plan burst-500 --margin 10% --prove
locust-softphone plan burst-500 --from 20261126T180000.000000Z-burst-500
locust-softphone plan burst-500 --policy twin.yaml --prove --host https://edge.example --authorized
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = EXAMPLES
    parser.description = (
        "Find the shortest ramp with which a profile meets its expectations in at least 95 % of simulated runs: a "
        "linear ramp, which is a constant rate, or some softphones at once and then a rate. Without expectations, or "
        "for a profile that reproduces a failure: no 429, no abnormal close, all answered. Says which limit decides, "
        "and writes the profile."
    )
    parser.add_argument("profiles", nargs=1, metavar="PROFILE", help="name or file; its ramp is replaced")
    add_simulation_options(parser)
    add_override_options(parser)
    parser.add_argument(
        "--from",
        dest="from_run",
        metavar="RUN",
        help="plan for the limits that a finished run met, as its record explains them",
    )
    parser.add_argument(
        "--margin",
        type=checked(_share),
        default=0.05,
        metavar="PERCENT",
        help="how much longer than the shortest ramp that holds (default: 5%%)",
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="where to write (default: NAME-planned.yaml)")
    parser.add_argument("--prove", action="store_true", help="also run the planned profile for real")
    parser.add_argument("--host", metavar="URL", help="with --prove: the edge (default: a simulated one)")
    add_authorized_option(parser)
    add_runs_option(parser, "where run records are")


def run(parsed: argparse.Namespace) -> int:
    """Search, print and write the plan; with ``--prove``, run it."""
    if parsed.host and not parsed.prove:
        raise InputError("--host: only --prove runs anything; add it, or leave --host out")
    profiles = profiles_of(parsed)
    if len(profiles) > 1:
        raise InputError("--sweep: plan takes one profile; plan each on its own")
    profile = profiles[0]
    surroundings = Surroundings(_policy(parsed, profile), network_of(parsed), parsed.seed)
    output = _output(parsed, profile)
    plan = plan_ramp(profile, surroundings)
    if plan.shape is None:
        print("\n".join(why_not(profile, plan)))
        return ExitCode.FAILED
    print("\n".join(plan_lines(profile, plan, parsed.margin)))
    if waves := shorter_waves(profile, surroundings, plan):
        print(f"shorter, but without a margin, in waves: {waves}")
        print(f"  ramp: {json.dumps(waves.ramp(profile.users))}")
    planned = _write(profile, plan, parsed.margin, output)
    print(f"written: {output}")
    return prove(parsed, planned, output, surroundings) if parsed.prove else ExitCode.PASSED


def _policy(parsed: argparse.Namespace, profile: Profile) -> Policy:
    """The policy to plan for."""
    if not parsed.from_run:
        return policy_of(parsed.policy, profile)
    if parsed.policy:
        raise InputError("--policy: --from takes the limits from a run; leave one of the two out")
    return policy_of_run(history.read_or_recover(history.find(parsed.from_run, parsed.runs)))


def _output(parsed: argparse.Namespace, profile: Profile) -> Path:
    """Where to write; a file that is there is only replaced if it was named."""
    if parsed.output:
        return Path(parsed.output)
    path = Path(f"{profile.name}-planned.yaml")
    if path.exists():
        raise InputError(f"{path}: exists already; give -o {path} to replace it, or another name")
    return path


def _write(profile: Profile, plan: RampPlan, margin: float, output: Path) -> Profile:
    """Write the planned profile, and return it."""
    assert plan.shape is not None
    shape = with_margin(plan.shape, margin)
    planned = planned_profile(profile, shape).model_copy(
        update={"name": output.stem, "expect": plan.goals, "reproduces": False, "about": ""}
    )
    data = _plain(planned)
    data["ramp"] = ramp_of(shape, profile.users)
    text = f"# {profile.name} with the shortest ramp that holds, and a margin of {margin:.0%}: locust-softphone plan.\n"
    text += yaml.safe_dump(data, sort_keys=False, default_flow_style=None, allow_unicode=True, width=110)
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{output}: cannot be written ({error.strerror})") from None
    return planned


def _plain(profile: Profile) -> dict[str, Any]:
    """The profile as a file has it, without what is the default anyway."""
    resolved = profile.resolved()
    defaults = Profile.model_validate({"name": "default", "users": 1, "ramp": "0s"}).resolved()
    preset = Behaviour.model_validate({"like": profile.softphone.like}).model_dump(mode="json", by_alias=True)
    data = {key: value for key, value in resolved.items() if value != defaults[key]}
    softphone = {"like": profile.softphone.like}
    for key, value in resolved["softphone"].items():
        if isinstance(value, dict):
            value = {inner: number for inner, number in value.items() if number != preset[key][inner]}
        if value and value != preset[key]:
            softphone[key] = value
    return {**data, "users": profile.users, "softphone": softphone}


def _share(text: str) -> float:
    number = text.removesuffix("%")
    try:
        share = float(number) / 100
    except ValueError:
        share = -1.0
    if not text.endswith("%") or not 0 <= share < 1:
        raise ValueError(f"{text!r} is not a margin below 100%, write it as 10%")
    return share
