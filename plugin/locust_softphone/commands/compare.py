"""``locust-softphone compare``: runs profiles one after the other and compares them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from locust_softphone.commands.arguments import TEXT, add_format_option, add_option, add_runs_option
from locust_softphone.commands.locust_process import Interruptions
from locust_softphone.commands.output import print_comparison, print_problems, write_page
from locust_softphone.commands.progress import watching
from locust_softphone.commands.run_sequence import CommonOptions, new_folder, pause_for, plan_runs, run_all
from locust_softphone.config.profile import profile_folders
from locust_softphone.config.units import parse_duration
from locust_softphone.errors import ExitCode
from locust_softphone.report import history

__all__ = ["DEFAULT_PROFILES", "add_arguments", "run"]

DEFAULT_PROFILES = (
    "burst-500",
    "burst-500-sdk-2.3.1",
    "burst-500-backoff",
    "burst-500-retry-after",
    "paced-50",
    "ramp-60s",
)
MOST_REPEATS = 1000
MOST_WORKERS = 256


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = (
        "Run profiles one after the other, each in a fresh Locust process, and compare them. Without --host each run "
        "gets a fresh simulated edge. The client id and secret come from LOCUST_SOFTPHONE_CLIENT_ID and "
        "LOCUST_SOFTPHONE_CLIENT_SECRET; the secret can also come from a file. Ctrl-C ends the series early: finished "
        "runs are kept and compared."
    )
    parser.add_argument(
        "profiles", nargs="*", metavar="PROFILE", help="name or file (default: the burst and its remedies)"
    )
    parser.add_argument(
        "--repeat",
        type=_whole_number(MOST_REPEATS),
        default=1,
        metavar="N",
        help="run each profile N times, in turn (default: 1)",
    )
    parser.add_argument(
        "--workers",
        type=_whole_number(MOST_WORKERS),
        default=0,
        metavar="N",
        help="spread each run over N worker processes (default: one process)",
    )
    parser.add_argument("--host", metavar="URL", help="the edge (default: a simulated one for each run)")
    parser.add_argument(
        "--pause",
        type=_duration,
        metavar="DURATION",
        help="wait between two runs (default: 60s with --host, because the previous run may have used up its limits)",
    )
    parser.add_argument(
        "--authorized",
        "--softphone-authorized",
        action="store_true",
        help="I may load-test this host: needed for every host that is not this machine",
    )
    add_runs_option(parser, "where run records are written")
    add_format_option(parser)
    add_option(parser, "--ca", "FILE", "PEM file of a private certificate authority to trust instead of the system's")
    add_option(parser, "--client-secret-file", "FILE", "file that contains only the OAuth client secret")
    add_option(parser, "--policy", "FILE", "policy of the simulated edges")


def run(parsed: argparse.Namespace) -> int:
    """Run the profiles, print the comparison and write its page; returns the most serious exit code."""
    plans = plan_runs(parsed.profiles or DEFAULT_PROFILES, profile_folders(), repeat=parsed.repeat)
    options = CommonOptions(
        runs=parsed.runs.absolute(),
        host=parsed.host,
        authorized=parsed.authorized,
        ca=parsed.ca and parsed.ca.absolute(),
        policy=parsed.policy and parsed.policy.absolute(),
        secret_file=parsed.client_secret_file and parsed.client_secret_file.absolute(),
        workers=parsed.workers,
    )
    folder = new_folder(options.runs)
    pause_s = pause_for(parsed.pause, parsed.host)
    names = [plan.name for plan in plans]
    planned_s = [plan.planned_s + (pause_s if number else 0.0) for number, plan in enumerate(plans)]
    live = sys.stdout.isatty() and sys.stderr.isatty()
    with Interruptions() as stop, watching(names, planned_s, out=sys.stderr, live=live) as progress:
        finished = list(run_all(plans, options, folder, progress, stop, pause_s))

    runs, problems = history.read_runs(each.record for each in finished if each.record and not each.missing)
    print_comparison(runs, parsed.format)
    if runs:
        write_page(runs, parsed.runs / folder.name / "comparison.html", parsed.format)
    if runs and parsed.format == TEXT:
        print(f"again: locust-softphone report {parsed.runs / folder.name}")
    if missing := [f"{each.plan.name} ({each.missing})" for each in finished if each.missing]:
        problems.append(f"missing from the comparison: {', '.join(missing)}")
    print_problems(problems)
    return ExitCode.most_serious(each.exit_code for each in finished)


def _whole_number(most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {most}, not {text!r}")
        return int(text)

    return parse


def _duration(text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
