"""Runs a planned profile for real, and compares the run with its simulation (``plan --prove``)."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from locust_softphone.commands.locust_process import Interruptions
from locust_softphone.commands.output import print_problems
from locust_softphone.commands.progress import reporting
from locust_softphone.commands.run_sequence import new_folder, plan_runs, run_all
from locust_softphone.config.profile import Profile
from locust_softphone.config.units import format_duration
from locust_softphone.runs import history
from locust_softphone.runs.record import RunRecord
from locust_softphone.simulation.simulated_record import simulate
from locust_softphone.simulation.simulated_run import Surroundings
from locust_softphone.swarm.option_list import AUTHORIZED

__all__ = ["prove"]


def prove(parsed: argparse.Namespace, profile: Profile, path: Path, surroundings: Surroundings) -> int:
    """Run the profile at ``path``, and print what was predicted and what was measured; returns the exit code."""
    plans = plan_runs([str(path)], [])
    folder = new_folder(parsed.runs.absolute())
    live = sys.stdout.isatty() and sys.stderr.isatty()
    with Interruptions() as stop, reporting([(path.stem, plans[0].planned_s)], out=sys.stderr, live=live) as progress:
        (finished,) = run_all(plans, folder, progress, stop, options=_options(parsed))
    if finished.record is None:
        print_problems(finished.errors)
        return finished.exit_code
    real = history.read_or_recover(finished.record)
    print("\n".join(_compared(simulate(profile, surroundings), real)))
    print(f"run record: {finished.record}")
    return finished.exit_code


def _options(parsed: argparse.Namespace) -> list[str]:
    options = ["--softphone-runs", str(parsed.runs.absolute())]
    options += ["--softphone-policy", str(parsed.policy.absolute())] if parsed.policy else []
    options += ["--host", parsed.host] if parsed.host else []
    return options + ([AUTHORIZED] if parsed.authorized else [])


def _compared(predicted: RunRecord, real: RunRecord) -> list[str]:
    """The run's result, and its figures beside the predicted ones."""
    lines = [f"run for real: {real.verdict}"]
    lines += [f"  {reason}" for reason in real.validity.reasons]
    for name, words in (("answered", "answered"), ("rate_limited", "429s"), ("abnormal_closes", "abnormal closes")):
        lines.append(f"  {words}: {real.metrics[name]:g}, predicted {predicted.metrics[name]:g}")
    expected_s, measured_s = predicted.time_to_connected_s, real.time_to_connected_s
    if not expected_s or measured_s is None:
        return lines
    measured, expected = (format_duration(round(each, 2)) for each in (measured_s, expected_s))
    return [*lines, f"  all connected after {measured}, predicted {expected} ({measured_s / expected_s - 1:+.1%})"]
