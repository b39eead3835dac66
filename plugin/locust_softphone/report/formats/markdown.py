"""A comparison as Markdown, for a pull request or a wiki: GitHub's tables, with every text escaped."""

from __future__ import annotations

import re
from collections.abc import Sequence

from locust_softphone.report.comparison import Run
from locust_softphone.report.findings import findings
from locust_softphone.report.tables import Table, tables

__all__ = ["markdown"]

_MARKUP = re.compile(r"([\\`*_\[\]<|~])")
_HELD = {True: "held", False: "**failed**", None: "not decided"}


def markdown(runs: Sequence[Run]) -> str:
    """The sentences, the tables, what each run was expected to show, and the remarks."""
    parts = [_list([_escaped(sentence) for sentence in findings(runs)])]
    parts += [_table(table) for table in tables(runs)]
    if expected := _expectations(runs):
        parts.append(expected)
    if remarks := [f"{_escaped(run.label)}: {_escaped(remark)}" for run in runs for remark in run.remarks]:
        parts.append(_list(remarks))
    return "\n".join(parts)


def _table(table: Table) -> str:
    headings = [_escaped(heading.replace("-\n", "").replace("\n", " ")) for heading in table.headings]
    title = f"**{_escaped(table.title)}**\n\n" if table.title else ""
    rows = [[_escaped(label), *map(_escaped, cells)] for label, cells in table.rows]
    return title + _grid(["run", *headings], ["---", *["---:"] * len(headings)], rows)


def _expectations(runs: Sequence[Run]) -> str:
    rows = [
        [_escaped(run.label), _escaped(each["text"]), _HELD[each["held"]]]
        for run in runs
        for each in run.record["expectations"]
    ]
    return _grid(["run", "expected", ""], ["---"] * 3, rows) if rows else ""


def _grid(headings: Sequence[str], rules: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "".join(f"| {' | '.join(line)} |\n" for line in (headings, rules, *rows))


def _list(lines: Sequence[str]) -> str:
    return "".join(f"- {line}\n" for line in lines)


def _escaped(text: str) -> str:
    """``text`` as it is, whatever characters it has; a line break would end a table."""
    return _MARKUP.sub(r"\\\1", text.replace("\n", " "))
