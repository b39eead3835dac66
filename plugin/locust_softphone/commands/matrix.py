"""``locust-softphone matrix``: which remedy helps against which kind of limit, by simulation."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from locust_softphone.commands.argument_types import whole_number
from locust_softphone.commands.arguments import complete_profiles, complete_with
from locust_softphone.commands.chosen_profiles import load_profiles
from locust_softphone.config.key_overrides import parse_set
from locust_softphone.config.policy import Policy, load_policy
from locust_softphone.config.profile import Profile
from locust_softphone.config.ramp import MOST_USERS
from locust_softphone.config.units import format_duration
from locust_softphone.errors import ExitCode
from locust_softphone.runs.record import RunRecord
from locust_softphone.simulation.limit_examples import LIMIT_EXAMPLES
from locust_softphone.simulation.planning.planner import plan_ramp, planned_profile
from locust_softphone.simulation.simulated_record import simulate
from locust_softphone.simulation.simulated_run import Surroundings

__all__ = ["add_arguments", "run"]

REMEDIES = (
    "burst-500-sdk-2.3.1",
    "burst-500-backoff",
    "burst-500-retry-after",
    "burst-500-fleet-backoff",
    "burst-500-adaptive",
)
PLANNED = "planned ramp"
EXAMPLES = """\
locust-softphone matrix
locust-softphone matrix burst-500-retry-after my-profile.yaml --policies policies/*.yaml
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = EXAMPLES
    parser.description = (
        "Simulate remedies against kinds of limits, and print a table in Markdown: of each pair how many softphones "
        "were answered, how many attempts each made, and after how long all were connected. The last column is the "
        "ramp that plan finds for the first profile."
    )
    profiles = parser.add_argument(
        "profiles", nargs="*", metavar="PROFILE", help="the remedies, name or file (default: those of the pack)"
    )
    complete_with(profiles, complete_profiles)
    parser.add_argument(
        "--policies",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="the limits, a policy file each (default: one for each kind of limit, of 50 handshakes a second)",
    )
    parser.add_argument("--users", type=whole_number(MOST_USERS), metavar="N", help="instead of the profiles' users")
    parser.add_argument(
        "--write-policies", type=Path, metavar="DIR", help="also write the policies there, for real runs"
    )


def run(parsed: argparse.Namespace) -> int:
    """Simulate each pair and print the table."""
    users = [parse_set(f"users={parsed.users}")] if parsed.users else []
    profiles = load_profiles(parsed.profiles or REMEDIES, users)
    policies: Mapping[str, Policy] = LIMIT_EXAMPLES
    if parsed.policies:
        policies = {path.stem: load_policy(path) for path in parsed.policies}
    if parsed.write_policies:
        _write(policies, parsed.write_policies)
    rows = [["limit", *(profile.name for profile in profiles), PLANNED]]
    rows += [[name, *_cells(profiles, policy)] for name, policy in policies.items()]
    print("\n".join(_markdown(rows)))
    print("\nEach cell: answered · attempts each · time until all were connected (– if some never were).")
    return ExitCode.PASSED


def _cells(profiles: Sequence[Profile], policy: Policy) -> list[str]:
    surroundings = Surroundings(policy, seed=1)
    cells = [_cell(simulate(profile, surroundings)) for profile in profiles]
    plan = plan_ramp(profiles[0].model_copy(update={"expect": ()}), surroundings)
    if plan.shape is None:
        return [*cells, "no ramp helps"]
    return [*cells, _cell(simulate(planned_profile(profiles[0], plan.shape), surroundings))]


def _cell(record: RunRecord) -> str:
    connected_s = record.time_to_connected_s
    took = "–" if connected_s is None else format_duration(round(connected_s, 1))
    return f"{record.totals.answered} · {record.metrics['amplification']:.1f} · {took}"


def _markdown(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows as a table in Markdown, with aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |" for row in rows]
    return [lines[0], f"|{'|'.join('-' * (width + 2) for width in widths)}|", *lines[1:]]


def _write(policies: Mapping[str, Policy], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, policy in policies.items():
        plain = {key: value for key, value in policy.as_json().items() if key != "organisations"}
        file = folder / f"{''.join(letter if letter.isalnum() else '-' for letter in name)}.yaml"
        file.write_text(json.dumps(plain, indent=1), encoding="utf-8")
