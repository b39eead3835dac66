"""What a run must show: ``field operator value``, one fact each.

    rate_limited == 0            a count
    answered >= 99%              a share of the planned softphones
    call_setup.p95 < 800ms       a duration
    amplification <= 1.5         a ratio: attempts for each planned softphone

    {that: rate_limited == 0, abort: true}      ends the run as soon as it can no longer hold

A fact that was not measured, or never happened, is None, and no expectation about it holds, not even ``!=``: a run
that says nothing about a limit must not pass for one that kept it.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from locust_softphone.config.units import format_duration, parse_duration
from locust_softphone.metrics.bounds import Range
from locust_softphone.metrics.catalogue import FIELD_PATTERN, FIELDS, Kind, kind_of
from locust_softphone.text import did_you_mean, nearest, quoted

__all__ = ["PATTERN", "Expectation"]

OPERATORS = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    "<": operator.lt,
    ">=": operator.ge,
    ">": operator.gt,
}

PATTERN = rf"^({FIELD_PATTERN}) *({'|'.join(OPERATORS)}) *[0-9][0-9a-z.]*%?$"
"""An expectation as a regular expression, near enough for an editor."""

EXAMPLES: Mapping[Kind, str] = {"softphones": "99% or 500", "count": "0", "ratio": "1.5", "seconds": "800ms or 65s"}
KEYS = {"that", "abort"}


@dataclass(frozen=True)
class Expectation:
    """One entry of ``expect:``.

    Args:
        field: a field of a run (``fields``).
        op: a key of ``OPERATORS``.
        value: what to compare with; seconds for a duration.
        is_share: whether ``value`` is in percent of the planned softphones.
        abort: whether the run ends as soon as it can no longer hold.
    """

    field: str
    op: str
    value: float
    is_share: bool = False
    abort: bool = False

    @classmethod
    def parse(cls, text: object) -> Expectation:
        """The expectation that ``text`` stands for.

        Raises:
            ValueError: what is wrong with it, and what would be right.
        """
        parts = re.fullmatch(r"\s*([\w.]+)\s*([=!<>]+)\s*([^\s=!<>]+)\s*", text) if isinstance(text, str) else None
        if not parts:
            raise ValueError(f"{quoted(text)} is no expectation, write one such as answered == 100%")
        field, op, value = parts.groups()
        kind = kind_of(field)
        if kind is None:
            raise ValueError(f"{field} is no field of a run, {_advice(field)}")
        if op not in OPERATORS:
            raise ValueError(f"{op} is no comparison, use one of {' '.join(OPERATORS)}")
        if kind == "seconds":
            return cls(field, op, parse_duration(value))
        is_share = kind == "softphones" and value.endswith("%")
        number = value.removesuffix("%") if is_share else value
        whole = r"[0-9]{1,12}" if kind in ("softphones", "count") and not is_share else r"[0-9]{1,12}(\.[0-9]{1,3})?"
        if not re.fullmatch(whole, number, re.ASCII):
            raise ValueError(f"{field} cannot be compared with {quoted(value)}, write {EXAMPLES[kind]}")
        return cls(field, op, float(number), is_share)

    @classmethod
    def read(cls, entry: object) -> Expectation:
        """The expectation that an entry of a profile stands for: a text, or a mapping with ``that`` and ``abort``.

        Raises:
            ValueError: what is wrong with it, and what would be right.
        """
        if not isinstance(entry, Mapping) or not entry.keys() & KEYS:
            return cls.parse(entry)
        if unknown := [key for key in entry if key not in KEYS]:
            raise ValueError(f"{quoted(unknown[0])} is an unknown key, {did_you_mean(unknown[0], KEYS)}")
        if "that" not in entry:
            raise ValueError("lacks its expectation, write one such as {that: rate_limited == 0, abort: true}")
        abort = entry.get("abort", False)
        if not isinstance(abort, bool):
            raise ValueError(f"abort must be true or false, not {quoted(abort)}")
        return replace(cls.parse(entry["that"]), abort=abort)

    def plain(self) -> str | dict[str, Any]:
        """What ``read`` reads back."""
        return {"that": str(self), "abort": True} if self.abort else str(self)

    def check(self, facts: Mapping[str, float | None]) -> bool:
        """Whether a run held it; ``facts`` are by field, durations in seconds, None where nothing was measured."""
        actual, planned = self.measured(facts), facts.get("planned")
        if actual is None or (self.is_share and planned is None):
            return False
        return self._compare(actual, planned or 0)

    def measured(self, facts: Mapping[str, float | None]) -> float | None:
        """What a run came to; a close code that no WebSocket ended with was counted 0 times."""
        return facts.get(self.field, 0 if self.field.startswith("closes.") else None)

    def decided(self, possible: Range, planned: int) -> bool | None:
        """Whether it is certain, of a run that is not over, that it will hold (True) or will not (False).

        Args:
            possible: the values that its metric can still take.
            planned: the planned softphones.
        """
        if self.op in ("==", "!="):
            equal = self._as("==")._compare(possible.low, planned)
            if equal and possible.low == possible.high:
                return self.op == "=="
            apart = self._as(">")._compare(possible.low, planned) or self._as("<")._compare(possible.high, planned)
            return self.op == "!=" if apart else None
        low, high = self._compare(possible.low, planned), self._compare(possible.high, planned)
        return low if low == high else None

    def _as(self, op: str) -> Expectation:
        return replace(self, op=op)

    def _compare(self, actual: float, planned: float) -> bool:
        if self.is_share:
            actual, limit = actual * 100, self.value * planned
        else:
            limit = self.value
        return bool(OPERATORS[self.op](actual, limit))

    def __str__(self) -> str:
        if kind_of(self.field) == "seconds":
            return f"{self.field} {self.op} {format_duration(self.value)}"
        return f"{self.field} {self.op} {self.value:.15g}{'%' if self.is_share else ''}"


def _advice(field: str) -> str:
    """The field that is nearest to a wrong one, or what fields begin with: there are hundreds."""
    if near := nearest(field, (*FIELDS, "closes.1006")):
        return f"did you mean {near}?"
    return f"fields begin with {', '.join(sorted({name.partition('.')[0] for name in FIELDS}))}"
