"""Prints a comparison and writes its page, for the commands ``compare`` and ``report``."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from locust_softphone.commands.arguments import TEXT
from locust_softphone.report.comparison import Comparison
from locust_softphone.report.formats import FORMATS
from locust_softphone.report.html.page import comparison_html, write_html
from locust_softphone.report.standard_output import wants_colour
from locust_softphone.report.terminal import render

__all__ = ["print_comparison", "print_problems", "write_page"]


def print_comparison(comparison: Comparison, form: str) -> None:
    """Print a comparison to stdout; ``form`` is ``text`` or a key of ``FORMATS``."""
    if form == TEXT:
        sys.stdout.write(render(comparison, width=shutil.get_terminal_size().columns, colour=wants_colour()))
    else:
        sys.stdout.write(FORMATS[form](comparison))


def write_page(comparison: Comparison, path: Path, form: str) -> None:
    """Write the HTML page and print its path: after the text, or to stderr when a program reads stdout."""
    write_html(comparison_html(comparison), path)
    print(f"\npage: {path}" if form == TEXT else f"page: {path}", file=sys.stdout if form == TEXT else sys.stderr)


def print_problems(problems: Iterable[str]) -> None:
    """Print one line each to stderr."""
    for problem in problems:
        print(problem, file=sys.stderr)
