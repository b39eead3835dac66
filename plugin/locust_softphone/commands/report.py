"""``locust-softphone report``: compares finished runs from their records, or lists them."""

from __future__ import annotations

import argparse
from pathlib import Path

from locust_softphone.commands.arguments import (
    TEXT,
    add_format_option,
    add_runs_option,
    complete_runs,
    complete_with,
)
from locust_softphone.commands.baseline_options import add_baseline_options, gate_exit_code, read_baseline
from locust_softphone.commands.output import print_comparison, print_problems, write_page
from locust_softphone.errors import ExitCode, InputError
from locust_softphone.report.comparison import compare_runs
from locust_softphone.runs import history

__all__ = ["add_arguments", "run"]


EXAMPLES = """\
locust-softphone report
locust-softphone report smoke
locust-softphone report runs/ --html page.html
locust-softphone report 20261126T172148.146935Z-smoke --format junit
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = EXAMPLES
    parser.description = (
        "Compare runs from their records, whenever and wherever they were made. Without RUN, list the runs: date, "
        "profile, target, result, and the name to give as RUN. A folder of runs that does not exist is bad input: exit "
        "code 2."
    )
    names = parser.add_argument(
        "names",
        nargs="*",
        metavar="RUN",
        help="a run.json, a run's folder, a folder of runs, "
        "or in the folder of --runs the name of a run, or of a profile: its newest run",
    )
    complete_with(names, complete_runs)
    add_runs_option(parser, "where runs are looked up by name")
    add_format_option(parser)
    add_baseline_options(parser)
    parser.add_argument(
        "--html",
        type=_html_file,
        metavar="FILE",
        help="also write a page with charts: one self-contained file",
    )


def run(parsed: argparse.Namespace) -> int:
    """Print the comparison or the list; returns the most serious exit code of the runs."""
    if not parsed.names:
        if parsed.format != TEXT:
            raise InputError(f"--format {parsed.format}: needs the names of runs; the list of runs is text only")
        if parsed.html:
            raise InputError(f"--html {parsed.html}: needs the names of the runs to show")
        if parsed.against:
            raise InputError(f"--against {parsed.against}: needs the names of the runs to compare with it")
        return _list(parsed.runs)
    baseline = read_baseline(parsed)
    records, problems = history.read_records(history.find(name, parsed.runs) for name in parsed.names)
    gate = baseline.gate(records) if baseline else None
    if records:
        comparison = compare_runs(records, gate)
        print_comparison(comparison, parsed.format)
        if parsed.html:
            write_page(comparison, parsed.html, parsed.format)
    print_problems(problems)
    codes = [*(record.exit_code for record in records), *(ExitCode.BAD_INPUT for _ in problems)]
    return ExitCode.most_serious([*codes, gate_exit_code(gate)])


def _list(folder: Path) -> int:
    lines, problems = history.listing(folder)
    print("\n".join(lines or [f"no runs in {folder}; make one with locust-softphone run smoke"]))
    print_problems(problems)
    return ExitCode.BAD_INPUT if problems else ExitCode.PASSED


def _html_file(text: str) -> Path:
    path = Path(text)
    if path.suffix not in (".html", ".htm"):  # so that --html run.json does not overwrite a record
        raise argparse.ArgumentTypeError(f"must end in .html, not {text!r}")
    return path
