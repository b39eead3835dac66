"""Command-line options that several commands have."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path

from locust_softphone.report.formats import FORMATS

__all__ = ["TEXT", "add_format_option", "add_option", "add_runs_option"]

TEXT = "text"
"""The format for people."""


def add_option(
    parser: argparse.ArgumentParser,
    name: str,
    metavar: str,
    text: str,
    *,
    kind: Callable[[str], object] = Path,
    default: str | None = None,
) -> None:
    """Add an option that a Locust run has too: also under its name there, and with the same environment variable.

    Args:
        parser: of the command.
        name: ``--runs``; Locust has it as ``--softphone-runs`` and ``LOCUST_SOFTPHONE_RUNS``.
        metavar: what the help shows for the value.
        text: the help.
        kind: makes the value of a text.
        default: used when neither the option nor the variable is set.
    """
    from_environment = os.environ.get(f"LOCUST_SOFTPHONE_{name[2:].replace('-', '_').upper()}") or default
    parser.add_argument(
        name,
        f"--softphone-{name[2:]}",
        type=kind,
        default=kind(from_environment) if from_environment else None,
        metavar=metavar,
        help=text,
    )


def add_runs_option(parser: argparse.ArgumentParser, text: str) -> None:
    """Add ``--runs DIR``, the folder with the run records."""
    add_option(parser, "--runs", "DIR", f"{text} (default: runs)", default="runs")


def add_format_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--format``, how a comparison is printed."""
    parser.add_argument(
        "--format",
        choices=(TEXT, *FORMATS),
        default=TEXT,
        help="text for people (default); markdown for a pull request, json for a program, junit for a CI system, "
        "openmetrics for Prometheus",
    )
