"""A comparison as Markdown for a pull request or a wiki: GitHub's tables, every text escaped."""

from __future__ import annotations

import re
from collections.abc import Sequence

from locust_softphone.report.arms import Run
from locust_softphone.report.comparison import Comparison
from locust_softphone.report.tables import Table

__all__ = ["markdown"]

_MARKUP = re.compile(r"([\\`*_\[\]<|~])")
_HELD = {True: "held", False: "**failed**", None: "not decided"}


def markdown(comparison: Comparison) -> str:
    """The findings, the tables, the expectations of each run, and the remarks."""
    sentences = [finding.text for finding in (*comparison.findings, *comparison.warnings)]
    remarks = [f"{run.label}: {remark}" for run in comparison.runs for remark in run.remarks]
    tables = [_table(table) for table in comparison.tables]
    parts = [_list(sentences), *tables, _expectations(comparison.runs), _list(remarks)]
    return "\n".join(filter(None, parts))


def _table(table: Table) -> str:
    headings = [_escaped(heading.replace("-\n", "").replace("\n", " ")) for heading in table.headings]
    title = f"**{_escaped(table.title)}**\n\n" if table.title else ""
    rows = [[_escaped(row.label), *(_escaped(cell.text) for cell in row.cells)] for row in table.rows]
    return title + _grid(["run", *headings], ["---", *["---:"] * len(headings)], rows)


def _expectations(runs: Sequence[Run]) -> str:
    rows = [
        [_escaped(run.label), _escaped(each.text), _HELD[each.held]] for run in runs for each in run.record.expectations
    ]
    return _grid(["run", "expected", ""], ["---"] * 3, rows) if rows else ""


def _grid(headings: Sequence[str], rules: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "".join(f"| {' | '.join(line)} |\n" for line in (headings, rules, *rows))


def _list(lines: Sequence[str]) -> str:
    return "".join(f"- {_escaped(line)}\n" for line in lines)


def _escaped(text: str) -> str:
    """``text`` without markup, on one line: a line break would end a table."""
    return _MARKUP.sub(r"\\\1", text.replace("\n", " "))
