"""A comparison as Markdown for a pull request or a wiki: GitHub's tables, every text escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from locust_softphone.report.arms import Run
from locust_softphone.report.baseline_gate import ArmGate
from locust_softphone.report.comparison import Comparison
from locust_softphone.report.judgement import expectation_lines, judgement_of
from locust_softphone.report.run_sections import failures
from locust_softphone.report.tables import Table

__all__ = ["markdown"]

_MARKUP = re.compile(r"([\\`*_\[\]<|~])")


def markdown(comparison: Comparison) -> str:
    """The headline, the findings, the tables, then each run's outcome, expectations and remarks."""
    sentences = [finding.text for finding in (*comparison.findings, *comparison.warnings)]
    headline = f"**{_escaped(comparison.headline)}**\n"
    tables = [_table(table) for table in comparison.tables]
    gates = [_gate(arm, comparison.gate.baseline) for arm in comparison.gate.arms] if comparison.gate else []
    return "\n".join([headline, _list(sentences), *gates, *tables, *map(_run, comparison.runs)])


def _gate(arm: ArmGate, baseline: str) -> str:
    """A table of the metrics of one plan against the baseline; nothing where it cannot be told."""
    if not arm.metrics:
        return ""
    title = f"**{_escaped(f'{arm.label} against the baseline {baseline}')}**\n\n"
    rows = [[_escaped(text) for text in (each.metric, each.result, each.text)] for each in arm.metrics]
    return title + _grid(["metric", "result", "now"], ["---"] * 3, rows)


def _run(run: Run) -> str:
    record = run.record
    lines = (*expectation_lines(record), judgement_of(record).text, *failures(record), *run.remarks)
    return f"**{_escaped(run.label)}**: {_escaped(str(record.outcome))}\n\n{_list(lines)}"


def _table(table: Table) -> str:
    headings = [_escaped(heading.text) for heading in table.headings]
    title = f"**{_escaped(table.title)}**\n\n" if table.title else ""
    rows = [[_escaped(row.label), *(_escaped(cell.text) for cell in row.cells)] for row in table.rows]
    return title + _grid(["run", *headings], ["---", *["---:"] * len(headings)], rows)


def _grid(headings: Sequence[str], rules: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "".join(f"| {' | '.join(line)} |\n" for line in (headings, rules, *rows))


def _list(lines: Iterable[str]) -> str:
    return "".join(f"- {_escaped(line)}\n" for line in lines)


def _escaped(text: str) -> str:
    """``text`` without markup, on one line: a line break would end a table."""
    return _MARKUP.sub(r"\\\1", text.replace("\n", " "))
