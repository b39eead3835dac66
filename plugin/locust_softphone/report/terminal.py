"""A report as text for a terminal of any width.

several runs    the headline, the table of runs, the findings, then each run's outcome and expectations
one run         its outcome, then its sections

Colour adds no information. A table of runs that is too wide loses its least important columns, and says which; the
tables of repeated runs are continued below, each part with the labels again.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Literal

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from locust_softphone.metrics.run_outcome import OutcomeLevel
from locust_softphone.report.arms import Run
from locust_softphone.report.comparison import Comparison
from locust_softphone.report.drop_texts import drop_sentences
from locust_softphone.report.judgement import JudgementKind, expectation_lines, judgement_of
from locust_softphone.report.limit_texts import limits_in_short
from locust_softphone.report.run_sections import heading_of, sections_of, summary_lines
from locust_softphone.report.standard_output import wants_colour
from locust_softphone.report.tables import Table, legend_of
from locust_softphone.runs.record import RunRecord

__all__ = ["printed_summary", "render"]

MOST_RUNS = 8
"""Of more runs than these, only those that failed or have a remark are listed after the table."""

_STYLES: Mapping[str, str] = {
    OutcomeLevel.ALL: "green",
    OutcomeLevel.SOME: "yellow",
    OutcomeLevel.NONE: "red",
    JudgementKind.FAILED: "red",
    JudgementKind.INVALID: "bold red",
    "best": "bold green",
    "worst": "bold red",
}


def render(comparison: Comparison, *, width: int, colour: bool = False) -> str:
    """The whole report as text.

    Args:
        comparison: what to render.
        width: of the terminal, in cells.
        colour: whether to highlight headings, outcomes and what failed, with ANSI escapes.
    """
    console = _console(width, colour)
    if len(comparison.runs) == 1:
        _print_run(console, comparison.runs[0].record, details=True)
    else:
        _print_comparison(console, comparison, width)
    for warning in comparison.warnings:
        console.print(_bullet(warning.text, "bold yellow"))
    return _text(console)


def printed_summary(record: RunRecord) -> list[str]:
    """A run that has just ended as lines for standard output: plain, or in the width and colours of a terminal."""
    width = shutil.get_terminal_size().columns
    if not wants_colour():
        return summary_lines(record, width=width)
    console = _console(width, colour=True)
    _print_run(console, record, details=False)
    return _text(console).splitlines()


def _console(width: int, colour: bool) -> Console:
    system: Literal["standard"] | None = "standard" if colour else None
    return Console(file=StringIO(), width=width, force_terminal=colour, color_system=system)


def _text(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return "".join(f"{line.rstrip()}\n" for line in console.file.getvalue().splitlines())


# One run


def _print_run(console: Console, record: RunRecord, *, details: bool) -> None:
    console.print(Text(heading_of(record), style=f"bold {_STYLES[record.outcome.level]}"))
    grid = Grid.grid(padding=(0, 2, 0, 0))
    for section in sections_of(record, details=details):
        for number, line in enumerate(section.lines):
            grid.add_row("" if number else Text(section.title, style="bold"), Text(line, style=_style_of(line)))
    console.print(Padding(grid, (0, 0, 0, 2)))


def _style_of(line: str) -> str:
    return "red" if line.startswith("✗") else ""


# Several runs


def _print_comparison(console: Console, comparison: Comparison, width: int) -> None:
    console.print(Text(comparison.headline, style="bold"))
    console.print()
    first, *repeated = comparison.tables
    shown = _fitting(first, width)
    console.print(_grid(first, shown))
    console.print()
    left_out = [heading.text for column, heading in enumerate(first.headings) if column not in shown]
    wider = f"not shown at this width: {', '.join(left_out)}".replace("\n", " ") if left_out else ""
    legend = legend_of([first.headings[column] for column in shown])
    console.print(Text("\n".join(filter(None, (legend, wider))), style="dim"))
    console.print()
    for table in repeated:
        console.print(Text(f"{table.title}:"))
        for columns in _parts(table, width):
            console.print(_grid(table, columns))
            console.print()
    for finding in comparison.findings:
        console.print(_bullet(finding.text))
    console.print()
    for run in comparison.runs:
        if len(comparison.runs) <= MOST_RUNS or run.has_problems:
            _print_in_short(console, run)


def _print_in_short(console: Console, run: Run) -> None:
    outcome = run.record.outcome
    console.print(Text(f"{run.label}: {outcome}", style=_STYLES[outcome.level]))
    lines = (*expectation_lines(run.record), judgement_of(run.record).text)
    console.print(Padding(Text(" · ").join(Text(line, style=_style_of(line)) for line in lines), (0, 0, 0, 2)))
    for remark in (*run.remarks, *limits_in_short(run.record), *drop_sentences(run.record)):
        console.print(Padding(_bullet(remark), (0, 0, 0, 2)))


# Tables


def _fitting(table: Table, width: int) -> list[int]:
    """The most important columns that fit the width together, in the order of the table; at least one."""
    left = width - _label_width(table)
    chosen: list[int] = []
    for column in sorted(range(len(table.headings)), key=lambda column: table.headings[column].rank):
        needed = _column_width(table, column)
        if chosen and needed > left:
            break
        chosen.append(column)
        left -= needed
    return sorted(chosen)


def _parts(table: Table, width: int) -> list[list[int]]:
    """The columns in as few parts as fit the width, in their order, and the parts of similar width."""
    fewest = len(_filled(table, width))
    return next(parts for limit in range(width + 1) if len(parts := _filled(table, limit)) == fewest)


def _filled(table: Table, width: int) -> list[list[int]]:
    """The columns in parts of at most this width; a column that is wider is a part of its own."""
    parts: list[list[int]] = []
    taken = width
    for column in range(len(table.headings)):
        needed = _column_width(table, column)
        if taken + needed > width:
            parts.append([])
            taken = _label_width(table)
        parts[-1].append(column)
        taken += needed
    return parts


def _label_width(table: Table) -> int:
    return max(cell_len(row.label) for row in table.rows)


def _column_width(table: Table, column: int) -> int:
    heading = table.headings[column].text
    return 1 + max(map(cell_len, (*heading.split("\n"), *(row.cells[column].text for row in table.rows))))


def _grid(table: Table, columns: Sequence[int]) -> Grid:
    grid = Grid(box=None, padding=(0, 0, 0, 1), pad_edge=False, header_style="bold")
    grid.add_column("run", vertical="bottom", overflow="fold")
    for column in columns:
        grid.add_column(table.headings[column].text, justify="right", vertical="bottom", no_wrap=True)
    for row in table.rows:
        cells = [row.cells[column] for column in columns]
        grid.add_row(Text(row.label), *(Text(cell.text, style=_STYLES.get(cell.mark, "")) for cell in cells))
    return grid


def _bullet(text: str, style: str = "") -> Grid:
    """A list item whose further lines are indented."""
    grid = Grid.grid(padding=(0, 1, 0, 0))
    grid.add_row("-", Text(text, style=style))
    return grid
