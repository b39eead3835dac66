"""A comparison as text for a terminal of any width: the tables, the remarks on single runs, the sentences.

A table that is too wide goes on below itself, each part with the runs' names again. Nothing is said by colour alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from locust_softphone.report.comparison import Run
from locust_softphone.report.findings import findings
from locust_softphone.report.tables import LEGEND, Table, tables

__all__ = ["render"]

_STYLES = {"passed": "green", "failed": "red", "invalid": "bold yellow"}


def render(runs: Sequence[Run], *, width: int, colour: bool = False) -> str:
    """The whole comparison.

    Args:
        runs: as ``comparison.side_by_side`` orders them, at least one.
        width: of the terminal, in cells.
        colour: whether to stress the headings and verdicts, by ANSI escapes.
    """
    out = StringIO()
    console = Console(file=out, width=width, force_terminal=colour, color_system="standard" if colour else None)
    first, *repeated = tables(runs)
    _print(console, first, width)
    console.print(Text(LEGEND, style="dim"))
    for run in runs:
        for remark in run.remarks:
            console.print(_hanging(f"{run.label}: {remark}"))
    console.print()
    for table in repeated:
        console.print(Text(f"{table.title}:"))
        _print(console, table, width)
    for sentence in findings(runs):
        console.print(_hanging(sentence, "bold yellow" if sentence.startswith("Warning") else ""))
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())


def _print(console: Console, table: Table, width: int) -> None:
    for columns in _parts(table, width):
        console.print(_grid(table, columns))
        console.print()


def _parts(table: Table, width: int) -> list[list[int]]:
    """The columns in as few tables as fit the width, in their order, and these as even as can be."""
    fewest = len(_filled(table, width))
    return next(parts for limit in range(width + 1) if len(parts := _filled(table, limit)) == fewest)


def _filled(table: Table, width: int) -> list[list[int]]:
    """The columns in tables of at most this width; a column that is wider by itself has one to itself."""
    names = max(cell_len(label) for label, _ in table.rows)
    parts: list[list[int]] = []
    taken = width
    for column, heading in enumerate(table.headings):
        needed = 1 + max(map(cell_len, (*heading.split("\n"), *(cells[column] for _, cells in table.rows))))
        if taken + needed > width:
            parts.append([])
            taken = names
        parts[-1].append(column)
        taken += needed
    return parts


def _grid(table: Table, columns: Sequence[int]) -> Grid:
    grid = Grid(box=None, padding=(0, 0, 0, 1), pad_edge=False, header_style="bold")
    grid.add_column("run", vertical="bottom", overflow="fold")
    for column in columns:
        grid.add_column(table.headings[column], justify="right", vertical="bottom", no_wrap=True)
    for label, cells in table.rows:
        shown = (Text(cells[column], style=_STYLES.get(cells[column], "")) for column in columns)
        grid.add_row(Text(label), *shown)
    return grid


def _hanging(text: str, style: str = "") -> Grid:
    """A paragraph with a dash in front."""
    grid = Grid.grid(padding=(0, 1, 0, 0))
    grid.add_row("-", Text(text, style=style))
    return grid
