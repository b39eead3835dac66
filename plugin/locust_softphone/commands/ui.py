"""``locust-softphone ui``: starts Locust with its web UI, where profiles are chosen and runs compared."""

from __future__ import annotations

import argparse

from locust_softphone.commands.arguments import add_run_options, complete_profiles, complete_with, run_options
from locust_softphone.commands.locust_process import become_locust, worker_options
from locust_softphone.config.profile_files import load_profile, profile_folders

__all__ = ["add_arguments", "run"]

EXAMPLES = """\
locust-softphone ui
locust-softphone ui my-profile.yaml
locust-softphone ui --workers 2 -- --web-host 0.0.0.0 --web-port 8090
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = (
        "Start Locust with its web UI, on this machine only: http://127.0.0.1:8089. The line at the top of its page "
        "leads to the softphones. Everything after -- goes to Locust as it is."
    )
    parser.epilog = EXAMPLES
    profile = parser.add_argument(
        "profile", nargs="?", metavar="PROFILE", help="name or file of the profile that is chosen first"
    )
    complete_with(profile, complete_profiles)
    add_run_options(parser)


def run(parsed: argparse.Namespace) -> int:
    """Become the Locust process with the web UI."""
    options = ["--web-host", "127.0.0.1"]
    if parsed.profile:
        load_profile(parsed.profile, profile_folders())
        options += ["--softphone-profile", parsed.profile]
    return become_locust(
        [*options, *run_options(parsed), *worker_options(parsed.workers), *parsed.locust_options],
        locustfile=parsed.locustfile,
    )
