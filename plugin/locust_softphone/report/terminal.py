"""A comparison as text for a terminal of any width: the table, the remarks on single runs, the sentences.

A table that is too wide goes on below itself, each part with the runs' names again. Nothing is said by colour alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from locust_softphone.report.comparison import COLUMNS, Column, Run
from locust_softphone.report.findings import findings

__all__ = ["render"]

_STYLES = {"passed": "green", "failed": "red", "invalid": "bold yellow"}
_LEGEND = (
    "attempts each: requests for each planned softphone; all connected: how long after the plan's start the last one "
    "was; set-up: from a call's planned start to its answer; too early: retries before their Retry-After was over"
)


def render(runs: Sequence[Run], *, width: int, colour: bool = False) -> str:
    """The whole comparison.

    Args:
        runs: as ``comparison.side_by_side`` orders them, at least one.
        width: of the terminal, in cells.
        colour: whether to stress the headings and verdicts, by ANSI escapes.
    """
    out = StringIO()
    console = Console(file=out, width=width, force_terminal=colour, color_system="standard" if colour else None)
    for columns in _parts(runs, width):
        console.print(_table(runs, columns))
        console.print()
    console.print(Text(_LEGEND, style="dim"))
    for run in runs:
        for remark in run.remarks:
            console.print(_hanging(f"{run.label}: {remark}"))
    console.print()
    for sentence in findings(runs):
        console.print(_hanging(sentence))
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())


def _parts(runs: Sequence[Run], width: int) -> list[list[Column]]:
    """The columns in as few tables as fit the width, in their order, and these as even as can be."""
    fewest = len(_filled(runs, width))
    return next(parts for limit in range(width + 1) if len(parts := _filled(runs, limit)) == fewest)


def _filled(runs: Sequence[Run], width: int) -> list[list[Column]]:
    """The columns in tables of at most this width; a column that is wider by itself has one to itself."""
    names = max(cell_len(run.label) for run in runs)
    parts: list[list[Column]] = []
    taken = width
    for column in COLUMNS:
        needed = 1 + max(map(len, (*column.heading.split("\n"), *map(column.cell, runs))))
        if taken + needed > width:
            parts.append([])
            taken = names
        parts[-1].append(column)
        taken += needed
    return parts


def _table(runs: Sequence[Run], columns: Sequence[Column]) -> Table:
    table = Table(box=None, padding=(0, 0, 0, 1), pad_edge=False, header_style="bold")
    table.add_column("run", vertical="bottom", overflow="fold")
    for column in columns:
        table.add_column(column.heading, justify="right", vertical="bottom", no_wrap=True)
    for run in runs:
        cells = [column.cell(run) for column in columns]
        table.add_row(Text(run.label), *(Text(cell, style=_STYLES.get(cell, "")) for cell in cells))
    return table


def _hanging(text: str) -> Table:
    """A paragraph with a dash in front."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_row("-", Text(text))
    return grid
