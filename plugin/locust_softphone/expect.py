"""What a run must show: ``field operator value``, one fact each.

    rate_limited == 0            a count
    answered >= 99%              a share of the planned softphones
    call_setup.p95 < 800ms       a duration
    amplification <= 1.5         a ratio: attempts for each planned softphone

A fact that was not measured, or never happened, is None, and no expectation about it holds, not even ``!=``: a run
that says nothing about a limit must not pass for one that kept it.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from locust_softphone.units import format_duration, parse_duration
from locust_softphone.wording import did_you_mean, shown

__all__ = ["FIELDS", "PATTERN", "Expectation"]

Kind = Literal["softphones", "count", "ratio", "seconds"]

BY_KIND: Mapping[Kind, str] = {
    "softphones": "planned started connected answered gave_up unfinished",
    "count": """attempts attempts.token attempts.handshake attempts.offer
                rate_limited rate_limited.token rate_limited.handshake rate_limited.offer
                abnormal_closes abnormal_closes.refused abnormal_closes.reset abnormal_closes.lost
                abnormal_closes.proxy abnormal_closes.timed_out abnormal_closes.malformed
                retries retries.honoured retries.too_early""",
    "ratio": "amplification",
    "seconds": """time_to_connected
                  call_setup.p50 call_setup.p95 call_setup.p99 call_setup.max
                  start_lag.p50 start_lag.p95 start_lag.p99 start_lag.max""",
}

FIELDS: Mapping[str, Kind] = {field: kind for kind, fields in BY_KIND.items() for field in fields.split()}
"""Every fact that an expectation can be about, and what kind of quantity it is."""

OPERATORS = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    "<": operator.lt,
    ">=": operator.ge,
    ">": operator.gt,
}

PATTERN = rf"^({'|'.join(re.escape(field) for field in FIELDS)}) *({'|'.join(OPERATORS)}) *[0-9][0-9a-z.]*%?$"
"""An expectation as a regular expression, near enough for an editor."""

EXAMPLES: Mapping[Kind, str] = {"softphones": "99% or 500", "count": "0", "ratio": "1.5", "seconds": "800ms or 65s"}


@dataclass(frozen=True)
class Expectation:
    """One line of ``expect:``.

    Args:
        field: a key of ``FIELDS``.
        op: a key of ``OPERATORS``.
        value: what to compare with; seconds for a duration.
        is_share: whether ``value`` is in percent of the planned softphones.
    """

    field: str
    op: str
    value: float
    is_share: bool = False

    @classmethod
    def parse(cls, text: object) -> Expectation:
        """The expectation that ``text`` stands for.

        Raises:
            ValueError: what is wrong with it, and what would be right.
        """
        parts = re.fullmatch(r"\s*([\w.]+)\s*([=!<>]+)\s*([^\s=!<>]+)\s*", text) if isinstance(text, str) else None
        if not parts:
            raise ValueError(f"{shown(text)} is no expectation, write one such as answered == 100%")
        field, op, value = parts.groups()
        if field not in FIELDS:
            raise ValueError(f"{field} is no field of a run, {did_you_mean(field, FIELDS)}")
        if op not in OPERATORS:
            raise ValueError(f"{op} is no comparison, use one of {' '.join(OPERATORS)}")
        kind = FIELDS[field]
        if kind == "seconds":
            return cls(field, op, parse_duration(value))
        is_share = kind == "softphones" and value.endswith("%")
        number = value.removesuffix("%") if is_share else value
        whole = r"[0-9]{1,12}" if kind in ("softphones", "count") and not is_share else r"[0-9]{1,12}(\.[0-9]{1,3})?"
        if not re.fullmatch(whole, number, re.ASCII):
            raise ValueError(f"{field} cannot be compared with {shown(value)}, write {EXAMPLES[kind]}")
        return cls(field, op, float(number), is_share)

    def check(self, facts: Mapping[str, float | None]) -> bool:
        """Whether a run held it; ``facts`` are by field, durations in seconds, None where nothing was measured."""
        actual, planned = facts.get(self.field), facts.get("planned")
        if actual is None:
            return False
        if not self.is_share:
            return bool(OPERATORS[self.op](actual, self.value))
        if planned is None:
            return False
        return bool(OPERATORS[self.op](actual * 100, self.value * planned))

    def __str__(self) -> str:
        if FIELDS[self.field] == "seconds":
            return f"{self.field} {self.op} {format_duration(self.value)}"
        return f"{self.field} {self.op} {self.value:.15g}{'%' if self.is_share else ''}"
