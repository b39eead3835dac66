"""The explanation of a plan as text for a terminal of any width."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from locust_softphone.jmeter.plan_sentences import Explanation, GroupExplanation, Listing
from locust_softphone.jmeter.time_table import TimeTable

__all__ = ["explanation_text"]

LONGEST_BAR = 30


def explanation_text(explanation: Explanation, width: int) -> str:
    """The whole explanation.

    Args:
        explanation: of a plan.
        width: of the terminal, in characters.
    """
    lines = [line for group in explanation.groups for line in _group(group, width)]
    lines += [
        line for listing in explanation.listings if listing.title == "left out" for line in _listing(listing, width)
    ]
    return "\n".join(lines).rstrip() + "\n"


def _group(group: GroupExplanation, width: int) -> Iterator[str]:
    yield group.name
    for finding in group.findings:
        yield from textwrap.wrap(finding, width, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
    yield from ("", *_table(group.table, width), "")
    for listing in group.listings:
        yield from _listing(listing, width)


def _listing(listing: Listing, width: int) -> Iterator[str]:
    yield f"  {listing.title}:"
    for line in listing.lines:
        yield from textwrap.wrap(line, width, initial_indent="  - ", subsequent_indent="    ", break_on_hyphens=False)
    yield ""


def _table(table: TimeTable, width: int) -> Iterator[str]:
    """Each row with a bar for its starts."""
    bar = min(LONGEST_BAR, max(width - 24 - 14 * len(table.titles), 1))
    yield _row("seconds", "starts", " " * bar, table.titles)
    for row in table.rows:
        drawn = "█" * round(bar * row.share) or ("▏" if row.starts else "")
        yield _row(row.span, row.starts, f"{drawn:{bar}}", row.numbers)


def _row(span: str, starts: object, bar: str, numbers: Sequence[object]) -> str:
    return f"  {span:>12} {starts:>7} {bar}{''.join(f'{number:>14}' for number in numbers)}".rstrip()
