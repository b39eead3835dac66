"""``locust-softphone compare``: runs profiles one after the other and compares them."""

from __future__ import annotations

import argparse
import sys

from locust_softphone.commands.argument_types import checked, whole_number
from locust_softphone.commands.arguments import (
    MOST_WORKERS,
    TEXT,
    add_authorized_option,
    add_format_option,
    add_option,
    add_override_options,
    add_runs_option,
    complete_profiles,
    complete_with,
)
from locust_softphone.commands.baseline_options import add_baseline_options, gate_exit_code, read_baseline
from locust_softphone.commands.chosen_profiles import load_profiles, write_profiles
from locust_softphone.commands.live_counts import LiveCounts
from locust_softphone.commands.locust_process import Interruptions
from locust_softphone.commands.output import print_comparison, print_problems, write_page
from locust_softphone.commands.progress import reporting
from locust_softphone.commands.run_sequence import new_folder, plan_runs, run_all
from locust_softphone.commands.simulate import simulate_all
from locust_softphone.config.profile_files import profile_folders
from locust_softphone.config.units import parse_duration
from locust_softphone.errors import ExitCode, InputError
from locust_softphone.report.comparison import compare_runs
from locust_softphone.runs import history
from locust_softphone.simulation.network_model import NetworkModel
from locust_softphone.swarm.option_list import AUTHORIZED

__all__ = ["DEFAULT_PROFILES", "add_arguments", "locust_options", "pause_between_runs_s", "run"]

DEFAULT_PROFILES = (
    "burst-500",
    "burst-500-sdk-2.3.1",
    "burst-500-backoff",
    "burst-500-retry-after",
    "paced-50",
    "ramp-60s",
)
MOST_REPEATS = 1000
PAUSE_S = 60.0
"""Between runs against a given edge: most limits are per minute, and the previous run may have used them up."""


EXAMPLES = """\
locust-softphone compare
locust-softphone compare burst-500 my-profile.yaml --repeat 3
locust-softphone compare burst-500 --sweep ramp=5s,8s,10s
locust-softphone compare burst-500 --repeat 3 --against main --format junit
locust-softphone compare --simulate --set users=5000
locust-softphone compare burst-500 paced-50 --host https://edge.example --authorized
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = EXAMPLES
    parser.description = (
        "Run profiles one after the other, each in a fresh Locust process, and compare them. Without --host each run "
        "gets a fresh simulated edge. The client id and secret come from LOCUST_SOFTPHONE_CLIENT_ID and "
        "LOCUST_SOFTPHONE_CLIENT_SECRET; the secret can also come from a file. Ctrl-C ends the series early: finished "
        "runs are kept and compared."
    )
    profiles = parser.add_argument(
        "profiles", nargs="*", metavar="PROFILE", help="name or file (default: the burst and its remedies)"
    )
    complete_with(profiles, complete_profiles)
    parser.add_argument(
        "--repeat",
        type=whole_number(MOST_REPEATS),
        default=1,
        metavar="N",
        help="run each profile N times, in turn (default: 1)",
    )
    parser.add_argument(
        "--workers",
        type=whole_number(MOST_WORKERS),
        default=0,
        metavar="N",
        help="spread each run over N worker processes (default: one process)",
    )
    parser.add_argument("--host", metavar="URL", help="the edge (default: a simulated one for each run)")
    parser.add_argument(
        "--pause",
        type=checked(parse_duration),
        metavar="DURATION",
        help="wait between two runs (default: 60s with --host, because the previous run may have used up its limits)",
    )
    parser.add_argument(
        "--keep-going",
        "--softphone-keep-going",
        action="store_true",
        help="run each plan to its end even if a step fails in the same way each time, and no retry can help",
    )
    add_authorized_option(parser)
    add_runs_option(parser, "where run records are written")
    add_format_option(parser)
    add_baseline_options(parser)
    add_option(parser, "--ca", "FILE", "PEM file of a private certificate authority to trust instead of the system's")
    add_option(parser, "--client-secret-file", "FILE", "file that contains only the OAuth client secret")
    add_option(parser, "--policy", "FILE", "policy of the simulated edges")
    add_override_options(parser)
    parser.add_argument(
        "--simulate", action="store_true", help="simulate the runs in virtual time, in seconds, as simulate does"
    )


def run(parsed: argparse.Namespace) -> int:
    """Run the profiles, print the comparison and write its page; returns the most serious exit code."""
    if parsed.simulate:
        return _simulate(parsed)
    baseline = read_baseline(parsed)
    names = parsed.profiles or DEFAULT_PROFILES
    changed = load_profiles(names, parsed.sets, parsed.sweeps) if parsed.sets or parsed.sweeps else []
    plans = [] if changed else plan_runs(names, profile_folders(), repeat=parsed.repeat)
    folder = new_folder(parsed.runs.absolute())
    if changed:
        plans = plan_runs(write_profiles(changed, folder / "profiles"), [], repeat=parsed.repeat)
    pause_s = pause_between_runs_s(parsed)
    planned = [(plan.name, plan.planned_s + (pause_s if number else 0.0)) for number, plan in enumerate(plans)]
    live = sys.stdout.isatty() and sys.stderr.isatty()
    counts = LiveCounts(folder.parent, since=folder.name)
    with Interruptions() as stop, reporting(planned, out=sys.stderr, live=live, counts=counts) as progress:
        runs = run_all(
            plans, folder, progress, stop, options=locust_options(parsed), workers=parsed.workers, pause_s=pause_s
        )
        finished = list(runs)

    records, problems = history.read_records(each.record for each in finished if each.record and not each.missing)
    gate = baseline.gate(records) if baseline else None
    if records:
        comparison = compare_runs(records, gate)
        print_comparison(comparison, parsed.format)
        write_page(comparison, parsed.runs / folder.name / "comparison.html", parsed.format)
        if parsed.format == TEXT:
            print(f"again: locust-softphone report {parsed.runs / folder.name}")
    if missing := [f"{each.plan.name} ({each.missing})" for each in finished if each.missing]:
        problems.append(f"missing from the comparison: {', '.join(missing)}")
    print_problems(problems)
    return ExitCode.most_serious([*(each.exit_code for each in finished), gate_exit_code(gate)])


def _simulate(parsed: argparse.Namespace) -> int:
    given = [f"--{name}" for name in ("host", "workers", "pause", "ca", "against") if getattr(parsed, name)]
    if given:
        raise InputError(f"{given[0]}: nothing is sent with --simulate; leave one of the two out")
    profiles = load_profiles(parsed.profiles or DEFAULT_PROFILES, parsed.sets, parsed.sweeps)
    return simulate_all(parsed, profiles, NetworkModel(), seed=1)


def pause_between_runs_s(parsed: argparse.Namespace) -> float:
    """Seconds to wait between two runs."""
    if parsed.pause is not None:
        return float(parsed.pause)
    return PAUSE_S if parsed.host else 0.0


def locust_options(parsed: argparse.Namespace) -> list[str]:
    """The options that each Locust process gets; paths are absolute, because it runs in another folder."""
    names = ("runs", "ca", "client_secret_file", "policy")
    paths = {f"--softphone-{name.replace('_', '-')}": getattr(parsed, name) for name in names}
    options = [text for name, path in paths.items() if path for text in (name, str(path.absolute()))]
    options += ["--host", parsed.host] if parsed.host else []
    options += ["--softphone-keep-going"] if parsed.keep_going else []
    return options + ([AUTHORIZED] if parsed.authorized else [])
