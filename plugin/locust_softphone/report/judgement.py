"""Whether a run's expectations held, in words, after its outcome has been said.

    ✓ rate_limited > 0: 435
    ✗ answered == 100%: 39% (195 of 500)
    1 of 2 expectations failed

What was measured has the unit that the expectation has.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from locust_softphone.config.expectation import Expectation
from locust_softphone.metrics.catalogue import kind_of
from locust_softphone.report.values import number
from locust_softphone.runs.record import RunRecord
from locust_softphone.runs.record_parts import Expected
from locust_softphone.text import duration

__all__ = ["MARKS", "Judgement", "JudgementKind", "expectation_lines", "judgement_of", "measured"]

MARKS = {True: "✓", False: "✗", None: "?"}
"""The mark of an expectation that held, did not hold, was not decided."""


class JudgementKind(StrEnum):
    """The value is the name of its colour in style sheets."""

    HELD = "held"
    FAILED = "failed"
    REPRODUCED = "reproduced"
    NONE = "none"
    INVALID = "invalid"


class Judgement(NamedTuple):
    """The judgement of a run.

    Args:
        kind: what it is.
        text: in a sentence.
        short: in a cell of a table.
    """

    kind: JudgementKind
    text: str
    short: str


def judgement_of(record: RunRecord) -> Judgement:
    """Whether the run is valid, and how many of its expectations held."""
    total, held = len(record.expectations), sum(each.held is True for each in record.expectations)
    failed, share = sum(each.held is False for each in record.expectations), f"{held} of {total}"
    if record.verdict == "invalid":
        return Judgement(JudgementKind.INVALID, "not valid: its measurements cannot be trusted", "not valid")
    if failed or record.verdict == "failed":
        return Judgement(JudgementKind.FAILED, f"{failed} of {total} {_expectations(total)} failed", f"{share} ✗")
    if record.reproduced:
        return Judgement(JudgementKind.REPRODUCED, "reproduced the failure that the profile shows", "reproduced")
    if not total:
        return Judgement(JudgementKind.NONE, "no expectations", "none")
    return Judgement(JudgementKind.HELD, f"{share} {_expectations(total)} held", f"{share} ✓")


def expectation_lines(record: RunRecord) -> list[str]:
    """Each expectation with its mark and what was measured."""
    return [f"{MARKS[each.held]} {each.text}: {measured(each, record)}" for each in record.expectations]


def measured(expected: Expected, record: RunRecord) -> str:
    """What was measured for an expectation: ``435``, ``1.24 s``, ``39% (195 of 500)``."""
    value, expectation = expected.measured, Expectation.parse(expected.text)
    if value is None:
        return "not measured"
    if kind_of(expectation.metric) == "seconds":
        text = duration(value)
    elif expectation.is_share and record.totals.planned:
        text = f"{_percent(value, record.totals.planned, expectation.value)}% ({value:g} of {record.totals.planned})"
    else:
        text = number(value)
    return f"{text}, not decided when the run was aborted" if expected.held is None else text


def _percent(value: float, planned: int, limit: float) -> str:
    """A share in percent, with as many decimals as it takes to see that it is not the limit."""
    percent = 100 * value / planned
    for decimals in (1, 2, 3):
        text = f"{percent:.{decimals}f}"
        if float(text) != limit or percent == limit:
            break
    return text.removesuffix(".0")


def _expectations(total: int) -> str:
    return "expectation" if total == 1 else "expectations"
