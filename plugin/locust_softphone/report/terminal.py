"""A comparison as text for a terminal of any width: the tables, the remarks on single runs, the findings.

A table that is too wide is continued below, each part with the runs' labels again. Colour adds no information.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from locust_softphone.report.comparison import Comparison
from locust_softphone.report.tables import LEGEND, Table

__all__ = ["render"]

_STYLES = {"passed": "green", "failed": "red", "invalid": "bold yellow"}


def render(comparison: Comparison, *, width: int, colour: bool = False) -> str:
    """The whole comparison as text.

    Args:
        comparison: what to render.
        width: of the terminal, in cells.
        colour: whether to highlight headings and verdicts, with ANSI escapes.
    """
    out = StringIO()
    console = Console(file=out, width=width, force_terminal=colour, color_system="standard" if colour else None)
    first, *repeated = comparison.tables
    _print(console, first, width)
    console.print(Text(LEGEND, style="dim"))
    for run in comparison.runs:
        for remark in run.remarks:
            console.print(_bullet(f"{run.label}: {remark}"))
    console.print()
    for table in repeated:
        console.print(Text(f"{table.title}:"))
        _print(console, table, width)
    for finding in comparison.findings:
        console.print(_bullet(finding.text))
    for warning in comparison.warnings:
        console.print(_bullet(warning.text, "bold yellow"))
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())


def _print(console: Console, table: Table, width: int) -> None:
    for columns in _parts(table, width):
        console.print(_grid(table, columns))
        console.print()


def _parts(table: Table, width: int) -> list[list[int]]:
    """The columns in as few parts as fit the width, in their order, and the parts of similar width."""
    fewest = len(_filled(table, width))
    return next(parts for limit in range(width + 1) if len(parts := _filled(table, limit)) == fewest)


def _filled(table: Table, width: int) -> list[list[int]]:
    """The columns in parts of at most this width; a column that is wider is a part of its own."""
    labels = max(cell_len(row.label) for row in table.rows)
    parts: list[list[int]] = []
    taken = width
    for column, heading in enumerate(table.headings):
        needed = 1 + max(map(cell_len, (*heading.split("\n"), *(row.cells[column].text for row in table.rows))))
        if taken + needed > width:
            parts.append([])
            taken = labels
        parts[-1].append(column)
        taken += needed
    return parts


def _grid(table: Table, columns: Sequence[int]) -> Grid:
    grid = Grid(box=None, padding=(0, 0, 0, 1), pad_edge=False, header_style="bold")
    grid.add_column("run", vertical="bottom", overflow="fold")
    for column in columns:
        grid.add_column(table.headings[column], justify="right", vertical="bottom", no_wrap=True)
    for row in table.rows:
        texts = [row.cells[column].text for column in columns]
        grid.add_row(Text(row.label), *(Text(text, style=_STYLES.get(text, "")) for text in texts))
    return grid


def _bullet(text: str, style: str = "") -> Grid:
    """A list item whose further lines are indented."""
    grid = Grid.grid(padding=(0, 1, 0, 0))
    grid.add_row("-", Text(text, style=style))
    return grid
