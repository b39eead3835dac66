"""``locust-softphone describe``: explains what a profile will do, and shows its requests (``--dry-run``)."""

from __future__ import annotations

import argparse
import shutil
import textwrap

from locust_softphone.commands.arguments import (
    add_option,
    add_override_options,
    complete_profiles,
    complete_with,
)
from locust_softphone.commands.chosen_profiles import load_profiles
from locust_softphone.commands.dry_run import dry_run
from locust_softphone.config.policy import load_policy
from locust_softphone.config.profile import Profile
from locust_softphone.errors import ExitCode, InputError
from locust_softphone.signaling.dialects.genesys_cloud.regions import DEFAULT_REGION, hosts_of
from locust_softphone.signaling.dialects.genesys_cloud.users import load_users
from locust_softphone.signaling.hosts import Hosts
from locust_softphone.signaling.target import Target
from locust_softphone.simulation.planning.prediction import prediction
from locust_softphone.text import one_line

__all__ = ["add_arguments", "run"]


EXAMPLES = """\
locust-softphone describe ramp-60s
locust-softphone describe burst-500 --set ramp=5s --policy policy.yaml
locust-softphone describe my-profile.yaml --dry-run --host https://edge.example
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = EXAMPLES
    parser.description = (
        "Explain in a few lines what a profile will do. With --dry-run, also show every request that one of its "
        "softphones would send, with secrets masked. Nothing is sent to the real edge: a simulated edge on this "
        "machine answers in its place. With --policy, also predict by a simulation what an edge with this policy would "
        "do with it, and which ramp would be enough."
    )
    profile = parser.add_argument("profile", metavar="PROFILE", help="name or file")
    complete_with(profile, complete_profiles)
    add_option(parser, "--policy", "FILE", "predict what a simulated edge with this policy would do")
    add_override_options(parser)
    parser.add_argument("--dry-run", action="store_true", help="show the requests without sending them")
    parser.add_argument("--host", metavar="URL", help="with --dry-run: the edge")
    add_option(
        parser,
        "--region",
        "REGION",
        "with --dry-run: the region of Genesys Cloud whose hosts are the edge (default: us-east-1)",
        kind=str,
    )
    add_option(parser, "--users", "FILE", "with --dry-run: CSV file of the users whose softphones these are")
    add_option(parser, "--call-to", "NUMBER", "with --dry-run: the number that the softphones would call", kind=str)


def run(parsed: argparse.Namespace) -> int:
    """Print the description, and the requests if they are wanted."""
    width = shutil.get_terminal_size().columns
    for profile in load_profiles([parsed.profile], parsed.sets, parsed.sweeps):
        if parsed.sweeps:
            print(f"{profile.name}:")
        predicted = prediction(profile, load_policy(parsed.policy)) if parsed.policy else []
        about = one_line(" ".join(profile.about.split()))  # a control character could do anything to the terminal
        for line in (about, *profile.describe(), *predicted):
            print("\n".join(textwrap.wrap(line, width, subsequent_indent="  ", break_on_hyphens=False)))
        if parsed.dry_run:
            _print_requests(parsed, profile)
    return ExitCode.PASSED


def _print_requests(parsed: argparse.Namespace, profile: Profile) -> None:
    if parsed.host and parsed.region:
        raise InputError("--region: its hosts are the edge, and --host names another; give one of the two")
    if profile.dialect != "genesys-cloud" and not parsed.host:
        raise InputError("--dry-run: whose requests? Add --host URL, such as --host https://edge.example")
    hosts = Hosts.one(Target.parse(parsed.host)) if parsed.host else hosts_of(parsed.region or DEFAULT_REGION)
    users = load_users(parsed.softphone_users) if parsed.softphone_users else ()
    print(f"\nwhat one of {profile.users} softphones would send; nothing is sent, a simulated edge answers:\n")
    dry_run(profile, hosts, users, parsed.call_to, print)
    print(f"\nthe run: {profile.describe_starts()}; {profile.describe_attempts()}")
