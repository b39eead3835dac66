"""What a benchmark prints: its table, its targets and results, and a line about the method and the machine."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from locust_softphone.errors import ExitCode
from locust_softphone.signaling.tls import engine

__all__ = ["RESULTS", "Goal", "milliseconds", "show"]

_MARKS = {True: "[green]met", False: "[bold red]not met", None: "[yellow]not measured"}
RESULTS = "BENCHMARK_RESULTS"
TABLE_WIDTH = 120  # if the output is not a terminal


@dataclass(frozen=True)
class Goal:
    """A target, the result, and whether the result meets the target; None if it was not measured."""

    target: str
    result: str
    met: bool | None


def show(table: Table, goals: Sequence[Goal], caption: str) -> int:
    """Print the table, the goals and the caption; returns the exit code: failed unless every goal is met."""
    console = Console(width=None if sys.stdout.isatty() else TABLE_WIDTH)
    results = Table("target", "result", "")
    for goal in goals:
        results.add_row(goal.target, goal.result, _MARKS[goal.met])
    _keep(table, goals)
    console.print(table)
    console.print(results)
    console.print(f"{caption}; {_machine()}", style="dim", soft_wrap=True, highlight=False)
    return ExitCode.PASSED if all(goal.met for goal in goals) else ExitCode.FAILED


def _keep(table: Table, goals: Sequence[Goal]) -> None:
    """Write the results as JSON to the file that the environment names, for all.py."""
    if not (path := os.environ.get(RESULTS)):
        return
    headers = [str(column.header) for column in table.columns]
    cells = zip(
        *([Text.from_markup(str(cell)).plain for cell in column.cells] for column in table.columns), strict=True
    )
    rows = [dict(zip(headers, row, strict=True)) for row in cells]
    Path(path).write_text(json.dumps({"rows": rows, "goals": [vars(goal) for goal in goals]}))


def milliseconds(seconds: float | None) -> str:
    """Milliseconds with three significant digits; a dash for None."""
    if seconds is None:
        return "–"
    value = seconds * 1000
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def _machine() -> str:
    openssl = " ".join(engine().split()[:2])
    return f"{os.cpu_count()} cores, Python {platform.python_version()}, {openssl}"
