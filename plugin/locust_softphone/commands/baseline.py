"""``locust-softphone baseline``: stores runs as a baseline for ``compare --against`` and ``report --against``."""

from __future__ import annotations

import argparse
from pathlib import Path

from locust_softphone.commands.arguments import add_runs_option, complete_runs, complete_with
from locust_softphone.commands.baseline_options import add_baselines_option
from locust_softphone.errors import ExitCode, InputError
from locust_softphone.runs import history
from locust_softphone.runs.baselines import list_baselines, save_baseline

__all__ = ["add_arguments", "run"]

EXAMPLES = """\
locust-softphone baseline save main
locust-softphone baseline save main runs/20261126T172148.146935Z-comparison
locust-softphone baseline list
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = EXAMPLES
    parser.description = (
        "Store runs as a baseline, or list the baselines. `save NAME` replaces what was stored under this name. "
        "Without RUN it stores the runs of the newest comparison."
    )
    parser.add_argument("action", choices=("save", "list"), help="what to do")
    parser.add_argument("name", nargs="?", metavar="NAME", help="of the baseline, such as main")
    runs = parser.add_argument(
        "names", nargs="*", metavar="RUN", help="a run's folder, a folder of runs, or the name of a run"
    )
    complete_with(runs, complete_runs)
    add_runs_option(parser, "where runs are looked up by name")
    add_baselines_option(parser)


def run(parsed: argparse.Namespace) -> int:
    """Store a baseline, or list them."""
    if parsed.action == "list":
        if parsed.name:
            raise InputError("locust-softphone baseline list: needs no other argument")
        print("\n".join(list_baselines(parsed.baselines) or [f"no baselines in {parsed.baselines}"]))
        return ExitCode.PASSED
    if not parsed.name:
        raise InputError("locust-softphone baseline save: needs a NAME, such as main")
    paths = [history.find(name, parsed.runs) for name in parsed.names] or [_newest_comparison(parsed.runs)]
    records, problems = history.read_records(paths)
    if problems:
        raise InputError(*problems)
    if invalid := [record.run_id for record in records if record.verdict == "invalid"]:
        raise InputError(f"{invalid[0]}: this run is not valid, so it cannot be part of a baseline")
    folder = save_baseline(parsed.name, records, parsed.baselines)
    names = ", ".join(dict.fromkeys(record.name for record in records))
    print(f"{folder}: {len(records)} {'run' if len(records) == 1 else 'runs'} of {names}")
    return ExitCode.PASSED


def _newest_comparison(runs: Path) -> Path:
    """The newest folder of a comparison; their names begin with the time."""
    newest = max(runs.glob("*-comparison"), default=None)
    if newest is None:
        raise InputError(
            f"{runs}: no comparison there; name the runs to store, or make some with locust-softphone compare"
        )
    return newest
