"""``locust-softphone run``: runs one profile in Locust without its web UI, in this terminal."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from locust_softphone.commands.arguments import (
    add_run_options,
    add_set_option,
    complete_profiles,
    complete_with,
    run_options,
)
from locust_softphone.commands.chosen_profiles import load_profiles, write_profiles
from locust_softphone.commands.locust_process import become_locust, worker_options

__all__ = ["add_arguments", "run"]

EXAMPLES = """\
locust-softphone run smoke
locust-softphone run my-profile.yaml --policy policy.yaml
locust-softphone run burst-500 --set users=200 --set ramp=9s
locust-softphone run paced-50 --host https://edge.example --authorized
locust-softphone run burst-500 --workers 2 -- --html report.html --csv burst
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = (
        "Run a profile in Locust, without a web UI. It ends by itself when the profile is over, and writes a run "
        "record. Without --host it gets a simulated edge of its own. Everything after -- goes to Locust as it is."
    )
    parser.epilog = EXAMPLES
    profile = parser.add_argument("profile", metavar="PROFILE", help="name or file")
    complete_with(profile, complete_profiles)
    add_run_options(parser)
    add_set_option(parser)


def run(parsed: argparse.Namespace) -> int:
    """Become the Locust process of the run."""
    profiles = load_profiles([parsed.profile], parsed.sets)  # a mistake in it is reported before Locust starts
    path = parsed.profile
    if parsed.sets:
        runs = Path(parsed.softphone_runs or os.environ.get("LOCUST_SOFTPHONE_RUNS") or "runs")
        (path,) = write_profiles(profiles, runs.absolute() / "profiles")
    options = ["--headless", "--only-summary", "--softphone-profile", path]
    return become_locust(
        [*options, *run_options(parsed), *worker_options(parsed.workers), *parsed.locust_options],
        locustfile=parsed.locustfile,
    )
