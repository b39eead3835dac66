"""What a benchmark prints: its table, what it was to show and has shown, and a line on how and on what machine."""

from __future__ import annotations

import os
import platform
import ssl
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

__all__ = ["Goal", "milliseconds", "show"]

_VERDICTS = {True: "[green]met", False: "[bold red]not met", None: "[yellow]not judged"}
TABLE_WIDTH = 120  # where no terminal says how wide it is


@dataclass(frozen=True)
class Goal:
    """What a benchmark is to show, what it has shown, and whether that is enough; None if it cannot be judged."""

    target: str
    result: str
    met: bool | None


def show(table: Table, goals: Sequence[Goal], caption: str) -> int:
    """Print the table, the goals, and a line on what this is; returns the exit code."""
    console = Console(width=None if sys.stdout.isatty() else TABLE_WIDTH)
    verdicts = Table("target", "result", "")
    for goal in goals:
        verdicts.add_row(goal.target, goal.result, _VERDICTS[goal.met])
    console.print(table)
    console.print(verdicts)
    console.print(f"{caption}; {_machine()}", style="dim", soft_wrap=True, highlight=False)
    return 0 if all(goal.met for goal in goals) else 1


def milliseconds(seconds: float | None) -> str:
    """For a table: three digits that count, or a dash for what was not measured."""
    if seconds is None:
        return "–"
    value = seconds * 1000
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def _machine() -> str:
    openssl = " ".join(ssl.OPENSSL_VERSION.split()[:2])
    return f"{os.cpu_count()} cores, Python {platform.python_version()}, {openssl}"
